"""What the pages of the fleet say, and what they ask of hosts."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.config.settings import HostSettings
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_services import Services, id_of
from tests.support.fake_stats import sample
from tests.support.gateway import Client, gateway_of
from tests.web.client import Reply, get

T = TypeVar("T")
Series = dict[str, list[tuple[dict[str, str], float]]]


class Engine(Services):
    """An engine whose containers have samples, and limits."""

    def __init__(self, engine: FakeEngine) -> None:
        super().__init__(engine)
        self.engine = engine
        self.network_mode = "default"
        self.stats: dict[str, Any] = sample(4)
        engine.on("GET", "/images/json", json=[])
        engine.on("GET", "/networks", json=[])
        engine.on("GET", "/volumes", json={"Volumes": [], "Warnings": []})
        engine.on("GET", "/containers/{id}/stats", self._stats)
        engine.on("GET", "/system/df", json={"LayersSize": 1000})

    def asked(self, end: str) -> int:
        """How often the engine was asked for what ends so."""
        return sum(request.path.endswith(end) for request in self.engine.requests)

    async def _stats(self, exchange: ResponseParser) -> None:
        await exchange.answer(json=self.stats)

    async def _inspect(self, exchange: ResponseParser) -> None:
        id = exchange.request.path.split("/")[2]
        if all(each["Id"] != id for each in self.daemon.containers):
            await exchange.answer(status=404, error=f"No such container: {id}")
            return
        state = {"Status": "running", "Running": True, "StartedAt": "2026-01-01T00:00:00Z"}
        host = {"NetworkMode": self.network_mode, "Memory": 64 << 20, "NanoCpus": 500_000_000}
        [name] = [each["Names"][0] for each in self.daemon.containers if each["Id"] == id]
        config = {"Image": "shop/web:1"}
        await exchange.answer(
            json={"Id": id, "Name": name, "State": state, "HostConfig": host, "Config": config, "RestartCount": 2}
        )


@pytest.fixture
async def engine() -> AsyncIterator[Engine]:
    """An engine."""
    async with FakeEngine() as fake:
        yield Engine(fake)


def gateway(*hosts: Any, **metrics: Any) -> Any:
    """A gateway that samples every second."""
    return gateway_of(
        *hosts, inventory=True, metrics_listen="127.0.0.1:0", container_metrics={"interval_seconds": 1} | metrics
    )


async def page(client: Client, query: str = "", **headers: str) -> Reply:
    """The metrics of containers."""
    assert client.metrics_address is not None
    return await get(client.metrics_address, f"/metrics/containers{query}", **headers)


def read(reply: Reply) -> Series:
    """What Prometheus' own parser reads."""
    assert reply.status == 200
    found: Series = {}
    for family in text_string_to_metric_families(reply.body.decode()):
        for each in family.samples:
            found.setdefault(each.name, []).append((each.labels, each.value))
    return found


async def eventually(look: Callable[[], Awaitable[T | None]]) -> T:
    """Look until something is found: pages change without notice."""
    while True:
        if (found := await look()) is not None:
            return found
        await asyncio.sleep(0.05)


async def scraped(client: Client, condition: Callable[[Series], bool], query: str = "") -> Series:
    """Scrape until *condition* holds."""

    async def look() -> Series | None:
        reply = await page(client, query)
        return found if reply.status == 200 and condition(found := read(reply)) else None

    return await eventually(look)


async def until(client: Client, name: str, query: str = "") -> Series:
    """Scrape until there is a metric of this name."""
    return await scraped(client, lambda found: name in found, query)


async def with_status(client: Client, path: str, status: int) -> Reply:
    """Ask for a page until it has this status."""

    async def look() -> Reply | None:
        assert client.metrics_address is not None
        reply = await get(client.metrics_address, path)
        return reply if reply.status == status else None

    return await eventually(look)


