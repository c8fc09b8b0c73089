"""How many calls may be open at once: in all, from one address, on one connection, and of each kind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import pytest
from dockfleet.v1 import container_config_pb2, containers_pb2, images_pb2, system_pb2
from google.rpc.error_details_pb2 import RetryInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gateway.config.settings import Limits
from gateway.engine.transport import pool
from gateway.engine.transport.large_responses import LargeResponses
from gateway.rpc.budgets import address_of
from tests.attacks.http2 import Connection
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_events import Daemon
from tests.support.gateway import Client, Failed, gateway_of
from tests.support.upstream import Held, refusal, until

LIST = containers_pb2.ListContainersRequest(host="h1")
PULL = images_pb2.PullImageRequest(host="h1", image="busybox", tag="latest")
EVENTS = system_pb2.StreamEventsRequest(host="h1")
ALL = health_pb2.HealthCheckRequest()


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """A scripted engine whose lists and pulls take forever, with events."""
    async with FakeEngine() as engine:
        Daemon(engine).happen("container", "start", "c1")
        engine.on("GET", "/containers/json", Held())
        engine.on("POST", "/images/create", Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"})))
        yield engine


def open_calls(client: Client) -> dict[str, float]:
    """Return how many calls are open, by budget; those without any are left out."""
    samples = next(iter(client.metrics.rpcs.open.collect())).samples
    return {sample.labels["budget"]: sample.value for sample in samples if sample.value}


def refused(client: Client) -> dict[tuple[str, str], float]:
    """Return how many calls were refused, by budget and bound."""
    samples = next(iter(client.metrics.rpcs.refused.collect())).samples
    return {
        (sample.labels["budget"], sample.labels["bound"]): sample.value
        for sample in samples
        if sample.name.endswith("_total") and sample.value
    }


def is_busy(failed: Failed, key: str) -> bool:
    """Whether a call was refused for a bound, whose configuration key it names."""
    return (
        (failed.code, failed.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "GATEWAY_BUSY")
        and key in failed.message
        and isinstance(failed.details[0], RetryInfo)
    )


def begin(client: Client, kind: str) -> Any:
    """Begin a call of *kind*, which stays open."""
    if kind == "call":
        return client.containers.ListContainers(LIST)
    if kind == "heavy":
        return client.images.PullImage(PULL)
    if kind == "stream":
        return client.system.StreamEvents(EVENTS)
    if kind == "watch":
        return health_pb2_grpc.HealthStub(client.channel).Watch(ALL)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    stream = reflection_pb2_grpc.ServerReflectionStub(client.channel).ServerReflectionInfo(once(asked))
    assert kind == "reflection"
    return stream


async def once(request: Any) -> AsyncIterator[Any]:
    """Yield *request*, and nothing more forever."""
    yield request
    await asyncio.Event().wait()


KEYS = {
    "call": "max_concurrent_calls",
    "stream": "max_concurrent_streams",
    "heavy": "max_concurrent_heavy_calls",
    "watch": "max_health_watches",
    "reflection": "max_reflection_streams",
}


async def test_each_kind_has_a_bound_of_its_own(engine: FakeEngine) -> None:
    """One more of a kind is refused at once, whatever is open of the others; checks of health always have room."""
    limits = Limits.model_validate(dict.fromkeys(KEYS.values(), 1))
    async with gateway_of(engine.address, limits=limits) as client:
        calls = [begin(client, kind) for kind in KEYS]
        await until(lambda: open_calls(client) == dict.fromkeys(KEYS, 1))
        ends = {kind: await refusal(begin(client, kind)) for kind in KEYS}
        health = health_pb2_grpc.HealthStub(client.channel)
        assert (await health.Check(ALL)).status == health_pb2.HealthCheckResponse.SERVING
        counted = refused(client)
        for call in calls:
            call.cancel()
        await until(lambda: open_calls(client) == {})

    assert [kind for kind, end in ends.items() if not is_busy(end, f"limits.{KEYS[kind]}")] == []
    assert counted == dict.fromkeys(((kind, "gateway") for kind in KEYS), 1)


async def test_one_address_does_not_take_all(engine: FakeEngine) -> None:
    """However many connections its clients open; another address finds its room."""
    limits = Limits(max_reflection_streams=4, max_address_share=0.5)
    path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
    asked = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
    async with gateway_of(engine.address, limits=limits) as client:
        hostile = [await Connection.open("127.0.0.1", client.port, "127.0.0.9", {}) for _ in range(3)]
        for connection in hostile:
            connection.call(path, asked)
            await connection.all_answered()
        stream = begin(client, "reflection")
        assert await stream.read()
        counted = refused(client)
        stream.cancel()
        ended = [bool(connection.ended) for connection in hostile]
        for connection in hostile:
            connection.close()

    assert ended == [False, False, True]
    assert counted == {("reflection", "address"): 1}


async def test_a_connection_has_room_for_so_many_streams_and_for_calls_besides(engine: FakeEngine) -> None:
    """grpc would let a further call wait without a word; the gateway says what to do."""
    limits = Limits(max_streams_per_connection=3)
    async with gateway_of(engine.address, limits=limits) as client:
        streams = [begin(client, kind) for kind in ("stream", "heavy", "watch")]
        await until(lambda: sum(open_calls(client).values()) == 3)
        end = await refusal(begin(client, "stream"))
        await client.system.Ping(system_pb2.PingRequest(host="h1"))
        counted = refused(client)
        for stream in streams:
            stream.cancel()
        await until(lambda: open_calls(client) == {})

    assert is_busy(end, "limits.max_streams_per_connection")
    assert "use another connection" in end.message
    assert counted == {("stream", "connection"): 1}


async def test_clients_on_a_unix_socket_share_one_room(engine: FakeEngine, tmp_path: Any) -> None:
    """Nothing tells them apart, so only the bounds of all hold."""
    limits = Limits(max_concurrent_calls=4, max_address_share=0.5, max_streams_per_connection=1)
    path = f"unix://{tmp_path}/gateway"
    async with (
        gateway_of(engine.address, limits=limits, listen=path) as client,
        grpc.aio.insecure_channel(path) as channel,
    ):
        local = Client(channel, client.gateway)
        calls = [begin(local, kind) for kind in ("call", "call", "call", "stream", "stream")]
        await until(lambda: open_calls(client) == {"call": 3, "stream": 2})
        for call in calls:
            call.cancel()
        await until(lambda: open_calls(client) == {})


@pytest.mark.parametrize(
    ("peer", "client"),
    [
        ("ipv4:192.0.2.7:4242", "192.0.2.7"),
        ("ipv6:%5B2001:db8:1:2:3::4%5D:4242", "2001:db8:1:2::/64"),
        ("ipv6:%5Bfe80::1%25eth0%5D:4242", "fe80::/64"),
        ("unix:", ""),
        ("unix:/run/dockfleet.sock", ""),
    ],
)
def test_what_stands_for_a_client(peer: str, client: str) -> None:
    """Its address, or the network that it can take addresses of; nothing on a unix socket."""
    assert address_of(peer) == client


async def test_large_requests_of_open_calls_have_a_bound(engine: FakeEngine) -> None:
    """A call keeps its request until it ends; small ones do not count."""
    engine.on("POST", "/containers/create", Held())
    config = container_config_pb2.ContainerSpec(image="busybox", env=["x" * (1 << 20)] * 3)
    large = containers_pb2.CreateContainerRequest(host="h1", config=config)
    async with gateway_of(
        engine.address, limits=Limits(max_large_request_bytes=8 << 20, max_address_share=0.5)
    ) as client:
        calls: list[Any] = [client.containers.CreateContainer(large)]
        await until(lambda: engine.asked)
        failure = await refusal(client.containers.CreateContainer(large))
        calls.append(client.containers.ListContainers(LIST))
        await until(lambda: open_calls(client) == {"call": 2})
        counted = refused(client)
        for call in calls:
            call.cancel()
        await until(lambda: not open_calls(client))
        again = client.containers.CreateContainer(large)
        await until(lambda: open_calls(client) == {"call": 1})
        again.cancel()

    assert is_busy(failure, "limits.max_large_request_bytes")
    assert counted == {("large_request", "address"): 1}


async def test_large_responses_of_all_hosts_have_the_bound_that_is_configured(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the room of each host, which is none here: while one response is held, there is no room for another."""
    monkeypatch.setattr(pool, "LargeResponses", partial(LargeResponses, own=0))
    size = 2 << 20
    held = Held(lambda exchange: _send_all_but_one_byte(exchange, size))
    engine.on("GET", "/containers/json", held)
    limits = Limits(max_response_bytes=size, max_large_response_bytes=3 << 20)
    async with FakeEngine() as other, gateway_of(engine.address, other.address, limits=limits) as client:
        other.on("GET", "/containers/json", body=b"[%b]" % (b" " * (size - 2)))
        first = client.containers.ListContainers(LIST)
        asked = containers_pb2.ListContainersRequest(host="h2")
        await held.called.wait()  # the rest is in the buffers of the sockets
        failure = await refusal(client.containers.ListContainers(asked))
        first.cancel()

    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "HOST_BUSY")
    assert f"{limits.max_large_response_bytes} bytes" in failure.message
    assert "limits.max_large_response_bytes" in failure.message


def _send_all_but_one_byte(exchange: ResponseParser, size: int) -> None:
    exchange.head(200, {"Content-Length": str(size)})
    exchange.write(bytes(size - 1))
