"""One HTTP/1.1 connection to a Docker Engine, on asyncio: over a unix socket, TCP, TLS or a stream of ssh.

This is no HTTP client library, because the Engine needs: connections that become two-way sessions with a half-close;
back-pressure from the reader of a body to the peer; a clean end that differs from a broken connection; cancellation
that closes the connection at once; and little cost per call.  `ResponseParser` parses HTTP; this module moves bytes.

Nothing here reads the environment or trusts the peer: a violation raises a `TransportError`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import weakref
from collections.abc import AsyncIterable, Callable
from enum import Enum, auto
from typing import cast

from gateway.engine.errors import (
    BadResponse,
    Busy,
    CredentialsRejected,
    Disconnected,
    IdentityMismatch,
    TimedOut,
    TransportError,
)
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.large_responses import LARGE_BYTES, LargeResponse, LargeResponses
from gateway.engine.transport.precise_timer import sleep_until
from gateway.engine.transport.response_parser import ResponseParser
from gateway.engine.transport.timeouts import within
from gateway.engine.transport.tls import TlsStream
from gateway.engine.transport.turns import Turns

_READ_AHEAD = 128 << 10  # bytes that may wait for the reader; with more, reading from the socket pauses
_WRITE_AHEAD = 1 << 20
_NOTHING = memoryview(b"")
_PIECE = 8 << 10  # bytes that are parsed without a pause: they may hold 1,400 chunks of one byte


class State(Enum):
    """The state of a connection."""

    CONNECTING = auto()
    """TLS is being set up."""
    IDLE = auto()
    """A request can be sent."""
    BUSY = auto()
    """A request was sent, and its response, stream or session has not ended."""
    CLOSED = auto()
    """Closed.  Only data that was received before can still be read."""


class Connection(asyncio.Protocol):
    """One connection to an engine, for one request at a time."""

    def __init__(
        self, tls: TlsStream | None, lost: Callable[[], None], turns: Turns, large_responses: LargeResponses
    ) -> None:
        """*lost* is called when the peer ends the connection; *turns* and *large_responses* are the host's."""
        self.turns = turns
        self._large_responses = large_responses
        self._large: LargeResponse | None = None  # that is being received
        self._loop = asyncio.get_running_loop()
        self._tls = tls
        self._lost = lost
        self._state = State.CONNECTING
        self.ended_by_peer = False
        self._transport: asyncio.Transport | None = None
        self._failure: Exception | None = None  # why the connection was closed; None if it was no longer needed
        self._secured = self._loop.create_future()
        self.gone: asyncio.Future[None] = self._loop.create_future()  # done when the connection is closed
        self._waiter: asyncio.Future[None] | None = None  # of the task that waits for the next change
        self._writable: asyncio.Future[None] | None = None  # while the peer does not read
        self._upload: asyncio.Task[None] | None = None
        self._reading_paused = False
        self._unparsed = _NOTHING  # received, and not parsed until the host's next turn
        self._read_ahead = _READ_AHEAD
        self._parser = ResponseParser("")  # of the current request, or of the last one

    # Requests

    async def fetch(self, request: Request, limit: int, deadline: float | None, prefix: str = "") -> Response:
        """Send *request* and return the whole response.

        Arguments: *limit*, the most bytes of the response's body; *deadline*, in the loop's time; *prefix*, the API
        version in the path.  Raises `TransportError`; the connection is closed then.
        """
        timer = self._timer(deadline)
        try:
            parser = self._begin(ResponseParser(request.method, limit=limit), request.encode(prefix))
            while not parser.complete and self._failure is None:
                await self._change()
            if self._failure is not None:
                raise self._failure
        except BaseException:
            self.close()
            if self._large is not None:
                self._large.release()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if parser.keep_alive:
            self._state = State.IDLE
        else:
            self.close()
        response = Response(parser.status, parser.headers, parser.take())
        parser.headers = {}  # the connection is kept with its parser, and for nothing of this response
        if self._large is not None:
            weakref.finalize(response, _release, self._loop, self._large).atexit = False
            self._large = None
        return response

    async def open(
        self,
        request: Request,
        deadline: float | None,
        upload: AsyncIterable[bytes] | None = None,
        prefix: str = "",
    ) -> Response:
        """Send *request* and return the head of the response; `read` returns its body, or the data of a session.

        *upload* is sent as a chunked request body.  It stops when the engine responds with an error early.
        Raises `TransportError`, and what *upload* raises; the connection is closed then.
        """
        timer = self._timer(deadline)
        try:
            parser = ResponseParser(request.method, upgrade="Upgrade" in request.headers)
            self._begin(parser, request.encode(prefix, chunked=upload is not None))
            if upload is not None:
                self._upload = self._loop.create_task(self._send_chunks(upload))
            while not parser.head_complete and self._failure is None:
                await self._change()
            if self._failure is not None and not parser.size and parser.status < 400:
                raise self._failure
        except BaseException:
            self.close()
            raise
        finally:
            if timer is not None:
                timer.cancel()
        if parser.status >= 300 and self._upload is not None:
            self._upload.cancel()
        return Response(parser.status, parser.headers)

    async def read(self, deadline: float | None = None, least: int = 1) -> bytes:
        """Return at least *least* bytes of the body, or fewer at its end; b"" after the end.

        Raises `TransportError` when the connection breaks before the end, or when fewer bytes arrive until *deadline*,
        in the loop's time.
        """
        parser, self._read_ahead = self._parser, max(least, _READ_AHEAD)
        if parser.size < least:
            self._resume_reading()
            timer = self._timer(deadline, "send anything")
            try:
                while parser.size < least and not parser.complete and self._failure is None:
                    await self._change()
            finally:
                if timer is not None:
                    timer.cancel()
            if self._failure is not None and not parser.size:
                raise self._failure
        data = parser.take()
        self._resume_reading()
        return data

    async def pause_until(self, moment: float) -> None:
        """Pause until *moment* of `time.monotonic()`, so that one `read` returns all that the peer sends by then."""
        self._pause_reading()
        await sleep_until(moment)
        self._resume_reading()

    async def silent_for(self, seconds: float) -> bool:
        """Return true after *seconds* without data, and false as soon as `read` has data to return.

        Raises `TransportError` when the connection breaks.
        """
        expired: list[bool] = []

        def expire() -> None:
            expired.append(True)
            self._wake()

        timer = None
        try:
            while not self._readable and not expired:
                if self._failure is not None:
                    raise self._failure
                timer = timer or self._loop.call_later(seconds, expire)
                await self._change()
        finally:
            if timer is not None:
                timer.cancel()
        return not self._readable

    async def write(self, data: bytes) -> None:
        """Send *data*, and wait until the peer reads.  Raises `TransportError`."""
        self._send(data)
        if self._writable is not None:
            await self._writable

    def close_writing(self) -> None:
        """Close the sending side (half-close); reading continues."""
        if self._transport is None or self._state is State.CLOSED:
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
        return self._parser.is_session

    @property
    def received_anything(self) -> bool:
        """Whether any byte of the response has arrived."""
        return self._parser.received_anything

    @property
    def reusable(self) -> bool:
        """Whether another request may be sent."""
        return self._state is State.IDLE

    def close(self) -> None:
        """Close the connection at once, also in the middle of a request."""
        if self._upload is not None:
            self._upload.cancel()
        self._unparsed = _NOTHING
        self._parser.stop()
        if self._state is not State.CLOSED:
            self._state = State.CLOSED
            if self._transport is not None:
                self._transport.abort()

    def fail(self, failure: Exception) -> None:
        """Close the connection; waiting tasks raise *failure*."""
        if self._failure is None:
            self._failure = failure
        self.close()
        if not self._secured.done():
            self._secured.set_exception(failure)
            self._secured.exception()  # mark the exception as retrieved, because there may be no waiter
        self.resume_writing()
        self._wake()

    def expire(self, deadline: float, what: str = "respond") -> None:
        """Close the connection because the host did not *what* before *deadline*."""
        if self._large is not None and self._large.waits:
            size = self._large_responses.size
            self.fail(TimedOut(f"large responses of {size} bytes were not loaded {within(deadline)}", sent=True))
        elif not self._parser.complete:
            self.fail(TimedOut(f"the host did not {what} {within(deadline)}", sent=self._sent))

    def _begin(self, parser: ResponseParser, request: bytes) -> ResponseParser:
        """Send the bytes of *request*; *parser* parses the data of the peer."""
        if self._state is not State.IDLE:
            raise self._failure or Disconnected("the connection is closed")
        self._state = State.BUSY
        self._parser.stop()
        self._parser = parser
        self._send(request)
        return parser

    def _send(self, data: bytes) -> None:
        if self._state is not State.BUSY or self._transport is None:
            raise self._failure or Disconnected("the connection is closed", sent=True)
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
            pass  # the reader of the response gets the connection's failure
        except Exception as error:
            self.fail(error)  # the missing last chunk shows the engine that the upload is incomplete

    @property
    def _sent(self) -> bool:
        """Whether a request was sent, or at least handed to the socket."""
        return self._state in (State.BUSY, State.CLOSED)

    @property
    def _readable(self) -> bool:
        return bool(self._parser.size) or self._parser.complete

    def _timer(self, deadline: float | None, what: str = "respond") -> asyncio.TimerHandle | None:
        """Start the timer of *deadline*, if there is one.  `asyncio.timeout` costs five times as much."""
        return None if deadline is None else self._loop.call_at(deadline, self.expire, deadline, what)

    def _change(self) -> asyncio.Future[None]:
        """Return the future that resolves at the next change of the connection."""
        self._waiter = self._loop.create_future()
        return self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The callbacks of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start TLS, if it is used."""
        transport = cast("asyncio.Transport", transport)  # uvloop's transport is not a subclass of asyncio's
        self._transport = transport
        if self._state is State.CLOSED:
            transport.abort()
            return
        transport.set_write_buffer_limits(high=_WRITE_AHEAD)
        notice_dead_peers(transport.get_extra_info("socket"))
        if self._tls is None:
            self._set_secured()
        else:
            self._tls.handshake()
            transport.write(self._tls.outgoing())

    async def secured(self) -> None:
        """Wait until TLS is set up, if it is used.  Raises `TransportError`."""
        await self._secured

    def _set_secured(self) -> None:
        self._state = State.IDLE
        self._secured.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Accept bytes from the peer."""
        if self._tls is None:
            self._received(data)
            return
        try:
            plaintext = self._tls.receive(data)
        except ssl.SSLError as error:
            self.fail(_tls_failure(error, sent=self._sent))
            return
        if self._state is State.CLOSED:
            return
        if self._transport is not None and (outgoing := self._tls.outgoing()):
            self._transport.write(outgoing)
        if self._tls.ready and self._state is State.CONNECTING:
            self._set_secured()
        if plaintext:
            self._received(plaintext)
        if self._tls.ended:
            self._end(None)

    def _received(self, data: bytes) -> None:
        parser = self._parser
        if self._failure is not None or self._state is State.CLOSED:
            return
        if self._state is State.IDLE or (parser.complete and not parser.is_session):
            # Unrequested bytes: they must not become the response to the next request.
            self.fail(BadResponse("the host sent a response that nobody requested"))
            return
        if self._unparsed:  # plaintext that TLS held until this side closed
            self._unparsed = memoryview(b"".join((self._unparsed, data)))
        elif len(data) > _PIECE and not parser.is_session:
            self._unparsed = memoryview(data)
            self._parse_in_turns()
        else:
            parser.feed(data)
            self._take_note()

    def _take_note(self) -> None:
        """Wake the waiting tasks, according to what was received."""
        parser = self._parser
        if parser.failure is not None:
            self.fail(parser.failure)
        elif parser.limit is None:
            if parser.size > self._read_ahead:
                self._pause_reading()
            self._wake()
        elif parser.size > LARGE_BYTES:
            self._count_large()
        elif parser.complete:
            self._wake()

    def _count_large(self) -> None:
        """Count what has arrived of a large response, and pause when it waits for others of the host."""
        if self._large is None:
            self._large = self._large_responses.begin(self._resume_reading)
        try:
            self._large.grow(self._parser.size)
        except Busy as error:
            self.fail(error)
            return
        if self._parser.complete:
            self._large.waits = False
            self._wake()
        elif self._large.waits:
            self._pause_reading()

    def _parse_in_turns(self) -> None:
        """Parse until the host's turn is over, and the rest in its next turn, because small chunks are costly to
        parse.
        """
        while self._unparsed and self._failure is None:
            self._parse_piece()
            if self._unparsed and self.turns.spent:
                self._pause_reading()
                self.turns.when_next(self._parse_in_turns)
                break
        self._take_note()
        if self._parser.limit is not None or self._parser.size <= self._read_ahead:
            self._resume_reading()

    def _parse_piece(self) -> None:
        piece, rest = bytes(self._unparsed[:_PIECE]), self._unparsed[_PIECE:]
        self._unparsed = rest or _NOTHING  # an empty view would keep the whole buffer alive
        self._parser.feed(piece)
        if self._unparsed and self._parser.complete and not self._parser.is_session:
            self.fail(BadResponse("the host sent a response that nobody requested"))

    def eof_received(self) -> bool:
        """Note that the peer sends no more."""
        self._end(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is gone."""
        if exc is not None and self._state is not State.CLOSED:
            self._read_last_bytes()
        self._end(exc)
        self._state = State.CLOSED
        if not self.gone.done():
            self.gone.set_result(None)
        if self._upload is not None:
            self._upload.cancel()

    def _read_last_bytes(self) -> None:
        """Read the data that the peer sent before it broke the connection.

        When writing fails, asyncio stops reading.  But a peer that refuses an upload or a certificate sends the reason
        first.
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

    def _end(self, exc: Exception | None) -> None:
        """Note that nothing more can be received."""
        by_peer = self._state is not State.CLOSED
        self.ended_by_peer |= by_peer
        while self._unparsed and self._failure is None:
            self._parse_piece()
        if exc is None and (self._tls is None or self._tls.ended):
            self._parser.finish()
        self._parser.keep_alive = False
        if self._parser.complete and self._state is not State.IDLE:
            self._wake()  # the whole response has arrived, and was not read yet
        else:
            what = f"the connection broke: {exc}" if exc else "the connection ended before the response did"
            self.fail(Disconnected(what, sent=self._sent))
            if by_peer:
                self._lost()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Make writers wait."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let writers continue."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _pause_reading(self) -> None:
        if not self._reading_paused and self._transport is not None and self._state is not State.CLOSED:
            self._reading_paused = True
            self._transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._unparsed or not self._reading_paused or (self._large is not None and self._large.waits):
            return
        if self._transport is not None and self._state is not State.CLOSED:
            self._reading_paused = False
            self._transport.resume_reading()


def _release(loop: asyncio.AbstractEventLoop, response: LargeResponse) -> None:
    """Free the room of *response*.  The garbage collector may call this in any thread."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(response.release)


def notice_dead_peers(sock: socket.socket | None) -> None:
    """Enable TCP keepalive, so that the kernel detects a dead peer of a silent connection within half a minute."""
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