async def test_a_container_is_shown_in_the_names_and_labels_of_cadvisor(engine: Engine) -> None:
    """Dashboards match its cgroup, name, image and compose project."""
    engine.run("web", 8080, labels={"com.docker.compose.project": "shop", "secret": "x"})
    async with gateway(engine.engine.address) as client:
        found = await until(client, "container_cpu_usage_seconds_total")

    labels = {
        "host": "h1",
        "id": f"/docker/{id_of('web')}",
        "name": "web",
        "image": "shop/web:1",
        "container_label_com_docker_compose_project": "shop",
    }
    assert found["container_cpu_usage_seconds_total"] == [({**labels, "cpu": "total"}, 2.0)]
    assert found["container_memory_usage_bytes"] == [(labels, float(100 << 20))]
    assert found["container_memory_working_set_bytes"] == [(labels, float(60 << 20))]
    assert found["container_spec_memory_limit_bytes"] == [(labels, float(64 << 20))]
    assert found["container_health_state"] == [(labels, -1.0)]
    assert found["dockfleet_container_restarts_total"] == [(labels, 2.0)]
    assert found["dockfleet_container_state"] == [({**labels, "state": "running"}, 1.0)]
    received = {each["interface"]: value for each, value in found["container_network_receive_bytes_total"]}
    assert received == {"eth0": 4000.0, "eth1": 2000.0}
    assert found["container_fs_writes_bytes_total"] == [({**labels, "device": "8:0"}, 2048.0)]
    assert "container_memory_rss" not in found  # the engine has not told it: that is no zero


async def test_a_scrape_asks_no_host_and_nothing_is_sampled_without_scrapes(engine: Engine) -> None:
    """Samples are taken at an interval, independent of the number of scrapes."""
    engine.run("web", 8080)
    async with gateway(engine.engine.address, interval_seconds=120) as client:
        await with_status(client, "/sd/containers", 200)
        asked = len(engine.engine.asked)
        for _ in range(20):
            await page(client)

        assert len([each for each in engine.engine.asked[asked:] if each.path != "/system/df"]) == 0


async def test_the_compressed_page_is_the_plain_one(engine: Engine) -> None:
    """It is joined of parts, and reads as one."""
    for number in range(3):
        engine.run(f"web{number}", 8080 + number)
    async with gateway(engine.engine.address, engine.engine.address) as client:
        await until(client, "container_cpu_usage_seconds_total")
        while True:  # a round may come between the two
            packed, plain = await page(client, Accept_Encoding="gzip"), await page(client)
            if gzip.decompress(packed.body) == plain.body:
                break

    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_the_page_of_one_host_leaves_the_host_out(engine: Engine) -> None:
    """Prometheus has it already, from the target."""
    engine.run("web", 8080)
    async with gateway(engine.engine.address) as client:
        found = await until(client, "container_last_seen", "?host=h1")
        unknown = await page(client, "?host=h9")

    assert all("host" not in labels for series in found.values() for labels, _ in series)
    assert found["machine_scrape_error"] == [({}, 0.0)]
    assert unknown.status == 404


async def test_a_container_that_has_gone_is_seen_for_a_while_and_has_no_other_series(engine: Engine) -> None:
    """So a rule can tell that it has gone."""
    engine.run("web", 8080)
    async with gateway(engine.engine.address) as client:
        await until(client, "container_last_seen")
        engine.end("web")
        found = await scraped(client, lambda found: "container_start_time_seconds" not in found)

        assert [labels["name"] for labels, _ in found["container_last_seen"]] == ["web"]
        assert not any(name.startswith("container_memory") for name in found)


async def test_a_container_that_was_renamed_has_not_gone(engine: Engine) -> None:
    """Its series are under the new name; none stands still under the old one."""
    engine.run("web", 8080)
    async with gateway(engine.engine.address) as client:
        await until(client, "container_last_seen")
        engine.rename("web", "shop")
        found = await scraped(
            client, lambda found: {each["name"] for each, _ in found["container_start_time_seconds"]} == {"shop"}
        )

    assert [labels["name"] for labels, _ in found["container_last_seen"]] == ["shop"]


async def test_a_host_that_is_away_is_a_failed_scrape_and_its_containers_were_seen_last(engine: Engine) -> None:
    """Its own target fails with the reason; on the page of the fleet, only when its containers were seen stays."""
    engine.run("web", 8080)
    host = HostSettings(name="h1", address=engine.engine.address)
    async with gateway(host) as client:
        await until(client, "container_cpu_usage_seconds_total")
        engine.engine.on("GET", "/_ping", error="no", status=500)
        engine.engine.on("HEAD", "/_ping", error="no", status=500)
        await client.hosts_of_gateway.probe(client.hosts_of_gateway["h1"], 1)
        reply = await with_status(client, "/metrics/containers?host=h1", 503)
        found = await scraped(client, lambda found: "container_cpu_usage_seconds_total" not in found)

    assert reply.status == 503
    assert reply.body.startswith(b"h1: ")
    assert list(found) == ["container_last_seen"]


async def test_who_shares_a_network_has_no_series_of_it(engine: Engine) -> None:
    """The engine tells the owner's counters for both."""
    engine.network_mode = f"container:{'a' * 64}"
    engine.run("web", 8080)
    async with gateway(engine.engine.address) as client:
        found = await until(client, "container_cpu_usage_seconds_total")

    assert not any(name.startswith("container_network") for name in found)


