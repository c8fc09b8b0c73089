"""Encodes messages as bytes directly, where creating message objects would cost more than the rest of the call.

This is used only for bulk data: output, log entries, archives, and records that many streams share.  Field numbers come
from the descriptors; how fields are written is in `engine/codec/wire`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar
from urllib.parse import unquote_plus
from weakref import WeakKeyDictionary

from dockfleet.v1 import common_pb2, containers_pb2

from gateway.engine.codec.frames import STDERR, Frame
from gateway.engine.codec.wire import number_field, tag, varint
from gateway.engine.logs.entries import Entry
from gateway.engine.process.bounded_buffer import Dropped
from gateway.engine.resumable.subscription import Idle
from gateway.rpc.markers import heartbeat

_MOST_BYTES = 256 << 10
T = TypeVar("T")


def serialize(message: Any) -> bytes:
    """Return a message serialised; bytes are returned unchanged."""
    return message if type(message) is bytes else message.SerializeToString()


class EncodedOnce(Generic[T]):
    """Encodes each record once for all streams that send it, and keeps the bytes as long as the record lives."""

    def __init__(self, encode: Callable[..., bytes]) -> None:
        self._encode = encode
        self._encoded: WeakKeyDictionary[T, bytes] = WeakKeyDictionary()

    def __call__(self, record: T, *context: Any) -> bytes:
        """Return *record* encoded; *context*, the same for each record, goes to *encode* with it."""
        encoded = self._encoded.get(record)
        if encoded is None:
            encoded = self._encoded[record] = self._encode(record, *context)
        return encoded

    def __len__(self) -> int:
        return len(self._encoded)


_OUTPUT = common_pb2.OutputChunk.DESCRIPTOR
_OUTPUT_STDOUT = number_field(_OUTPUT, "stream", common_pb2.STANDARD_STREAM_STDOUT) + tag(_OUTPUT, "data")
_OUTPUT_STDERR = number_field(_OUTPUT, "stream", common_pb2.STANDARD_STREAM_STDERR) + tag(_OUTPUT, "data")


def output_encoder(response: Any) -> Callable[[list[Frame] | Dropped | Idle], Iterable[bytes]]:
    """Return the function that converts the items of a session to *response* messages.

    These messages have the fields `output`, `dropped` and `heartbeat`.
    """
    outer = tag(response.DESCRIPTOR, "output")

    def encode(frames: list[Frame] | Dropped | Idle) -> Iterable[bytes]:
        if isinstance(frames, Idle):
            yield response(heartbeat=heartbeat(frames.seconds)).SerializeToString()
            return
        if isinstance(frames, Dropped):
            yield response(dropped=common_pb2.DroppedOutput(bytes=frames.bytes)).SerializeToString()
            return
        for stream, data in _joined(frames):
            inner = (_OUTPUT_STDERR if stream == STDERR else _OUTPUT_STDOUT) + varint(len(data))
            yield b"".join((outer, varint(len(inner) + len(data)), inner, data))

    return encode


def _joined(frames: list[Frame]) -> Iterable[tuple[int, bytes]]:
    """Yield the output with adjacent frames of one stream joined, at most 256 KiB each."""
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


_ENTRY = containers_pb2.LogEntry.DESCRIPTOR
_ENTRIES = tag(containers_pb2.LogBatch.DESCRIPTOR, "entries")
_STREAM = {
    1: number_field(_ENTRY, "stream", common_pb2.STANDARD_STREAM_STDOUT),
    2: number_field(_ENTRY, "stream", common_pb2.STANDARD_STREAM_STDERR),
}
_TIME = tag(_ENTRY, "time")
_DATA = tag(_ENTRY, "data")
_PARTIAL = number_field(_ENTRY, "partial", 1)
_DETAILS = tag(_ENTRY, "details")
_SECONDS, _NANOS = b"\x08", b"\x10"  # google.protobuf.Timestamp: fields 1 and 2, varints


def log_encoder(*, times: bool, details: bool) -> Callable[[list[Entry]], bytes]:
    """Return the function that encodes log entries as a `LogBatch`."""
    if details:
        return lambda entries: b"".join([_detailed(entry, times=times) for entry in entries])
    return _dated if times else lambda entries: b"".join([_entry(_STREAM[entry[0]], entry[2]) for entry in entries])


def _dated(entries: list[Entry]) -> bytes:
    """Return the encoded entries with their times.  This is the usual case, and optimised for speed."""
    pieces: list[bytes] = []
    heads, of = _Heads(b""), (0, b"")
    for stream, time, line in entries:
        if not line.endswith(b"\n"):
            pieces.append(_entry(_STREAM[stream] + _timestamp(time), line))
            continue
        if (stream, time[:19]) != of:
            of = stream, time[:19]
            heads = _heads(*of)
        nanos = int(time[20:29])
        head, data = heads[len(line) - 1]
        pieces += (head, _LOW[nanos & 0x3FFF], _LOW[nanos >> 14 & 0x3FFF], _TOP[nanos >> 28], data, line[:-1])
    return b"".join(pieces)


def _detailed(entry: Entry, *, times: bool) -> bytes:
    stream, time, line = entry
    text, attributes = _split_details(line)
    return _entry(_STREAM[stream] + (_timestamp(time) if times else b"") + attributes, text)


def _entry(head: bytes, line: bytes) -> bytes:
    """Return the entry of a line, or of a part of one, after its other fields."""
    whole = line.endswith(b"\n")
    text = line[:-1] if whole else line
    body = head + _data_of(len(text)) + text + (b"" if whole else _PARTIAL)
    return _ENTRIES + varint(len(body)) + body


class _Heads(dict[int, tuple[bytes, bytes]]):
    """The encoded bytes before and after the nanoseconds of an entry, for one output and second, by the size of the
    text.
    """

    def __init__(self, fields: bytes) -> None:
        super().__init__()
        self._fields = fields

    def __missing__(self, size: int) -> tuple[bytes, bytes]:
        data = _data_of(size)
        if len(self) >= _MOST_HEADS:
            self.clear()
        length = varint(len(self._fields) + _NANOS_BYTES + len(data) + size)
        self[size] = found = _ENTRIES + length + self._fields, data
        return found


@lru_cache(maxsize=16)
def _heads(stream: int, second: bytes) -> _Heads:
    return _Heads(_STREAM[stream] + _second(second))


def _timestamp(time: bytes) -> bytes:
    """Return a LogEntry's `time` field for a canonical time."""
    nanos = int(time[20:29])
    return _second(time[:19]) + _LOW[nanos & 0x3FFF] + _LOW[nanos >> 14 & 0x3FFF] + _TOP[nanos >> 28]


# Nanoseconds are a varint of five bytes whatever the number, if not the shortest: so all before it can be kept.
_NANOS_BYTES = 5
_MOST_HEADS = 1 << 12
_LOW = [bytes((number & 0x7F | 0x80, number >> 7 | 0x80)) for number in range(1 << 14)]  # 14 bits, and more to come
_TOP = [bytes((number,)) for number in range(4)]


@lru_cache(maxsize=1024)
def _second(text: bytes) -> bytes:
    """Return the `time` field up to the bytes of its nanoseconds."""
    body = _SECONDS + varint(int(datetime.fromisoformat(text.decode() + "+00:00").timestamp())) + _NANOS
    return _TIME + varint(len(body) + _NANOS_BYTES) + body


@lru_cache(maxsize=1 << 15)
def _data_of(size: int) -> bytes:
    return _DATA + varint(size)


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
