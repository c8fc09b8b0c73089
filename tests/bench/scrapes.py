"""What metrics of containers cost: the gateway for a scrape, and an engine for samples.

The case `scrape` is about scripted engines: how long a scrape of all their containers takes, compressed, and what
sampling takes of the gateway.

The cases `sampling` and `sampling-26.1` are about one engine with containers that sleep: what dockerd, containerd and
the shims use of a processor for a sample of each every 15 s, less what they use anyway.  Of the shims, the median of
every few seconds counts for all:

===========  ==================================================================
variant      who asks
===========  ==================================================================
gateway      the gateway, while somebody scrapes it, a minute after its start
unscraped    the same gateway, while nobody scrapes it: probes, events and lists
stream       a stream of samples of each, always open
each scrape  one sample of each, all at once, as exporters ask at each scrape
===========  ==================================================================
"""

from __future__ import annotations

import contextlib
import gzip
import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import docker

from deploy.private_engines.provision import EngineError, debian_root
from deploy.private_engines.service import free_port
from tests.bench import fixture, processes
from tests.bench.fixture import Stage
from tests.bench.many_hosts import _started
from tests.bench.processes import Meter
from tests.real.conftest import CACHE

CASES = ("scrape", "sampling", "sampling-26.1")
_INTERVAL_SECONDS = 15
_SLICE_SECONDS = 5  # in which few shims collect their garbage: each does every two minutes, for longer than all samples
_PAGE = "http://127.0.0.1:{}/metrics/containers"
_SCRAPES = 20

