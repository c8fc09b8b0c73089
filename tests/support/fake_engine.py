"""A Docker Engine that answers from a script and remembers what it was asked.

    async with FakeEngine() as engine:  # on a unix socket; or FakeEngine.tcp(), FakeEngine.tls(context)
        engine.on("POST", "/containers/{id}/start", error="driver failed", times=1)  # once; from then on
        engine.on("POST", "/containers/{id}/start", status=204)
        engine.on("GET", "/containers/{id}/logs", torn(b"cut in the middle", at=7))
        started = await engine.request("POST", "/containers/{id}/start")  # by a client of engine.address

Unscripted, `/_ping`, `/version` and `/info` are answered, an unknown path with 404 and a version out of range with
400, in the words of Docker 20.10.  Faults are at the end; A5, B2, C8 and "fact" refer to `reliability.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import struct
import tempfile
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import formatdate
from http.client import responses
from socket import SO_LINGER, SOL_SOCKET
from typing import Concatenate, ParamSpec, Self, TypedDict, TypeVar, Unpack
from urllib.parse import parse_qsl, unquote

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """What the engine was asked."""

    method: str
    path: str  # as on the wire, without the version
    version: str  # "1.41"; empty when the path has none
    query: list[tuple[str, str]]
    headers: dict[str, str]  # names in lower case
    body: bytes  # empty if the row is `early`
    connection: int  # the first is 1


class Response(TypedDict, total=False):
    """A row of the script: when it applies, and the answer, whose body is at most one of the kinds below."""

    times: int  # how often the row applies; forever without
    early: bool  # answer before the body is read, and close: an upload refused
    status: int  # 200, or 500 with `error`
    headers: Mapping[str, str | None]  # None takes away what is sent by default
    json: object  # these three go out whole, with a Content-Length; functions in it are called each time
    error: str
    body: bytes
    chunks: Iterable[bytes]  # these three, one by one, as HTTP chunks
    lines: Iterable[object]  # JSON
    frames: Iterable[tuple[int, bytes]]  # stream (1 stdout, 2 stderr) and data
    hold: bool  # leave the chunked body open until the client goes
    raw: bytes  # instead of all this: exactly these bytes, whatever they are


class ResponseParser:
    """A request and the rest of its connection, for a handler."""

    def __init__(self, engine: FakeEngine, call: Request, reader: StreamReader, writer: StreamWriter) -> None:
        self.engine, self.request, self._writer = engine, call, writer
        self.keep_alive = call.headers.get("connection") != "close"  # whether to read a next request
        self.read = reader.read  # what the client sends after the request; empty once it has closed its side
        self.drain = writer.drain  # drained: with the kernel (TLS: all but 64 KiB)

    def write(self, data: bytes) -> None:
        if self._writer.transport.is_closing():
            raise ConnectionResetError  # uvloop would raise a RuntimeError
        self._writer.write(data)

    def head(self, status: int, headers: Mapping[str, str | None], then: bytes = b"") -> None:
        """Write a status line, the engine's usual headers and these; and `then` in the same packet."""
        reason = "UPGRADED" if status == 101 else responses.get(status, "")
        headers = {**self.engine.headers(), **headers}
        fields = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        self.write("\r\n".join([f"HTTP/1.1 {status} {reason}", *fields, "", ""]).encode("latin-1") + then)

    async def chunk(self, data: bytes) -> None:
        """Write one HTTP chunk; an empty one ends the body."""
        self.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.drain()

    async def answer(self, **answer: Unpack[Response]) -> None:
        """Write a whole answer, with the headers of the real engine."""
        if "raw" in answer:
            self.write(answer["raw"])
            return
        status = answer.get("status", 500 if "error" in answer else 200)
        body, chunks, kind = answer.get("body", b""), answer.get("chunks"), None
        if "json" in answer or "error" in answer:
            body, kind = _line(answer.get("json", {"message": answer.get("error")})), "application/json"
        elif "lines" in answer:
            chunks, kind = map(_line, answer["lines"]), "application/json"
        elif "frames" in answer:
            version = _number(self.request.version or self.engine.api_version)
            kind = "application/vnd.docker.multiplexed-stream" if version >= (1, 42) else None
            chunks = (frame(*part) for part in answer["frames"])
        headers = {"Content-Type": kind, "Connection": None if self.keep_alive else "close"}
        if chunks is not None:
            headers["Transfer-Encoding"] = "chunked"
        elif status not in (204, 304):
            headers["Content-Length"] = str(len(body))
        bodiless = self.request.method == "HEAD"
        self.head(status, headers | dict(answer.get("headers", {})), b"" if bodiless else body)
        if chunks is not None and not bodiless:
            for data in chunks:
                await self.chunk(data)
            await (self.wait_closed() if answer.get("hold") else self.chunk(b""))

    def upgrade(self, output: bytes = b"", kind: str = "application/vnd.docker.raw-stream") -> None:
        """Begin a session: send 101 and, in the same packet, `output`, which the SDK loses (sdk-notes 4)."""
        self.keep_alive = False
        self.head(101, {"Content-Type": kind, "Connection": "Upgrade", "Upgrade": "tcp"}, output)

    def close(self) -> None:
        """End the connection in good order."""
        self.keep_alive = False
        self._writer.close()

    def abort(self) -> None:
        """Reset the connection: RST.  A unix socket has none, its client sees a sudden end."""
        self.keep_alive = False
        if (socket := self._writer.get_extra_info("socket")) is not None:  # the client has not left yet
            socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def wait_closed(self) -> None:
        """Drop what the client still sends, until it closes its side."""
        with contextlib.suppress(ConnectionError):
            while await self.read(65536):
                pass


