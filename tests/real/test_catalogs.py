"""Endpoints in a real etcd and a real Consul, while containers, hosts, gateways and the catalogs themselves end."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from dockfleet.fleet.v1 import fleet_pb2, selectors_pb2
from dockfleet.v1 import containers_pb2
from google.protobuf.duration_pb2 import Duration

from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.provision import EngineError, debian_program, install
from deploy.private_engines.stores import Consul, Etcd
from gateway.config.settings import HostSettings
from tests.fleet.support import UP, state_of
from tests.real.conftest import CACHE
from tests.real.processes import GatewayProcess
from tests.real.stores import Keys, encoded
from tests.real.support import Containers, execute
from tests.support.fake_engine import FakeEngine
from tests.support.fake_services import Services
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import until

SECONDS = 2  # after which what a gateway has written is void


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    """An etcd."""
    try:
        install("etcd")
    except EngineError as error:
        pytest.skip(f"there is no etcd: {error}")
    with Etcd(tmp_path_factory.mktemp("etcd")) as etcd:
        yield etcd


@pytest.fixture(scope="module")
def consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consul]:
    """A Consul that deregisters what is critical at once, not after a minute at least."""
    if os.geteuid() != 0:
        pytest.skip("needs root on Debian")
    try:
        program = debian_program(CACHE, "consul", "usr/bin/consul", "bullseye")
    except EngineError as error:
        pytest.skip(f"Consul cannot be had: {error}")
    with Consul(tmp_path_factory.mktemp("consul"), program, hasty=True) as consul:
        yield consul


class Catalogs:
    """What is in both catalogs of a service, by the gateway that has written it."""

    def __init__(self, etcd: Etcd, consul: Consul) -> None:
        self.keys = Keys(etcd)
        self.consul = consul
        self.settings = {
            "etcd": {"endpoints": [etcd.address], "prefix": self.keys.prefix},
            "consul": {"address": consul.address},
            "absence_timeout_seconds": SECONDS,
        }

    @property
    def flags(self) -> list[str]:
        """The same settings as flags."""
        return [
            f"--discovery-etcd-endpoints={self.keys.etcd.address}",
            f"--discovery-etcd-prefix={self.keys.prefix}",
            f"--discovery-consul-address={self.consul.address}",
            f"--discovery-absence-timeout-seconds={SECONDS}",
        ]

    def in_etcd(self, service: str) -> dict[str, Any]:
        """The values in etcd, by gateway."""
        prefix = f"{self.keys.prefix}{service}/"
        body = {"key": encoded(prefix), "range_end": encoded(prefix[:-1] + "0")}
        found = self.keys.call("kv/range", body).get("kvs", [])
        read = [(base64.b64decode(each["key"]).decode(), base64.b64decode(each["value"])) for each in found]
        return {key.rpartition("/")[2]: json.loads(value) for key, value in read}

    def in_consul(self, service: str) -> dict[str, Any]:
        """The instances that pass, by gateway."""
        found = self.consul.request("GET", f"/v1/health/service/{quote(service)}?passing")
        return {each["Service"]["ID"].split(":")[0].rpartition("-")[2]: each["Service"] for each in found}

    def of(self, service: str) -> tuple[set[str], set[str]]:
        """The gateways that have written an endpoint of the service to etcd, and those that have to Consul."""
        return set(self.in_etcd(service)), set(self.in_consul(service))

    async def until(self, service: str, condition: Callable[[set[str], set[str]], Any]) -> tuple[set[str], set[str]]:
        """Wait until *condition* holds of what is in the catalogs, and return that."""
        while True:
            found = await asyncio.to_thread(self.of, service)
            if condition(*found):
                return found
            await asyncio.sleep(0.05)

    async def until_there(self, service: str, gateways: int) -> set[str]:
        """Wait until so many gateways have written to both; return their ids."""
        found, _ = await self.until(service, lambda etcd, consul: len(etcd) == gateways and etcd == consul)
        return found

    async def until_gone(self, service: str) -> None:
        """Wait until nothing is in either."""
        await self.until(service, lambda etcd, consul: not (etcd or consul))


@pytest.fixture
def catalogs(etcd: Etcd, consul: Consul) -> Catalogs:
    """Both catalogs, with a prefix of this test's own."""
    return Catalogs(etcd, consul)


async def stop(client: Client, id: str) -> None:
    """Let a container end."""
    await client.containers.KillContainer(containers_pb2.KillContainerRequest(host="lab", id=id))


async def until_health(maker: Containers, id: str, health: str) -> None:
    """Wait until a container's health is known to be so."""
    while (await maker.inspect(id)).state.health.status != health:  # noqa: ASYNC110
        await asyncio.sleep(0.1)


async def serve(maker: Containers, service: str, **config: Any) -> str:
    """Start a container that publishes a port."""
    key, _, value = maker.label.partition("=")
    host_config = {"network_mode": "bridge", "port_bindings": {"80/tcp": {"items": [{"host_ip": "0.0.0.0"}]}}}
    labels = {key: value, "dockfleet.service": service}
    return await maker.start("sleep", "600", labels=labels, host_config=host_config, exposed_ports=["80/tcp"], **config)


