"""What metrics of containers cost: `python -m tests.bench.scrapes size` and `… engine`.

`size`: scripted engines; how long a scrape of all takes, compressed, and whether curl and Python read the same of it.

`engine`: one engine with containers that sleep; what dockerd and containerd use of a processor for a sample of each
every 15 s, less what they use anyway.

===========  ==================================================================
variant      who asks
===========  ==================================================================
gateway      the gateway, while somebody scrapes it
stream       a stream of samples of each, always open
each scrape  one sample of each, all at once, as exporters ask at each scrape
===========  ==================================================================
"""

from __future__ import annotations

import argparse
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
from pathlib import Path

import docker

from deploy.private_engines.service import free_port
from tests.bench.fixture import Stage, stage
from tests.bench.many_hosts import _started
from tests.bench.processes import Meter

_INTERVAL_SECONDS = 15
_PAGE = "http://127.0.0.1:{}/metrics/containers"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["size", "engine"])
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--containers", type=int, default=50, help="of each host")
    parser.add_argument("--seconds", type=int, default=45, help="for each variant")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dfs") as name:
        (_size if options.what == "size" else _engine)(Path(name), options)


def _size(folder: Path, options: argparse.Namespace) -> None:
    program = [sys.executable, "-m", "tests.bench.scripted_hosts", str(folder)]
    with _started([*program, str(options.hosts), str(options.containers)]) as engines:
        assert engines.stdout is not None
        engines.stdout.readline()
        addresses = {f"h{number}": f"unix://{folder}/{number}" for number in range(options.hosts)}
        with _gateway(folder, addresses) as (port, meter):
            wanted = options.hosts * options.containers
            while (body := _scrape(port)).count(b"\ncontainer_memory_rss{") < wanted:
                time.sleep(1)
            _print_sizes(port, body, meter)
            before, began = meter.cpu_seconds(), time.perf_counter()
            time.sleep(2 * _INTERVAL_SECONDS)
            share = (meter.cpu_seconds() - before) / (time.perf_counter() - began)
            print(f"| sampling, share of a core | {share:.3f} |")


def _print_sizes(port: int, body: bytes, meter: Meter) -> None:
    request = urllib.request.Request(_PAGE.format(port), headers={"Accept-Encoding": "gzip"})
    seconds = []
    for _ in range(20):
        began = time.perf_counter()
        packed = urllib.request.urlopen(request).read()
        seconds.append(time.perf_counter() - began)
    curl = subprocess.run(
        ["curl", "--silent", "--compressed", _PAGE.format(port)], check=True, capture_output=True
    ).stdout
    series = sum(not line.startswith(b"#") for line in body.splitlines())
    print("| scrape | |\n| --- | --- |")
    print(f"| series | {series} |\n| bytes, compressed | {len(packed)} |\n| bytes | {len(body)} |")
    print(f"| time, ms: least, median | {min(seconds) * 1e3:.1f}, {sorted(seconds)[10] * 1e3:.1f} |")
    print(f"| read by Python, curl: bytes | {len(gzip.decompress(packed))}, {len(curl)} |")
    print(f"| memory, MiB | {meter.rss() / (1 << 20):.0f} |")


def _engine(folder: Path, options: argparse.Namespace) -> None:
    with stage(None, megabytes=1, lines=1, watched=options.containers) as found:
        idle = _used(found, options.seconds)
        costs = {}
        with _gateway(folder, {"h1": found.address}) as (port, _), _scraping(port):
            while b"container_memory_rss{" not in _scrape(port):
                time.sleep(1)
            costs["gateway"] = _used(found, options.seconds) - idle
        with _streams(found):
            costs["stream"] = _used(found, options.seconds) - idle
        with _samples(found):
            costs["each scrape"] = _used(found, options.seconds) - idle
        print(f"| {options.containers} containers | engine's CPU, ms in {_INTERVAL_SECONDS} s | times the gateway's |")
        print("| --- | --- | --- |")
        for name, cost in costs.items():
            print(f"| {name} | {cost * 1e3:.0f} | {cost / costs['gateway']:.1f} |")
        print(f"| idle | {idle * 1e3:.0f} | |")


def _used(found: Stage, seconds: int) -> float:
    """Return the CPU seconds that the engine uses in one interval."""
    before = found.meter.work_seconds()
    time.sleep(seconds)
    return (found.meter.work_seconds() - before) * _INTERVAL_SECONDS / seconds


@contextlib.contextmanager
def _gateway(folder: Path, hosts: dict[str, str]) -> Iterator[tuple[int, Meter]]:
    port = free_port()
    keys = {
        "listen": f"unix://{folder}/gateway",
        "metrics_listen": f"127.0.0.1:{port}",
        "log_level": "error",
        "hosts": [{"name": name, "address": address} for name, address in hosts.items()],
        "container_metrics": {"interval_seconds": _INTERVAL_SECONDS, "disk_usage_interval_seconds": 0},
    }
    (folder / "keys.yaml").write_text(json.dumps(keys))
    with _started([sys.executable, "-m", "gateway", "--config", str(folder / "keys.yaml")]) as gateway:
        while True:
            with contextlib.suppress(OSError):
                _scrape(port)
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


if __name__ == "__main__":
    main()
