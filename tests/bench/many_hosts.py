"""What questions to many hosts take: `python -m tests.bench.many_hosts`.

Scripted engines (`scripted_hosts`) stand for the hosts, so that what asks is measured, not what answers.  In one run:

==========  ====================================================================================
what        how
==========  ====================================================================================
serving     from the start of the gateway to its first answer, with its modules compiled as where it is installed
known       to the first search of all hosts that has no failure; it asks no host, as a list would
list, find  one call to FleetService, all responses parsed by a Python client
grpcio      the same responses as those of list, from a server that only sends them
docker-py   the lists of all hosts by the docker SDK, with 32 threads
idle        the share of a core that the gateway takes when nobody asks, and its memory; see below
==========  ====================================================================================

A gateway is idle when it has inspected all containers, which takes minutes.  Then two minutes are measured.  They have
all probes, and more comparisons of lists than later times, because the interval of a quiet host doubles up to ten
minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import docker
import grpc
from dockfleet.fleet.v1 import fleet_pb2, fleet_pb2_grpc, selectors_pb2
from dockfleet.v1 import containers_pb2

from tests.bench import noop
from tests.bench.processes import Meter

_ALL = selectors_pb2.HostSelector(all=True)
_IDLE_SECONDS = 120
_PROBE_SECONDS = 10  # between two probes of a host
_THREADS = 32


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--containers", type=int, default=50, help="of each host")
    parser.add_argument("--calls", type=int, default=100, help="of each kind")
    options = parser.parse_args()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))  # also of the programs that are started here
    print(f"| {options.hosts} hosts x {options.containers} containers | p50 | p99 |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="dff") as name:
        _measure(Path(name), options)


def _measure(folder: Path, options: argparse.Namespace) -> None:
    program = [sys.executable, "-m", "tests.bench.scripted_hosts", str(folder)]
    with _started([*program, str(options.hosts), str(options.containers)]) as engines:
        assert engines.stdout is not None
        engines.stdout.readline()
        hosts = [{"name": f"h{number}", "address": f"unix://{folder}/{number}"} for number in range(options.hosts)]
        keys = {"listen": f"unix://{folder}/gateway", "metrics_listen": "off", "log_level": "error", "hosts": hosts}
        (folder / "keys.yaml").write_text(json.dumps(keys))
        environment = _compiled(folder / "compiled")
        began = time.perf_counter()
        with _started([sys.executable, "-m", "gateway", "--config", str(folder / "keys.yaml")], environment) as gateway:
            _ask(folder, options, Meter(gateway.pid), engines, began)
        clients = [docker.APIClient(f"unix://{folder}/{number}", version="1.45") for number in range(options.hosts)]
        with ThreadPoolExecutor(_THREADS) as threads:
            _timed("docker-py", 10, lambda: sum(len(rows) for rows in threads.map(_rows, clients)))


def _rows(client: docker.APIClient) -> list[object]:
    rows: list[object] = client.containers(all=True)
    return rows


def _ask(folder: Path, options: argparse.Namespace, meter: Meter, engines: subprocess.Popen[str], began: float) -> None:
    while not (folder / "gateway").exists():  # a channel would wait for whole seconds between two attempts
        time.sleep(0.005)
    channel = grpc.insecure_channel(f"unix:{folder}/gateway")
    grpc.channel_ready_future(channel).result(120)
    print(f"| serving, s | {time.perf_counter() - began:.2f} | |")
    fleet = fleet_pb2_grpc.FleetServiceStub(channel)
    listing = fleet_pb2.ListContainersRequest(hosts=_ALL, request=containers_pb2.ListContainersRequest(all=True))
    finding = fleet_pb2.FindContainersRequest(
        hosts=_ALL, containers=selectors_pb2.ContainerSelector(names=[f"web-{options.hosts - 1}-3"])
    )

    def rows() -> int:
        return _count(fleet.ListContainers(listing))

    while any(each.summary.failures for each in fleet.FindContainers(finding)):
        time.sleep(0.2)
    print(f"| known, s | {time.perf_counter() - began:.2f} | |")
    assert rows() == options.hosts * options.containers
    while _requests_per_second(engines, _PROBE_SECONDS) > 2 * options.hosts / _PROBE_SECONDS:
        pass
    used = meter.cpu_seconds()
    print(f"| idle, requests a second | {_requests_per_second(engines, _IDLE_SECONDS):.1f} | |")
    print(f"| idle, share of a core | {(meter.cpu_seconds() - used) / _IDLE_SECONDS:.3f} | |")
    print(f"| memory, MiB | {meter.rss() / (1 << 20):.0f} | |")
    _timed("list", options.calls, rows)
    _timed("find", options.calls, lambda: sum(len(each.answers) for each in fleet.FindContainers(finding)))
    with _replayed(folder / "responses", fleet.ListContainers(listing)) as replay:
        _timed("grpcio alone", options.calls, lambda: _count(replay()))


def _count(responses: Iterable[fleet_pb2.ListContainersResponse]) -> int:
    return sum(len(answer.response.containers) for each in responses for answer in each.answers)


@contextlib.contextmanager
def _replayed(
    folder: Path, responses: Iterable[fleet_pb2.ListContainersResponse]
) -> Iterator[Callable[[], Iterable[fleet_pb2.ListContainersResponse]]]:
    """Yield a call that returns the same *responses*, from a server of grpcio that does nothing else."""
    folder.mkdir()
    for number, response in enumerate(responses):
        (folder / f"{number:05}").write_bytes(response.SerializeToString())
    with _started([sys.executable, "-m", "tests.bench.noop"]) as server:
        assert server.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{server.stdout.readline().strip()}") as channel:
            call: Any = channel.unary_stream(
                noop.REPLAY_PATH, response_deserializer=fleet_pb2.ListContainersResponse.FromString
            )
            yield lambda: call(str(folder).encode())


def _requests_per_second(engines: subprocess.Popen[str], seconds: float) -> float:
    """Return how many requests all *engines* together get in a second, from now on and for *seconds*."""
    assert engines.stdin is not None
    assert engines.stdout is not None
    for pause in (0, seconds):
        time.sleep(pause)
        engines.stdin.write("\n")
        engines.stdin.flush()
        count = int(engines.stdout.readline())
    return count / seconds


def _timed(what: str, calls: int, call: Callable[[], int]) -> None:
    """Print what *call* takes, in milliseconds."""
    seconds = []
    for _ in range(calls):
        began = time.perf_counter()
        assert call()
        seconds.append(time.perf_counter() - began)
    seconds.sort()
    print(f"| {what}, ms | {seconds[calls // 2] * 1e3:.1f} | {seconds[calls * 99 // 100] * 1e3:.1f} |")


def _compiled(folder: Path) -> dict[str, str]:
    """Return the environment in which Python finds its modules compiled, in *folder*."""
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", "import gateway.__main__"], env=environment, check=True)
    return environment


@contextlib.contextmanager
def _started(arguments: list[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