async def test_an_endpoint_is_there_as_long_as_its_container_its_host_and_a_gateway(
    catalogs: Catalogs, start_engine: Callable[..., PrivateEngine], tmp_path: Path
) -> None:
    """A gateway that dies takes nothing away that another one keeps; in the end, nothing stays."""
    engine = start_engine("lab")
    host = HostSettings(name="lab", address=engine.address, labels={"dockfleet.address": "lab.example"})
    keys = {"inventory": True, "health_check_interval_seconds": 1, "discovery": catalogs.settings}
    async with AsyncExitStack() as first:
        flags = ["--health-check-interval-seconds=1", *catalogs.flags]
        process = await first.enter_async_context(GatewayProcess.running(tmp_path, [host], *flags))
        async with gateway_of(host, **keys) as client:
            maker = Containers(client, "lab")
            # A container that starts, and stops.
            id = await serve(maker, "web")
            both = await catalogs.until_there("web", 2)
            values, instances = catalogs.in_etcd("web"), catalogs.in_consul("web")
            container = await maker.inspect(id)
            await stop(client, id)
            await catalogs.until_gone("web")
            # A container that is not healthy, then is, and is not any more.
            test = {"test": ["CMD", "test", "-e", "/healthy"], "interval": Duration(nanos=500_000_000), "retries": 1}
            sick = await serve(maker, "sick", healthcheck=test)
            await until_health(maker, sick, "unhealthy")
            before = catalogs.of("sick")
            await execute(client, "lab", sick, "touch", "/healthy")
            await catalogs.until_there("sick", 2)
            await execute(client, "lab", sick, "rm", "/healthy")
            await catalogs.until_gone("sick")
            # A host that dies, and is back.
            await serve(maker, "app")
            await catalogs.until_there("app", 2)
            await asyncio.to_thread(engine.kill)
            await catalogs.until_gone("app")
            await asyncio.to_thread(engine.start)
            await state_of(client, "lab", UP)
            # A gateway that dies, and then the other one.
            await serve(maker, "shop")
            await catalogs.until_there("shop", 2)
            process.signal(signal.SIGKILL)
            seen: list[set[str]] = []

            def watched(etcd: set[str], consul: set[str]) -> bool:
                seen.append(etcd & consul)
                return len(etcd) == len(consul) == 1

            [left], _ = await catalogs.until("shop", watched)
    await catalogs.until_gone("shop")

    port = int(container.network_settings.ports["80/tcp"].items[0].host_port)
    value = {
        "service": "web",
        "address": "lab.example",
        "port": port,
        "protocol": "tcp",
        "host": "lab",
        "container": container.name.removeprefix("/"),
        "container_id": id,
        "container_port": 80,
    }
    assert before == (set(), set())
    assert values == dict.fromkeys(both, value)
    assert {(each["Address"], each["Port"]) for each in instances.values()} == {("lab.example", port)}
    assert left in both
    assert all(left in each for each in seen), "the entry of the gateway that lives was away"


async def test_a_catalog_that_forgets_or_is_away_is_filled_again(catalogs: Catalogs) -> None:
    """Changes during the outage are written later; calls are not affected.  The metrics show the state of each
    catalog.
    """
    async with FakeEngine() as engine:
        services = Services(engine)
        settings = catalogs.settings
        async with gateway_of(engine.address, inventory=True, discovery=settings) as client:

            def shown(metric: str) -> list[float | None]:
                registry = client.metrics.registry
                names = ("etcd", "consul")
                return [registry.get_sample_value(f"dockfleet_catalog_{metric}", {"catalog": name}) for name in names]

            services.run("stays", 1001)
            services.run("goes", 1002)
            await catalogs.until_there("goes", 1)
            [gateway] = await catalogs.until_there("stays", 1)
            await until(lambda: shown("up") == [1, 1] and shown("pending_entries") == [0, 0])
            entries = shown("entries")

            for catalog in (catalogs.keys.etcd, catalogs.consul):
                await asyncio.to_thread(catalog.kill)
            catalogs.keys.etcd.wipe()
            services.run("comes", 1003)
            services.end("goes")
            await until(lambda: shown("up") == [0, 0])
            served: list[str] = []
            while served != ["comes", "stays"]:
                request = fleet_pb2.DiscoverServicesRequest(hosts=selectors_pb2.HostSelector(all=True))
                served = [each.service for each in (await client.fleet.DiscoverServices(request)).endpoints]
            for catalog in (catalogs.keys.etcd, catalogs.consul):
                await asyncio.to_thread(catalog.start)
            back = [await catalogs.until_there(service, 1) for service in ("stays", "comes")]
            await until(lambda: shown("up") == [1, 1])
            gone = catalogs.of("goes")

    assert entries == [2, 2]
    assert back == [{gateway}, {gateway}]
    assert gone == (set(), set())
