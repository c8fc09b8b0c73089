"""Cuts a log with timestamps into entries, and joins the parts of long lines.

Without a terminal, a frame is an entry: the time, a space, the line.  With a terminal there are no frames, and a line
feed ends an entry.  But the Engine cuts lines at 16 KiB, and the next part of a line follows with its own time and
without a line feed before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from gateway.engine.codec.frames import STDOUT, SYSTEM_ERROR, FrameError, dated_frames, system_error, whole_size

_MAX_PART = 16 << 10  # bytes at which the Engine cuts lines (moby, daemon/logger/copier.go)
_MAX_ENTRY = 2 << 20  # bytes; more than any log driver writes as one entry
_MAX_LINE = 1 << 20  # a longer line is sent in parts
# Searching a long remainder again for each new byte would cost too much.
_LONG_REST, _SEARCHED_TOGETHER = 64 << 10, 16 << 10
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) ")


class Entry(NamedTuple):
    """One entry.  `time` is canonical in the entries of an `Answer`, and `line` has its line feed, if any."""

    stream: int
    time: bytes
    line: bytes


_entry = partial(tuple.__new__, Entry)  # takes a third of the time of Entry(…)


class FramedLog:
    """Cuts framed output into entries."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._needed = 0  # bytes that complete the frame

    def feed(self, data: bytes) -> list[Entry]:
        """Return the entries that *data* completes.

        Raises `FrameError` for malformed data, and `OperationFailed` for a system error of the engine.
        """
        if self._rest:
            if self._needed > _MAX_ENTRY:
                raise FrameError(f"a log entry exceeds {_MAX_ENTRY} bytes")
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
        entries, rest = dated_frames(data, _entry)
        self._rest, self._needed = bytearray(rest), whole_size(rest)
        if SYSTEM_ERROR in {entry[0] for entry in entries}:
            raise system_error(next(entry.time for entry in entries if entry.stream == SYSTEM_ERROR))
        return entries

    def finish(self) -> list[Entry]:
        """Note the end of the log.  Raises `FrameError` when it ended within an entry."""
        if self._rest:
            raise FrameError("the log ended within a frame")
        return []


class TerminalLog:
    """Cuts a terminal's output into entries."""

    def __init__(self, *, details: bool = False) -> None:
        """*details*: the attributes that the log driver adds are between time and line."""
        self._details = details
        self._rest = b""
        self._more = bytearray()  # data after the remainder, which was not searched yet

    def feed(self, data: bytes) -> list[Entry]:
        """Return the entries that *data* completes.  Raises `FrameError` for malformed data."""
        if len(self._rest) > _LONG_REST and b"\n" not in data:
            self._more += data
            if len(self._more) < _SEARCHED_TOGETHER:
                return []
            data = b""
        *whole, rest = b"".join((self._rest, self._more, data)).split(b"\n")
        self._more.clear()
        entries = [self._entry(part) for line in whole for part in self._parts(line + b"\n")]
        # The parts of a cut line are complete before its line feed comes.
        *parts, self._rest = self._parts(rest)
        entries += map(self._entry, parts)
        if len(self._rest) > _MAX_ENTRY:
            raise FrameError(f"a log entry exceeds {_MAX_ENTRY} bytes")
        return entries

    def finish(self) -> list[Entry]:
        """Return the rest, which has no line feed: the beginning of an unfinished line."""
        rest, self._rest = self._rest + bytes(self._more), b""
        return [self._entry(rest)] if rest else []

    def _parts(self, text: bytes) -> Iterator[bytes]:
        """Yield *text*, at most one line, in the parts that the Engine cut it into."""
        while cut := self._cut(text):
            yield text[:cut]
            text = text[cut:]
        yield text

    def _cut(self, text: bytes) -> int:
        """Return where in *text* the next part begins; 0 when *text* is one part."""
        if len(text) <= _MAX_PART:
            return 0
        if not (time := _TIME.match(text)):
            return 0
        start = time.end()
        if self._details:
            start = text.find(b" ", start) + 1
        cut = start + _MAX_PART
        return cut if _TIME.match(text, cut) else 0

    def _entry(self, text: bytes) -> Entry:
        if not (time := _TIME.match(text)):
            raise FrameError("a log entry has no time")
        return Entry(STDOUT, time[0][:-1], text[time.end() :])


class Lines:
    """Joins the parts of long lines, up to 1 MiB.

    Parts wait until their line is complete.  An entry between two parts waits with them, because a reader that resumes
    after it must have all entries before it.
    """

    def __init__(self) -> None:
        self._held: list[Entry] = []
        self._size = 0
        self._open: set[int] = set()  # streams whose last entry did not end a line

    @property
    def waiting(self) -> bool:
        """Whether entries wait."""
        return bool(self._held)

    def feed(self, entries: list[Entry]) -> tuple[list[Entry], list[Entry]]:
        """Return complete lines, and the entries that they are made of.  Nearly always, both are *entries*."""
        if not self._held and not [entry for entry in entries if not entry[2].endswith(b"\n")]:
            return entries, entries
        lines: list[Entry] = []
        parts: list[Entry] = []
        for entry in entries:
            self._held.append(entry)
            self._size += len(entry.line)
            if entry.line.endswith(b"\n"):
                self._open.discard(entry.stream)
            else:
                self._open.add(entry.stream)
            if not self._open or self._size >= _MAX_LINE:
                whole, held = self.flush()
                lines += whole
                parts += held
        return lines, parts

    def flush(self) -> tuple[list[Entry], list[Entry]]:
        """Return the entries that wait, and the lines that they make, complete or not; lines come first."""
        held, self._held, self._size = self._held, [], 0
        self._open.clear()
        return _joined(held), held


def _joined(parts: list[Entry]) -> list[Entry]:
    """Return the lines that *parts* make, in the order of their first parts."""
    lines: list[tuple[int, bytes, list[bytes]]] = []
    begun: dict[int, list[bytes]] = {}
    for stream, time, text in parts:
        if stream in begun:
            begun[stream].append(text)
        else:
            begun[stream] = [text]
            lines.append((stream, time, begun[stream]))
        if text.endswith(b"\n"):
            del begun[stream]
    return [Entry(stream, time, b"".join(texts)) for stream, time, texts in lines]
