"""The TCP connections between the clients and a gateway, which can be broken."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from tempfile import TemporaryDirectory

PIECE = 1 << 16  # bytes that are read at once
DEFAULT_PORT = 50051  # of a gateway
PLACES = ("default port", "unix socket")


class Connections:
    """Takes connections and passes their bytes to a port and back."""

    def __init__(self, port: int) -> None:
        """Pass everything to *port* of this machine."""
        self._port = port
        self._writers: set[asyncio.StreamWriter] = set()
        self._folder: TemporaryDirectory[str] | None = None

    async def open(self, place: str) -> str:
        """Take connections from now on at a *place* such as `default port`; return the address for clients."""
        if place == "unix socket":
            self._folder = TemporaryDirectory(prefix="dockfleet-socket-")
            path = f"{self._folder.name}/socket"
            self._server = await asyncio.start_unix_server(self._serve, path)
            return f"unix://{path}"
        if place == "default port":
            # An address of its own: other gateways of this machine may have the port at theirs.
            address = ".".join(str(random.randint(1, 254)) for _ in range(3))
            self._server = await asyncio.start_server(self._serve, f"127.{address}", DEFAULT_PORT)
            return f"127.{address}"
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def break_all(self) -> None:
        """Break all connections there are.  New ones are taken."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        """Break all connections, and take no more."""
        self._server.close()
        self.break_all()
        await asyncio.sleep(0)
        if self._folder is not None:
            self._folder.cleanup()

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
