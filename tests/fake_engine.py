"""A Docker Engine that answers from a script and remembers what it was asked, for tests of faults and of the wire.

    async with FakeEngine() as engine:                       # or FakeEngine.tcp(), FakeEngine.tls(certificate)
        engine.on("GET", "/containers/json", json=[])
        engine.on("POST", "/containers/{id}/start", error="driver failed", status=500, times=1)   # once, then
        engine.on("POST", "/containers/{id}/start", status=204)                                   # for ever
        engine.on("GET", "/events", lines=[{"Type": "container"}], hold=True)
        engine.on("GET", "/containers/{id}/logs", torn(b"cut in the middle", 7))
        ...                                                  # give engine.address to the code under test
        started = await engine.request("POST", "/containers/{id}/start")

What no row answers is answered as Docker 20.10 does: `/_ping`, `/version`, 404 for unknown paths, 400 for API
versions beyond its own.  The faults at the end of the file are handlers; "A5", "fact" and [V..] name the place in
`reliability.md` that a fault comes from.  An exception of a handler is raised where the engine's context ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import socket
import ssl
import struct
import tempfile
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import starmap
from typing import TYPE_CHECKING, NamedTuple, Self, TypedDict, TypeVar, Unpack
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    import trustme

T = TypeVar("T")
HEAD_BYTES = 1 << 20  # the longest request head that is read, as in Go's net/http


@dataclass(frozen=True, slots=True)
class Request:
    """What the engine was asked; `path` is as it was on the wire, less the version."""

    method: str
    path: str
    version: str  # "1.41", or "" when the path has none
    query: list[tuple[str, str]]
    headers: dict[str, str]  # names in lower case
    body: bytes  # empty in rows with early=True
    connection: int  # 1 for the first that was accepted


class Answer(TypedDict, total=False):
    """An answer; of `json`, `error`, `body` (sent whole), `chunks`, `lines` and `frames` (chunked) at most one."""

    status: int
    headers: Mapping[str, str | None]  # None takes away a header that is sent by default
    json: object
    error: str  # the "message" of an error; the status is 500 unless given
    body: bytes
    chunks: Sequence[bytes]  # one HTTP chunk each
    lines: Sequence[object]  # one line of JSON each
    frames: Sequence[tuple[int, bytes]]  # (stream, data) each: 0 stdin, 1 stdout, 2 stderr, 3 an error of the engine
    hold: bool  # do not end the chunked body: wait until the client leaves


Handler = Callable[["Exchange"], Awaitable[None]]


def frame(stream: int, data: bytes) -> bytes:
    """A piece of output in the multiplex format of logs, attach and exec."""
    return struct.pack(">BxxxL", stream, len(data)) + data


class Exchange:
    """A request and the connection it came by, in the hands of a handler.

    When the handler returns, the next request is read unless `keep_alive` has become false.
    """

    def __init__(self, engine: FakeEngine, request: Request, wire: _Wire) -> None:
        self.engine, self.request = engine, request
        self.keep_alive = request.headers.get("connection", "").lower() != "close"
        self._wire = wire

    async def read(self, size: int = 65536) -> bytes:
        """What the client sends beyond the request; empty when it has (half-)closed."""
        return await self._wire.reader.read(size)

    def write(self, data: bytes) -> None:
        self._wire.write(data)

    async def drain(self) -> None:
        """Wait until the kernel has all that was written."""
        await self._wire.drain()

    def head(self, status: int, headers: Mapping[str, str | None]) -> None:
        """Write status line and headers, after those that the engine always sends."""
        closing = {} if self.keep_alive or status == 101 else {"Connection": "close"}
        reason = "UPGRADED" if status == 101 else http.client.responses.get(status, "")
        named = (self.engine.headers() | closing | dict(headers)).items()
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in named if value is not None)]
        self.write("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def chunk(self, data: bytes) -> None:
        """Write one HTTP chunk; an empty one ends the body."""
        self.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.drain()

    async def answer(self, **answer: Unpack[Answer]) -> None:
        """Write a complete answer, with the headers that a real engine would send."""
        status = answer.get("status", 500 if "error" in answer else 200)
        body, stream, content_type = answer.get("body", b""), answer.get("chunks"), None
        if "error" in answer or "json" in answer:
            body = _line({"message": answer["error"]} if "error" in answer else answer["json"])
            content_type = "application/json"
        elif "lines" in answer:
            stream, content_type = [_line(value) for value in answer["lines"]], "application/json"
        elif "frames" in answer:
            stream = list(starmap(frame, answer["frames"]))
            version = self.request.version or self.engine.api_version or ""
            if _number(version) >= (1, 42):  # older ones send no type at all (sdk-notes 8)
                content_type = "application/vnd.docker.multiplexed-stream"
        headers: dict[str, str | None] = {"Content-Type": content_type}
        if stream is not None:
            headers["Transfer-Encoding"] = "chunked"
        elif status not in (204, 304):
            headers["Content-Length"] = str(len(body))
        self.head(status, headers | dict(answer.get("headers", {})))
        if self.request.method == "HEAD" or status in (204, 304):
            return
        self.write(body if stream is None else b"")
        for piece in stream or ():
            await self.chunk(piece)
        if answer.get("hold"):
            await self.wait_closed()
        elif stream is not None:
            await self.chunk(b"")

    def upgrade(self, output: bytes = b"", content_type: str = "application/vnd.docker.raw-stream") -> None:
        """Send 101 and, in the same packet, `output`; from here on the connection is the session's."""
        self.keep_alive = False
        with self._wire.one_packet():
            self.head(101, {"Content-Type": content_type, "Connection": "Upgrade", "Upgrade": "tcp"})
            self.write(output)

    def close(self) -> None:
        """End the connection in good order: FIN, after close_notify on TLS."""
        self.keep_alive = False
        self._wire.close()

    def abort(self) -> None:
        """Reset the connection.  A unix socket knows no RST: its client sees an end in the middle."""
        self.keep_alive = False
        self._wire.abort()

    async def wait_closed(self) -> None:
        """Drop what the client still sends until it (half-)closes."""
        with contextlib.suppress(ConnectionError):
            while await self.read():
                pass


