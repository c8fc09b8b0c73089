"""A container's log: the Engine's output with its timestamps, cut into entries.

Where there is no terminal, a frame is an entry: the time, a space, the line.  With a terminal there are no frames,
and entries follow each other by line feeds; but the Engine cuts lines at 16 KiB, and the next part of a cut line
follows at once, with a time of its own and no line feed between.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from typing import NamedTuple

from gateway.engine.connection import Connection
from gateway.engine.frames import STDOUT, SYSTEM_ERROR, FrameError, whole_frames
from gateway.engine.streams import OperationFailed, TornStream

_LONGEST_PART = 16 << 10  # where the Engine cuts lines (moby, daemon/logger/copier.go)
_LONGEST_ENTRY = 2 << 20  # more than any log driver delivers at once
# The engine writes each line by itself.  A message for each would cost more than all the rest, so little that comes
# right after other lines makes the reader rest for a moment; what comes meanwhile goes with it.
_LITTLE_BYTES = 8 << 10
_RIGHT_AFTER_SECONDS = 0.01
_REST_SECONDS = 0.001
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) ")


class Entry(NamedTuple):
    """One entry: `time` as the Engine wrote it, b"" when it was not asked for; `line` with its line feed, if any."""

    stream: int
    time: bytes
    line: bytes


_entry = Entry._make  # in half the time of Entry(…)


class FramedLog:
    """Cuts framed output into entries."""

    def __init__(self, *, timestamps: bool) -> None:
        self._timestamps = timestamps
        self._rest = b""

    def feed(self, data: bytes) -> list[Entry]:
        """Return the entries that *data* completes.

        Raises `FrameError` for what is no log, and `OperationFailed` for a report of the engine.
        """
        frames, self._rest = whole_frames(self._rest + data)
        if len(self._rest) > _LONGEST_ENTRY:
            raise FrameError(f"a log entry exceeds {_LONGEST_ENTRY} bytes")
        entries = []
        for stream, piece in frames:
            if stream == SYSTEM_ERROR:
                raise OperationFailed(piece.decode(errors="backslashreplace").strip())
            time, space, line = piece.partition(b" ") if self._timestamps else (b"", b" ", piece)
            if not space:
                raise FrameError("a log entry has no time")
            entries.append(_entry((stream, time, line)))
        return entries

    def finish(self) -> list[Entry]:
        """Say that the log has ended.  Raises `FrameError` when it ended within an entry."""
        if self._rest:
            raise FrameError("the log ended within a frame")
        return []


class TerminalLog:
    """Cuts a terminal's output into entries."""

    def __init__(self, *, timestamps: bool, details: bool = False) -> None:
        self._timestamps = timestamps
        self._details = details
        self._rest = b""

    def feed(self, data: bytes) -> list[Entry]:
        """Return the entries that *data* completes.  Raises `FrameError` for what is no log."""
        *whole, rest = (self._rest + data).split(b"\n")
        entries = [self._entry(part) for line in whole for part in self._parts(line + b"\n")]
        # A cut line: its parts are complete before its line feed comes.
        *parts, self._rest = self._parts(rest)
        entries += map(self._entry, parts)
        if len(self._rest) > _LONGEST_ENTRY:
            raise FrameError(f"a log entry exceeds {_LONGEST_ENTRY} bytes")
        return entries

    def finish(self) -> list[Entry]:
        """Return what has no line feed behind it: the beginning of a line that is not finished yet."""
        rest, self._rest = self._rest, b""
        return [self._entry(rest)] if rest else []

    def _parts(self, text: bytes) -> Iterator[bytes]:
        """Yield *text*, of one line at most, in the parts that the Engine cut it into."""
        while cut := self._cut(text):
            yield text[:cut]
            text = text[cut:]
        yield text

    def _cut(self, text: bytes) -> int:
        """Return where in *text* the next part begins; 0 when all of it is one part."""
        if len(text) <= _LONGEST_PART:
            return 0
        start = 0
        if self._timestamps:
            if not (time := _TIME.match(text)):
                return 0
            start = time.end()
        if self._details:
            start = text.find(b" ", start) + 1
        cut = start + _LONGEST_PART
        if self._timestamps:
            return cut if _TIME.match(text, cut) else 0
        return cut if len(text) > cut else 0

    def _entry(self, text: bytes) -> Entry:
        if self._timestamps and (time := _TIME.match(text)):
            return Entry(STDOUT, time[0][:-1], text[time.end() :])
        return Entry(STDOUT, b"", text)


async def entries(connection: Connection, log: FramedLog | TerminalLog) -> AsyncGenerator[list[Entry], None]:
    """Yield the entries of a log as they come, those of one read together, to the end.

    Raises `OperationFailed`, `TornStream` and `TransportError`.
    """
    loop = asyncio.get_running_loop()
    before = -_RIGHT_AFTER_SECONDS
    try:
        while data := await connection.read():
            if found := log.feed(data):
                yield found
            now = loop.time()
            if len(data) < _LITTLE_BYTES and now - before < _RIGHT_AFTER_SECONDS:
                await connection.rest(_REST_SECONDS)
            before = now
        if found := log.finish():
            yield found
    except FrameError as error:
        raise TornStream(str(error), sent=True) from error
