"""Debian's Prometheus scrapes a gateway in front of real engines."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import urllib.parse
import urllib.request
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockfleet.v1 import container_config_pb2, containers_pb2

from deploy.private_engines.provision import install
from deploy.private_engines.service import free_port
from tests.real.dashboard_queries import QUERIES
from tests.real.support import Containers, Fleet
from tests.support.contract import ROOT
from tests.support.gateway import Client, gateway_of, receive
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
        """Return whether it has no answer within some scrapes."""
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


def documented(gateway: str) -> list[Any]:
    """The three ways to scrape that docs/metrics.md shows, as jobs of their own: `hosts`, `fleet` and `single`."""
    text = (ROOT / "docs/metrics.md").read_text().replace("127.0.0.1:9464", gateway).replace("build-1", "new")
    snippets = [yaml.safe_load(each) for each in re.findall(r"^```yaml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)]
    return [snippets[n]["scrape_configs"][0] | {"job_name": job} for n, job in enumerate(("hosts", "fleet", "single"))]


def hasty_rules() -> Any:
    """The alerts of deploy/prometheus, with seconds for what are minutes there."""
    text = (ROOT / "deploy/prometheus/rules/alerts.yml").read_text()
    assert text.count("> 60\n") == 1  # of the container that has gone
    return yaml.safe_load(re.sub(r"\bfor: \d+m", "for: 1s", text.replace("> 60\n", "> 5\n")))


@pytest.fixture(scope="module")
async def scraper(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scraper]:
    """A Prometheus that scrapes each host (job `hosts`), all (`fleet`) and one (`single`), and has the alerts."""
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
        own = {"job_name": "gateway", "static_configs": [{"targets": [gateway]}]}
        times = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        (folder / "rules.yml").write_text(json.dumps(hasty_rules()))
        (folder / "prometheus.yml").write_text(
            json.dumps({"global": times, "rule_files": ["rules.yml"], "scrape_configs": [*documented(gateway), own]})
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
    assert {each["metric"]["instance"] for each in scraper.query('up{job="hosts"}')} == set(HOSTS)
    await scraper.answer(f'count(up{{job="hosts"}} == 1) == {len(HOSTS)}')  # a scrape has one second, and can fail


async def test_each_way_to_scrape_gives_the_labels_that_dashboards_choose_by(
    scraper: Scraper, busy: dict[str, Containers]
) -> None:
    """Those of the documentation: the host as `host` and as `instance`, and none under another name."""
    for job, host in (("hosts", "two"), ("fleet", "two"), ("single", "new")):
        [found] = (await scraper.answer(f'container_last_seen{{job="{job}",instance="{host}",name="busy-{host}"}}'))[
            -1:
        ]
        machine = (await scraper.answer(f'machine_memory_bytes{{job="{job}",instance="{host}"}}'))[0]["metric"]

        assert found["metric"].keys() == {"__name__", "job", "instance", "host", "id", "name", "image"}
        assert found["metric"]["host"] == machine["host"] == host
        assert scraper.query(f'{{job="{job}",exported_host=~".+"}} or {{job="{job}",exported_instance=~".+"}}') == []


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


HELD = "x=$(head -c 30000000 /dev/zero | tr '\\0' a); while :; do :; done"


@pytest.mark.parametrize("host", ["one", "new"])
async def test_the_values_are_those_of_docker_stats(
    scraper: Scraper, fleet: Fleet, busy: dict[str, Containers], host: str
) -> None:
    """Docker's own command shows, rounded, a sample that a stream has too; so do the metrics, to the last digit.

    The engine gives all readers of a container the same samples.
    """
    if not shutil.which("docker"):
        pytest.skip("docker's command line is not there")
    limits = container_config_pb2.HostConfig(nano_cpus=100_000_000)
    id = await busy[host].start("sh", "-c", HELD, name=f"held-{host}", host_config=limits)
    samples: list[Any] = []
    request = containers_pb2.StreamStatsRequest(host=host, id=id)
    call = scraper.client.containers.StreamStats(request)

    async def read() -> None:
        while True:
            samples.append((await receive(call)).stats)

    async def later(count: int) -> bool | None:
        return True if len(samples) > count else None

    async def filled() -> bool | None:
        return True if len(samples) > 2 and anonymous(samples[-1]) >= 30_000_000 else None

    reading = asyncio.create_task(read())
    await eventually(filled, "the container has not taken its memory")
    format = "{{.CPUPerc}} {{.MemUsage}}"
    command = ("docker", "-H", fleet.engines[host].address, "stats", "--no-stream", "--format", format, id)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    shown = (await process.communicate())[0].decode().split()[:2]
    assert scraper.client.metrics_address is not None
    page = (await get(scraper.client.metrics_address, "/metrics/containers")).body.decode()
    seen = len(samples)
    await eventually(lambda: later(seen + 1), "no more samples")
    call.cancel()
    await asyncio.wait((reading,))

    assert shown in [[f"{each.summary.cpu_percent:.2f}%", mebibytes(each.summary.memory_bytes)] for each in samples]
    assert written(page, "container_cpu_usage_seconds_total", id) in [
        each.cpu_stats.cpu_usage.total_usage / 1e9 for each in samples
    ]
    assert written(page, "container_memory_working_set_bytes", id) in [each.summary.memory_bytes for each in samples]
    assert written(page, "container_memory_rss", id) in [anonymous(each) for each in samples]


def anonymous(sample: containers_pb2.ContainerStats) -> int:
    """The anonymous memory in a sample, on either version of control groups."""
    counters = sample.memory_stats.stats
    return counters["total_rss"] if "total_rss" in counters else counters["anon"]


def mebibytes(count: int) -> str:
    """A size as docker's command writes it."""
    return f"{count / (1 << 20):.4g}MiB"