@pytest.mark.parametrize(
    ("containers", "label", "shown"),
    [("all", "", True), ("all", "false", False), ("labelled", "", False), ("labelled", "true", True)],
)
async def test_a_label_chooses_containers(engine: Engine, containers: str, label: str, shown: bool) -> None:
    """By default all have series; with a label one has none; or only those that ask."""
    engine.run("other", 8081, labels={"dockfleet.metrics": "true"})
    engine.run("web", 8080, labels={"dockfleet.metrics": label} if label else {})
    async with gateway(engine.engine.address, containers=containers) as client:
        found = await until(client, "container_cpu_usage_seconds_total")

    names = {labels["name"] for labels, _ in found["container_cpu_usage_seconds_total"]}
    assert names == {"other", "web"} if shown else names == {"other"}


async def test_series_that_do_not_fit_are_counted(engine: Engine) -> None:
    """The same containers stay out, and are not sampled."""
    for number in range(9):
        engine.run(f"web{number}", 8080 + number)
    async with gateway(engine.engine.address, max_series_per_host=100) as client:
        found = await until(client, "container_cpu_usage_seconds_total")
        first = {labels["name"] for labels, _ in found["container_cpu_usage_seconds_total"]}
        round = engine.asked("/stats")
        await engine.engine.until(lambda: engine.asked("/stats") >= round + 2 * len(first))
        found = read(await page(client))

    assert 0 < len(first) < 9
    assert {labels["name"] for labels, _ in found["container_cpu_usage_seconds_total"]} == first
    assert found["dockfleet_series_left_out"][0][1] > 0
    of_containers = [name for name, series in found.items() if "name" in series[0][0] and name != "container_last_seen"]
    assert sum(len(found[name]) for name in of_containers) <= 100


async def test_what_does_not_fit_once_does_not_fit_later(engine: Engine) -> None:
    """It is not sampled any more, but has as many series as before: it does not come and go."""
    for number in range(9):
        engine.run(f"web{number}", 8080 + number)
    async with gateway(engine.engine.address, max_series_per_host=110) as client:
        found = await until(client, "container_cpu_usage_seconds_total")
        first = {labels["name"] for labels, _ in found["container_cpu_usage_seconds_total"]}
        enough = engine.asked("/stats") + 3 * len(first)
        shown: set[str] = set()
        left_out: set[float] = set()
        while engine.asked("/stats") < enough:
            found = read(await page(client))
            shown |= {labels["name"] for labels, _ in found["container_start_time_seconds"]}
            left_out |= {value for _, value in found["dockfleet_series_left_out"]}

    assert shown == first
    assert len(left_out) == 1


async def test_a_sample_of_windows_has_its_own_units(engine: Engine) -> None:
    """Processor time is in units of 100 ns there, and memory in use is the private working set."""
    cpu = {"total_usage": 30_000_000, "usage_in_usermode": 20_000_000, "usage_in_kernelmode": 10_000_000}
    engine.stats = sample(
        4, num_procs=2, cpu_stats={"cpu_usage": cpu}, memory_stats={"commitbytes": 99, "privateworkingset": 77}
    )
    engine.run("web", 8080)
    async with gateway(engine.engine.address) as client:
        found = await until(client, "container_cpu_usage_seconds_total")

    assert [found[f"container_cpu_{part}_seconds_total"][0][1] for part in ("usage", "user", "system")] == [3, 2, 1]
    assert found["container_memory_working_set_bytes"][0][1] == 77
    assert not found.keys() & {"container_memory_usage_bytes", "container_memory_rss", "container_memory_cache"}


async def test_a_sample_without_processor_time_has_no_series_of_it(engine: Engine) -> None:
    """A zero would be wrong: the engine has not told it."""
    engine.stats = sample(4, cpu_stats={}, precpu_stats={})
    engine.run("web", 8080)
    async with gateway(engine.engine.address) as client:
        found = await until(client, "container_memory_usage_bytes")

    assert not any(name.startswith("container_cpu") for name in found)


async def test_each_host_is_a_target(engine: Engine) -> None:
    """Prometheus scrapes the gateway for each."""
    host = HostSettings(name="h1", address=engine.engine.address, labels={"rack.row": "7"})
    async with gateway(host) as client:
        assert client.metrics_address is not None
        reply = await get(client.metrics_address, "/sd/hosts")

    [target] = json.loads(reply.body)
    assert reply.headers["content-type"] == "application/json"
    assert target["labels"] == {
        "__metrics_path__": "/metrics/containers",
        "__param_host": "h1",
        "instance": "h1",
        "host": "h1",
        "__meta_dockfleet_host_label_rack_row": "7",
    }
    assert len(target["targets"]) == 1


