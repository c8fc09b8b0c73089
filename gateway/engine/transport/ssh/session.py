"""An open login, and its streams to the engine's socket."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Coroutine
from functools import partial
from typing import Any

import asyncssh

from gateway.engine.background import retrieve
from gateway.engine.errors import (
    BadResponse,
    Busy,
    CredentialsRejected,
    Disconnected,
    TimedOut,
    TransportError,
    Unreachable,
)
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request
from gateway.engine.transport.ssh.channel import Channel
from gateway.engine.transport.ssh.login import Timeouts
from gateway.engine.transport.timeouts import Deadline, within

_PING = Request("GET", "/_ping")
_PING_BYTES = 64 << 10
_LAST_WORDS_SECONDS = 1.0
_DIAL = "docker --host unix://{socket} system dial-stdio || ls -ld {socket} >&2"


class Session:
    """An open login, until it is `lost`.

    Streams are forwarded to the engine's socket by sshd itself; where it refuses that, by docker's own command.
    """

    def __init__(self, ssh: asyncssh.SSHClientConnection, socket: str, timeouts: Timeouts) -> None:
        self.server = str(ssh.get_extra_info("server_version", ""))
        self._ssh = ssh
        self._socket = socket
        self._timeouts = timeouts
        self._forwards: bool | None = None  # whether sshd forwards; not known before the first stream
        self._first = asyncio.Lock()
        self._failure: TransportError | None = None  # of the last one that wanted to be the first
        self._channels: set[Channel] = set()
        self._opening: set[asyncio.Task[Any]] = set()
        self._retired = False

    @property
    def lost(self) -> bool:
        """Whether nothing can be opened any more."""
        return self._ssh.is_closed()

    def retire(self) -> None:
        """Close the login when its last stream has ended."""
        self._retired = True
        if not self._channels and not self._opening:
            self.close()

    def close(self) -> None:
        """Close the login with its streams."""
        self._ssh.close()

    async def join(self, connection: Connection, deadline: float | None) -> None:
        """Join *connection* to the engine's socket.

        Raises `TransportError`; nothing of the connection was sent then, and it must be closed.
        """
        if self._forwards is None and await self._first_to_join(connection, deadline):
            return
        if self._forwards:
            await self._forward(connection, deadline)
        else:
            await self._run(connection, deadline)

    async def _first_to_join(self, connection: Connection, deadline: float | None) -> bool:
        """Join *connection* if it is the first; others wait, and fail as it does."""
        before = self._failure
        try:
            async with asyncio.timeout_at(deadline):
                await self._first.acquire()
        except TimeoutError as error:
            raise Unreachable(f"ssh: the host opened no stream {within(deadline)}") from error
        try:
            if self._forwards is not None:
                return False
            if self._failure is not None and self._failure is not before:
                raise type(self._failure)(str(self._failure))
            await self._find_out(connection, deadline)
        except TransportError as error:
            self._failure = error
            raise
        finally:
            self._first.release()
        return True

    async def _find_out(self, connection: Connection, deadline: float | None) -> None:
        try:
            await self._forward(connection, deadline)
            self._forwards = True
        except _Refused as refused:
            # sshd may forward nothing, or the socket may not be there: it says both in the same words.
            try:
                await self._run(connection, deadline)
            except TransportError as error:
                raise type(error)(f"{refused}; {str(error).removeprefix('ssh: ')}") from error
            self._forwards = False

    async def _forward(self, connection: Connection, deadline: float | None) -> None:
        """Let sshd forward a stream to the socket."""
        made: Any = partial(Channel, connection, self._channels.add, self._closed)  # asyncssh has a type of its own
        opening = self._ssh.create_unix_connection(made, self._socket, encoding=None)
        try:
            await self._opened(opening, _latest(self._timeouts.connect, deadline))
        except asyncssh.Error as error:
            raise _Refused(f"ssh: no stream to {self._socket} on the host: {error.reason}") from error

    async def _run(self, connection: Connection, deadline: float | None) -> None:
        """Let docker's own command join a stream to the socket.

        It dials by itself, and says on its standard error why it could not.  So the stream counts as open only when the
        engine has answered through it.
        """
        channel = Channel(connection, self._channels.add, self._closed)
        latest = _latest(self._timeouts.login, deadline)
        command = _DIAL.format(socket=shlex.quote(self._socket))
        opening = self._ssh.create_session(lambda: channel, command, encoding=None, request_pty=False)
        try:
            await self._opened(opening, latest)
        except asyncssh.Error as error:
            if not self._channels or self.lost:
                raise Unreachable(f"ssh: no session on the host: {error.reason}") from error
            count = len(self._channels)
            raise Busy(f"host busy: its sshd opens no session beside {count} others (MaxSessions)") from error
        try:
            await connection.fetch(_PING, _PING_BYTES, latest)
        except (BadResponse, Disconnected, TimedOut) as error:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS_SECONDS):
                    await channel.wait_closed()
            kind = CredentialsRejected if "permission denied" in channel.said.lower() else Unreachable
            raise kind(f"ssh: `docker system dial-stdio` on the host: {channel.said or error}") from error
        if not connection.reusable:
            raise Unreachable("ssh: the host closes the connection after a ping")

    async def _opened(self, opening: Coroutine[Any, Any, Any], latest: float) -> None:
        """Await *opening*, which continues when the caller does not: sshd's answer to what was asked for will come.

        A channel that opens then is closed at once, because its connection is.
        """
        task = asyncio.create_task(opening)
        self._opening.add(task)
        task.add_done_callback(self._has_opened)
        try:
            async with asyncio.timeout_at(latest):
                await asyncio.shield(task)
        except TimeoutError as error:
            raise Unreachable(f"ssh: the host opened no stream {within(latest)}") from error

    def _has_opened(self, task: asyncio.Task[Any]) -> None:
        self._opening.discard(task)
        retrieve(task)
        if self._retired:
            self.retire()

    def _closed(self, channel: Channel) -> None:
        self._channels.discard(channel)
        if self._retired:
            self.retire()


class _Refused(Unreachable):
    """sshd opens no stream to the socket."""


def _latest(timeout: float, deadline: float | None) -> float:
    latest = Deadline.after(timeout)
    return latest if deadline is None else min(latest, deadline)
