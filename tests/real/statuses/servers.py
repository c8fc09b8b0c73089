"""A registry that refuses: what a real one does to those who ask too much, or may not."""

from __future__ import annotations

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

TLS = b"\x16"
Response = Callable[[str], tuple[int, object]]  # from the path of a request to status and JSON


@asynccontextmanager
async def refusing_registry(status: int, code: str) -> AsyncIterator[str]:
    """Give the address of a registry that answers all but its front page with *status*, and a *code* as error."""
    refusal = {"errors": [{"code": code, "message": "words of the registry"}]}

    def answer(path: str) -> tuple[int, object]:
        return (200, {}) if path == "/v2/" else (status, refusal)

    server = await asyncio.start_server(_handler(answer), "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _handler(answer: Response) -> Callable[[StreamReader, StreamWriter], Awaitable[None]]:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        if await reader.read(1) == TLS:  # which engines try first
            writer.close()
            return
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, *_ = head.split(" ")
        status, document = answer(path)
        body = json.dumps(document).encode()
        writer.write(
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Docker-Distribution-Api-Version: registry/2.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        if method != "HEAD":
            writer.write(body)
        await writer.drain()
        writer.close()

    return handle
