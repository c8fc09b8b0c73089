"""Endpoints that are written to Consul: what it is asked, and what happens when it refuses."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2

from tests.support.fake_engine import FakeEngine, Request, ResponseParser
from tests.support.fake_services import Services, id_of
from tests.support.gateway import gateway_of
from tests.support.upstream import until

REGISTER, DEREGISTER, PASS = "/agent/service/register", "/agent/service/deregister/{id}", "/agent/check/pass/{id}"
# after /v1, which looks like the version of an engine


@pytest.fixture
async def services() -> AsyncIterator[Services]:
    """An engine with containers that publish ports."""
    async with FakeEngine() as engine:
        yield Services(engine)


@pytest.fixture
async def consul() -> AsyncIterator[FakeEngine]:
    """What answers in place of an agent of Consul."""
    async with FakeEngine.tcp() as consul:
        consul.min_api_version = "1"
        for path in (REGISTER, DEREGISTER, PASS):
            consul.on("PUT", path)
        yield consul


def at(consul: FakeEngine, services: Services, **more: Any) -> tuple[str, dict[str, Any]]:
    """The host and the configuration of a gateway that writes to Consul."""
    catalog = {"address": consul.address.removeprefix("tcp://")} | more
    discovery = {"consul": catalog, "absence_timeout_seconds": 2}
    return services.daemon.engine.address, {"inventory": True, "discovery": discovery}


def registered(consul: FakeEngine) -> list[Any]:
    """What was registered, in this order."""
    return [json.loads(asked.body) for asked in consul.requests if asked.path == REGISTER]


def named(consul: FakeEngine) -> list[str]:
    """The names of the services that were registered."""
    return [each["Name"] for each in registered(consul)]


async def test_an_instance_lives_as_long_as_the_check_of_its_gateway(
    consul: FakeEngine, services: Services, tmp_path: Path
) -> None:
    """One request for each gateway keeps all its instances alive."""
    (tmp_path / "token").write_text("secret\n")
    host, keys = at(consul, services, token_file=tmp_path / "token")
    services.run("web", 8080, labels={"dockfleet.service": "shop"})
    async with gateway_of(host, **keys):
        await until(lambda: "shop" in named(consul))
        kept = await consul.request("PUT", PASS)
        services.end("web")
        gone = await consul.request("PUT", DEREGISTER)
    gateway, instance = registered(consul)

    assert (gateway["Name"], gateway["Check"]["TTL"]) == ("dockfleet-gateway", "2s")
    assert kept.path == PASS.replace("{id}", gateway["Check"]["CheckID"])
    assert instance == {
        "ID": f"{gateway['ID']}:shop:h1:{id_of('web')[:12]}:80-tcp-8080",
        "Name": "shop",
        "Address": "127.0.0.1",
        "Port": 8080,
        "Tags": ["tcp"],
        "Meta": {"host": "h1", "container": "web", "container_id": id_of("web"), "container_port": "80"},
        "Check": instance["Check"],
    }
    assert instance["Check"]["AliasService"] == gateway["ID"]
    assert instance["Check"]["DeregisterCriticalServiceAfter"] == "2s"
    assert gone.path.replace("%3A", ":").endswith(instance["ID"])
    assert {asked.headers["x-consul-token"] for asked in consul.requests} == {"secret"}


async def test_an_entry_that_is_refused_holds_up_no_other(consul: FakeEngine, services: Services) -> None:
    """The metrics show that one is missing."""

    async def answer(exchange: ResponseParser) -> None:
        denied = json.loads(exchange.request.body)["Name"] == "denied"
        await exchange.answer(**({"status": 403, "body": b"Permission denied"} if denied else {"status": 200}))

    consul.on("PUT", REGISTER, answer)
    host, keys = at(consul, services)
    for number in range(70):
        services.run(f"s{number}", 8000 + number)
    services.run("denied", 9000)
    async with gateway_of(host, **keys) as client:

        def shown(metric: str) -> float | None:
            return client.metrics.registry.get_sample_value(f"dockfleet_catalog_{metric}", {"catalog": "consul"})

        await until(lambda: len({*named(consul)} - {"denied", "dockfleet-gateway"}) == 70)
        await until(lambda: shown("pending_entries") == 1)
        await until(lambda: shown("up") == 0)

    assert named(consul).count("denied") == 1


async def test_a_gateway_that_consul_does_not_know_writes_everything_again(
    consul: FakeEngine, services: Services
) -> None:
    """An agent that was replaced has nothing."""
    host, keys = at(consul, services)
    services.run("web", 8080)
    consul.on("PUT", PASS, status=500, body=b"CheckID does not have associated TTL", times=1)
    async with gateway_of(host, **keys):
        await until(lambda: named(consul).count("web") == 2)

    assert named(consul).count("dockfleet-gateway") == 2


def writes(consul: FakeEngine, start: int) -> list[Request]:
    """Return the requests from number *start* on that change entries; the others say that the gateway lives."""
    return [each for each in consul.requests[start:] if "/check/pass/" not in each.path]


async def test_a_consul_that_is_away_gets_one_request_for_each_attempt(consul: FakeEngine, services: Services) -> None:
    """It shows whether Consul is back: one that hangs would get all entries again and again, and handle them later."""
    host, keys = at(consul, services)
    services.run("goes", 8080)
    async with gateway_of(host, **keys):
        await until(lambda: "goes" in named(consul))

        async def away(exchange: ResponseParser) -> None:
            exchange.abort()

        for path in (REGISTER, DEREGISTER, PASS):
            consul.on("PUT", path, away)
        before = len(consul.requests)
        services.end("goes")
        for number in range(10):
            services.run(f"s{number}", 8000 + number)
        await until(lambda: len(consul.requests) - before - len(writes(consul, before)) >= 2)
        during = writes(consul, before)
        for path in (REGISTER, DEREGISTER, PASS):
            consul.on("PUT", path)
        after = len(consul.requests)
        await consul.until(lambda: len(writes(consul, after)) >= 11)

    written = writes(consul, after)
    assert len(during) <= 11
    assert "/check/pass/" in consul.requests[after].path
    assert len({each.body for each in written if each.path == REGISTER}) == 10
    assert len([each for each in written if "/service/deregister/" in each.path]) == 1


async def test_nothing_is_taken_away_when_a_gateway_ends(consul: FakeEngine, services: Services) -> None:
    """It may be back at once."""
    host, keys = at(consul, services)
    services.run("web", 8080)
    async with gateway_of(host, **keys):
        await until(lambda: "web" in named(consul))

    assert not [asked for asked in consul.requests if asked.path.startswith("/agent/service/deregister")]


async def test_endpoints_move_with_the_address_of_their_host(services: Services) -> None:
    """The label of a host can change while the gateway serves."""
    services.run("web", 8080)

    def spec(address: str) -> hosts_pb2.HostSpec:
        engine = services.daemon.engine.address
        return hosts_pb2.HostSpec(name="lab", address=engine, labels={"dockfleet.address": address})

    async with gateway_of(inventory=True) as client:
        await client.hosts.AddHost(hosts_pb2.AddHostRequest(spec=spec("10.0.0.1")))
        request = pb.DiscoverServicesRequest(hosts=selectors_pb2.HostSelector(names=["lab"]))
        stream = client.fleet.WatchServices(pb.WatchServicesRequest(services=request))
        addresses: list[str] = []
        async for response in stream:
            addresses += [change.put.address for change in response.changes if change.HasField("put")]
            if addresses == ["10.0.0.1"] and response.changes:
                await client.hosts.UpdateHost(hosts_pb2.UpdateHostRequest(spec=spec("10.0.0.2")))
            if len(addresses) == 2:
                break
        stream.cancel()

    assert addresses == ["10.0.0.1", "10.0.0.2"]


async def test_hosts_that_are_named_may_come_later(consul: FakeEngine, services: Services) -> None:
    """Their endpoints are written then, and those of no other host."""
    address, keys = at(consul, services)
    keys["discovery"]["hosts"] = ["lab"]
    services.run("web", 8080)
    async with gateway_of(address, **keys) as client:
        await until(lambda: named(consul) == ["dockfleet-gateway"])
        spec = hosts_pb2.HostSpec(name="lab", address=address)
        await client.hosts.AddHost(hosts_pb2.AddHostRequest(spec=spec))
        await until(lambda: "web" in named(consul))

    assert [each["Meta"]["host"] for each in registered(consul)[1:]] == ["lab"]
