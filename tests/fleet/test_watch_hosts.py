"""Clients that follow the hosts."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2

from gateway.config.settings import HostSettings
from gateway.engine.resumable import subscription
from gateway.fleet.host import Host
from tests.fleet.support import UP
from tests.fleet.test_host_changes import QUIET, add
from tests.support.fake_engine import FakeEngine
from tests.support.fleets import Fleet
from tests.support.gateway import gateway_of, receive


async def until(stream: grpc.aio.UnaryStreamCall[Any, pb.WatchHostsResponse], name: str, state: int) -> pb.Host:
    """Read until a host is in a state; one that is up has shown its engine, too."""
    while True:
        response = await receive(stream)
        for host in response.hosts:
            if (host.name, host.state) == (name, state) and (state != UP or host.engine_id):
                return host


async def test_all_hosts_come_first_and_then_what_changes(engine: FakeEngine) -> None:
    """New ones, other states, and the names of those that are gone."""
    async with gateway_of("unix:///none/a.sock", "unix:///none/b.sock", **QUIET) as client:
        stream = client.hosts.WatchHosts(pb.WatchHostsRequest())
        first = await receive(stream)
        added = await add(client, "lab", engine.address)
        up = await until(stream, "lab", UP)
        await client.hosts.DrainHost(pb.DrainHostRequest(host="lab"))
        drained = (await receive(stream)).hosts
        await client.hosts.RemoveHost(pb.RemoveHostRequest(host="lab"))
        gone = await receive(stream)
        stream.cancel()

    assert ([host.name for host in first.hosts], first.synced) == (["h1", "h2"], True)
    assert (added.state, up.address) == (pb.HOST_STATE_CONNECTING, engine.address)
    assert [(host.name, host.draining) for host in drained] == [("lab", True)]
    assert (list(gone.hosts), list(gone.removed_names)) == ([], ["lab"])


async def test_a_fleet_without_hosts_is_synced_at_once() -> None:
    """Its client need not wait to know that."""
    async with gateway_of(**QUIET) as client:
        stream = client.hosts.WatchHosts(pb.WatchHostsRequest())
        first = await receive(stream)
        stream.cancel()

    assert (list(first.hosts), first.synced) == ([], True)


async def test_hosts_come_and_go_with_what_is_selected(engine: FakeEngine) -> None:
    """One whose labels change so that it is not selected any more is gone; a name may be that of a host to come."""
    north = selectors_pb2.LabelRequirement(key="site", operator=selectors_pb2.LABEL_OPERATOR_EQUAL, values=["north"])
    spec = pb.HostSpec(name="lab", address=engine.address)
    async with gateway_of(HostSettings(name="other", address="unix:///x"), **QUIET) as client:
        selector = selectors_pb2.HostSelector(labels=[north], names=["lab"])
        stream = client.hosts.WatchHosts(pb.WatchHostsRequest(selector=selector))
        first = await receive(stream)
        await add(client, "lab", engine.address, labels={"site": "north"})
        await until(stream, "lab", UP)
        spec.labels["site"] = "south"
        await client.hosts.UpdateHost(pb.UpdateHostRequest(spec=spec))
        left = await receive(stream)
        spec.labels["site"] = "north"
        await client.hosts.UpdateHost(pb.UpdateHostRequest(spec=spec))
        back = await receive(stream)
        stream.cancel()

    assert (list(first.hosts), first.synced) == ([], True)
    assert list(left.removed_names) == ["lab"]
    assert [host.name for host in back.hosts] == ["lab"]


async def test_a_reader_that_is_slow_gets_each_host_as_it_is_then() -> None:
    """What piles up for it is bounded by the number of hosts, however often they change."""
    count, changes = 300, 20
    long = {f"l{number}": "x" * 1000 for number in range(4)}
    hosts = [HostSettings(name=f"h{number}", address="unix:///x", labels=long) for number in range(count)]
    async with gateway_of(*hosts, **QUIET) as client:
        stream = client.hosts.WatchHosts(pb.WatchHostsRequest())
        await receive(stream)  # of several; grpc takes a few more on its own
        registry = client.hosts_of_gateway
        for change in range(changes):
            for host in registry:
                host.settings = host.settings.model_copy(update={"labels": {**long, "n": str(change)}})
                registry.changed(host)
        latest: dict[str, str] = {}
        responses = 0
        while len(latest) < count or set(latest.values()) != {str(changes - 1)}:
            response = await receive(stream)
            responses += 1
            latest |= {host.name: host.labels["n"] for host in response.hosts}
            assert response.ByteSize() < 300 << 10
        stream.cancel()

    assert responses < 2 * count * 4100 // (256 << 10) + 4


async def test_hosts_with_the_same_engine_are_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each names the others, in lists and in streams, until its engine is another or it is gone."""
    engines = {"h1": "E1", "h2": "", "h3": "E3"}
    monkeypatch.setattr(Host, "engine_id", property(lambda host: engines[host.name]))
    async with gateway_of(*(f"unix:///none/{number}.sock" for number in range(3)), **QUIET) as client:
        registry = client.hosts_of_gateway
        fleet = Fleet(client)
        await fleet.until(lambda hosts: len(hosts) == 3)
        for name, engine in (("h2", "E1"), ("h3", "E1")):
            engines[name] = engine
            registry.changed(registry[name])
        await fleet.until(lambda hosts: all(len(host.same_engine_as) == 2 for host in hosts.values()))
        listed = [list(each.same_engine_as) for each in (await client.hosts.ListHosts(pb.ListHostsRequest())).hosts]
        registry.remove("h1")
        engines["h3"] = "E3"
        registry.changed(registry["h3"])
        await fleet.until(lambda hosts: not any(host.same_engine_as for host in hosts.values()))

    assert listed == [["h2", "h3"], ["h1", "h3"], ["h1", "h2"]]
    assert {"hosts": ["h1", "h2", "h3"], "engine": "E1"} in [getattr(each, "fields", {}) for each in caplog.records]


async def test_a_client_without_news_gets_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """It knows that the gateway is there."""
    monkeypatch.setattr(subscription, "HEARTBEAT_SECONDS", 0.05)
    async with gateway_of(**QUIET) as client:
        stream = client.hosts.WatchHosts(pb.WatchHostsRequest())
        await receive(stream)
        beats = [await receive(stream) for _ in range(2)]
        stream.cancel()

    assert all(beat.HasField("heartbeat") for beat in beats)
