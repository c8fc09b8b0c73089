"""Large messages of one client do not keep the event loop from the calls of others."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2, selectors_pb2
from dockfleet.v1 import container_config_pb2, containers_pb2

from gateway.engine import callers
from gateway.rpc import large_messages
from gateway.rpc.size import LARGE_BYTES
from gateway.rpc.values import MOST_VALUES
from tests.support.two_clients import PING, two_clients
from tests.support.upstream import refusal, until

CREATE = "/dockfleet.v1.ContainerService/CreateContainer"
NEVER = 3600.0
MANY = 20


def create(size: int = 1, *, host: str = "h1") -> containers_pb2.CreateContainerRequest:
    """Return a request of at least *size* bytes."""
    config = container_config_pb2.ContainerSpec(image="busybox", env=["x" * size])
    return containers_pb2.CreateContainerRequest(host=host, config=config)


async def test_a_connection_that_sends_large_messages_waits_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause after a large message is for the calls of the others."""
    monkeypatch.setattr(callers, "RECENT_SECONDS", NEVER)
    monkeypatch.setattr(large_messages, "_PAUSE_SECONDS_PER_BYTE", 1.0)
    async with two_clients() as (one, other, _):
        await one.containers.CreateContainer(create(LARGE_BYTES))
        later = one.containers.CreateContainer(create())
        for _ in range(MANY):
            await other.system.Ping(PING)
        waits = not later.done()
        later.cancel()

    assert waits


async def test_a_client_that_is_alone_does_not_wait_after_large_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nobody to pause for."""
    monkeypatch.setattr(callers, "RECENT_SECONDS", 0.0)
    monkeypatch.setattr(large_messages, "_PAUSE_SECONDS_PER_BYTE", 1.0)
    async with two_clients() as (one, _, _):
        made = [await one.containers.CreateContainer(create(LARGE_BYTES)) for _ in range(3)]

    assert [each.id for each in made] == ["f" * 64] * 3


async def test_all_of_many_large_messages_have_their_turn() -> None:
    """Also where some of their clients leave before, and others are silent when they have their turn."""
    async with two_clients() as (one, other, _):
        await one.containers.CreateContainer(create(LARGE_BYTES))
        silent: list[Any] = [one.channel.stream_unary(CREATE)() for _ in range(MANY)]
        calls = [client.containers.CreateContainer(create(LARGE_BYTES)) for _ in range(MANY) for client in (one, other)]
        for call in calls[10:20]:
            call.cancel()
        ends = await asyncio.gather(*(call.code() for call in calls))
        for each in silent:
            each.cancel()

    assert ends.count(grpc.StatusCode.OK) == len(calls) - 10


async def test_calls_that_wait_for_their_turn_learn_of_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway does not wait for their turns."""
    monkeypatch.setattr(callers, "RECENT_SECONDS", NEVER)
    monkeypatch.setattr(large_messages, "_PAUSE_SECONDS_PER_BYTE", 1.0)
    async with two_clients() as (one, other, stop):
        await one.containers.CreateContainer(create(LARGE_BYTES))
        waiting = one.containers.CreateContainer(create())
        await until(lambda: other.metrics.registry.get_sample_value("grpc_server_started_total", STARTED) == 2)
        await stop()
        failed = await refusal(waiting)

    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "GOING_AWAY")


STARTED = {"grpc_type": "unary", "grpc_service": "dockfleet.v1.ContainerService", "grpc_method": "CreateContainer"}


@pytest.mark.parametrize("count", [MOST_VALUES - 10, MOST_VALUES])
async def test_a_large_message_has_a_bound_of_values(count: int) -> None:
    """An entry of a map is one value, as an element of a list is; the host and the image are values too."""
    labels = {f"{number:05d}": "value" for number in range(count // 2)}
    config = container_config_pb2.ContainerSpec(image="busybox", env=["A=1"] * (count // 2), labels=labels)
    async with two_clients() as (one, _, _):
        call = one.containers.CreateContainer(containers_pb2.CreateContainerRequest(host="h1", config=config))
        code = await call.code()

    assert code is (grpc.StatusCode.OK if count < MOST_VALUES else grpc.StatusCode.INVALID_ARGUMENT)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * (LARGE_BYTES + 1),  # a number without an end
        b"\x0b" * (LARGE_BYTES + 1),  # groups
        b"\x0a\xff\xff\x7f" + bytes(LARGE_BYTES),  # a text that is longer than the message
        b"\x12\x02\x0a\x03" + bytes(LARGE_BYTES),  # a text that is longer than the message around it
        (b"\x12\x04" + b"\x0a\x00" * 2) * LARGE_BYTES,  # a field that is there again and again
    ],
)
async def test_what_is_no_large_message_is_refused_before_it_is_parsed(data: bytes) -> None:
    """Whatever it is instead."""
    async with two_clients() as (one, _, _):
        method: Any = one.channel.unary_unary(CREATE)  # its request is bytes here
        failed = await refusal(method(data))

    assert (failed.code, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


async def test_numbers_that_are_one_field_are_values_each() -> None:
    """A list of numbers is one field on the wire."""
    containers = selectors_pb2.ContainerSelector(published_ports=[80] * (LARGE_BYTES + 1))
    hosts = selectors_pb2.HostSelector(all=True)
    async with two_clients() as (one, _, _):
        failed = await refusal(
            one.fleet.FindContainers(fleet_pb2.FindContainersRequest(hosts=hosts, containers=containers))
        )

    assert (failed.code, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert str(MOST_VALUES) in failed.message
