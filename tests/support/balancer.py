"""A balancer of TCP connections."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.support.link import pump


class Balancer:
    """Listens on a port; each connection goes to the next of its servers that takes it.  They are paths of sockets."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._servers = list(servers)
        self.serving = -1  # the server that took the newest connection
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def to(cls, *servers: str) -> AsyncIterator[Balancer]:
        """Balance over *servers* until the end of the block."""
        balancer = cls(servers)
        listening = await asyncio.start_server(balancer._connect, "127.0.0.1", 0)
        balancer.port = listening.sockets[0].getsockname()[1]
        try:
            yield balancer
        finally:
            listening.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            far_reader, far_writer = await self._open()
            with contextlib.closing(far_writer):
                await asyncio.wait(
                    [asyncio.create_task(pump(reader, far_writer)), asyncio.create_task(pump(far_reader, writer))],
                    return_when=asyncio.FIRST_COMPLETED,
                )

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for number in range(1, len(self._servers) + 1):
            server = (self.serving + number) % len(self._servers)
            with contextlib.suppress(OSError):
                opened = await asyncio.open_unix_connection(self._servers[server])
                self.serving = server
                return opened
        raise ConnectionRefusedError
