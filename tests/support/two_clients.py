"""Two clients of one gateway, on a connection each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import grpc
from dockfleet.v1 import system_pb2

from tests.support.fake_engine import FakeEngine
from tests.support.gateway import Client, gateway_of

PING = system_pb2.PingRequest(host="h1")


@asynccontextmanager
async def two_clients() -> AsyncIterator[tuple[Client, Client, Callable[[], Awaitable[None]]]]:
    """Give two clients that have had a call, and what stops the gateway.  The engine creates containers."""
    async with FakeEngine() as engine, AsyncExitStack() as gateway:
        engine.on("POST", "/containers/create", json={"Id": "f" * 64, "Warnings": []})
        other = await gateway.enter_async_context(gateway_of(engine.address))
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{other.port}", options) as channel:
            one = Client(channel)
            for client in (one, other):
                await client.system.Ping(PING)
            yield one, other, gateway.aclose
