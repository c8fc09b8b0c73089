"""Logs in by ssh.  Host keys are always checked, whatever an ssh configuration says."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import asyncssh

from gateway.engine.errors import CredentialsRejected, IdentityMismatch, TransportError, Unreachable
from gateway.engine.transport.connection import notice_dead_peers
from gateway.engine.transport.ssh.address import Credentials, Hop, SshAddress
from gateway.engine.transport.ssh.in_turns import InTurns
from gateway.engine.transport.ssh.login import Logins, LoginSlot, Timeouts
from gateway.engine.transport.ssh.options import Found, HostKeys, find
from gateway.engine.transport.ssh.session import Session
from gateway.engine.transport.timeouts import Deadline, within
from gateway.engine.transport.turns import Turns

_JUMPS = 5  # that lead to each other by the ssh configuration; more are a circle


async def log_in(address: SshAddress, timeouts: Timeouts, logins: Logins, slot: LoginSlot, turns: Turns) -> Session:
    """Log in at the machine of *address*, in a *slot* of its own; what it sends is handled in *turns* of the host.

    Raises `TransportError`.
    """
    ssh = await _Way(address.credentials, timeouts, logins, slot, turns).go(address.hop, address.jumps)
    return Session(ssh, address.socket, timeouts)


@dataclass(frozen=True)
class _Way:
    """Logs in at a chain of machines."""

    credentials: Credentials
    timeouts: Timeouts
    logins: Logins
    slot: LoginSlot
    turns: Turns
    depth: int = 0

    async def go(
        self, hop: Hop, jumps: Sequence[Hop] = (), tunnel: asyncssh.SSHClientConnection | None = None
    ) -> asyncssh.SSHClientConnection:
        """Log in at *hop* through *tunnel*, or through *jumps*, or as the ssh configuration says.

        The tunnel ends with the login.
        """
        try:
            found = await asyncio.to_thread(find, hop, self.credentials, self.logins)
            if tunnel is None and jumps:
                tunnel = await self._through(jumps)
            elif tunnel is None:
                tunnel = await replace(self, credentials=Credentials())._through(found.jumps)
            ssh = await _log_in(found, tunnel, self.timeouts, self.slot, self.turns)
        except BaseException:
            if tunnel is not None:
                tunnel.close()
            raise
        ssh.set_tunnel(tunnel)
        return ssh

    async def _through(self, jumps: Sequence[Hop]) -> asyncssh.SSHClientConnection | None:
        """Log in at the *jumps*, at each through the one before, and return the last login."""
        if jumps and self.depth == _JUMPS:
            raise Unreachable(f"{_JUMPS} jump hosts lead to each other: look for a circle of ProxyJump")
        tunnel = None
        for jump in jumps:
            try:
                tunnel = await replace(self, depth=self.depth + 1).go(jump, (), tunnel)
            except TransportError as error:
                raise type(error)(f"ssh: jump host {jump.host}: {str(error).removeprefix('ssh: ')}") from error
        return tunnel


async def _log_in(
    found: Found, tunnel: asyncssh.SSHClientConnection | None, timeouts: Timeouts, slot: LoginSlot, turns: Turns
) -> asyncssh.SSHClientConnection:
    latest = Deadline.after(timeouts.connect)

    def connected(ssh: asyncssh.SSHClientConnection) -> None:
        nonlocal latest
        InTurns.stand_between(ssh, turns)
        slot.answered = lambda: bool(ssh.get_extra_info("server_version"))
        latest = Deadline.after(timeouts.login)
        timer.reschedule(latest)

    client = _Client(connected)
    try:
        async with asyncio.timeout_at(latest) as timer:
            ssh = await asyncssh.connect(
                **found.options,
                tunnel=tunnel,
                client_factory=lambda: client,
                login_timeout=0,
                keepalive_interval=timeouts.keepalive,
                keepalive_count_max=1,
            )
            try:
                await _use(ssh)
            except BaseException:
                ssh.close()
                raise
    except TimeoutError as error:
        if not timer.expired():
            raise _failure(error, found, client) from error
        raise Unreachable(f"ssh: no login at {found.host} port {found.port} {within(latest)}") from error
    except Exception as error:  # among them what asyncssh stumbles over in what a hostile machine sends
        raise _failure(error, found, client) from error
    return ssh


async def _use(ssh: asyncssh.SSHClientConnection) -> None:
    """Run a command.  sshd sends small packets at once only after that; without it each new stream waits for 44 ms."""
    with contextlib.suppress(asyncssh.ChannelOpenError):  # a user without a shell
        channel, _ = await ssh.create_session(asyncssh.SSHClientSession, "true", encoding=None, request_pty=False)
        channel.close()


class _Client(asyncssh.SSHClient):
    """The client callbacks of asyncssh: they store what the error text of a failed login needs."""

    def __init__(self, connected: Callable[[asyncssh.SSHClientConnection], None]) -> None:
        self._connected = connected
        self.key: asyncssh.SSHKey | None = None  # of the host, or of its authority, that is not trusted
        self.methods: Sequence[str] = ("publickey",)  # by which the host lets users in

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Begin."""
        self._ssh = conn
        notice_dead_peers(conn.get_extra_info("socket"))
        self._connected(conn)

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Refuse a key that is not known."""
        self.key = key
        return False

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Refuse a certificate of an authority that is not known."""
        self.key = key
        return False

    def public_key_auth_requested(self) -> None:
        """Have no more keys."""
        self.methods = self._ssh.get_server_auth_methods()  # asyncssh forgets them with the failure


def _failure(error: Exception, found: Found, client: _Client) -> TransportError:
    """Return the error of a failed login, in words close to those of OpenSSH."""
    place = f"{found.host} port {found.port}"
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        why = str(error) if client.key is None else _distrusted(client.key, found.keys, f"-p {found.port} {found.host}")
        return IdentityMismatch(f"ssh: Host key verification failed: {why}")
    if isinstance(error, asyncssh.PermissionDenied) or "too many authentication" in str(error).lower():
        who, methods = f"{found.user}@{found.host}", ",".join(client.methods)
        return CredentialsRejected(
            f"ssh: {who}: Permission denied ({methods}) with {found.identity}: authorized_keys there must have the key"
        )
    if isinstance(error, asyncssh.ChannelOpenError):
        return Unreachable(f"ssh: connect to host {place} from the jump host: {error.reason}")
    if isinstance(error, OSError):
        number = error.errno or 0
        words = os.strerror(number) if number > 0 else error.strerror or error  # of names it is the strerror that tells
        return Unreachable(f"ssh: connect to host {place}: {words}")
    if isinstance(error, asyncssh.ConnectionLost):
        return Unreachable(f"ssh: Connection closed by {place}")
    return Unreachable(f"ssh: {place}: {error}")


def _distrusted(key: asyncssh.SSHKey, known: HostKeys, scan: str) -> str:
    """Tell an unknown key from a changed one, and say what to do."""
    sent = f"{key.get_algorithm()} {key.get_fingerprint()}"
    if known.own or known.authorities:
        return (
            f"the key of {known.alias} has changed, or another machine answers in its place: it sends {sent}, and "
            f"{known.source} has another; if the change is meant, replace that by what `ssh-keyscan {scan}` prints"
        )
    return (
        f"the key of {known.alias} is not known: it sends {sent}, and {known.source} has none; if this is the key of "
        f"the host, add what `ssh-keyscan {scan}` prints"
    )
