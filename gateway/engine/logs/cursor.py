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

from gateway.engine.codec.timestamps import nanoseconds, time_of
from gateway.engine.logs.marks import MASK
from gateway.engine.resumable.token import TokenCodec


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
