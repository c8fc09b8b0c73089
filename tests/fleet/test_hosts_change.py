"""Hosts that join, leave or are replaced while calls are open."""

from __future__ import annotations

import asyncio

import grpc
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2, system_pb2

from gateway.engine.client import Endpoint, Engine
from gateway.engine.transport.pool import Address
from gateway.fleet.hosts import Host
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fake_log import ID, state
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import Held, refusal

LIST = containers_pb2.ListContainersRequest(host="h1")


def host_of(engine: FakeEngine, name: str = "h1") -> Host:
    """A host with *engine*."""
    return Host(Engine(name, Endpoint(engine.address, Address(path=engine.address.removeprefix("unix://")))))


def prepared(engine: FakeEngine, *, container: str) -> None:
    """Let *engine* list one container, and keep logs, stats, events and a stop open."""
    engine.on("GET", "/containers/json", json=[{"Id": container}])
    engine.on("GET", "/containers/{id}/json", json=state())
    for path in ("/containers/{id}/logs", "/containers/{id}/stats"):
        engine.on("GET", path, chunks=[], hold=True)


async def test_calls_of_a_host_that_is_replaced_end_and_new_ones_reach_the_new_engine() -> None:
    """Streams and reads end with HOST_REMOVED, a change with OUTCOME_UNKNOWN; nothing of the old host stays open."""
    async with (
        FakeEngine() as old,
        FakeEngine() as new,
        gateway_of(old.address, health_check_interval_seconds=3600) as client,
    ):
        prepared(old, container="a" * 64)
        prepared(new, container="b" * 64)
        read, change = Held(), Held()
        old.on("GET", "/containers/{id}/top", read)
        old.on("POST", "/containers/{id}/stop", change)
        id = {"host": "h1", "id": "web"}
        calls = [
            client.containers.StreamLogs(containers_pb2.StreamLogsRequest(**id, follow=True)),
            client.containers.StreamStats(containers_pb2.StreamStatsRequest(**id)),
            client.containers.TopContainer(containers_pb2.TopContainerRequest(**id)),
            client.containers.StopContainer(containers_pb2.StopContainerRequest(**id)),
        ]
        for path in ("logs", "stats"):
            await old.request("GET", f"/containers/{ID}/{path}")
        await asyncio.gather(read.called.wait(), change.called.wait())
        before = [each.id for each in (await client.containers.ListContainers(LIST)).containers]

        client.hosts_of_gateway.put(host_of(new))
        *ended, changed = [await refusal(call) for call in calls]
        after = [each.id for each in (await client.containers.ListContainers(LIST)).containers]
        closed = await old.until(lambda: not old.open_connections)

    assert (before, after) == (["a" * 64], ["b" * 64])
    assert [(each.code, each.reason) for each in ended] == [(grpc.StatusCode.FAILED_PRECONDITION, "HOST_REMOVED")] * 3
    assert (changed.code, changed.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    assert closed


async def test_a_host_that_leaves_is_not_known_any_more() -> None:
    """Those who stay do not notice."""
    async with FakeEngine() as one, FakeEngine() as two, gateway_of(one.address, two.address) as client:
        prepared(two, container="b" * 64)

        client.hosts_of_gateway.remove("h1")
        refused = await refusal(client.containers.ListContainers(LIST))

        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST")
        assert await names(client) == ["h2"]
        client.hosts_of_gateway.remove("h1")  # it is gone already
        client.hosts_of_gateway.put(host_of(one, "h0"))
        assert await names(client) == ["h0", "h2"]
        assert await one.request("GET", "/_ping")


async def names(client: Client) -> list[str]:
    """The names of the hosts that the gateway knows."""
    return [host.name for host in (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts]


async def test_events_of_a_host_that_is_replaced_end() -> None:
    """Whoever watched the old engine learns that it is not that one any more."""
    async with (
        FakeEngine() as old,
        FakeEngine() as new,
        gateway_of(old.address, health_check_interval_seconds=3600) as client,
    ):
        Daemon(old)
        call = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1"))
        await call.initial_metadata()

        client.hosts_of_gateway.put(host_of(new))
        refused = await refusal(call)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HOST_REMOVED")
