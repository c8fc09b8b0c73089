"""Hosts that join, leave or are replaced while calls are open."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2, system_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.config.settings import HostSettings, Limits
from gateway.fleet.dial import host_of
from tests.fleet.support import UP, list_of, state_of
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fake_log import ID, state
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import Held, refusal, until

LIST = containers_pb2.ListContainersRequest(host="h1")


def put(client: Client, engine: FakeEngine, name: str = "h1") -> None:
    """Let the gateway have a host with *engine*."""
    settings = HostSettings(name=name, address=engine.address)
    client.hosts_of_gateway.put(host_of(settings, Limits(), client.metrics))


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
        id: Any = {"host": "h1", "id": "web"}
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

        put(client, new)
        *ended, changed = [await refusal(call) for call in calls]
        after = [each.id for each in (await client.containers.ListContainers(LIST)).containers]
        closed = await old.until(lambda: not old.open_connections)

    assert (before, after) == (["a" * 64], ["b" * 64])
    assert [(each.code, each.reason) for each in ended] == [(grpc.StatusCode.FAILED_PRECONDITION, "HOST_REMOVED")] * 3
    assert (changed.code, changed.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    assert closed


async def test_a_host_that_leaves_is_not_known_any_more() -> None:
    """The other hosts are not affected."""
    async with FakeEngine() as one, FakeEngine() as two, gateway_of(one.address, two.address) as client:
        prepared(two, container="b" * 64)

        client.hosts_of_gateway.remove("h1")
        refused = await refusal(client.containers.ListContainers(LIST))

        assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST")
        assert await names(client) == ["h2"]
        client.hosts_of_gateway.remove("h1")  # it is gone already
        put(client, one, "h0")
        assert await names(client) == ["h0", "h2"]
        assert await one.request("GET", "/_ping")


async def names(client: Client) -> list[str]:
    """The names of the hosts that the gateway knows."""
    return [host.name for host in (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts]


async def test_events_of_a_host_that_is_replaced_end() -> None:
    """A watcher of the old engine gets HOST_REMOVED."""
    async with (
        FakeEngine() as old,
        FakeEngine() as new,
        gateway_of(old.address, health_check_interval_seconds=3600) as client,
    ):
        Daemon(old)
        call = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1"))
        await call.initial_metadata()

        put(client, new)
        refused = await refusal(call)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HOST_REMOVED")


def series(client: Client, host: str) -> dict[str, float]:
    """What the metrics show of a host: the values of its series, by name and labels other than the host."""
    return {
        sample.name + "".join(f" {value}" for name, value in sample.labels.items() if name != "host"): sample.value
        for family in client.metrics.registry.collect()
        for sample in family.samples
        if sample.labels.get("host") == host
    }


def streams(client: Client, host: str) -> list[grpc.aio.UnaryStreamCall[Any, Any]]:
    """Open a stream of each kind at a host."""
    return [
        client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id="web", follow=True)),
        client.containers.StreamStats(containers_pb2.StreamStatsRequest(host=host, id="web")),
        client.system.StreamEvents(system_pb2.StreamEventsRequest(host=host)),
    ]


async def opened(engine: FakeEngine) -> None:
    """Return when streams of all kinds have reached *engine*."""
    for path in (f"/containers/{ID}/logs", f"/containers/{ID}/stats", "/events"):
        await engine.request("GET", path)


async def test_a_host_that_is_removed_leaves_nothing() -> None:
    """Streams that were open end; no series has its name, health does not know it, no task and no descriptor stays."""
    async with FakeEngine() as stays, gateway_of(stays.address, health_check_interval_seconds=3600) as client:
        health = health_pb2_grpc.HealthStub(client.channel)
        used = []
        for _ in range(4):
            async with FakeEngine() as engine:
                Daemon(engine)
                prepared(engine, container="a" * 64)
                put(client, engine, "lab")
                await state_of(client, "lab", UP)
                await health.Check(health_pb2.HealthCheckRequest(service="host/lab"))
                calls = streams(client, "lab")
                await opened(engine)
                assert series(client, "lab")["dockfleet_host_up"] == 1

                client.hosts_of_gateway.remove("lab")
                ended = [(await refusal(call)).reason for call in calls]

                assert ended == ["HOST_REMOVED"] * 3
                assert series(client, "lab") == {}
                unknown = await refusal(health.Check(health_pb2.HealthCheckRequest(service="host/lab")))
                assert unknown.code is grpc.StatusCode.NOT_FOUND
                assert await engine.until(lambda: not engine.open_connections)
            used.append((len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))))
            if len(used) > 1:  # what the first of all leaves is kept for good
                await until(lambda: (len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))) <= used[0])


async def test_the_metrics_of_a_host_that_is_replaced_begin_anew() -> None:
    """What its calls come to when they are cut off is not counted for the engine that has the name now."""
    async with (
        FakeEngine() as old,
        FakeEngine() as new,
        gateway_of(old.address, health_check_interval_seconds=3600) as client,
    ):
        prepared(new, container="b" * 64)
        held = Held()
        old.on("GET", "/containers/json", held)
        await state_of(client, "h1", UP)
        call = list_of(client, "h1")
        await held.called.wait()

        put(client, new)
        refused = await refusal(call)
        await held.gone.wait()
        await state_of(client, "h1", UP)
        await list_of(client, "h1")

        assert refused.reason == "HOST_REMOVED"
        await until(lambda: client.hosts_of_gateway["h1"].engine_version)
        shown = series(client, "h1")
        assert {name: shown[name] for name in shown if name.startswith("dockfleet_engine_calls_total")} == {
            "dockfleet_engine_calls_total own 200": 2,  # how it is, and who
            "dockfleet_engine_calls_total unary 200": 1,
        }
        assert shown["dockfleet_host_up"] == 1


@pytest.mark.parametrize("name", ["", "h", "h11", "H1", "h1 ", "*", "h1,h2"])
async def test_a_host_is_chosen_by_its_whole_name(engine: FakeEngine, name: str) -> None:
    """There is no default, no prefix and no wildcard (A5 27)."""
    async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        for call in (list_of(client, name), client.hosts.GetHost(hosts_pb2.GetHostRequest(host=name))):
            refused = await refusal(call)

            assert (refused.code, refused.reason) == (
                (grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST")
                if name
                else (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
            )
    assert not engine.asked
