"""Debian's Prometheus scrapes a gateway in front of real engines."""

from __future__ import annotations

import asyncio
import json
import urllib.parse
import urllib.request
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dockfleet.v1 import container_config_pb2

from deploy.private_engines.provision import install
from deploy.private_engines.service import free_port
from tests.real.dashboard_queries import QUERIES
from tests.real.support import Containers, Fleet
from tests.support.gateway import Client, gateway_of
from tests.web.client import get

HOSTS = ("one", "two", "new")
GROUPS = ("cpu", "disk", "info", "limits", "memory", "network", "threads")
BUSY = "head -c 20000000 /dev/zero > /file; while :; do :; done"


@dataclass
class Scraper:
    """A Prometheus that scrapes a gateway."""

    client: Client
    port: int
    log: Path

    def query(self, expression: str) -> list[Any]:
        """Return what it answers."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/query?{query}") as response:
            found: list[Any] = json.load(response)["data"]["result"]
        return found

    async def has_no_answer(self, expression: str) -> bool:
        """Tell whether it has no answer within some scrapes."""
        for _ in range(20):
            if await asyncio.to_thread(self.query, expression):
                return False
            await asyncio.sleep(0.5)
        return True

    async def answer(self, expression: str) -> list[Any]:
        """Return its answer when there is one."""

        async def ask() -> list[Any] | None:
            try:
                found: list[Any] = await asyncio.to_thread(self.query, expression)
                return found or None
            except OSError:
                return None  # it is not ready

        found: list[Any] = await eventually(ask, f"no answer to {expression}")
        return found


async def eventually(look: Callable[[], Awaitable[Any]], problem: str) -> Any:
    """Look until something is found."""
    try:
        async with asyncio.timeout(60):
            while True:
                if (found := await look()) is not None:
                    return found
                await asyncio.sleep(0.2)
    except TimeoutError:
        pytest.fail(problem)


@pytest.fixture(scope="module")
async def scraper(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scraper]:
    """A Prometheus with a target for each host (job `hosts`) and one for all (job `fleet`)."""
    for name in ("private", *HOSTS):
        fleet.need(name)
    install("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    async with gateway_of(
        *(fleet.hosts[name] for name in HOSTS),
        inventory=True,
        metrics_listen="127.0.0.1:0",
        health_check_interval_seconds=1,
        container_metrics={"interval_seconds": 1, "groups": GROUPS, "disk_usage_interval_seconds": 5},
    ) as client:
        assert client.metrics_address is not None
        gateway = "{}:{}".format(*client.metrics_address)
        relabel = [{"source_labels": ["host"], "regex": "(.+)", "target_label": "instance"}]
        hosts = {"job_name": "hosts", "http_sd_configs": [{"url": f"http://{gateway}/sd/hosts"}]}
        all_of_them = {
            "job_name": "fleet",
            "metrics_path": "/metrics/containers",
            "static_configs": [{"targets": [gateway]}],
            "metric_relabel_configs": relabel,
        }
        own = {"job_name": "gateway", "static_configs": [{"targets": [gateway]}]}
        times = {"scrape_interval": "1s", "scrape_timeout": "1s"}
        (folder / "prometheus.yml").write_text(
            json.dumps({"global": times, "scrape_configs": [hosts, all_of_them, own]})
        )
        port = free_port()
        with (folder / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                "prometheus",
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                stdout=log,
                stderr=log,
            )
        try:
            yield Scraper(client, port, folder / "log")
        finally:
            process.kill()
            await process.wait()


@pytest.fixture
async def busy(scraper: Scraper) -> AsyncIterator[dict[str, Containers]]:
    """A container on each host that works, and has a quota, limits and a network."""
    made = {host: Containers(scraper.client, host) for host in HOSTS}
    for host, containers in made.items():
        limits = container_config_pb2.HostConfig(
            network_mode="bridge",
            nano_cpus=50_000_000,
            memory_bytes=64 << 20,
            memory_reservation_bytes=32 << 20,
            pids_limit=100,
        )
        await containers.start("sh", "-c", BUSY, name=f"busy-{host}", host_config=limits)
    yield made
    for containers in made.values():
        await containers.remove_all()


async def test_dashboards_have_their_data(scraper: Scraper, busy: dict[str, Containers]) -> None:
    """Each query of each has an answer, from each way to scrape."""
    for job in ("hosts", "fleet"):
        await scraper.answer(f'container_cpu_usage_seconds_total{{job="{job}",instance="new",name="busy-new"}}')
    missing: dict[str, list[str]] = {}
    for name, queries in QUERIES.items():
        for query in queries:
            if await scraper.has_no_answer(query):
                missing.setdefault(name, []).append(query)

    assert missing == {}
    assert {each["metric"]["instance"] for each in scraper.query('up{job="hosts"} == 1')} == set(HOSTS)


async def test_promtool_finds_nothing_to_say(scraper: Scraper, busy: dict[str, Containers]) -> None:
    """The names and types are as Prometheus wants them."""
    await scraper.answer('container_cpu_usage_seconds_total{name="busy-one"}')
    assert scraper.client.metrics_address is not None
    for path in ("/metrics/containers", "/metrics/containers?host=one", "/metrics"):
        text = (await get(scraper.client.metrics_address, path)).body
        process = await asyncio.create_subprocess_exec("promtool", "check", "metrics", stdin=PIPE, stderr=PIPE)
        _, complaints = await process.communicate(text)

        assert (process.returncode, complaints) == (0, b"")


async def test_the_values_are_those_of_the_control_group(
    scraper: Scraper, fleet: Fleet, busy: dict[str, Containers]
) -> None:
    """The counter of processor time is between what the kernel's file says before and after; limits are exact."""
    [id] = await busy["new"].all_ids()
    tag = fleet.engines["new"].tag
    container = f'{{job="fleet",id="/docker/{id}"}}'

    def used() -> float:
        version_1, version_2 = (Path("/sys/fs/cgroup", part, tag, id) for part in ("cpuacct", ""))
        if version_1.exists():
            return int((version_1 / "cpuacct.usage").read_text()) / 1e9
        return int((version_2 / "cpu.stat").read_text().split()[1]) / 1e6

    await scraper.answer(f"container_cpu_usage_seconds_total{container}")
    before = used()

    async def later() -> float | None:
        [found] = scraper.query(f"container_cpu_usage_seconds_total{container}")
        return value if (value := float(found["value"][1])) > before else None

    value = await eventually(later, "the counter stands still")
    assert before < value <= used()
    assert scraper.query(f"container_spec_memory_limit_bytes{container}")[0]["value"][1] == str(64 << 20)
    assert scraper.query(f"container_spec_cpu_quota{container}")[0]["value"][1] == "5000"


