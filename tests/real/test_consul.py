"""Hosts in a real Consul, which is killed and forgets everything, and in its DNS."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2, selectors_pb2

from deploy.private_engines.provision import EngineError, debian_program
from deploy.private_engines.stores import Consul
from tests.real.conftest import CACHE
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fake_services import Services
from tests.support.fleets import Fleet, fleet_of, gateway, source, until_source
from tests.support.gateway import gateway_of
from tests.support.upstream import refusal, until
from tests.test_server_reload import end, events, news


@pytest.fixture(scope="module")
def consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consul]:
    """A Consul, of Debian 11, which is the last one that Debian has."""
    if os.geteuid() != 0:
        pytest.skip("needs root on Debian")
    try:
        program = debian_program(CACHE, "consul", "usr/bin/consul", "bullseye")
    except EngineError as error:
        pytest.skip(f"Consul cannot be had: {error}")
    with Consul(tmp_path_factory.mktemp("consul"), program) as consul:
        yield consul


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    """An engine on TCP, with an event."""
    async with FakeEngine.tcp() as engine:
        daemon = Daemon(engine)
        daemon.happen("container", "start", "c1")
        yield daemon


def register(consul: Consul, id: str, service: str, daemon: Daemon, **meta: str) -> None:
    """Register an engine under a name of its own: all instances are of one node here."""
    port = int(daemon.engine.address.rpartition(":")[2])
    consul.register(id, "127.0.0.1", port, service=service, Meta={"dockfleet_name": id} | meta)


def at(consul: Consul, service: str, **more: Any) -> dict[str, Any]:
    """The configuration of the source."""
    return {"consul": {"address": consul.address, "service": service} | more}


async def test_instances_come_change_and_go_and_the_others_do_not_notice(consul: Consul, daemon: Daemon) -> None:
    """A write to another service changes nothing; a host keeps its streams while its labels change."""
    register(consul, "stays", "changes", daemon, site="north")
    register(consul, "goes", "changes", daemon)
    async with gateway(**at(consul, "changes")) as client:
        fleet = Fleet(client)
        await fleet.until_named("stays", "goes")
        stays, goes = events(client, "stays"), events(client, "goes")
        await stays.read()
        await goes.read()
        consul.register("other", "127.0.0.1", 1, service="other")
        consul.deregister("goes")
        register(consul, "stays", "changes", daemon, site="south")
        await fleet.until(lambda hosts: "goes" not in hosts and hosts["stays"].labels["site"] == "south")
        ended = await end(goes)
        daemon.happen("container", "stop", "c1")
        assert (await news(stays)).event.action == "stop"
        stays.cancel()

    assert ended.reason == "HOST_REMOVED"
    assert fleet.hosts["stays"].source == "consul"


async def test_an_instance_that_is_not_right_is_named(consul: Consul, daemon: Daemon) -> None:
    """As one in plaintext beyond this machine.  By itself, the name is that of the node."""
    consul.register("plain", "192.0.2.1", 2375, service="wrong")
    register(consul, "lab", "wrong", daemon, dockfleet_address="ssh://me@lab.example")
    register(consul, "Not Good", "wrong", daemon)
    async with gateway(**at(consul, "wrong")) as client:
        hosts = await Fleet(client).until_named("lab")
        refused = {entry.place: entry.message for entry in (await source(client, "consul")).refused_entries}
    async with gateway(**at(consul, "wrong", host_insecure=True)) as client:
        await Fleet(client).until_named("lab", consul.name)

    assert hosts["lab"].address == "ssh://me@lab.example"
    assert refused.keys() == {f"{consul.name}/plain", f"{consul.name}/Not Good"}
    assert "in plaintext beyond this machine" in refused[f"{consul.name}/plain"]


async def test_a_consul_that_forgets_everything_does_not_empty_the_fleet_at_once(
    consul: Consul, daemon: Daemon
) -> None:
    """While it is away, and when it is back with an empty list or a part, its hosts stay with their streams."""
    for name in ("back", "lost"):
        register(consul, name, "wiped", daemon)
    async with (
        gateway(**at(consul, "wiped")) as patient,
        gateway(**at(consul, "wiped"), absence_timeout_seconds=0.3) as hasty,
    ):
        for client in (patient, hasty):
            await Fleet(client).until_named("back", "lost")
        stream = events(patient, "back")
        await stream.read()
        await asyncio.to_thread(consul.kill)
        away = await until_source(patient, "consul", up=False)
        known = await fleet_of(patient)
        await asyncio.to_thread(consul.start)
        await until_source(patient, "consul", up=True)
        empty = await fleet_of(patient)
        register(consul, "back", "wiped", daemon)
        register(consul, "new", "wiped", daemon)
        await Fleet(hasty).until_named("back", "new")
        await Fleet(patient).until_named("back", "lost", "new")
        daemon.happen("container", "stop", "c1")
        assert (await news(stream)).event.action == "stop"
        stream.cancel()

    assert consul.address in away.message
    assert known == empty == dict.fromkeys(("back", "lost"), daemon.engine.address)


async def test_a_consul_that_hangs_is_away(consul: Consul) -> None:
    """Its kernel keeps the connections alive.  Answers name it; its hosts stay, and its catalog is right afterwards."""
    async with FakeEngine.tcp() as engine:
        services = Services(engine)
        register(consul, "lab", "hangs", services.daemon)
        sources = {"consul": {"address": consul.address, "service": "hangs"}}
        discovery = {"consul": {"address": consul.address}}
        async with gateway_of(inventory=True, sources=sources, discovery=discovery) as client:

            def shown(metric: str, **labels: str) -> float | None:
                return client.metrics.registry.get_sample_value(f"dockfleet_{metric}", labels)

            def written() -> set[str]:
                return set(consul.request("GET", "/v1/agent/services"))

            await Fleet(client).until_named("lab")
            services.run("goes", 1001)
            await until(lambda: any(":goes:" in id for id in written()))
            await asyncio.to_thread(consul.pause)
            try:
                services.end("goes")
                services.run("comes", 1002)
                away = await until_source(client, "consul", up=False)
                await until(lambda: shown("catalog_up", catalog="consul") == 0)
                request = fleet_pb2.DiscoverServicesRequest(hosts=selectors_pb2.HostSelector(all=True))
                found = await client.fleet.DiscoverServices(request)
                source_up = shown("host_source_up", source="consul")
            finally:
                consul.resume()
            await until_source(client, "consul", up=True)
            await until(lambda: shown("catalog_up", catalog="consul") == 1)
            after = written()

    assert (away.hosts, source_up) == (1, 0)
    assert [each.service for each in found.endpoints] == ["comes"]
    assert [each.name for each in found.incomplete_sources] == ["consul"]
    assert [id.split(":")[1] for id in after if ":" in id] == ["comes"]


async def test_a_name_is_not_unknown_before_consul_has_answered(tmp_path: Path) -> None:
    """The host may be there."""
    async with gateway(consul={"address": "127.0.0.1:1", "service": "docker"}) as client:
        unknown = await refusal(events(client, "lab"))

    assert (unknown.code, unknown.reason) == (grpc.StatusCode.UNAVAILABLE, "UNKNOWN_HOST")


async def test_hosts_come_from_srv_records(consul: Consul, daemon: Daemon) -> None:
    """Those of Consul's own DNS, whose targets are its nodes."""
    register(consul, "lab", "served", daemon)
    dns = {"name": "served.service.consul", "servers": [f"127.0.0.1:{consul.dns_port}"], "host_insecure": True}
    async with gateway(dns=dns) as client:
        [host] = (await Fleet(client).until(lambda hosts: len(hosts) == 1)).values()

    assert host.address.endswith(daemon.engine.address.rpartition(":")[2])
    assert (host.source, f"tcp://{host.name}:") == ("dns", host.address.rpartition(":")[0] + ":")
