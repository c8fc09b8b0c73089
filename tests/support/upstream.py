"""What tests of connections to engines share: engines without a gateway, and answers that a test controls."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest

from gateway.engine.client import Endpoint, Engine
from gateway.engine.transport.pool import Address, Limits, Pool
from tests.support.fake_engine import ResponseParser, frame
from tests.support.gateway import Failed, failed

CONTAINER = "c0ffee" + "0" * 58
EXEC = "e" * 64


def address_of(url: str, tls: ssl.SSLContext | None = None, server_name: str | None = None) -> Address:
    """Return the address that *url* means: unix:///path or tcp://host:port."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return Address(path=parts.path)
    return Address(host=parts.hostname or "", port=parts.port or 0, tls=tls, server_name=server_name)


@asynccontextmanager
async def pool_to(
    url: str, limits: Limits | None = None, lost: Callable[[], None] = lambda: None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Pool]:
    """Give the pool of connections to what listens at *url*."""
    pool = Pool(address_of(url, tls), limits or Limits(), lost)
    try:
        yield pool
    finally:
        pool.close()


@asynccontextmanager
async def engine_at(url: str, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Engine]:
    """Give the gateway's engine of the host at *url*, called h1."""
    engine = Engine("h1", Endpoint(url, address_of(url, tls)), limits)
    try:
        yield engine
    finally:
        engine.close()


def soon(seconds: float = 0.2) -> float:
    """Return a deadline that a test can wait for, in the loop's time."""
    return asyncio.get_running_loop().time() + seconds


class Held:
    """An engine's handler that begins an answer and leaves the rest to the test, by its `exchange`."""

    def __init__(self, begin: Callable[[ResponseParser], None] = lambda exchange: None) -> None:
        self._begin = begin
        self.called = asyncio.Event()  # the request is here, and the answer has begun
        self.gone = asyncio.Event()  # the client has closed its side
        self.received = bytearray()  # what it sent after its request
        self.exchange: ResponseParser

    async def __call__(self, exchange: ResponseParser) -> None:
        """Begin the answer and keep the connection until the client, or the test, ends it."""
        exchange.keep_alive = False
        self.exchange = exchange
        self._begin(exchange)
        await exchange.drain()
        self.called.set()
        with contextlib.suppress(ConnectionError):
            while data := await exchange.read(65536):
                self.received += data
        self.gone.set()


class LargeBody:
    """An engine's handler that sends a body of *total* bytes as fast as it is taken.

    `stalled` is set when the client takes nothing for a while; `sent` is how much it has taken.
    """

    def __init__(self, total: int) -> None:
        self.sent = 0
        self.stalled = asyncio.Event()
        self._total = total

    async def __call__(self, exchange: ResponseParser) -> None:
        """Send it."""
        exchange.head(200, {"Content-Length": str(self._total)})
        while self.sent < self._total:
            exchange.write(bytes(1 << 20))
            self.sent += 1 << 20
            try:
                await asyncio.wait_for(exchange.drain(), 0.3)
            except TimeoutError:
                self.stalled.set()
                await exchange.drain()


async def cat(exchange: ResponseParser) -> None:
    """Be `cat`: what comes in goes out, until the end of the input."""
    exchange.upgrade()
    while data := await exchange.read(65536):
        exchange.write(frame(1, data))
        await exchange.drain()
    exchange.close()


def writes(*output: bytes, end: str = "close") -> Callable[[ResponseParser], Awaitable[None]]:
    """Return a handler of a process that writes *output* and ends."""

    async def process(exchange: ResponseParser) -> None:
        exchange.upgrade(b"".join(output))
        await exchange.drain()
        getattr(exchange, end)()

    return process


@asynccontextmanager
async def tls_server(context: ssl.SSLContext, serve: Callable[[ssl.SSLSocket], None]) -> AsyncIterator[str]:
    """Let *serve* talk over TLS as Go does, with alerts and with one direction closed; asyncio's TLS can do neither.

    Gives the address.  Each connection is served on a thread of its own.
    """
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(8) as pool:

        def accept() -> None:
            with contextlib.suppress(OSError):  # the server is closed
                while True:
                    pool.submit(handle, server.accept()[0])

        def handle(plain: socket.socket) -> None:
            with plain, contextlib.suppress(OSError):
                plain.settimeout(30)
                with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as secured:
                    serve(secured)

        accepting = pool.submit(accept)
        try:
            yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            await asyncio.to_thread(pool.shutdown)  # the threads wait until the loop has closed their peers
            accepting.result()


def read_request(stream: ssl.SSLSocket) -> bytes:
    """Return the head and the body of a request."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += stream.recv(65536)
    length = re.search(rb"Content-Length: (\d+)", request)
    while length and len(request.partition(b"\r\n\r\n")[2]) < int(length[1]):
        request += stream.recv(65536)
    return request


async def refusal(call: Any) -> Failed:
    """Return how *call*, unary or streaming, has failed."""
    if hasattr(call, "__aiter__"):
        return (await until_refused(call))[1]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return failed(refused.value)


def output(replies: list[Any]) -> bytes:
    """Return all output in the replies of a session."""
    return b"".join(reply.output.data for reply in replies)


async def ending(call: Any) -> tuple[list[Any], Failed | None]:
    """Return the messages of a streaming *call*, and how it has failed after them; None when it has ended well."""
    messages = []
    try:
        async for message in call:
            messages.append(message)  # noqa: PERF401 - what comes before a failure is wanted
    except grpc.aio.AioRpcError as error:
        return messages, failed(error)
    return messages, None


async def until_refused(call: Any) -> tuple[list[Any], Failed]:
    """Return the messages of a streaming *call*, and how it has failed after them."""
    messages, failure = await ending(call)
    assert failure is not None, f"the call has ended well, after {messages}"
    return messages, failure


async def until(condition: Callable[[], Any]) -> Any:
    """Wait until *condition*, which no event signals, is true; return its value."""
    while not (result := condition()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return result
