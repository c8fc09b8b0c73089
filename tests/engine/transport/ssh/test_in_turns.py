"""What a host sends to its login is handled in the host's turns."""

from __future__ import annotations

import asyncio
import os
from typing import cast
from unittest.mock import Mock

import asyncssh

from gateway.engine.transport.ssh.in_turns import InTurns
from gateway.engine.transport.turns import Traffic, Turns
from tests.support.clock import Clock


class Login(asyncio.Protocol):
    """What takes bytes in the place of asyncssh, and when, in rounds of the loop."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.rounds: set[int] = set()
        self.ended: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self._round = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        # A turn is spent as soon as somebody asks.
        InTurns.stand_between(cast("asyncssh.SSHClientConnection", self), Turns(Traffic(), iter(range(10**9)).__next__))
        self._count()

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        self.rounds.add(self._round)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(self.pieces)

    def is_closed(self) -> bool:
        return False

    def _count(self) -> None:
        self._round += 1
        if not self.ended.done():
            asyncio.get_running_loop().call_soon(self._count)


async def test_many_bytes_at_once_are_handled_in_pieces_between_which_others_have_their_turns() -> None:
    """All messages arrive in order, and then the end: a host that floods its login does not delay other hosts."""
    flood = os.urandom(200_000)

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(flood)
        writer.close()

    async with await asyncio.start_server(send, "127.0.0.1", 0) as server:
        _, login = await asyncio.get_running_loop().create_connection(Login, *server.sockets[0].getsockname())
        pieces = await login.ended

    assert b"".join(pieces) == flood
    assert max(map(len, pieces)) <= 512
    assert len(login.rounds) > len(pieces) / 2


async def test_a_message_waits_while_the_turn_of_its_host_is_used_up() -> None:
    """Otherwise each of many small reads would be handled at once."""
    clock = Clock()
    turns = Turns(Traffic(), clock)
    ssh, transport = Mock(is_closed=lambda: False), Mock(is_closing=lambda: False)
    in_turns = InTurns(ssh, transport, turns)
    assert not turns.spent
    clock.advance(0.001)

    in_turns.data_received(b"message")

    transport.pause_reading.assert_called_once()
    ssh.data_received.assert_not_called()
    await turns.next()
    ssh.data_received.assert_called_once_with(b"message")
    transport.resume_reading.assert_called_once()
