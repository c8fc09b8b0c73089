"""The TCP connections between the clients and a gateway, which can be broken."""

from __future__ import annotations

import asyncio
from contextlib import suppress

PIECE = 1 << 16  # bytes that are read at once


class Connections:
    """Takes connections and passes their bytes to a port and back."""

    def __init__(self, port: int) -> None:
        """Pass everything to *port* of this machine."""
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()

    async def open(self) -> int:
        """Take connections from now on; return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def break_all(self) -> None:
        """Break all connections there are.  New ones are taken."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        """Break all connections, and take no more."""
        self._server.close()
        self.break_all()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers |= {writer, outer}
        await asyncio.gather(self._pass(reader, outer), self._pass(inner, writer))
        self._writers -= {writer, outer}

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(PIECE):
                writer.write(data)
                await writer.drain()
        writer.close()
