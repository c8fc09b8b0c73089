"""A Docker Engine that answers from a script and remembers what it was asked, for tests of faults and of the wire.

    async with FakeEngine() as engine:  # on a unix socket; or FakeEngine.tcp(), FakeEngine.tls(certificate)
        engine.on("GET", "/containers/json", json=[])
        engine.on("POST", "/containers/{id}/start", error="driver failed", times=1)  # once, and from then on
        engine.on("POST", "/containers/{id}/start", status=204)
        engine.on("GET", "/containers/{id}/logs", torn(b"cut in the middle", at=7))
        ...  # point the code under test at engine.address
        started = await engine.request("POST", "/containers/{id}/start")

Unless a row says otherwise, `/_ping` and `/version` answer, an unknown path gets 404 and an API version out of range
gets 400, in the words of Docker 20.10.  The faults at the end are handlers; "A5 n", "fact n" and "[Vn]" name the place
in `reliability.md` where each is described.  What a handler raises is raised again where the engine's context ends.
"""

import asyncio
import contextlib
import json
import math
import re
import socket
import ssl
import struct
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from http.client import responses
from itertools import starmap
from typing import TYPE_CHECKING, Self, TypedDict, TypeVar, Unpack
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    import trustme

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What the engine was asked."""

    method: str
    path: str  # as on the wire, without the version
    version: str  # "1.41"; empty when the path has none
    query: list[tuple[str, str]]
    headers: dict[str, str]  # names in lower case
    body: bytes  # empty when the row is `early`
    connection: int  # the first is 1


class Answer(TypedDict, total=False):
    """What a row answers; `json`, `error` and `body` go out whole, `chunks`, `lines` and `frames` chunked."""

    status: int  # 200, or 500 with `error`
    headers: Mapping[str, str | None]  # None takes away what is sent by default
    json: object
    error: str
    body: bytes
    chunks: Sequence[bytes]  # the HTTP chunks, exactly
    lines: Sequence[object]  # JSON, one line and one HTTP chunk each
    frames: Sequence[tuple[int, bytes]]  # stream (1 stdout, 2 stderr) and data, one HTTP chunk each
    hold: bool  # leave the chunked body open until the client goes


class Exchange:
    """A request and the rest of its connection, in the hands of a handler.

    After the handler the next request is read, unless `keep_alive` has become false.
    """

    def __init__(
        self, engine: "FakeEngine", request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.engine, self.request, self._reader, self._writer = engine, request, reader, writer
        self.keep_alive = request.headers.get("connection", "").lower() != "close"

    async def read(self, size: int = 65536) -> bytes:
        """What the client sends after the request; empty once it has closed its side."""
        return await self._reader.read(size)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def drain(self) -> None:
        """Wait until everything written is with the kernel (asyncio's TLS may still hold 64 KiB)."""
        await self._writer.drain()

    def head(self, status: int, headers: Mapping[str, str | None], then: bytes = b"") -> None:
        """Write a status line, the engine's usual headers and these; and `then` in the same packet."""
        usual = self.engine.headers() | ({} if self.keep_alive else {"Connection": "close"})
        reason = "UPGRADED" if status == 101 else responses.get(status, "")
        named = [f"{name}: {value}" for name, value in (usual | headers).items() if value is not None]
        self.write("\r\n".join([f"HTTP/1.1 {status} {reason}", *named, "", ""]).encode("latin-1") + then)

    async def chunk(self, data: bytes) -> None:
        """Write an HTTP chunk; an empty one ends the body."""
        self.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.drain()

    async def answer(self, **answer: Unpack[Answer]) -> None:
        """Write a whole answer, with the headers of the real engine."""
        body, chunks, kind = answer.get("body", b""), answer.get("chunks"), None
        if "json" in answer or "error" in answer:
            body, kind = line(answer.get("json", {"message": answer.get("error")})), "application/json"
        elif "lines" in answer:
            chunks, kind = list(map(line, answer["lines"])), "application/json"
        elif "frames" in answer:
            chunks, asked = list(starmap(frame, answer["frames"])), self.request.version or self.engine.api_version
            kind = "application/vnd.docker.multiplexed-stream" if number(asked) >= (1, 42) else None  # 20.10: none

        status = answer.get("status", 500 if "error" in answer else 200)
        length = {"Transfer-Encoding": "chunked"} if chunks is not None else {"Content-Length": str(len(body))}
        bodiless = status in (204, 304)
        headers = {"Content-Type": kind} | ({} if bodiless else length) | dict(answer.get("headers", {}))
        if bodiless or self.request.method == "HEAD":
            return self.head(status, headers)
        self.head(status, headers, b"" if chunks is not None else body)
        for data in chunks or ():
            await self.chunk(data)
        if answer.get("hold"):
            await self.wait_closed()
        elif chunks is not None:
            await self.chunk(b"")

    def upgrade(self, output: bytes = b"", kind: str = "application/vnd.docker.raw-stream") -> None:
        """Send 101 and, in the same packet, `output`: from here on the connection is the session's."""
        self.head(101, {"Content-Type": kind, "Connection": "Upgrade", "Upgrade": "tcp"}, output)
        self.keep_alive = False

    def close(self) -> None:
        """End the connection in good order."""
        self.keep_alive = False
        self._writer.close()

    def abort(self) -> None:
        """Reset the connection: RST.  A unix socket has none; its client sees an end where none should be."""
        self.keep_alive = False
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self._writer.transport.abort()

    async def wait_closed(self) -> None:
        """Drop what the client still sends, until it closes its side."""
        with contextlib.suppress(ConnectionError):
            while await self.read():
                pass


Handler = Callable[[Exchange], Awaitable[None]]


@dataclass(eq=False, slots=True)
class Row:
    """A line of the script."""

    method: str
    path: str
    handler: Handler
    early: bool
    left: float  # how often it still applies

    def rank(self) -> tuple[int, bool]:
        """The more literal path goes first; of rows for one path those with `times`, in their order."""
        return len(re.sub(r"\{\w+\}", "", self.path)), self.left < math.inf


@dataclass(slots=True)
class Connections:
    accepted: int = 0
    open: int = 0


class FakeEngine:
    """An engine on a unix socket of its own (or at `path`), or on a port of 127.0.0.1 (0: any that is free)."""

    def __init__(self, path: str = "", port: int | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.address = ""  # unix:///… or tcp://…, once the context is entered
        self.api_version: str | None = "1.41"  # may lie, change between calls, or be None: not told (A5 59)
        self.min_api_version = "1.12"  # "1.44" in engines 29.0 to 29.2
        self.clock_skew = 0.0  # seconds by which Date is ahead (fact 15)
        self.requests: list[Request] = []
        self.connections = Connections()
        self._path, self._port, self._tls = path, port, tls
        self._rows: list[Row] = []
        self._serving: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._failures: list[BaseException] = []
        self._changed = asyncio.Event()
        self._exits = contextlib.AsyncExitStack()
        for method, path, handler in DEFAULTS:
            self.on(method, path, handler)

    @classmethod
    def tcp(cls, port: int = 0) -> Self:
        return cls(port=port)

    @classmethod
    def tls(cls, certificate: "trustme.LeafCert", clients: "trustme.CA | None" = None, port: int = 0) -> Self:
        """With TLS; `clients` is the authority that must have signed the client's certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        if clients:
            clients.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return cls(port=port, tls=context)

    def on(
        self, method: str, path: str, handler: Handler | None = None, *,
        times: int | None = None, early: bool = False, **answer: Unpack[Answer],
    ) -> None:  # fmt: skip
        """Add a row to the script; `{name}` in its path stands for anything, slashes included, as in the engine.

        It replaces the earlier row of this method and path.  Rows with `times` are used up first, in their order.
        An `early` row answers the head, never minding the body, and closes: the engine refuses an upload at once.
        """
        if times is None:
            self._rows = [row for row in self._rows if (row.method, row.path, row.left) != (method, path, math.inf)]
        self._rows.append(Row(method, path, handler or answering(**answer), early, times or math.inf))

    async def request(self, method: str, path: str, nth: int = 1) -> Request:
        """The `nth` such request, awaited if it has not come yet."""
        return (await self.until(lambda: self._asked(method, path)[nth - 1 :]))[0]

    async def until(self, condition: Callable[[], T]) -> T:
        """Wait until the condition is true; looked at when a request comes and when a connection comes or goes."""
        while not (result := condition()):
            await self._changed.wait()
        return result

    def headers(self) -> dict[str, str | None]:
        """What every answer carries."""
        date = formatdate(time.time() + self.clock_skew, usegmt=True)
        usual = {"Docker-Experimental": "false", "Ostype": "linux", "Server": "Docker/20.10.24 (linux)", "Date": date}
        return {"Api-Version": self.api_version, **usual}

    async def __aenter__(self) -> Self:
        if self._port is None:
            folder = self._exits.enter_context(tempfile.TemporaryDirectory(prefix="engine-", dir="/tmp"))
            path = self._path or f"{folder}/docker.sock"
            server = await asyncio.start_unix_server(self._accept, path, limit=1 << 20)
            self.address = f"unix://{path}"
        else:
            server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, ssl=self._tls, limit=1 << 20)
            self.address = "tcp://{}:{}".format(*server.sockets[0].getsockname())
        self._exits.callback(server.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._exits:
            pass
        serving = dict(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, *(w.wait_closed() for w in serving.values()), return_exceptions=True)
        for failure in self._failures:
            raise failure
