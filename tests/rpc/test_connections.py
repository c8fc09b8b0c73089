"""Connections that the gateway ends, and options that bound what a connection may do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import system_pb2

from gateway.config.settings import Limits
from tests.attacks.http2 import Connection, prefixed
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import refusal

PING = "/dockfleet.v1.SystemService/Ping"
REQUEST = system_pb2.PingRequest(host="h1").SerializeToString()


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """A scripted engine."""
    async with FakeEngine() as engine:
        yield engine


async def connect(client: Client, host: str = "127.0.0.1", source: str = "127.0.0.9") -> Connection:
    """Open a raw connection to the gateway of *client* from the address *source*."""
    connection = await Connection.open(host, client.port, source, {})
    await connection.settled.wait()
    return connection


async def cancel_calls(connection: Connection, count: int) -> None:
    """Begin calls and cancel them at once, until the connection is gone."""
    for _ in range(count):
        connection.reset(connection.call(PING, REQUEST, end=True))
        await connection.drain()
        await asyncio.sleep(0)
        if connection.gone.is_set():
            return


def closed(client: Client, why: str = "resets") -> float:
    """Return how many connections were closed for cancelled calls, or for what else *why* names."""
    labels = {"reason": why}
    return client.metrics.registry.get_sample_value("dockfleet_client_connections_closed_total", labels) or 0


@pytest.mark.parametrize(
    ("listen", "host", "source"),
    [("127.0.0.1:0", "127.0.0.1", "127.0.0.9"), ("[::1]:0", "::1", "::1"), ("[::]:0", "127.0.0.1", "127.0.0.9")],
)
async def test_a_client_that_cancels_calls_as_fast_as_it_begins_them_is_sent_away(
    engine: FakeEngine, listen: str, host: str, source: str
) -> None:
    """Its connection ends, and no other one."""
    plain = {"insecure_allow_plaintext_beyond_loopback": True}
    async with gateway_of(engine.address, listen=listen, **plain) as client:
        honest = await connect(client, host, source)
        hostile = await connect(client, host, source)
        await cancel_calls(hostile, 20_000)
        await hostile.gone.wait()
        honest.call(PING, REQUEST, end=True)
        await honest.all_answered()

        assert not honest.gone.is_set()
        assert closed(client) == 1
        honest.close()
        hostile.close()


async def test_a_client_whose_calls_have_no_request_is_sent_away(engine: FakeEngine) -> None:
    """Each of them can bring as many metadata as one that asks for something."""
    async with gateway_of(engine.address) as client:
        hostile = await connect(client)
        for _ in range(20_000):
            if hostile.gone.is_set():
                break
            hostile.churn(PING, {"x-some": "y" * 60})
            await hostile.drain()
            await asyncio.sleep(0)  # the gateway runs on the same loop
        await hostile.gone.wait()

        assert closed(client, "silent") == 1
        hostile.close()


async def test_a_client_whose_calls_end_otherwise_may_cancel_some(engine: FakeEngine) -> None:
    """What counts is how many are cancelled beyond those that are not."""
    async with gateway_of(engine.address) as client:
        connection = await connect(client)
        for _ in range(8):
            await cancel_calls(connection, 50)
            for _ in range(50):
                connection.call(PING, REQUEST, end=True)
            await until_all(connection)

        assert not connection.gone.is_set()
        assert closed(client) == 0
        connection.close()


async def until_all(connection: Connection) -> None:
    """Wait until the last call has been answered."""
    last = connection.call(PING, REQUEST, end=True)
    while last not in connection.ended:
        connection.changed.clear()
        await connection.changed.wait()


async def test_no_connection_is_closed_where_that_is_not_wanted(engine: FakeEngine) -> None:
    """A proxy's connection has calls of many clients."""
    limits = Limits(close_flooding_connections=False)
    async with gateway_of(engine.address, limits=limits) as client:
        connection = await connect(client)
        await cancel_calls(connection, 2000)
        await until_all(connection)

        assert not connection.gone.is_set()
        connection.close()


async def test_a_connection_has_bounds_that_it_is_told(engine: FakeEngine) -> None:
    """How many calls at once, and how much may be sent that no call has asked for."""
    async with gateway_of(engine.address) as client:
        connection = await connect(client)
        connection.close()

    assert connection.settings["max_concurrent_streams"] == 250
    assert connection.settings["initial_window_size"] == 512 << 10


async def test_a_message_has_at_most_4_mib(engine: FakeEngine) -> None:
    """One more byte is refused by what the message announces, before it is sent."""
    async with gateway_of(engine.address) as client:
        refused = await refusal(client.system.Ping(system_pb2.PingRequest(host="x" * (4 << 20))))
        connection = await connect(client)
        stream = connection.call(PING)
        connection.send(0, 0, stream, prefixed(b"", (4 << 20) + 1))
        while stream not in connection.ended:
            connection.changed.clear()
            await connection.changed.wait()
        connection.close()

    assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_compressed_message_has_at_most_4_mib_too(engine: FakeEngine) -> None:
    """What it would become counts: 64 KiB can be 64 MiB (A5 65)."""
    bomb = system_pb2.PingRequest(host="x" * (64 << 20)).SerializeToString()
    async with gateway_of(engine.address) as client:
        target, options = f"127.0.0.1:{client.port}", [("grpc.max_send_message_length", -1)]
        async with grpc.aio.insecure_channel(target, options, compression=grpc.Compression.Gzip) as channel:
            call: Any = channel.unary_unary(PING)(bomb)  # type: ignore[arg-type]
            assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        await client.system.Ping(system_pb2.PingRequest(host="h1"))


async def test_metadata_have_16_kib_and_more_is_refused_each_time(engine: FakeEngine) -> None:
    """grpc's own defaults let chance decide between two bounds (A5 64)."""
    async with gateway_of(engine.address) as client:
        for size, code in ((12 << 10, grpc.StatusCode.OK), (17 << 10, grpc.StatusCode.RESOURCE_EXHAUSTED)):
            metadata = (("x-some", "x" * size),)
            calls = [client.system.Ping(system_pb2.PingRequest(host="h1"), metadata=metadata) for _ in range(10)]
            assert {await call.code() for call in calls} == {code}


async def test_connections_beyond_the_bound_are_closed_and_the_others_served(engine: FakeEngine) -> None:
    """Whoever is connected stays so."""
    limits = Limits(max_client_connections=3)
    async with gateway_of(engine.address, limits=limits) as client:
        await client.system.Ping(system_pb2.PingRequest(host="h1"))
        others = [await connect(client) for _ in range(2)]
        late = await connect(client)
        await late.gone.wait()
        await client.system.Ping(system_pb2.PingRequest(host="h1"))

        assert [other.gone.is_set() for other in others] == [False, False]
        for connection in (*others, late):
            connection.close()
