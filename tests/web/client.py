"""A client of the HTTP listener that sees every byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

Address = tuple[str, int]


@dataclass
class Reply:
    """A response; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Browser:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, data: bytes) -> Reply:
        """Send *data* and return the next response."""
        self.writer.write(data)
        return await self.reply(has_body=not data.startswith(b"HEAD "))

    async def reply(self, *, has_body: bool = True) -> Reply:
        """Return the next response."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        body = await self.reader.readexactly(int(headers["content-length"])) if has_body else b""
        return Reply(int(line.split()[1]), headers, body)

    async def end(self) -> bytes:
        """Wait until the listener ends the connection; return what it sent before."""
        return await self.reader.read()


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[Browser]:
    """Connect to a listener."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield Browser(reader, writer)
    finally:
        writer.transport.abort()


def request(path: str, method: str = "GET", **headers: str) -> bytes:
    """Return a request; an underscore in the name of a header is a hyphen."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def get(address: Address, path: str, method: str = "GET", **headers: str) -> Reply:
    """Ask for one page on a connection of its own."""
    async with connected(address) as browser:
        return await browser.ask(request(path, method, **headers))