class _Row(NamedTuple):
    handler: Handler
    early: bool


@dataclass(slots=True)
class _Route:
    """The rows of one method and path: the counted ones in their order, after them the lasting one."""

    method: str
    path: str
    counted: deque[_Row] = field(default_factory=deque)
    lasting: _Row | None = None

    def matches(self, method: str, path: str) -> bool:
        return method == self.method and _matches(self.path, path) and bool(self.counted or self.lasting)

    def literal(self) -> int:
        return len(re.sub(r"\{\w+\}", "", self.path))


@dataclass(slots=True)
class Connections:
    accepted: int = 0  # so far
    open: int = 0  # now


class FakeEngine:
    """The engine, on a unix socket of its own unless made by `tcp` or `tls`."""

    def __init__(self, path: str = "") -> None:
        self.address = f"unix://{path}" if path else ""  # known once the engine runs
        self.api_version: str | None = "1.41"  # any lie is fine, None says nothing; may change at any time (A5 59)
        self.min_api_version = "1.12"  # 1.44 in engines 29.0 to 29.2 (sdk-notes 7)
        self.clock_skew = 0.0  # seconds that Date runs ahead: no engine's own clock can be bent (fact 15)
        self.requests: list[Request] = []
        self.connections = Connections()
        self._path, self._port, self._tls = path, -1, None  # port -1: a unix socket
        self._tls: ssl.SSLContext | None
        self._routes: dict[tuple[str, str], _Route] = {}
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._failures: list[BaseException] = []
        self._changed = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()
        self.on("GET", "/_ping", _ping)
        self.on("HEAD", "/_ping", _ping)
        self.on("GET", "/version", _version)

    @classmethod
    def tcp(cls, port: int = 0) -> Self:
        """An engine on 127.0.0.1, on a free port unless one is given."""
        engine = cls()
        engine._port = port
        return engine

    @classmethod
    def tls(cls, certificate: trustme.LeafCert, clients: trustme.CA | None = None, port: int = 0) -> Self:
        """An engine on 127.0.0.1 with TLS; `clients` is who must have signed the client's certificate."""
        engine = cls.tcp(port)
        engine._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(engine._tls)
        if clients:
            clients.configure_trust(engine._tls)
            engine._tls.verify_mode = ssl.CERT_REQUIRED
        return engine