Handler = Callable[[ResponseParser], Awaitable[None]]
Row = tuple[Handler, bool]  # the handler, and whether it is called early


def handler(answer: Callable[Concatenate[ResponseParser, P], Awaitable[None]]) -> Callable[P, Handler]:
    """Let `torn(b"…", at=7)` be the handler that awaits `torn(exchange, b"…", at=7)`."""
    return lambda *args, **kwargs: lambda exchange: answer(exchange, *args, **kwargs)


answering = handler(ResponseParser.answer)
hang = handler(ResponseParser.wait_closed)  # read and never answer: a stopped daemon (B2 2)
NOWHERE: Row = answering(error="page not found", status=404), False


class FakeEngine:
    """An engine on a unix socket of its own, or at `path`, or on a port of 127.0.0.1 (0: any free one)."""

    def __init__(self, path: str = "", port: int | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.address = ""  # unix:///… or tcp://…, once the context is entered
        self.api_version: str | None = "1.41"  # may be wrong, change between calls, or be None: not sent (A5 59)
        self.min_api_version = "1.12"  # "1.44" in engines 29.0 to 29.2
        self.clock_skew = 0.0  # seconds by which Date is ahead: no real engine's clock can be bent (fact 15)
        self.requests: list[Request] = []
        self.connections = self.open_connections = 0  # accepted so far; open now
        self._path, self._port, self._tls = path, port, tls
        self._script: dict[tuple[str, str], list[Row]] = {}  # the last row stays
        self._serving: dict[asyncio.Task[None], StreamWriter] = {}
        self._changed = asyncio.Event()
        ping = {"Builder-Version": "1", "Docker-Experimental": "false", "Swarm": "inactive"}
        self.on("GET", "/_ping", body=b"OK", headers=ping)
        self.on("HEAD", "/_ping", headers=ping)
        versions = {"ApiVersion": lambda: self.api_version, "MinAPIVersion": lambda: self.min_api_version}
        self.on("GET", "/version", json={"Version": "20.10.24", **versions})
        info = {"ID": "HGDL:IRVN", "ServerVersion": "20.10.24", "SystemTime": self._system_time}
        self.on("GET", "/info", json=info)

    @classmethod
    def tcp(cls, port: int = 0) -> Self:
        return cls(port=port)

    @classmethod
    def tls(cls, context: ssl.SSLContext, port: int = 0) -> Self:
        """With TLS; client certificates are required if the context's `verify_mode` requires them."""
        return cls(port=port, tls=context)

    def on(self, method: str, path: str, handler: Handler | None = None, **answer: Unpack[Response]) -> None:
        """Add a row to the script; `{name}` stands for anything, slashes included, as in the engine's routes.

        It replaces the earlier row of this method and path.  Rows with `times` go first, in their order.
        """
        row = handler or answering(**answer), answer.get("early", False)
        rows = self._script.setdefault((method, path), [NOWHERE])
        rows[-1:] = [row] * answer["times"] + rows[-1:] if "times" in answer else [row]

    async def request(self, method: str, path: str, nth: int = 1) -> Request:
        """The `nth` such request, awaited if it has not come yet."""
        return (await self.until(lambda: [r for r in self.requests if _fits(r, method, path)][nth - 1 :]))[0]

    @property
    def asked(self) -> list[Request]:
        """The requests but for those that a gateway makes of its own accord: how the engine is, and who."""
        return [request for request in self.requests if request.path not in ("/_ping", "/info")]

    async def until(self, condition: Callable[[], T]) -> T:
        """Wait for the condition; it is looked at when a request comes, when a connection comes or goes."""
        while not (result := condition()):
            await self._changed.wait()
        return result

    def headers(self) -> dict[str, str | None]:
        """What every answer carries."""
        date = formatdate(time.time() + self.clock_skew, usegmt=True)
        return {"Api-Version": self.api_version, "Ostype": "linux", "Server": "Docker/20.10.24", "Date": date}

    def _system_time(self) -> str:
        return f"{datetime.fromtimestamp(time.time() + self.clock_skew, UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="engine-", dir="/tmp")  # paths end at 107 bytes
        if self._port is None:
            path = self._path or f"{self._folder.name}/docker.sock"
            self._server = await asyncio.start_unix_server(self._accept, path)
            self.address = f"unix://{path}"
        else:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, ssl=self._tls)
            self.address = "tcp://{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close everything; then raise what a handler raised."""
        self._server.close()
        for task in self._serving:
            task.cancel()
        ends = await asyncio.gather(*self._serving, return_exceptions=True)
        await asyncio.gather(*(w.wait_closed() for w in self._serving.values()), return_exceptions=True)
        self._serving.clear()
        self._folder.cleanup()
        for failure in (end for end in ends if isinstance(end, Exception)):
            raise failure

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(1)  # not 0, at which asyncio's TLS pauses an empty buffer
        self.connections += 1
        self.open_connections += 1
        task = asyncio.create_task(self._serve(reader, writer, self.connections))
        self._serving[task] = writer
        task.add_done_callback(self._served)
        self._notify()

    def _served(self, task: asyncio.Task[None]) -> None:
        writer = self._serving[task]
        (writer.transport.abort if task.cancelled() else writer.close)()
        self.open_connections -= 1
        self._notify()

    async def _serve(self, reader: StreamReader, writer: StreamWriter, connection: int) -> None:
        exchange: ResponseParser | None = None
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):  # it left
            while self._server.is_serving() and (exchange is None or exchange.keep_alive):
                request = _parse(await reader.readuntil(b"\r\n\r\n"), connection)
                handler, early = self._choose(request)
                if not early:
                    request = replace(request, body=await _body(reader, request.headers))
                self.requests.append(request)
                self._notify()
                exchange = ResponseParser(self, request, reader, writer)
                exchange.keep_alive &= not early
                await handler(exchange)
                await exchange.drain()
                if early and writer.can_write_eof():  # closing with bytes unread would be an RST
                    writer.write_eof()
                    await exchange.wait_closed()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _choose(self, request: Request) -> Row:
        """The row for a request: of those that match, the one with the most literal path."""
        paths = [key for key, rows in self._script.items() if rows != [NOWHERE] and _fits(request, *key)]
        if not paths:
            return NOWHERE
        asked, oldest, newest = map(_number, (request.version, self.min_api_version, self.api_version))
        if () < newest < asked:
            error = f"too new. Maximum supported API version is {self.api_version}"
            return answering(error=f"client version {request.version} is {error}", status=400), False
        if () < asked < oldest:
            error = f"too old. Minimum supported API version is {self.min_api_version}, please upgrade your "
            error += "client to a newer version"
            return answering(error=f"client version {request.version} is {error}", status=400), False
        rows = self._script[max(paths, key=lambda key: len(re.sub(r"{\w+}", "", key[1])))]
        return rows.pop(0) if len(rows) > 1 else rows[0]


