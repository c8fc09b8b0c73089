"""The HTTP listener: it serves a table of pages, and bounds connections and times.

It uses no web framework: most of the frameworks that were tried accept slow or endless headers.  None stops at once, or
gives a page the connection for a two-way session.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.web.messages import Refused, Request, RequestParser, Response, text

log = logging.getLogger("gateway.web")

Page = Callable[[Request], Awaitable[Response]]
_READ_BYTES = 64 << 10
_APART_SECONDS = 0.001  # from one request to the next, of all connections


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of a listener's connections."""

    max_connections: int = 256
    header_timeout_seconds: float = 10  # until the first request, and for the headers of each request
    idle_timeout_seconds: float = 90  # between two requests; longer than most scrape intervals
    write_timeout_seconds: float = 30  # until the peer has read a whole response
    linger_timeout_seconds: float = 1  # to drain a peer that still sends when its connection ends
    stop_timeout_seconds: float = 1  # for open responses when the listener stops


class Listener:
    """Serves pages by their path, to GET and HEAD."""

    def __init__(
        self, pages: Mapping[str, Page], limits: Limits | None = None, on_refused: Callable[[], object] = lambda: None
    ) -> None:
        """*on_refused* is called for each connection beyond the limit."""
        self._pages, self._limits, self._on_refused = pages, limits or Limits(), on_refused
        self._connections: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None] | None] = set()
        self._stopping = False
        self._next_at = 0.0  # when the next request is answered at the earliest

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        """Serve until the end of the block.  Yield the bound address.  Raises `OSError`."""
        everywhere = host == "::"  # asyncio would serve only IPv6 there
        try:
            server = await asyncio.start_server(self._accept, None if everywhere else host, port)
        except socket.gaierror as error:  # its message does not have the address
            raise OSError(error.errno, f"could not listen on {host}:{port}: {error.strerror}") from error
        try:
            bound = server.sockets[0].getsockname()
            yield str(bound[0]), int(bound[1])
        finally:
            server.close()
            await self._stop()

    async def _stop(self) -> None:
        """End the connections that wait for a request at once, and the others after their response."""
        self._stopping = True
        for task in self._connections - self._answering:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=self._limits.stop_timeout_seconds)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping or len(self._connections) >= self._limits.max_connections:
            self._on_refused()
            writer.writelines(text("too many connections", 503).encode(keep_alive=False))
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        writer.transport.set_write_buffer_limits(high=0)  # drain() waits until everything is sent
        task = asyncio.current_task()
        rest, keep_alive, timeout = b"", True, self._limits.header_timeout_seconds
        try:
            while keep_alive and not self._stopping:
                try:
                    request, rest = await self._read(reader, rest, timeout)
                    if request is None:
                        return
                    await self._pause()
                    self._answering.add(task)
                    response = await self._respond(request)
                    keep_alive = request.keep_alive and not request.has_body and not self._stopping
                    pieces = response.encode(keep_alive=keep_alive, head_only=request.method == "HEAD")
                except Refused as refused:
                    pieces, keep_alive = refused.response.encode(keep_alive=False), False
                await self._send(writer, pieces)
                self._answering.discard(task)
                timeout = self._limits.idle_timeout_seconds
            await self._linger(reader, writer)
        except (ConnectionError, TimeoutError):
            pass  # the peer has left, or does not read
        finally:
            self._answering.discard(task)
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader, rest: bytes, timeout: float) -> tuple[Request | None, bytes]:
        """Return the next request and the bytes after it; None when there is none.  Raises `Refused`."""
        parser, seconds = RequestParser(), self._limits.header_timeout_seconds
        try:
            async with asyncio.timeout(timeout):
                data = rest or await reader.read(_READ_BYTES)
        except TimeoutError:
            return None, b""
        try:
            async with asyncio.timeout(seconds):
                while data:
                    if (request := parser.feed(data)) is not None:
                        return request, parser.rest
                    data = await reader.read(_READ_BYTES)
        except TimeoutError:
            raise Refused(408, f"the headers took more than {seconds:g} seconds") from None
        return None, b""

    async def _pause(self) -> None:
        """Wait until others have had some time since the last request of any connection.

        A peer can send many requests at once, on many connections, and each response takes a third of a millisecond.
        """
        now = time.monotonic()
        begin = max(self._next_at, now)
        self._next_at = begin + _APART_SECONDS
        if begin > now:
            await asyncio.sleep(begin - now)

    async def _respond(self, request: Request) -> Response:
        page = self._pages.get(request.path)
        if page is None:
            return text(f"there is no such page; the pages are {', '.join(sorted(self._pages))}", 404)
        if request.method not in ("GET", "HEAD"):
            return text("use GET or HEAD", 405, Allow="GET, HEAD")
        if request.has_body:
            return text("send no body", 400)
        try:
            return await page(request)
        except Exception:
            log.exception("page", extra={"fields": {"path": request.path}})
            return text("the page failed; the log of the gateway has the reason", 500)

    async def _send(self, writer: asyncio.StreamWriter, pieces: Iterable[bytes | memoryview]) -> None:
        if writer.transport.is_closing():
            raise ConnectionResetError  # uvloop would raise a RuntimeError
        async with asyncio.timeout(self._limits.write_timeout_seconds):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()

    async def _linger(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Drain the data that the peer still sends: a close could reset the connection before the response (RFC 9112,
        9.6).
        """
        if self._stopping or writer.transport.is_closing():
            return
        writer.write_eof()
        async with asyncio.timeout(self._limits.linger_timeout_seconds):
            while await reader.read(_READ_BYTES):
                pass
