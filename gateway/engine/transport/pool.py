"""The connections to one Docker Engine.

A `Pool` keeps the connections of finished short calls for the next ones, bounds how many there are and how
many calls may wait for one, and gives every stream and session a connection of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass

from gateway.engine.errors import Busy, CredentialsRejected, Disconnected, TimedOut, TransportError, Unreachable
from gateway.engine.transport.command import dial
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.tls import TlsStream

_DIAL_SECONDS = 20.0  # for a command, which has more to do than connect; ssh itself gives up connecting after 5
_DIALS_AT_ONCE = 8  # of commands; from the tenth login at once on, sshd turns some away (MaxStartups 10:30:100)
_NONE_FREE = "no connection to the host became free within the time allowed"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an engine listens.

    A unix socket (`path`); `host` and `port`, with TLS when `tls` is given; or what is at the other end of
    the input and output of a `command`, such as `ssh HOST docker system dial-stdio`.
    """

    path: str | None = None
    command: tuple[str, ...] = ()
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the traffic with one host.  Sizes in bytes, times in seconds."""

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
        self.address = address  # of connections to come; those that are open stay
        self._host = host
        self._dials = asyncio.Semaphore(_DIALS_AT_ONCE)
        self._limits = limits
        self._lost = lost
        self._idle: list[Connection] = []
        self._busy = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._streams: set[Connection] = set()
        self._opening = 0

    @property
    def streams(self) -> int:
        """How many streams and sessions are open."""
        return len(self._streams)

    async def ask(
        self, request: Request, deadline: float | None = None, *, limit: int | None = None, repeat: bool = False
    ) -> Response:
        """Send *request* and return the whole answer.

        Arguments: *limit*, the most bytes of the answer, when not the pool's own; *repeat*, whether the request
        may be sent again when a kept connection turns out to be dead.  Raises `TransportError`.
        """
        await self._take_place(deadline)
        try:
            while True:
                connection, kept = await self._connection(deadline)
                try:
                    answer = await connection.ask(request, limit or self._limits.max_response_bytes, deadline)
                except Disconnected:
                    if kept and repeat and not connection.heard:
                        continue
                    raise
                if connection.reusable:
                    self._idle.append(connection)
                return answer
        finally:
            self._leave_place()

    @contextlib.asynccontextmanager
    async def open(
        self, request: Request, deadline: float | None = None, upload: AsyncIterable[bytes] | None = None
    ) -> AsyncIterator[tuple[Response, Connection]]:
        """Send *request* on a connection of its own; yield the answer's head and the connection to read from.

        *deadline* is for the head.  The connection is closed at the end.  Raises `TransportError`.
        """
        if len(self._streams) + self._opening >= self._limits.streams:
            raise Busy(f"{self._limits.streams} streams are open on this host, as many as allowed")
        self._opening += 1
        try:
            connection = await self._connect(deadline)
            self._streams.add(connection)
        finally:
            self._opening -= 1
        try:
            yield await connection.open(request, deadline, upload), connection
        finally:
            self._streams.discard(connection)
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        for connection in (*self._idle, *self._streams):
            connection.close()
        self._idle.clear()

    async def _take_place(self, deadline: float | None) -> None:
        if self._busy < self._limits.connections:
            self._busy += 1
            return
        if len(self._queue) >= self._limits.queue:
            raise Busy(f"{self._busy} calls to this host are under way and {len(self._queue)} wait, as many as allowed")
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        self._queue.append(place)
        timer = None if deadline is None else loop.call_at(deadline, _refuse, place)
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave_place()  # it was given to us as we left
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

    async def _connection(self, deadline: float | None) -> tuple[Connection, bool]:
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection, True
        return await self._connect(deadline), False

    async def _connect(self, deadline: float | None) -> Connection:
        loop = asyncio.get_running_loop()
        address = self.address
        if address.command:
            return await self._connect_by(address.command, deadline)
        tls = TlsStream(address.tls, address.server_name or address.host) if address.tls else None
        connection = Connection(tls, self._lost)
        seconds = self._limits.connect_timeout_seconds
        if deadline is not None:
            seconds = min(seconds, max(deadline - loop.time(), 0))
        try:
            async with asyncio.timeout(seconds):
                if address.path is not None:
                    await loop.create_unix_connection(lambda: connection, address.path)
                else:
                    await loop.create_connection(lambda: connection, address.host, address.port)
                await connection.secured()
        except PermissionError as error:
            raise CredentialsRejected(f"the socket is closed to this gateway: {error.strerror}") from error
        except TimeoutError as error:
            connection.close()
            self._lost()
            raise Unreachable(f"no connection within {seconds:.3g} s") from error
        except OSError as error:
            self._lost()
            raise Unreachable(f"no connection: {error.strerror or error}") from error
        except Disconnected as error:
            self._lost()
            raise Unreachable("the host closed the connection during the TLS handshake") from error
        except BaseException:
            connection.close()
            raise
        return connection

    async def _connect_by(self, command: tuple[str, ...], deadline: float | None) -> Connection:
        try:
            async with asyncio.timeout_at(deadline):
                await self._dials.acquire()
        except TimeoutError as error:
            raise TimedOut(_NONE_FREE) from error
        latest = asyncio.get_running_loop().time() + _DIAL_SECONDS
        connection = Connection(None, self._lost)
        try:
            await dial(command, connection, self._host, latest if deadline is None else min(latest, deadline))
        except TransportError:
            self._lost()
            raise
        finally:
            self._dials.release()
        return connection


def _refuse(place: asyncio.Future[None]) -> None:
    if not place.done():
        place.set_exception(TimedOut(_NONE_FREE))