def frame(stream: int, data: bytes) -> bytes:
    """A piece of output in the multiplex format of logs, attach and exec."""
    return struct.pack(">BxxxL", stream, len(data)) + data


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), default=lambda now: now()).encode() + b"\n"


def _number(version: str | None) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d{1,9}", version or "")))


def _fits(request: Request, method: str, path: str) -> bool:
    pattern = re.sub(r"\\{\w+\\}", ".+", re.escape(path))
    return request.method == method and re.fullmatch(pattern, unquote(request.path)) is not None


def _parse(head: bytes, connection: int) -> Request:
    start, *fields = head.decode("latin-1").split("\r\n")[:-2]
    parts = re.fullmatch(r"([A-Z]+) (?:/v([\d.]+)(?=/))?(/[^ ?]*)\??([^ ]*) HTTP/1\.1", start)
    assert parts, f"not a request: {start!r}"
    method, version, path, query = parts.groups("")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    return Request(method, path, version, parse_qsl(query, keep_blank_values=True), headers, b"", connection)


async def _body(reader: StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = bytearray()
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return bytes(body)


@handler
async def drip(exchange: ResponseParser, interval: float, data: bytes) -> None:
    """Send an answer, head and all, in single bytes: no timeout of one read ever strikes (A5 53, fact 10)."""
    for byte in data:
        exchange.write(bytes([byte]))
        await exchange.drain()
        await asyncio.sleep(interval)


@handler
async def torn(exchange: ResponseParser, body: bytes, at: int, chunked: bool = False, reset: bool = False) -> None:
    """Cut a body after `at` bytes, by FIN or RST; the SDK reads a clean end out of either (A5 54, fact 2)."""
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(body))}
    exchange.head(200, length, (b"%x\r\n" % len(body) if chunked else b"") + body[:at])
    await exchange.drain()
    (exchange.abort if reset else exchange.close)()