@pytest.mark.parametrize(
    ("labels", "target"),
    [
        ({}, None),
        ({"prometheus.io/scrape": "true"}, "192.0.2.7:8080"),
        ({"prometheus-job": "web", "prometheus_path": "/m"}, "192.0.2.7:8080"),
        ({"prometheus.scrape": "true", "prometheus.port": "80"}, "192.0.2.7:8080"),
        ({"prometheus.scrape": "true", "prometheus.port": "81"}, None),
        ({"prometheus.scrape": "false"}, None),
    ],
)
async def test_containers_that_ask_by_label_are_targets(
    engine: Engine, labels: dict[str, str], target: str | None
) -> None:
    """At their published port, under the labels that Prometheus' own discovery gives them."""
    engine.run("web", 8080, labels=labels)
    host = HostSettings(name="h1", address=engine.engine.address, labels={"dockfleet.address": "192.0.2.7"})
    async with gateway(host) as client:
        reply = await with_status(client, "/sd/containers", 200)
    targets = json.loads(reply.body)

    assert [each["targets"] for each in targets] == ([[target]] if target else [])
    for each in targets:
        assert each["labels"]["__meta_docker_container_name"] == "/web"
        assert each["labels"]["host"] == "h1"
        assert each["labels"].get("__metrics_path__", "/m") == "/m"


@pytest.mark.parametrize(
    ("port", "address", "reason"),
    [
        ("99999", "192.0.2.7", "a number from 1 to 65535"),
        ("web", "192.0.2.7", "a number from 1 to 65535"),
        ("81", "192.0.2.7", "it publishes no such port"),
        ("80", "", "where others can reach it"),  # it is published on this machine's loopback
    ],
)
async def test_containers_that_ask_and_are_no_targets_are_listed_with_the_reason(
    engine: Engine, port: str, address: str, reason: str
) -> None:
    """At `?left_out`."""
    engine.run("web", 8080, labels={"prometheus.scrape": "true", "prometheus.port": port})
    labels = {"dockfleet.address": address} if address else {}
    async with gateway(HostSettings(name="h1", address=engine.engine.address, labels=labels)) as client:
        reply = await with_status(client, "/sd/containers?left_out", 200)
    [left_out] = json.loads(reply.body)

    assert reason in left_out["reason"]
    assert left_out["labels"]["__meta_docker_container_name"] == "/web"


@pytest.mark.parametrize(("address", "targets"), [("192.0.2.7", []), ("127.0.0.1", [["127.0.0.1:8080"]])])
async def test_a_port_of_a_hosts_loopback_is_a_target_where_the_host_itself_is_reached_so(
    engine: Engine, address: str, targets: list[list[str]]
) -> None:
    """Elsewhere, 127.0.0.1 is another machine."""
    engine.run("web", 8080, ip="127.0.0.1", labels={"prometheus.scrape": "true"})
    host = HostSettings(name="h1", address=engine.engine.address, labels={"dockfleet.address": address})
    async with gateway(host) as client:
        reply = await with_status(client, "/sd/containers", 200)

    assert [each["targets"] for each in json.loads(reply.body)] == targets


async def test_targets_are_an_error_while_a_host_is_not_known(engine: Engine) -> None:
    """Prometheus keeps those that it has; it would forget those that are not in a shorter list."""
    async with gateway(engine.engine.address, "unix:///nowhere.sock") as client:
        await with_status(client, "/sd/containers?host=h1", 200)
        reply = await with_status(client, "/sd/containers", 503)

    assert reply.status == 503
    assert reply.body.startswith(b"it is not known which containers all hosts have: h2: ")


@pytest.mark.parametrize("path", ["/sd/hosts", "/sd/containers"])
async def test_targets_are_an_error_while_hosts_may_be_missing(engine: Engine, path: str) -> None:
    """A source of hosts has not answered yet, and Prometheus would forget the targets of its hosts."""
    async with gateway(engine.engine.address) as client:
        assert client.metrics_address is not None
        await with_status(client, "/sd/containers", 200)
        client.hosts_of_gateway.incomplete = lambda: "etcd has not answered"
        reply = await get(client.metrics_address, path)
        of_one = await get(client.metrics_address, "/sd/containers?host=h1")

    assert (reply.status, reply.body) == (503, b"it is not known which hosts there are: etcd has not answered\n")
    assert of_one.status == 200
