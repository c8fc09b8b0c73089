"""Passes the data of a host to asyncssh in the host's turns."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from gateway.engine.transport.turns import Turns

if TYPE_CHECKING:
    import asyncssh

_PIECE = 512  # bytes that are handled at once: they may be 12 messages, each of which takes some 30 µs


class InTurns(asyncio.Protocol):
    """A protocol between a transport and asyncssh, which processes all received data at once.

    A host may send an endless stream of small messages, and asyncssh needs more time for many of them in one piece than
    for each on its own.
    """

    def __init__(self, ssh: asyncssh.SSHClientConnection, transport: asyncio.Transport, turns: Turns) -> None:
        self._ssh = ssh
        self._transport = transport
        self._turns = turns
        self._rest = memoryview(b"")  # what has come, until the host's next turn
        self._paused = False
        self._lost: list[Exception | None] = []  # how the transport was lost, once it was

    @classmethod
    def stand_between(cls, ssh: asyncssh.SSHClientConnection, turns: Turns) -> None:
        """Insert this protocol if *ssh* has a transport of its own; a tunnelled one gets its data from another
        login.
        """
        transport: Any = ssh._transport  # of uvloop or asyncio; asyncssh does not show it
        if hasattr(transport, "set_protocol"):
            transport.set_protocol(cls(ssh, cast("asyncio.Transport", transport), turns))

    def data_received(self, data: bytes) -> None:
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
        """Hand over until the host's turn is over, and the rest in its next."""
        while self._rest and not self._ssh.is_closed():
            piece, self._rest = bytes(self._rest[:_PIECE]), self._rest[_PIECE:]
            self._ssh.data_received(piece)
            if self._rest and self._turns.spent:
                self._wait()
                return
        self._rest = memoryview(b"")
        self._pause(False)
        if self._lost:
            self._ssh.connection_lost(self._lost[0])

    def _wait(self) -> None:
        self._pause(True)
        self._turns.when_next(self._hand_over)

    def _pause(self, paused: bool) -> None:
        if paused is not self._paused and not self._transport.is_closing():
            self._paused = paused
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand over the end, after what came before it."""
        self._lost.append(exc)
        if not self._rest:
            self._ssh.connection_lost(exc)

    def pause_writing(self) -> None:
        """Make asyncssh wait."""
        self._ssh.pause_writing()

    def resume_writing(self) -> None:
        """Let asyncssh continue."""
        self._ssh.resume_writing()