# Other faults are rows:
#     frames=[(9, b"x")]                                a stream that is none; 3 is an engine error (A5 54)
#     chunks=[frame(1, b"a line")[:11]]                 a torn frame in a body that ends well (A5 54)
#     chunks=[b"\1\0\0\0\xff\xff\xff\xffx"], hold=True  a frame that claims 4 GiB (A5 54)
#     chunks=itertools.repeat(b"[1,")                   a body without end: the SDK grows by 280 MB/s (A5 52)
#     headers={"X-Huge": "x" * 2**20}                   a huge header (C8)
#     status=307, headers={"Location": "http://…"}      a redirect; the SDK takes its secrets there (A5 51)
# and bytes for raw=, malformed, or more than was asked for, left on the connection for the next caller:
OK = b"HTTP/1.1 200 OK\r\n"
TWO_LENGTHS = OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\n[]\n{}"  # A5 56
TWO_FRAMINGS = OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[]\n\r\n0\r\n\r\n"  # A5 56
TWO_ANSWERS = OK + b"Content-Length: 3\r\n\r\n[]\n" + OK + b"Content-Length: 3\r\n\r\n{}\n"  # A5 56
BAD_CHUNK_SIZE = OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n[]\n\r\n0\r\n\r\n"  # A5 54
UPGRADE_REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}" + frame(1, b"output")  # A5 55