def written(page: str, name: str, id: str) -> float:
    """The value of a container's only series of this name."""
    [found] = re.findall(rf'^{name}{{[^}}]*id="/docker/{id}"[^}}]*}} (\S+)$', page, re.MULTILINE)
    return float(found)


async def test_a_container_that_was_killed_is_noticed(scraper: Scraper, busy: dict[str, Containers]) -> None:
    """The alert for it fires for one that was removed, and not before; its other series have ended."""
    [id] = await busy["two"].all_ids()  # others of its name were removed before
    container = f'{{job="fleet",id="/docker/{id}"}}'
    await scraper.answer(f"container_memory_usage_bytes{container}")
    await scraper.answer(f"absent({gone('two')})")
    await busy["two"].remove_all()

    await scraper.answer(gone("two"))

    assert scraper.query(f"container_memory_usage_bytes{container}") == []
    assert scraper.query(f"time() - container_last_seen{container} > 5")


def gone(host: str) -> str:
    """The alert that the busy container of a host has gone."""
    return firing("DockfleetContainerGone", host=host, name=f"busy-{host}")


def firing(alert: str, **labels: str) -> str:
    """The series of an alert that fires."""
    chosen = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f'ALERTS{{alertname="{alert}",alertstate="firing",{chosen}}}'


async def test_a_host_that_hangs_is_noticed_and_delays_no_scrape(
    scraper: Scraper, fleet: Fleet, busy: dict[str, Containers]
) -> None:
    """Its own target fails, the alerts for it and its containers fire; others are scraped as before."""
    [id] = await busy["one"].all_ids()
    down = firing("DockfleetHostDown", host="one")
    await scraper.answer(f'container_last_seen{{job="fleet",id="/docker/{id}"}}')
    await scraper.answer(f"absent({gone('one')} or {down})")
    fleet.engines["one"].pause()
    try:
        await scraper.answer('up{job="hosts",instance="one"} == 0')
        await scraper.answer(down)
        await scraper.answer(gone("one"))

        assert scraper.query('up{job="fleet"} == 1')
        assert {each["metric"]["instance"] for each in scraper.query('up{job="hosts"} == 1')} == {"two", "new"}
    finally:
        fleet.engines["one"].resume()
    await scraper.answer('up{job="hosts",instance="one"} == 1')
