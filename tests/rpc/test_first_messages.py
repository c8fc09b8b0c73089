"""Calls whose first message does not come, or is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import exec_pb2, system_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gateway.config.settings import Limits
from tests.attacks.http2 import Connection, prefixed
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import Client, failed, gateway_of, handled
from tests.support.upstream import EXEC, cat, refusal, until

PING = "/dockfleet.v1.SystemService/Ping"
WATCH = "/grpc.health.v1.Health/Watch"
EXEC_PATH = "/dockfleet.v1.ExecService/Exec"
EVENTS = "/dockfleet.v1.SystemService/StreamEvents"


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """A scripted engine."""
    async with FakeEngine() as engine:
        yield engine


def value(client: Client, name: str, **labels: str) -> float:
    """Return the value of one of the gateway's metrics; 0 when it has none."""
    return client.metrics.registry.get_sample_value(name, labels) or 0


async def connect(client: Client, source: str = "127.0.0.1") -> Connection:
    """Open a raw connection to the gateway of *client* from the address *source*."""
    connection = await Connection.open("127.0.0.1", client.port, source, {})
    await connection.settled.wait()
    return connection


@pytest.mark.parametrize("path", [PING, EVENTS, EXEC_PATH, WATCH])
async def test_a_call_without_a_message_is_ended_after_a_while(engine: FakeEngine, path: str) -> None:
    """Of every kind; the client learns which key says how long that is."""
    async with gateway_of(engine.address, limits=Limits(request_timeout_seconds=1)) as client:
        refused = await refusal(client.channel.stream_stream(path)())
        service, _, method = path[1:].partition("/")
        counted = await until(lambda: handled(client).get((f"{service}.{method}", "DeadlineExceeded")))

    assert (refused.code, refused.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "NO_REQUEST")
    assert "limits.request_timeout_seconds" in refused.message
    assert refused.metadata["retry_safe"] == "true"
    assert counted == 1


async def test_a_call_that_waits_for_its_message_has_no_place_in_a_budget(engine: FakeEngine) -> None:
    """Calls with a message are served, however many calls are silent; the metric shows the waiting ones."""
    async with gateway_of(engine.address, limits=Limits(max_concurrent_calls=1)) as client:
        silent: list[Any] = [client.channel.stream_unary(PING)() for _ in range(5)]
        await until(lambda: value(client, "dockfleet_open_calls", budget="request") == 5)
        await client.system.Ping(system_pb2.PingRequest(host="h1"))
        for call in silent:
            call.cancel()
        await until(lambda: value(client, "dockfleet_open_calls", budget="request") == 0)


async def test_a_call_without_a_message_whose_client_has_said_all_is_refused(engine: FakeEngine) -> None:
    """It is no timeout: no message will come."""
    async with gateway_of(engine.address) as client:
        call: Any = client.channel.stream_unary(PING)()
        await call.done_writing()
        refused = await refusal(call)

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "NO_REQUEST")


@pytest.mark.parametrize("path", [PING, EVENTS, EXEC_PATH, WATCH])
async def test_bytes_that_are_no_message_are_the_callers_mistake(engine: FakeEngine, path: str) -> None:
    """The status is the gateway's own, with its details, and it is counted like any other."""
    async with gateway_of(engine.address) as client:
        refused = await refusal(client.channel.stream_stream(path)(iter([b"\xff" * 20])))  # type: ignore[arg-type]
        service, _, method = path[1:].partition("/")
        counted = await until(lambda: handled(client).get((f"{service}.{method}", "InvalidArgument")))
        failures = value(client, "dockfleet_call_failures_total", reason="MALFORMED_MESSAGE")

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert refused.message == f"20 bytes are no message of {service}/{method}"
    assert (counted, failures) == (1, 1)


