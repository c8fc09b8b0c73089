"""Messages put together as bytes, where making objects would cost more than the rest of the call.

Only for what streams in bulk: output, log entries, archives.  Field numbers come from the descriptors.
(Protocol Buffers, "Encoding": a field is its tag, and for bytes and messages the length, before the value.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from dockfleet.v1 import common_pb2, containers_pb2
from google.protobuf.descriptor import Descriptor

from gateway.engine.frames import STDERR, Frame
from gateway.engine.logs import Entry
from gateway.engine.relay import Dropped

_MOST_BYTES = 256 << 10
_VARINT, _LENGTH_DELIMITED = 0, 2


@lru_cache(maxsize=1 << 16)
def varint(number: int) -> bytes:
    """Return *number*, not negative, as a varint."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def tag(message: Descriptor, field: str) -> bytes:
    """Return the tag of *field*, for bytes, strings and messages."""
    return varint(message.fields_by_name[field].number << 3 | _LENGTH_DELIMITED)


def _flag(message: Descriptor, field: str, value: int) -> bytes:
    return varint(message.fields_by_name[field].number << 3 | _VARINT) + varint(value)


_OUTPUT = common_pb2.Output.DESCRIPTOR
_OUTPUT_STDOUT = _flag(_OUTPUT, "stream", common_pb2.STREAM_STDOUT) + tag(_OUTPUT, "data")
_OUTPUT_STDERR = _flag(_OUTPUT, "stream", common_pb2.STREAM_STDERR) + tag(_OUTPUT, "data")


def output_encoder(response: Any) -> Callable[[list[Frame] | Dropped], Iterable[bytes]]:
    """Return the function that makes *response* messages of the frames of one read, or of what is missing.

    They go into the fields `output` and `dropped`.
    """
    outer = tag(response.DESCRIPTOR, "output")

    def encode(frames: list[Frame] | Dropped) -> Iterable[bytes]:
        if isinstance(frames, Dropped):
            yield response(dropped=common_pb2.DroppedOutput(bytes=frames.bytes)).SerializeToString()
            return
        for stream, data in _joined(frames):
            inner = (_OUTPUT_STDERR if stream == STDERR else _OUTPUT_STDOUT) + varint(len(data))
            yield b"".join((outer, varint(len(inner) + len(data)), inner, data))

    return encode


def _joined(frames: list[Frame]) -> Iterable[tuple[int, bytes]]:
    """Yield the output with neighbours of one stream together, at most 256 KiB each."""
    pieces: list[bytes] = []
    size, current = 0, 0
    for stream, data, _ in frames:
        if pieces and (stream != current or size + len(data) > _MOST_BYTES):
            yield current, b"".join(pieces)
            pieces, size = [], 0
        current = stream
        for start in range(0, len(data), _MOST_BYTES):
            pieces.append(data[start : start + _MOST_BYTES])
            size += len(pieces[-1])
            if size >= _MOST_BYTES:
                yield current, b"".join(pieces)
                pieces, size = [], 0
    if pieces:
        yield current, b"".join(pieces)


_LOGS = containers_pb2.StreamLogsResponse.DESCRIPTOR
_ENTRY = containers_pb2.LogEntry.DESCRIPTOR
_ENTRIES = tag(_LOGS, "entries")
_STREAM = {1: _flag(_ENTRY, "stream", common_pb2.STREAM_STDOUT), 2: _flag(_ENTRY, "stream", common_pb2.STREAM_STDERR)}
_TIME = tag(_ENTRY, "time")
_DATA = tag(_ENTRY, "data")
_PARTIAL = _flag(_ENTRY, "partial", 1)
_DETAILS = tag(_ENTRY, "details")
_SECONDS, _NANOS = b"\x08", b"\x10"  # google.protobuf.Timestamp: fields 1 and 2, varints


def log_encoder(*, times: bool, details: bool) -> Callable[[list[Entry]], bytes]:
    """Return the function that makes the `entries` of a `StreamLogsResponse` of log entries."""

    def encode(entries: list[Entry]) -> bytes:
        parts: list[bytes] = []
        for stream, time, line in entries:
            whole = line.endswith(b"\n")
            if whole:
                line = line[:-1]
            body = _STREAM[stream]
            if times:
                body += _timestamp(time)
            if details:
                line, attributes = _split_details(line)
                body += attributes
            body += _data_of(len(line)) + line
            if not whole:
                body += _PARTIAL
            parts += (_entry_of(len(body)), body)
        return b"".join(parts)

    return encode


@lru_cache(maxsize=1 << 15)
def _entry_of(size: int) -> bytes:
    return _ENTRIES + varint(size)


@lru_cache(maxsize=1 << 15)
def _data_of(size: int) -> bytes:
    return _DATA + varint(size)


def _timestamp(time: bytes) -> bytes:
    """Return a LogEntry's `time` field for a canonical time."""
    nanos = int(time[20:29])
    # A varint too, if not the shortest: five bytes whatever the number, so that all before it can be kept.
    return _second(time[:19]) + bytes(
        (
            nanos & 0x7F | 0x80,
            nanos >> 7 & 0x7F | 0x80,
            nanos >> 14 & 0x7F | 0x80,
            nanos >> 21 & 0x7F | 0x80,
            nanos >> 28,
        )
    )


@lru_cache(maxsize=1024)
def _second(text: bytes) -> bytes:
    """Return the field up to the five bytes of its nanoseconds."""
    body = _SECONDS + varint(int(datetime.fromisoformat(text.decode() + "+00:00").timestamp())) + _NANOS
    return _TIME + varint(len(body) + 5) + body


def _split_details(line: bytes) -> tuple[bytes, bytes]:
    """Return the line without its details, `key=value,key=value ` before it, and the field that holds them.

    Keys and values are escaped as in a query (moby, api/server/httputils/write_log_stream.go).
    """
    text, _, rest = line.partition(b" ")
    field = b""
    for pair in filter(None, text.split(b",")):
        key, _, value = (unquote_plus(part.decode(errors="replace")).encode() for part in pair.partition(b"="))
        item = b"\x0a" + varint(len(key)) + key + b"\x12" + varint(len(value)) + value
        field += _DETAILS + varint(len(item)) + item
    return rest, field
