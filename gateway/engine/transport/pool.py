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

from gateway.engine.errors import Busy, CredentialsRejected, Disconnected, TimedOut, TransportError, Unreachable
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.ssh.address import SshAddress
from gateway.engine.transport.ssh.login import Login, Logins
from gateway.engine.transport.ssh.login import Timeouts as SshTimeouts
from gateway.engine.transport.timeouts import Deadline, Timeout, within
from gateway.engine.transport.tls import TlsStream


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine listens.

    A unix socket (`path`); `host` and `port`, with TLS when `tls` is given; or a socket that `ssh` leads to.
    """

    path: str | None = None
    ssh: SshAddress | None = None
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
    ssh_login_timeout_seconds: float = 10.0
    ssh_keepalive_interval_seconds: float = 15.0


class Pool:
    """The connections to one engine."""

    def __init__(
        self,
        address: Address,
        limits: Limits,
        lost: Callable[[], None] = lambda: None,
        *,
        host: str = "",
        logins: Logins | None = None,
    ) -> None:
        """Open nothing yet.

        *lost* is called whenever the peer ends a connection or cannot be reached; *host* is a name for the log;
        *logins* is what ssh hosts share.
        """
        self._address = address
        self._host = host
        self._logins = logins or Logins()
        self._login: Login | None = None
        self._closed = False
        self._limits = limits
        self._connect_timeout = Timeout.of(limits.connect_timeout_seconds, "limits.connect_timeout_seconds")
        self._ssh_timeouts = SshTimeouts(
            self._connect_timeout,
            Timeout.of(limits.ssh_login_timeout_seconds, "limits.ssh_login_timeout_seconds"),
            limits.ssh_keepalive_interval_seconds,
        )
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

    def renew(self, address: Address) -> None:
        """Reach the engine at *address*, from the next connection on.  Streams stay where they are."""
        self._address = address
        if self._login is not None and self._login.address != address.ssh:
            self._close_idle()
            self._login.retire()
            self._login = None

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        for connection in self._streams:
            connection.close()
        self._close_idle()
        if self._login is not None:
            self._login.close()

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

    def _close_idle(self) -> None:
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _kept_connection(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
        return None

    async def _connect(self, deadline: float | None) -> Connection:
        address = self._address
        tls = TlsStream(address.tls, address.server_name or address.host) if address.tls else None
        connection = Connection(tls, self._lost)
        try:
            if address.ssh is not None:
                await self._login_at(address.ssh).dial(connection, deadline)
            else:
                await self._dial(address, connection, deadline)
        except BaseException as error:
            connection.close()
            if isinstance(error, Unreachable):
                self._lost()
            raise
        return connection

    async def _dial(self, address: Address, connection: Connection, deadline: float | None) -> None:
        latest: float = Deadline.after(self._connect_timeout)
        if deadline is not None:
            latest = min(latest, deadline)
        loop = asyncio.get_running_loop()
        with _as_transport_errors(latest):
            async with asyncio.timeout_at(latest):
                if address.path is not None:
                    await loop.create_unix_connection(lambda: connection, address.path)
                else:
                    await loop.create_connection(lambda: connection, address.host, address.port)
                await connection.secured()

    def _login_at(self, address: SshAddress) -> Login:
        """Return the login that all connections share."""
        if self._closed:
            raise Unreachable("the host has left the fleet")  # a login now would be nobody's
        self._login = self._login or Login(self._host, address, self._ssh_timeouts, self._logins)
        return self._login


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