async def test_a_later_message_of_a_session_may_be_malformed_as_well(engine: FakeEngine) -> None:
    """The session ends with the reason, not as a defect."""
    engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
    engine.on("POST", "/exec/{id}/start", cat)
    engine.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 0})
    start = exec_pb2.ExecStart(host="h1", id="web", cmd=["cat"], attach_stdin=True)
    async with gateway_of(engine.address) as client:
        call: Any = client.channel.stream_stream(EXEC_PATH)()
        await call.write(exec_pb2.ExecRequest(start=start).SerializeToString())
        await call.read()
        await call.write(b"\xff" * 20)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            while await call.read() is not grpc.aio.EOF:
                pass
        refused = failed(ended.value)

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


async def test_of_too_many_messages_on_their_way_the_first_of_the_address_with_most_are_refused(
    engine: FakeEngine,
) -> None:
    """A client that waits with one of them from another address is left alone."""
    limits = Limits(max_slow_requests=2)
    async with gateway_of(engine.address, limits=limits) as client, gateway_channels(client, 3) as channels:
        other = await connect(client, "127.0.0.9")
        honest = other.call(PING)
        calls = []
        for channel in channels:
            calls.append(channel.stream_unary(PING)())
            await until(lambda: value(client, "dockfleet_open_calls", budget="request") == len(calls) + 1)
        refused = [await refusal(call) for call in calls[:2]]
        counted = value(client, "dockfleet_calls_refused_total", budget="request", bound="gateway")
        left = value(client, "dockfleet_open_calls", budget="request")

        assert honest not in other.ended
        other.close()
        calls[2].cancel()

    assert [(one.code, one.reason) for one in refused] == [(grpc.StatusCode.RESOURCE_EXHAUSTED, "GATEWAY_BUSY")] * 2
    assert all("limits.max_slow_requests" in one.message for one in refused)
    assert (counted, left) == (2, 2)


async def test_a_connection_of_many_silent_calls_is_closed(engine: FakeEngine) -> None:
    """That takes less than an answer to each, and the parts of messages that it has sent are gone; others stay."""
    async with gateway_of(engine.address, limits=Limits(max_slow_requests=4)) as client:
        honest = await connect(client)
        hostile = await connect(client, "127.0.0.9")
        message = prefixed(b"", 1 << 20) + bytes(1000)
        pouring = [asyncio.create_task(hostile.pour(hostile.call(PING), message)) for _ in range(20)]
        await hostile.gone.wait()
        await asyncio.gather(*pouring)
        closed = value(client, "dockfleet_client_connections_closed_total", reason="silent")

        request = system_pb2.PingRequest(host="h1").SerializeToString()
        honest.call(PING, request, end=True)
        await honest.all_answered()
        assert not honest.gone.is_set()
        assert closed == 1
        honest.close()
        hostile.close()


async def test_a_proxys_connection_is_not_closed_for_one_of_its_clients(engine: FakeEngine) -> None:
    """With `close_flooding_connections: false`, each call that is too many is refused by itself."""
    limits = Limits(max_slow_requests=4, close_flooding_connections=False)
    async with gateway_of(engine.address, limits=limits) as client:
        hostile = await connect(client, "127.0.0.9")
        for _ in range(20):
            hostile.call(PING)
        await until(lambda: len(hostile.ended) == 16)

        assert not hostile.gone.is_set()
        hostile.close()


async def test_reflection_has_no_time_between_two_requests(engine: FakeEngine) -> None:
    """What must come in time is the first message; a tool may hold its stream open."""
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    async with gateway_of(engine.address, limits=Limits(request_timeout_seconds=1)) as client:
        stream: Any = reflection_pb2_grpc.ServerReflectionStub(client.channel).ServerReflectionInfo()
        await stream.write(asked)
        await stream.read()
        await refusal(client.channel.stream_unary(PING)())  # takes a second
        await stream.write(asked)
        assert await stream.read()
        await stream.done_writing()


def gateway_channels(client: Client, count: int) -> Any:
    """Give channels to the gateway of *client*, each on a connection of its own."""
    return _Channels(client.port, count)


class _Channels:
    def __init__(self, port: int, count: int) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        self._channels = [grpc.aio.insecure_channel(f"127.0.0.1:{port}", options) for _ in range(count)]

    async def __aenter__(self) -> list[grpc.aio.Channel]:
        return self._channels

    async def __aexit__(self, *_: object) -> None:
        for channel in self._channels:
            await channel.close()
