"""The connections to one Docker Engine.

A `Pool` keeps the connections of finished calls for reuse, opens a connection for each stream and session, and has a
`Budget` for each kind of calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.engine.errors import CredentialsRejected, Disconnected, TransportError, Unreachable
from gateway.engine.kinds import Kind
from gateway.engine.transport.budget import Budget
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.large_responses import LargeResponses, SharedRoom
from gateway.engine.transport.ssh.address import SshAddress
from gateway.engine.transport.ssh.login import Login, Logins
from gateway.engine.transport.ssh.login import Timeouts as SshTimeouts
from gateway.engine.transport.timeouts import Deadline, Timeout, within
from gateway.engine.transport.tls import TlsStream
from gateway.engine.transport.turns import Traffic, Turns


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine listens.

    A unix socket (`path`), or `host` and `port`, with TLS if `tls` is given, or a socket that is reached through `ssh`.
    """

    path: str | None = None
    ssh: SshAddress | None = None
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    certificate_expires: float | None = None  # of the gateway's certificate, in seconds since 1970


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the traffic with one host.  Sizes in bytes, times in seconds."""

    connections: int = 64
    queue: int = 64
    streams: int = 512
    heavy: int = 16
    max_response_bytes: int = 64 << 20
    connect_timeout_seconds: float = 2.0
    call_timeout_seconds: float = 30.0  # for the SDK's methods, and for the first contact
    ssh_login_timeout_seconds: float = 10.0
    ssh_keepalive_interval_seconds: float = 15.0
    idle_seconds: float = 60.0  # for which an idle connection is kept

    def budgets(self) -> Mapping[Kind, Budget]:
        """Return the budgets of all kinds of calls."""
        queue = self.queue, "queued (limits.max_queued_calls_per_host)"
        return {
            Kind.UNARY: Budget(self.connections, "calls in progress (limits.max_connections_per_host)", *queue),
            Kind.STREAM: Budget(self.streams, "streams open (limits.max_streams_per_host)"),
            Kind.HEAVY: Budget(self.heavy, "heavy calls in progress (limits.max_heavy_calls_per_host)", *queue),
            # The gateway's own calls never wait for calls of clients.
            Kind.PROBE: Budget(4, "probes in progress", 64),
            Kind.WATCH: Budget(16, "of the gateway's own calls in progress", 1024),
            Kind.SAMPLE: Budget(64, "samples in progress", 64),
            Kind.CLEANUP: Budget(16, "of the gateway's own calls in progress", 1024),
        }


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
        traffic: Traffic | None = None,
        room: SharedRoom | None = None,
        waited: Callable[[Kind, float], None] = lambda kind, seconds: None,
    ) -> None:
        """Open nothing yet.

        *lost* is called whenever the peer ends a connection or cannot be reached.  *host* is a name for the log.  All
        ssh hosts share *logins*; all hosts share *traffic* and *room*.  *waited* is called with the seconds that
        a call has waited in the queue.
        """
        self.budgets = limits.budgets()
        self.turns = Turns(traffic or Traffic())
        self._large_responses = LargeResponses(room or SharedRoom())
        self._address = address
        self._host = host
        self._logins = logins or Logins()
        self._login: Login | None = None
        self._closed = False
        self._limits = limits
        self._connect_timeout = Timeout.of(limits.connect_timeout_seconds, "limits.connect_timeout_seconds")
        self._lost = lost
        self._waited = waited
        self._idle: list[tuple[float, Connection]] = []  # with the loop's time since when
        self._idle_timer: asyncio.TimerHandle | None = None
        self._streams: set[Connection] = set()
        self._engine_certificate: float | None = None  # when it expires

    @property
    def certificates(self) -> Mapping[str, float]:
        """When certificates expire, in seconds since 1970, by owner: the engine of the newest connection, and the
        gateway.
        """
        found = {"engine": self._engine_certificate, "gateway": self._address.certificate_expires}
        return {whose: expires for whose, expires in found.items() if expires is not None}

    @property
    def streams(self) -> int:
        """How many streams and sessions are open."""
        return len(self._streams)

    async def fetch(
        self,
        request: Request,
        deadline: float | None = None,
        kind: Kind = Kind.UNARY,
        *,
        prefix: str = "",
        repeat: bool = False,
    ) -> Response:
        """Send *request* and return the whole response.

        Arguments: *deadline*, in the loop's time; *kind*, the kind of the budget; *prefix*, the API version in the
        path; *repeat*, whether the request may be sent again when a kept connection turns out to be dead.  Raises
        `TransportError`.
        """
        budget = self.budgets[kind]
        if not budget.take():
            await self._wait(budget, kind, deadline)
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
                    self._keep(connection)
                return response
        finally:
            budget.leave()

    @contextlib.asynccontextmanager
    async def open(
        self,
        request: Request,
        deadline: float | None = None,
        upload: AsyncIterable[bytes] | None = None,
        kind: Kind = Kind.STREAM,
        *,
        prefix: str = "",
    ) -> AsyncIterator[tuple[Response, Connection]]:
        """Send *request* on a connection of its own; yield the head of the response and the connection to read from.

        *deadline* is for the head; *kind* is the kind of the budget.  The end of the block closes the connection.
        Raises `TransportError`.
        """
        budget = self.budgets[kind]
        if not budget.take():
            await self._wait(budget, kind, deadline)
        try:
            connection = await self._connect(deadline)
            self._streams.add(connection)
            try:
                yield await connection.open(request, deadline, upload, prefix), connection
            finally:
                self._streams.discard(connection)
                connection.close()
        finally:
            budget.leave()

    def renew(self, address: Address) -> None:
        """Use *address* from the next connection on.  Open streams keep their connections."""
        self._address = address
        self._engine_certificate = None
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

    async def _wait(self, budget: Budget, kind: Kind, deadline: float | None) -> None:
        began = asyncio.get_running_loop().time()
        await budget.wait(deadline)
        self._waited(kind, asyncio.get_running_loop().time() - began)

    def _keep(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        self._idle.append((loop.time(), connection))
        if self._idle_timer is None:
            self._idle_timer = loop.call_later(self._limits.idle_seconds, self._close_unneeded)

    def _close_unneeded(self) -> None:
        """Close the connections that have been idle for too long."""
        loop, self._idle_timer = asyncio.get_running_loop(), None
        oldest = loop.time() - self._limits.idle_seconds
        while self._idle and self._idle[0][0] <= oldest:
            self._idle.pop(0)[1].close()
        if self._idle:
            self._idle_timer = loop.call_at(self._idle[0][0] + self._limits.idle_seconds, self._close_unneeded)

    def _close_idle(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    def _kept_connection(self) -> Connection | None:
        while self._idle:
            _, connection = self._idle.pop()
            if connection.reusable:
                return connection
        return None

    async def _connect(self, deadline: float | None) -> Connection:
        address = self._address
        tls = TlsStream(address.tls, address.server_name or address.host) if address.tls else None
        connection = Connection(tls, self._lost, self.turns, self._large_responses)
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
        if tls is not None:
            self._engine_certificate = tls.peer_expires()
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
        """Return the ssh login that all connections share."""
        if self._closed:
            raise Unreachable("the host has left the fleet")  # a new login would never be closed
        if self._login is None:
            timeouts = SshTimeouts(
                self._connect_timeout,
                Timeout.of(self._limits.ssh_login_timeout_seconds, "limits.ssh_login_timeout_seconds"),
                self._limits.ssh_keepalive_interval_seconds,
            )
            self._login = Login(self._host, address, timeouts, self._logins, self.turns)
        return self._login


_DIAL_FAILURES: tuple[tuple[type[Exception], type[TransportError], str], ...] = (
    (PermissionError, CredentialsRejected, "the socket is closed to this gateway: {reason}"),
    (TimeoutError, Unreachable, "no connection {within}"),
    (OSError, Unreachable, "no connection: {reason}"),
    (Disconnected, Unreachable, "the host closed the connection during the TLS handshake"),
)
"""The errors for failures to connect; the first row that matches the type of the exception counts."""


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