Sample = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How many hosts are scraped with how many containers each, and for how long an engine is looked at."""

    hosts: int
    containers: int
    settle_seconds: int
    seconds: int


FULL = Size(hosts=100, containers=50, settle_seconds=75, seconds=60)
QUICK = Size(hosts=10, containers=20, settle_seconds=15, seconds=15)


def measure(case: str, engine: str | None, size: Size) -> Iterator[Sample]:
    """Yield a sample of each variant of *case*; *engine* is the address of one to use for `sampling`."""
    with tempfile.TemporaryDirectory(prefix="dfs") as name:
        if case == "scrape":
            yield {"case": case, "variant": "gateway"} | _scrapes(Path(name), size)
            return
        try:
            root = debian_root(CACHE) if case == "sampling-26.1" else None
        except EngineError as error:
            print(f"{case}: left out: {error}", file=sys.stderr)
            return
        with fixture.stage(None if root else engine, megabytes=1, lines=1, watched=size.containers, root=root) as found:
            for sample in _samplings(Path(name), found, size):
                yield {"case": case} | sample


def _scrapes(folder: Path, size: Size) -> Sample:
    program = [sys.executable, "-m", "tests.bench.scripted_hosts", str(folder), str(size.hosts), str(size.containers)]
    with _started(program) as engines:
        assert engines.stdout is not None
        engines.stdout.readline()
        addresses = {f"h{number}": f"unix://{folder}/{number}" for number in range(size.hosts)}
        with _gateway(folder, addresses) as (port, meter):
            while (body := _scrape(port)).count(b"\ncontainer_memory_rss{") < size.hosts * size.containers:
                time.sleep(1)
            machine, used, began = processes.machine(), meter.cpu_seconds(), time.perf_counter()
            packed, seconds = _timed(port)
            time.sleep(2 * _INTERVAL_SECONDS)
            spent, passed = meter.cpu_seconds() - used, time.perf_counter() - began
            busy, whole = (now - then for now, then in zip(processes.machine(), machine, strict=True))
            return {
                "series": sum(not line.startswith(b"#") for line in body.splitlines()),
                "p50_ms": median(seconds) * 1e3,
                "least_ms": min(seconds) * 1e3,
                "packed_kib": len(packed) / 1024,
                "rss_mib": meter.rss() / (1 << 20),
                "server_share": spent / passed,
                "others": max(busy - spent, 0) / whole,
            }


def _timed(port: int) -> tuple[bytes, list[float]]:
    """Return the compressed page, and the seconds that each of some scrapes took."""
    request = urllib.request.Request(_PAGE.format(port), headers={"Accept-Encoding": "gzip"})
    seconds = []
    for _ in range(_SCRAPES):
        began = time.perf_counter()
        packed = urllib.request.urlopen(request).read()
        seconds.append(time.perf_counter() - began)
    assert gzip.decompress(packed).startswith(b"#")
    return packed, seconds


def _samplings(folder: Path, found: Stage, size: Size) -> Iterator[Sample]:
    time.sleep(_INTERVAL_SECONDS)  # the containers were started a moment ago
    idle = _used(found, size.seconds)
    yield idle | {"variant": "idle"}

    def less(variant: str) -> Sample:
        used = _used(found, size.seconds)
        more = {metric: max(used[metric] - idle[metric], 0.0) for metric in ("engine_ms", "daemon_ms")}
        return used | {"variant": variant} | more

    with _gateway(folder, {"h1": found.address}) as (port, _):
        time.sleep(size.settle_seconds)
        yield less("unscraped")
        with _scraping(port):
            while b"container_memory_rss{" not in _scrape(port):
                time.sleep(1)
            time.sleep(_INTERVAL_SECONDS)
            yield less("gateway")
    with _streams(found):
        yield less("stream")
    with _samples(found):
        yield less("each scrape")


def _used(found: Stage, seconds: int) -> Sample:
    """Return the CPU milliseconds that the engine uses in one interval, with its shims and without."""
    machine, daemon, began = processes.machine(), found.meter.work_seconds(), time.perf_counter()
    shims, of_shims = found.meter.shims(), 0.0
    for _ in range(seconds // _SLICE_SECONDS):
        time.sleep(_SLICE_SECONDS)
        before, shims = shims, found.meter.shims()
        of_shims += len(shims) * median(used - before.get(pid, 0.0) for pid, used in shims.items())
    of_daemon, passed = found.meter.work_seconds() - daemon, time.perf_counter() - began
    busy, whole = (now - then for now, then in zip(processes.machine(), machine, strict=True))
    spent, scale = of_daemon + of_shims, 1e3 * _INTERVAL_SECONDS / passed
    return {"engine_ms": spent * scale, "daemon_ms": of_daemon * scale, "others": max(busy - spent, 0) / whole}


@contextlib.contextmanager
def _gateway(
    folder: Path, hosts: dict[str, str], interval_seconds: int = _INTERVAL_SECONDS
) -> Iterator[tuple[int, Meter]]:
    """Run a gateway; yield the port of its pages, and what it uses."""
    port = free_port()
    keys = {
        "listen": f"unix://{folder}/gateway",
        "metrics_listen": f"127.0.0.1:{port}",
        "log_level": "error",
        "hosts": [{"name": name, "address": address} for name, address in hosts.items()],
        "container_metrics": {"interval_seconds": interval_seconds, "disk_usage_interval_seconds": 0},
    }
    (folder / "keys.yaml").write_text(json.dumps(keys))
    with _started([sys.executable, "-m", "gateway", "--config", str(folder / "keys.yaml")]) as gateway:
        while True:
            with contextlib.suppress(OSError):  # not by a scrape: samples would begin
                urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30).close()
                break
            time.sleep(0.2)
        yield port, Meter(gateway.pid)


def _scrape(port: int) -> bytes:
    body: bytes = urllib.request.urlopen(_PAGE.format(port), timeout=30).read()
    return body


@contextlib.contextmanager
def _scraping(port: int) -> Iterator[None]:
    """Scrape at the interval, during the block."""
    with _repeated(lambda: _scrape(port)):
        yield


@contextlib.contextmanager
def _samples(found: Stage) -> Iterator[None]:
    """Take one sample of each container at once, at the interval, during the block."""
    clients = [docker.APIClient(found.address, version="1.41") for _ in found.watched]
    with ThreadPoolExecutor(len(clients)) as threads:

        def ask() -> None:
            list(threads.map(lambda client, id: client.stats(id, stream=False), clients, found.watched))

        with _repeated(ask):
            yield


@contextlib.contextmanager
def _streams(found: Stage) -> Iterator[None]:
    """Read a stream of each container during the block."""
    asked = [["curl", "-sN", "--unix-socket", found.address.removeprefix("unix://")] for _ in found.watched]
    with contextlib.ExitStack() as stack:
        for command, id in zip(asked, found.watched, strict=True):
            process = subprocess.Popen([*command, f"http://d/containers/{id}/stats"], stdout=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield


@contextlib.contextmanager
def _repeated(work: Callable[[], object]) -> Iterator[None]:
    ended = threading.Event()

    def run() -> None:
        while True:
            work()
            if ended.wait(_INTERVAL_SECONDS):
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
