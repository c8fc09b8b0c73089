"""The login at one host, which all its connections share."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from gateway.engine.background import retrieve
from gateway.engine.errors import Busy, TransportError, Unreachable
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.ssh.address import SshAddress
from gateway.engine.transport.timeouts import Deadline, Timeout, within
from gateway.engine.transport.turns import Turns

if TYPE_CHECKING:
    from gateway.engine.transport.ssh.session import Session

log = logging.getLogger("gateway.engine")

_AT_ONCE = 8  # a stock sshd, also that of a jump host, turns some away from the tenth on (MaxStartups 10:30:100)
_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long the steps of a login, and the silence of one that stands, may take.  In seconds."""

    connect: Timeout
    login: Timeout
    keepalive: float


class LoginSlot:
    """One of the few places for concurrent logins."""

    def __init__(self, release: Callable[[], None]) -> None:
        self.answered: Callable[[], bool] = lambda: False
        self._release: Callable[[], None] | None = release

    def end(self) -> None:
        """Release the place."""
        if self._release is not None:
            self._release()
            self._release = None

    def end_unless_answered(self) -> None:
        """Release the place if the host has sent nothing yet."""
        if not self.answered():
            self.end()


class Logins:
    """What the logins of all hosts share."""

    def __init__(self, at_once: int = _AT_ONCE, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._patience_seconds = patience_seconds
        self.known_hosts: dict[Any, Any] = {}  # that were read, by files and their versions
        self.known_hosts_lock = Lock()

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[LoginSlot]:
        """Log in within the block.

        A login costs the event loop 4 ms, in some fifty pieces of at most half a millisecond.  A thousand concurrent
        logins would delay everything else by seconds.  Hosts that do not answer do not delay others: they release their
        places before their logins end.
        """
        await self._free.acquire()
        slot = LoginSlot(self._free.release)
        timer = asyncio.get_running_loop().call_later(self._patience_seconds, slot.end_unless_answered)
        try:
            yield slot
        finally:
            timer.cancel()
            slot.end()


class Login:
    """Logs in when a connection needs it, and again after a break."""

    def __init__(self, host: str, address: SshAddress, timeouts: Timeouts, logins: Logins, turns: Turns) -> None:
        """Open nothing yet.  *host* is a name for the log; *turns* are the host's."""
        self.address = address
        self._host = host
        self._timeouts = timeouts
        self._logins = logins
        self._turns = turns
        self._session: Session | None = None
        self._attempt: asyncio.Task[Session] | None = None
        self._has_turn = False
        self._retired = False
        self._failure = ""  # of the last attempt

    async def dial(self, connection: Connection, deadline: float | None) -> None:
        """Join *connection* to the socket of the address.  *deadline* is in the loop's time.

        Raises `TransportError`; nothing of the connection was sent then, and it must be closed.
        """
        session = await self._standing(deadline)
        try:
            await session.join(connection, deadline)
        except Unreachable:
            if not session.lost:
                raise
            await (await self._standing(deadline)).join(connection, deadline)

    def retire(self) -> None:
        """End when the last connection has ended; nothing is dialled any more."""
        self._retired = True
        if self._attempt is not None:
            self._attempt.cancel()
        if self._session is not None:
            self._session.retire()

    def close(self) -> None:
        """End now."""
        self.retire()
        if self._session is not None:
            self._session.close()

    async def _standing(self, deadline: float | None) -> Session:
        """Return the open login, or log in; all waiting calls share the attempt."""
        if self._session is not None and not self._session.lost:
            return self._session
        if self._retired:
            raise Unreachable("ssh: the host has left the fleet, or has another address now")
        if self._attempt is None:
            self._attempt = asyncio.create_task(self._log_in())
            self._attempt.add_done_callback(retrieve)
        attempt = self._attempt
        latest: float = Deadline.after(Timeout(self._timeouts.connect + self._timeouts.login))
        if deadline is not None:
            latest = min(latest, deadline)
        done, _ = await asyncio.wait({attempt}, timeout=latest - asyncio.get_running_loop().time())
        if not done:
            raise self._not_yet(latest)
        if attempt.cancelled():
            return await self._standing(deadline)
        failure = attempt.exception()
        if isinstance(failure, TransportError):
            raise type(failure)(str(failure)) from failure
        return attempt.result()

    def _not_yet(self, latest: float) -> TransportError:
        if self._has_turn:
            return Unreachable(f"ssh: no login {within(latest)}")
        return Busy(f"host busy: the gateway logs in at other hosts first, and not at this one {within(latest)}")

    async def _log_in(self) -> Session:
        try:
            async with self._logins.slot() as slot:
                self._has_turn = True
                # In a thread, because the import takes half a second.
                client = await asyncio.to_thread(importlib.import_module, "gateway.engine.transport.ssh.client")
                session: Session = await client.log_in(self.address, self._timeouts, self._logins, slot, self._turns)
        except TransportError as error:
            if str(error) != self._failure:
                self._failure = str(error)
                log.warning("ssh login failed", extra={"fields": {"host": self._host, "why": self._failure}})
            raise
        finally:
            self._has_turn = False
            self._attempt = None
        self._session, self._failure = session, ""
        log.info("ssh login", extra={"fields": {"host": self._host, "server": session.server}})
        return session
