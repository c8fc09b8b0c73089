"""What a host sends to its login is handled in the host's turns."""

from __future__ import annotations

import asyncio
import os
from typing import cast

import asyncssh

from gateway.engine.transport.ssh.in_turns import InTurns
from gateway.engine.transport.turns import Traffic, Turns


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
    assert max(map(len, pieces)) <= 2048
    assert len(login.rounds) > len(pieces) / 2