async def test_a_container_that_was_killed_is_noticed(scraper: Scraper, busy: dict[str, Containers]) -> None:
    """The usual rule, with a shorter time, finds one that was removed; its other series have ended."""
    [id] = await busy["two"].all_ids()  # others of its name were removed before
    container = f'{{job="fleet",id="/docker/{id}"}}'
    await scraper.answer(f"container_memory_usage_bytes{container}")
    await busy["two"].remove_all()

    await scraper.answer(f"time() - container_last_seen{container} > 5")

    assert scraper.query(f"container_memory_usage_bytes{container}") == []


async def test_a_host_that_hangs_is_noticed_and_delays_no_scrape(
    scraper: Scraper, fleet: Fleet, busy: dict[str, Containers]
) -> None:
    """Its own target fails, and the rule for containers finds those that were on it; others are scraped as before."""
    [id] = await busy["one"].all_ids()
    container = f'{{job="fleet",id="/docker/{id}"}}'
    await scraper.answer(f"container_last_seen{container}")
    fleet.engines["one"].pause()
    try:
        await scraper.answer('up{job="hosts",instance="one"} == 0')
        await scraper.answer(f"time() - container_last_seen{container} > 5")

        assert scraper.query('up{job="fleet"} == 1')
        assert {each["metric"]["instance"] for each in scraper.query('up{job="hosts"} == 1')} == {"two", "new"}
    finally:
        fleet.engines["one"].resume()
    await scraper.answer('up{job="hosts",instance="one"} == 1')
