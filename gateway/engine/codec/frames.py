"""The Engine's multiplexed output format, without I/O: bytes in, frames out.

A frame is a header of eight bytes, with the number of the stream and the length of the data in big-endian order, and
the data (Engine API, "Attach to a container", stream format).  A terminal's output has no frames.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from gateway.engine.errors import OperationFailed

STDOUT, STDERR, SYSTEM_ERROR = 1, 2, 3

# The Engine writes standard input that it echoes as stream 0, and means standard output.  Stream 3 is a system error:
# its data is a message of the engine, and Docker's client fails with it even when it is empty (moby, stdcopy.StdCopy).
_STREAMS = {0: STDOUT, 1: STDOUT, 2: STDERR, 3: SYSTEM_ERROR}
_HEADER = struct.Struct(">BxxxL")


Made = TypeVar("Made")


class FrameError(Exception):
    """The bytes are not frames, or end within one."""


class Frame(NamedTuple):
    """A piece of the data of a frame; `last` says whether it is the last one."""

    stream: int
    data: bytes
    last: bool


class FrameDecoder:
    """Cuts bytes into frames.

    The data of a frame is returned as it arrives, so that a header that announces four gigabytes costs nothing.
    Empty frames are left out, except those of a system error.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._stream = STDOUT
        self._missing = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames, and pieces of them, in *data*.  Raises `FrameError` for an unknown stream."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        position, end = 0, len(data)
        while position < end:
            if not self._missing:
                if end - position < _HEADER.size:
                    self._rest = data[position:]
                    return
                number, self._missing = _HEADER.unpack_from(data, position)
                if number not in _STREAMS:
                    raise FrameError(f"output frame of unknown stream {number}")
                self._stream = _STREAMS[number]
                position += _HEADER.size
                if not self._missing:
                    if self._stream == SYSTEM_ERROR:
                        yield Frame(SYSTEM_ERROR, b"", True)
                    continue
            piece = data[position : position + self._missing]
            position += len(piece)
            self._missing -= len(piece)
            if piece:
                yield Frame(self._stream, piece, not self._missing)

    def finish(self) -> None:
        """Note that the bytes have ended.  Raises `FrameError` when they ended within a frame."""
        if self._missing or self._rest:
            raise FrameError("the output ended within a frame")


def dated_frames(data: bytes, make: Callable[[tuple[int, bytes, bytes]], Made]) -> tuple[list[Made], bytes]:
    """Cut *data*, of a log with timestamps, into whole frames; return what *make* returns for each, and the rest.

    *make* gets the stream, the timestamp, and what follows the space after it; for an error of the engine, the whole
    data in place of the timestamp.  This is three times as fast as a `FrameDecoder`: logs have hundreds of thousands
    of entries, and a piece of one is useless.  Empty frames are left out, except those of a system error.  Raises
    `FrameError`.
    """
    made: list[Made] = []
    unpack, find, append = _HEADER.unpack_from, data.find, made.append
    position, end, header = 0, len(data), _HEADER.size
    while (start := position + header) <= end:
        stream, length = unpack(data, position)
        if stream not in _STREAMS:
            raise FrameError(f"output frame of unknown stream {stream}")
        if (stop := start + length) > end:
            break
        position = stop
        if (space := find(b" ", start, stop)) >= 0 and stream != SYSTEM_ERROR:
            append(make((stream or STDOUT, data[start:space], data[space + 1 : stop])))
        elif stream == SYSTEM_ERROR:
            append(make((stream, data[start:stop], b"")))
        elif length:
            raise FrameError("a log entry has no time")
    return made, data[position:]


def system_error(message: bytes) -> OperationFailed:
    """Return the failure that a system error with *message* stands for."""
    text = message.decode(errors="backslashreplace").strip()
    return OperationFailed(text or "the engine reports an error without a message")


def whole_size(data: bytes) -> int:
    """Return the size of the frame that begins with *data*; that of a header, if *data* does not have it all."""
    return _HEADER.size if len(data) < _HEADER.size else _HEADER.size + int(_HEADER.unpack_from(data)[1])


class RawDecoder:
    """Returns a terminal's bytes as standard output."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield *data*."""
        if data:
            yield Frame(STDOUT, data, True)

    def finish(self) -> None:
        """Do nothing: raw output cannot end within a frame."""


Decoder = FrameDecoder | RawDecoder
