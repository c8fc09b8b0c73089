"""The connections to one Docker Engine.

A `Pool` keeps the connections of finished calls for the next ones, limits their number and that of the calls that wait
for one, and gives every stream and session a connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from dataclasses import dataclass

from gateway.engine.errors import (
    Busy,
    CredentialsRejected,
    Disconnected,
    TimedOut,
    TransportError,
    Unreachable,
)
from gateway.engine.transport import command
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.timeouts import Deadline, Timeout, within
from gateway.engine.transport.tls import TlsStream

_DIAL_SECONDS = 20.0  # for a command, which has more to do than connect; ssh itself gives up connecting after 5
_DIALS_AT_ONCE = 8  # of commands; from the tenth login at once on, sshd turns some away (MaxStartups 10:30:100)


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine listens.

    A unix socket (`path`); `host` and `port`, with TLS when `tls` is given; or what is at the other end of the input
    and output of a `command`, such as `ssh HOST docker system dial-stdio`.
    """

    path: str | None = None
    command: tuple[str, ...] = ()
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the traffic with one host.  Sizes in bytes, times in seconds."""

    connections: int = 16
    queue: int = 64
    streams: int = 512
    max_response_bytes: int = 64 << 20
    connect_timeout_seconds: float = 2.0
    call_timeout_seconds: float = 30.0  # for the SDK's methods, and for the first contact


class Pool:
    """The connections to one engine."""

    def __init__(
        self, address: Address, limits: Limits, lost: Callable[[], None] = lambda: None, *, host: str = ""
    ) -> None:
        """Open nothing yet.

        *lost* is called whenever the peer ends a connection or cannot be reached; *host* is a name for the log.
        """
        self.address = address  # of new connections; open ones stay
        self._host = host
        self._dials = asyncio.Semaphore(_DIALS_AT_ONCE)
        self._limits = limits
        self._connect_timeout = Timeout.of(limits.connect_timeout_seconds, "limits.connect_timeout_seconds")
        self._lost = lost
        self._idle: list[Connection] = []
        self._busy = 0  # calls that have a connection, or are making one
        self._queue: deque[asyncio.Future[None]] = deque()  # calls that wait
        self._streams: set[Connection] = set()
        self._opening = 0  # streams whose connection is being made

    @property
    def streams(self) -> int:
        """How many streams and sessions are open."""
        return len(self._streams)

    async def fetch(
        self, request: Request, deadline: float | None = None, *, prefix: str = "", repeat: bool = False
    ) -> Response:
        """Send *request* and return the whole response.

        Arguments: *deadline*, in the loop's time; *prefix*, the API version in the path; *repeat*, whether the request
        may be sent again when a kept connection turns out to be dead.  Raises `TransportError`.
        """
        if self._busy < self._limits.connections:
            self._busy += 1
        else:
            await self._wait_in_queue(deadline)
        try:
            while True:
                kept = self._kept_connection()
                connection = kept or await self._connect(deadline)
                try:
                    response = await connection.fetch(request, self._limits.max_response_bytes, deadline, prefix)
                except Disconnected:
                    if kept and repeat and not connection.received_anything:
                        continue
                    raise
                if connection.reusable:
                    self._idle.append(connection)
                return response
        finally:
            self._leave_place()

    @contextlib.asynccontextmanager
    async def open(
        self,
        request: Request,
        deadline: float | None = None,
        upload: AsyncIterable[bytes] | None = None,
        *,
        prefix: str = "",
    ) -> AsyncIterator[tuple[Response, Connection]]:
        """Send *request* on a connection of its own; yield the head of the response and the connection to read from.

        *deadline* is for the head.  The connection is closed at the end.  Raises `TransportError`.
        """
        if len(self._streams) + self._opening >= self._limits.streams:
            raise Busy(f"host busy: {self._limits.streams} streams open (limits.max_streams_per_host)")
        self._opening += 1
        try:
            connection = await self._connect(deadline)
            self._streams.add(connection)
        finally:
            self._opening -= 1
        try:
            yield await connection.open(request, deadline, upload, prefix), connection
        finally:
            self._streams.discard(connection)
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        for connection in (*self._idle, *self._streams):
            connection.close()
        self._idle.clear()

    async def _wait_in_queue(self, deadline: float | None) -> None:
        """Wait until a call hands over its place among the busy ones."""
        if len(self._queue) >= self._limits.queue:
            raise Busy(
                f"host busy: {self._busy} calls in progress (limits.max_connections_per_host)"
                f" and {len(self._queue)} queued (limits.max_queued_calls_per_host)"
            )
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        self._queue.append(place)
        timer = None if deadline is None else loop.call_at(deadline, _expire, place, deadline)
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave_place()  # it was handed over to a call that is cancelled
            raise
        finally:
            if timer is not None:
                timer.cancel()
            with contextlib.suppress(ValueError):
                self._queue.remove(place)

    def _leave_place(self) -> None:
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)  # handed over: the number of busy ones stays
                return
        self._busy -= 1

    def _kept_connection(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
        return None

    async def _connect(self, deadline: float | None) -> Connection:
        address = self.address
        if address.command:
            return await self._connect_by(address.command, deadline)
        tls = TlsStream(address.tls, address.server_name or address.host) if address.tls else None
        connection = Connection(tls, self._lost)
        latest: float = Deadline.after(self._connect_timeout)
        if deadline is not None:
            latest = min(latest, deadline)
        try:
            with _as_transport_errors(latest):
                async with asyncio.timeout_at(latest):
                    await _dial(address, connection)
                    await connection.secured()
        except BaseException as error:
            connection.close()
            if isinstance(error, Unreachable):
                self._lost()
            raise
        return connection

    async def _connect_by(self, program: tuple[str, ...], deadline: float | None) -> Connection:
        try:
            async with asyncio.timeout_at(deadline):
                await self._dials.acquire()
        except TimeoutError as error:
            raise _none_free(deadline) from error
        latest = asyncio.get_running_loop().time() + _DIAL_SECONDS
        connection = Connection(None, self._lost)
        try:
            await command.dial(program, connection, self._host, latest if deadline is None else min(latest, deadline))
        except TransportError:
            self._lost()
            raise
        finally:
            self._dials.release()
        return connection


async def _dial(address: Address, connection: Connection) -> None:
    loop = asyncio.get_running_loop()
    if address.path is not None:
        await loop.create_unix_connection(lambda: connection, address.path)
    else:
        await loop.create_connection(lambda: connection, address.host, address.port)


_DIAL_FAILURES: tuple[tuple[type[Exception], type[TransportError], str], ...] = (
    (PermissionError, CredentialsRejected, "the socket is closed to this gateway: {reason}"),
    (TimeoutError, Unreachable, "no connection {within}"),
    (OSError, Unreachable, "no connection: {reason}"),
    (Disconnected, Unreachable, "the host closed the connection during the TLS handshake"),
)
"""What failures to connect mean; the first row of the exception's type counts."""


@contextlib.contextmanager
def _as_transport_errors(deadline: float) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        for kind, meaning, text in _DIAL_FAILURES:
            if isinstance(error, kind):
                reason = getattr(error, "strerror", None) or error
                raise meaning(text.format(reason=reason, within=within(deadline))) from error
        raise


def _expire(place: asyncio.Future[None], deadline: float) -> None:
    if not place.done():
        place.set_exception(_none_free(deadline))


def _none_free(deadline: float | None) -> TimedOut:
    return TimedOut(f"no connection to the host became free {within(deadline)}")
