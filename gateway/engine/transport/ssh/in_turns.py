"""Passes the data of a host to asyncssh in the host's turns."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, cast

import asyncssh
from asyncssh.channel import SSHChannel

from gateway.engine.transport.ssh.channel import Waiting
from gateway.engine.transport.turns import Turns

_PIECE = 512  # bytes that are handled at once: they may be 12 messages, each of which takes some 30 µs
_LOGIN_BYTES = 64 << 10  # until the host lets the gateway in: some KiB of keys and lists, and perhaps a text for people
_STEP_SECONDS = 0.001  # until the next look at whether asyncssh has ended a step


class _UntilClosed:
    """A transport that ignores what is written after its end.

    For asyncssh, which processes what came before the end later: uvloop's transport would raise `RuntimeError`, and the
    login would not end with its cause.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write *data*, if the transport is open."""
        with suppress(RuntimeError):
            self._transport.write(data)


class InTurns(asyncio.Protocol):
    """A protocol between a transport and asyncssh, which processes all received data at once.

    A host may send an endless stream of small messages, and asyncssh needs more time for many of them in one piece than
    for each on its own.  A large message takes little time, but asyncssh copies what it has of it with each piece: so
    it gets such a message in two.

    Some messages begin a step that asyncssh does in a task, such as that of a key exchange.  It collects what comes
    meanwhile, and processes all of it at the end.  So it gets nothing during a step.

    A host that sends more than a login needs loses it, because asyncssh reads on until the login times out.
    """

    def __init__(self, ssh: asyncssh.SSHClientConnection, transport: asyncio.Transport, turns: Turns) -> None:
        self._ssh = ssh
        self._transport = transport
        self._turns = turns
        self._rest = memoryview(b"")  # what has come, until the host's next turn
        self._login_bytes = 0
        self._paused = False
        self._lost: list[Exception | None] = []  # how the transport was lost, once it was

    @classmethod
    def stand_between(cls, ssh: asyncssh.SSHClientConnection, turns: Turns) -> None:
        """Insert this protocol when *ssh* has its transport, be it a socket or a stream of the login at a jump host.

        What a proxy command sends is processed at once: asyncssh cannot pause it.
        """
        transport: Any = ssh._transport  # asyncssh does not show it
        between = cls(ssh, cast("asyncio.Transport", transport), turns)
        ssh._transport = cast("asyncio.Transport", _UntilClosed(transport))
        if hasattr(transport, "set_protocol"):
            transport.set_protocol(between)
        elif isinstance(transport, SSHChannel):
            # At once, it would be returned to the code that opens the stream, in place of the connection.
            asyncio.get_running_loop().call_soon(between._follow, transport)

    def _follow(self, channel: SSHChannel[bytes]) -> None:
        """Take the place of the connection as the session of *channel*, if it is still open."""
        if channel._session is not None:
            channel._session = cast("asyncssh.SSHTCPSession[bytes]", self)
            Waiting.replace(channel)

    def data_received(self, data: bytes, datatype: int | None = None) -> None:
        """Hand over what the host sends."""
        if self._rest:
            self._rest = memoryview(b"".join((self._rest, data)))
            return
        self._rest = memoryview(data)
        if self._turns.spent:
            self._wait()
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        """Hand over until the host's turn is over, or a step begins, and the rest, or the end, later."""
        while (self._rest or self._lost) and not self._ssh.is_closed():
            if self._in_step():
                self._pause(True)
                asyncio.get_running_loop().call_later(_STEP_SECONDS, self._wait)
                return
            if not self._rest:
                break
            size = self._size()
            piece, self._rest = bytes(self._rest[:size]), self._rest[size:]
            self._ssh.data_received(piece)
            self._bound_login(len(piece))
            if self._rest and self._turns.spent:
                self._wait()
                return
        self._rest = memoryview(b"")
        self._pause(False)
        if self._lost and not self._rest:
            self._ssh.connection_lost(self._lost[0])

    def _bound_login(self, size: int) -> None:
        """End a login that takes too much, *size* bytes of it now."""
        if self._login_bytes <= _LOGIN_BYTES and not self._ssh._auth_complete:
            self._login_bytes += size
            if self._login_bytes > _LOGIN_BYTES:
                why = f"the host sends more than {_LOGIN_BYTES >> 10} KiB before it lets the gateway in"
                self._ssh.connection_lost(asyncssh.ProtocolError(why))
                self._rest = memoryview(b"")

    def _in_step(self) -> bool:
        """Return whether asyncssh is in a step: then what takes data is no method of it."""
        return getattr(self._ssh._recv_handler, "__self__", None) is not self._ssh

    def _size(self) -> int:
        """Return how many bytes to hand over: few, or the rest of a message that has begun."""
        ssh = self._ssh
        if ssh._recv_handler != ssh._recv_packet:
            return _PIECE
        return max(_PIECE, 4 + ssh._pktlen + ssh._recv_macsize - ssh._recv_blocksize - len(ssh._inpbuf))

    def _wait(self) -> None:
        self._pause(True)
        self._turns.when_next(self._hand_over)

    def _pause(self, paused: bool) -> None:
        if paused is not self._paused and not self._transport.is_closing():
            self._paused = paused
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def eof_received(self) -> None:
        """Hand over the end of what the host sends: the connection has no other use for its transport."""
        self.connection_lost(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand over the end, after what came before it."""
        self._lost.append(exc)
        if not self._rest and len(self._lost) == 1:
            self._hand_over()

    def pause_writing(self) -> None:
        """Make asyncssh wait."""
        self._ssh.pause_writing()

    def resume_writing(self) -> None:
        """Let asyncssh continue."""
        self._ssh.resume_writing()
