"""One HTTP/1.1 connection to a Docker Engine, on asyncio: over a unix socket, TCP or TLS.

Why not an HTTP client library: the Engine needs connections that become two-way sessions with a half-close,
bodies that stop when their reader stops, an end that is told from a break, and a cancellation that closes
the connection at once; and a call must cost next to nothing.  What is said over it is an `ResponseParser`'s affair.

Nothing here reads the environment or trusts the peer: see the `TransportError`s.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterable, Callable
from typing import cast

from gateway.engine.errors import (
    BadResponse,
    CredentialsRejected,
    Disconnected,
    IdentityMismatch,
    TimedOut,
    TransportError,
)
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.precise_timer import sleep_until
from gateway.engine.transport.response_parser import ResponseParser
from gateway.engine.transport.tls import TlsStream

_READ_AHEAD = 1 << 20  # bytes that wait for their reader before the socket is left alone
_WRITE_AHEAD = 1 << 20


class Connection(asyncio.Protocol):
    """One connection to an engine, carrying one exchange at a time."""

    def __init__(self, tls: TlsStream | None, lost: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._tls = tls
        self._lost = lost  # told when the peer ends the connection
        self._transport: asyncio.Transport | None = None
        self._failure: Exception | None = None
        self._closed = False
        self.ended_by_peer = False
        self._secured = self._loop.create_future()
        self.gone: asyncio.Future[None] = self._loop.create_future()  # done when the connection is
        self._waiter: asyncio.Future[None] | None = None  # of whoever waits for something to happen
        self._writable: asyncio.Future[None] | None = None
        self._upload: asyncio.Task[None] | None = None
        self._reading_paused = False
        self._exchange = ResponseParser("")
        self._active = False  # the exchange is under way

    # An exchange

    async def ask(self, request: Request, limit: int, deadline: float | None) -> Response:
        """Send *request* and return the whole answer.

        Arguments: *limit*, the most bytes that the answer may have; *deadline*, in the loop's time.
        Raises `TransportError`; the connection is closed then.
        """
        exchange = self._exchange = ResponseParser(request.method, limit=limit)
        self._active = True
        self._send(request.head() + (request.body or b""))
        try:
            with _Alarm(self, deadline):
                while not exchange.complete:
                    await self._news()
            if self._failure is not None:
                raise self._failure
        except BaseException:
            self.close()
            raise
        self._active = False
        if not exchange.keep_alive:
            self.close()
        return Response(exchange.status, exchange.headers, exchange.take())

    async def open(
        self, request: Request, deadline: float | None, upload: AsyncIterable[bytes] | None = None
    ) -> Response:
        """Send *request* and return the head of the answer; its body, or the session, is for `read`.

        *upload* is sent as the request's body, chunked.  It is stopped when the engine refuses early.
        Raises `TransportError`, and what *upload* raises; the connection is closed then.
        """
        exchange = self._exchange = ResponseParser(request.method, upgrade="Upgrade" in request.headers)
        self._active = True
        self._send(request.head(chunked=upload is not None) + (request.body or b""))
        if upload is not None:
            self._upload = self._loop.create_task(self._send_chunks(upload))
        try:
            with _Alarm(self, deadline):
                while not exchange.head_complete:
                    await self._news()
            if self._failure is not None and not exchange.size and exchange.status < 400:
                raise self._failure
        except BaseException:
            self.close()
            raise
        if exchange.status >= 300 and self._upload is not None:
            self._upload.cancel()
        return Response(exchange.status, exchange.headers)

    async def read(self, idle_seconds: float | None = None, least: int = 1) -> bytes:
        """Return what has come of the body, at least *least* bytes unless it ends or breaks before; b"" at its end.

        Raises `TransportError` when the connection breaks before the end, or nothing comes for *idle_seconds*.
        """
        exchange = self._exchange
        if exchange.size < least:
            deadline = None if idle_seconds is None else self._loop.time() + idle_seconds
            with _Alarm(self, deadline):
                while exchange.size < least and not exchange.complete and self._failure is None:
                    await self._news()
            if self._failure is not None and not exchange.size:
                raise self._failure
        data = exchange.take()
        self._resume_reading()
        return data

    async def rest(self, until: float) -> None:
        """Take nothing from the peer *until* then, of `time.monotonic()`; what it sends comes with one `read`."""
        self._pause_reading()
        await sleep_until(until)
        self._resume_reading()

    async def quiet(self, seconds: float) -> bool:
        """Wait until there is something for `read`, and return false; or true when for *seconds* there was nothing.

        Raises `TransportError` when the connection breaks.
        """
        if self._has_news:
            return False
        expired: list[bool] = []

        def expire() -> None:
            expired.append(True)
            self._wake()

        timer = self._loop.call_later(seconds, expire)
        try:
            while not self._has_news and not expired:
                await self._news()
        finally:
            timer.cancel()
        return not self._has_news

    async def write(self, data: bytes) -> None:
        """Send *data*, and wait while the peer takes less than it is given.  Raises `TransportError`."""
        self._send(data)
        if self._writable is not None:
            await self._writable

    def close_writing(self) -> None:
        """Tell the peer that nothing more will be sent; reading goes on."""
        if self._transport is None or self._closed:
            return
        if self._tls is None:
            self._transport.write_eof()
            return
        if plaintext := self._tls.close_writing():
            self._received(plaintext)
        self._transport.write(self._tls.outgoing())

    @property
    def upgraded(self) -> bool:
        """Whether the connection has become a session."""
        return self._exchange.is_session

    @property
    def heard(self) -> bool:
        """Whether anything of the answer has come."""
        return self._exchange.heard

    @property
    def reusable(self) -> bool:
        """Whether another exchange may follow."""
        said_farewell = self._tls is not None and self._tls.ended
        return not self._closed and not self._active and self._failure is None and not said_farewell

    def close(self) -> None:
        """Close the connection now, whatever is under way."""
        if self._upload is not None:
            self._upload.cancel()
        if self._transport is not None and not self._closed:
            self._closed = True
            self._transport.abort()

    def fail(self, failure: Exception) -> None:
        """End the exchange with *failure*."""
        if self._failure is None:
            self._failure = failure
        self.close()
        if not self._secured.done():
            self._secured.set_exception(failure)
        self._resume()
        self._wake()

    def expire(self) -> None:
        """End the exchange because its time is over."""
        if not self._exchange.complete:
            self.fail(TimedOut("the host did not answer within the time allowed", sent=self._active))

    def _send(self, data: bytes) -> None:
        if self._failure is not None:
            raise self._failure
        if self._transport is None or self._closed:
            raise Disconnected("the connection is closed", sent=self._active)
        if self._tls is not None:
            self._tls.send(data)
            data = self._tls.outgoing()
        self._transport.write(data)

    async def _send_chunks(self, upload: AsyncIterable[bytes]) -> None:
        try:
            async for data in upload:
                if data:
                    await self.write(b"%x\r\n%b\r\n" % (len(data), data))
            await self.write(b"0\r\n\r\n")
        except TransportError:
            pass  # the connection's failure is told to whoever reads
        except Exception as error:
            self.fail(error)  # without the last chunk the engine knows that the upload is not whole

    async def _news(self) -> None:
        """Wait until something happens.  Raises the failure of the connection."""
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._failure is not None and not self._has_news:
            raise self._failure

    @property
    def _has_news(self) -> bool:
        return bool(self._exchange.size) or self._exchange.complete

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _resume(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start TLS, where it is used."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is one by behaviour only
        self._transport = transport
        transport.set_write_buffer_limits(high=_WRITE_AHEAD)
        _notice_dead_peers(transport.get_extra_info("socket"))
        if self._tls is None:
            self._secured.set_result(None)
        else:
            self._tls.handshake()
            transport.write(self._tls.outgoing())

    async def secured(self) -> None:
        """Wait until TLS, where it is used, is set up.  Raises `TransportError`."""
        await self._secured

    def data_received(self, data: bytes) -> None:
        """Take bytes from the peer."""
        if self._tls is None:
            self._received(data)
            return
        try:
            plaintext = self._tls.receive(data)
        except ssl.SSLError as error:
            self.fail(_tls_failure(error, sent=self._active))
            return
        if self._transport is not None and not self._closed and (outgoing := self._tls.outgoing()):
            self._transport.write(outgoing)
        if self._tls.ready and not self._secured.done():
            self._secured.set_result(None)
        if plaintext:
            self._received(plaintext)
        if self._tls.ended:
            self._end(None)

    def eof_received(self) -> bool:
        """Take note that the peer sends no more."""
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Take note that the connection is gone."""
        if exc is not None and not self._closed:
            self._hear_out()
        self._end(exc)
        self._closed = True
        if not self.gone.done():
            self.gone.set_result(None)
        if self._upload is not None:
            self._upload.cancel()

    def _hear_out(self) -> None:
        """Take what the peer said before it broke the connection.

        When writing fails, asyncio reads no more; but who refuses an upload, or a certificate, says why and hangs up.
        """
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is None or self._reading_paused:
            return
        with contextlib.suppress(OSError):
            for _ in range(16):
                if data := os.read(sock.fileno(), 64 << 10):
                    self.data_received(data)
                if not data or self._failure is not None:
                    return

    def pause_writing(self) -> None:
        """Make writers wait."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let writers go on."""
        self._resume()

    def _end(self, exc: Exception | None) -> None:
        by_peer = not self._closed
        self.ended_by_peer |= by_peer
        if exc is None and (self._tls is None or self._tls.ended):
            self._exchange.finish()
        if self._exchange.complete and self._active:
            self._wake()  # all of the answer is here, only not read yet
        else:
            what = f"the connection broke: {exc}" if exc else "the connection ended before the answer did"
            self.fail(Disconnected(what, sent=self._active))
            if by_peer:
                self._lost()
        self._resume()

    def _received(self, data: bytes) -> None:
        exchange = self._exchange
        if self._failure is not None:
            return
        if not self._active or (exchange.complete and not exchange.is_session):
            # Bytes that nobody asked for: the next caller must not take them for its answer.
            self.fail(BadResponse("the host sent an answer that nobody asked for"))
            return
        exchange.feed(data)
        if exchange.failure is not None:
            self.fail(exchange.failure)
        elif exchange.limit is None and exchange.size > _READ_AHEAD:
            self._pause_reading()
        self._wake()

    def _pause_reading(self) -> None:
        if not self._reading_paused and self._transport is not None and not self._closed:
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused and self._transport is not None and not self._closed:
            self._reading_paused = False
            self._transport.resume_reading()


class _Alarm:
    """Ends a connection's exchange at *deadline*.  A plain timer: `asyncio.timeout` costs five times as much."""

    __slots__ = ("_timer",)

    def __init__(self, connection: Connection, deadline: float | None) -> None:
        self._timer = None if deadline is None else connection._loop.call_at(deadline, connection.expire)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        if self._timer is not None:
            self._timer.cancel()


def _notice_dead_peers(sock: socket.socket | None) -> None:
    """Let the kernel find out within half a minute that the other end of a silent connection is gone."""
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 25_000)):
        if (number := getattr(socket, option, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, number, value)


def _tls_failure(error: ssl.SSLError, *, sent: bool) -> TransportError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return IdentityMismatch(f"the host's certificate is not accepted: {error.verify_message}")
    reason = error.reason or str(error)
    if "ALERT" in reason:
        return CredentialsRejected(f"the host refuses this gateway's certificate: {reason}", sent=False)
    if not sent:
        return IdentityMismatch(f"the host does not speak TLS as expected: {reason}")
    return BadResponse(f"the TLS connection broke: {reason}", sent=sent)
