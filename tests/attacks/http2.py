"""A client of HTTP/2 that sends frame by frame what it likes (RFC 9113)."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import defaultdict
from collections.abc import Mapping

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTING, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
SETTINGS = {"max_concurrent_streams": 3, "initial_window_size": 4, "max_frame_size": 5}
_CANCEL = 8
_WINDOW = 65_535
_FRAME = 16_384
_WIDE = 1 << 30
_NO_BOUND = 1 << 31


class Connection:
    """One connection to a gRPC server.

    It answers SETTINGS and PING, and takes of each stream what fits into the window that it began with.  `settings` are
    the server's; `answered` are the streams on which a message has come, `ended` those that the server has ended, by
    trailers or RST_STREAM; `gone` is set when the server has closed the connection or said GOAWAY.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.settings: dict[str, int] = {}
        self.settled = asyncio.Event()  # the server's SETTINGS have come
        self.gone = asyncio.Event()
        self.answered: set[int] = set()
        self.ended: set[int] = set()
        self.changed = asyncio.Event()
        self._writer = writer
        self._next = 1
        self._window = _WINDOW
        self._windows: dict[int, int] = defaultdict(int)  # of a stream, beyond the initial one
        self._reading = asyncio.create_task(self._read(reader))

    @classmethod
    async def open(cls, host: str, port: int, source: str, settings: Mapping[str, int]) -> Connection:
        """Connect from the address *source*.  Raises `OSError`."""
        reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
        connection = cls(reader, writer)
        own = b"".join(struct.pack(">HL", SETTINGS[name], value) for name, value in settings.items())
        writer.write(PREFACE)
        connection.send(SETTING, 0, 0, own)
        connection.send(WINDOW_UPDATE, 0, 0, struct.pack(">L", _WIDE))
        return connection

    @property
    def most_streams(self) -> int:
        """How many streams the server lets a connection have at once."""
        return self.settings.get("max_concurrent_streams", _NO_BOUND)

    def send(self, kind: int, flags: int, stream: int, payload: bytes = b"") -> None:
        """Send a frame."""
        if not self._writer.is_closing():
            self._writer.write(struct.pack(">L", len(payload))[1:] + struct.pack(">BBL", kind, flags, stream) + payload)

    def call(self, method: str, message: bytes | None = None, *, end: bool = False) -> int:
        """Begin a call, with one whole *message* or none; return its stream."""
        stream, self._next = self._next, self._next + 2
        self.send(HEADERS, END_HEADERS, stream, _head(method))
        if message is not None:
            self.send(DATA, END_STREAM if end else 0, stream, prefixed(message))
            self._window -= len(message) + 5
            self._windows[stream] -= len(message) + 5
        return stream

    def begin_head(self, method: str) -> int:
        """Send the beginning of a call's head, which continues; return its stream."""
        stream, self._next = self._next, self._next + 2
        self.send(HEADERS, 0, stream, _head(method))
        return stream

    def churn(self, method: str, fields: Mapping[str, str]) -> None:
        """Begin and end a call whose head empties the table of HPACK and puts *fields* into it (RFC 7541, 6)."""
        stream, self._next = self._next, self._next + 2
        emptied = b"\x20\x3f\xe1\x1f"  # the size becomes 0, and 4,096 again
        added = b"".join(b"\x40" + _text(name) + _text(value) for name, value in fields.items())
        self.send(HEADERS, END_HEADERS | END_STREAM, stream, emptied + _head(method) + added)

    def reset(self, stream: int) -> None:
        """Cancel a call."""
        self.send(RESET, 0, stream, struct.pack(">L", _CANCEL))

    async def pour(self, stream: int, data: bytes) -> bool:
        """Send *data* as fast as the server gives room; return whether it took all before it ended the stream."""
        left = memoryview(data)
        while left:
            while (room := min(self._window, self._room(stream), _FRAME)) <= 0:
                if stream in self.ended or self.gone.is_set():
                    return False
                self.changed.clear()
                await self.changed.wait()
            piece, left = left[:room], left[room:]
            self._window -= len(piece)
            self._windows[stream] -= len(piece)
            self.send(DATA, 0, stream, bytes(piece))
            await self.drain()
        return stream not in self.ended and not self.gone.is_set()

    async def drain(self) -> None:
        """Wait until the kernel has taken most of what was sent."""
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def all_answered(self) -> None:
        """Wait until a message has come on each stream that the server has not ended."""
        while len(self.answered | self.ended) < self._next // 2 and not self.gone.is_set():
            self.changed.clear()
            await self.changed.wait()

    def close(self) -> None:
        """Close the connection without a word."""
        self._reading.cancel()
        self._writer.transport.abort()

    def _room(self, stream: int) -> int:
        return self.settings.get("initial_window_size", _WINDOW) + self._windows[stream]

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                head = await reader.readexactly(9)
                length = int.from_bytes(head[:3], "big")
                kind, flags, stream = struct.unpack(">BBL", head[3:])
                self._take(kind, flags, stream, await reader.readexactly(length))
                self.changed.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.gone.set()
            self.settled.set()
            self.changed.set()

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == SETTING and not flags & ACK:
            names = {number: name for name, number in SETTINGS.items()}
            for number, value in struct.iter_unpack(">HL", payload):
                self.settings[names.get(number, str(number))] = value
            self.settled.set()
            self.send(SETTING, ACK, 0)
        elif kind == PING and not flags & ACK:
            self.send(PING, ACK, 0, payload)
        elif kind == DATA:
            self.answered.add(stream)
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if stream:
                self._windows[stream] += more
            else:
                self._window += more
        elif kind == RESET or (kind == HEADERS and flags & END_STREAM):
            self.ended.add(stream)
        elif kind == GOAWAY:
            self.gone.set()


def prefixed(message: bytes, length: int | None = None) -> bytes:
    """Return *message* as gRPC frames it, announced as *length* bytes where that is given."""
    return struct.pack(">BL", 0, len(message) if length is None else length) + message


def _head(method: str) -> bytes:
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "gateway",
        "te": "trailers",
        "content-type": "application/grpc",
    }
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields.items())


def _text(text: str) -> bytes:
    """Return a string literal of HPACK (RFC 7541, 5.2)."""
    assert len(text) < 127
    return bytes([len(text)]) + text.encode()
