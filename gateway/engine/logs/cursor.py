"""Cursors in the log of a container, and their tokens.

A mark stands for one entry.  A cursor holds the marks of the last entries that were sent.  An answer of the engine that
contains these entries contains all entries after them.  Cursors do not compare times, because times do not order a log:
clocks are set back, entries share a time, and the engine stamps the two outputs before it orders them.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

from gateway.engine.codec.timestamps import nanoseconds, time_of
from gateway.engine.logs.entries import Entry
from gateway.engine.resumable.token import TokenCodec

ANCHOR = 8  # marks in a cursor
LEAST_PIECE = 4 << 10  # bytes; a shorter piece is the end of a line, because engines cut lines at 8 or 16 KiB
UNKNOWN = -1  # the mark of an entry that can be any of several equal ones
MASK = (1 << 64) - 1


def mark_of(entry: Entry) -> int:
    """Return the mark, 64 bits, of an entry that differs from its neighbours."""
    stream, time, line = entry
    return crc32(line, stream) << 32 | crc32(time)


def end_alike(marks: Sequence[int], others: Sequence[int]) -> bool:
    """Return whether the last of *marks* can stand for the same entries as the last of *others*."""
    pairs = zip(reversed(marks), reversed(others), strict=False)
    return all(one == other or UNKNOWN in (one, other) for one, other in pairs)


class Marks:
    """Gives the entries of one answer their marks, in order.

    The pieces of one long line share a time and can be equal.  They are counted, so that each has its own mark.  Whole
    lines are not counted: when the engine sends equal ones with one time, it repeats itself.  Short pieces are not
    counted, because they end a line.
    """

    def __init__(self, *, from_beginning: bool = False) -> None:
        """*from_beginning*: the answer begins with the first entry of the log.  Otherwise equal pieces at the beginning
        of the answer have the mark `UNKNOWN`.
        """
        self._last: dict[int, tuple[int, int]] = {}  # by stream: the last mark, not counted, and its count
        self._first = 0 if from_beginning else UNKNOWN

    def pass_over(self) -> None:
        """Note that entries, which are whole lines, get no marks."""
        self._first = 0

    def of(self, entries: Sequence[Entry]) -> list[int]:
        """Return the marks of the next entries."""
        marks, known = [], self._last
        for stream, time, line in entries:
            mark = crc32(line, stream) << 32 | crc32(time)
            count = 0
            if len(line) >= LEAST_PIECE and not line.endswith(b"\n"):
                last, before = known.get(stream, (None, 0))
                if last is None:
                    count = self._first
                elif last == mark:
                    count = UNKNOWN if before == UNKNOWN else before + 1
            known[stream] = mark, count
            marks.append(UNKNOWN if count == UNKNOWN else (mark + count) & MASK)
        return marks


class LogCursor(NamedTuple):
    """A position in the log of one container.

    `marks` are those of the last entries sent, at most eight; without marks, the log was empty.  `time` is that of the
    last entry.  With `ahead`, the position is right after a gap, and `marks` holds the mark of the next entry.
    `unproven` is the number of believed entries at the end, and `checksum` the sum of their marks.  `proven` is the
    mark of the last entry before them, 0 without one, and `proven_time` its time.
    """

    started: str = ""  # when the run began, as the engine writes it
    marks: tuple[int, ...] = ()
    time: bytes = b""
    ahead: bool = False
    unproven: int = 0
    checksum: int = 0
    proven: int = 0
    proven_time: bytes = b""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """The content of a token: a cursor, its log, and `flags` that the call must repeat."""

    host: str
    container: str  # its full id
    flags: int
    cursor: LogCursor


class LogTokenCodec:
    """Makes tokens of resume points.  Gateways with the same *key* accept each other's tokens."""

    def __init__(self, key: bytes) -> None:
        self._codec = TokenCodec(key, "log", version=2, layout="BBIQQqq", texts=4)

    def token(self, point: ResumePoint) -> bytes:
        """Return the token of *point*, about 200 bytes."""
        return self._codec.encode(*self._content(point))

    def pack(self, point: ResumePoint) -> bytes:
        """Return *point* as bytes, for a token with several points."""
        return self._codec.pack(*self._content(point))

    @staticmethod
    def _content(point: ResumePoint) -> tuple[Sequence[Any], Sequence[bytes]]:
        cursor = point.cursor
        time = nanoseconds(cursor.time) if cursor.time else -1
        proven_time = nanoseconds(cursor.proven_time) if cursor.proven_time else -1
        marks = [mark & MASK for mark in cursor.marks]
        return (
            (point.flags, cursor.ahead, cursor.unproven, cursor.checksum, cursor.proven & MASK, time, proven_time),
            (
                point.host.encode(),
                bytes.fromhex(point.container),
                cursor.started.encode(),
                struct.pack(f">{len(marks)}Q", *marks),
            ),
        )

    def point(self, token: bytes) -> ResumePoint:
        """Return the content of *token*.  Raises `InvalidToken`."""
        return self._point(*self._codec.decode(token))

    def unpack(self, content: bytes) -> ResumePoint:
        """Return the point that `pack` has packed.  Raises `InvalidToken`."""
        return self._point(*self._codec.unpack(content))

    @staticmethod
    def _point(values: Sequence[Any], texts: Sequence[bytes]) -> ResumePoint:
        flags, ahead, unproven, checksum, proven, *times = values
        host, container, started, packed = texts
        marks = struct.unpack(f">{len(packed) // 8}Q", packed)
        time, proven_time = (b"" if number < 0 else time_of(number) for number in times)
        cursor = LogCursor(started.decode(), marks, time, bool(ahead), unproven, checksum, proven, proven_time)
        return ResumePoint(host.decode(), container.hex(), flags, cursor)
