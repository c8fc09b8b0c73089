"""The processes of a benchmark: servers and clients, and what they use."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import grpc
import psutil
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]


class Meter:
    """What a process uses."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._status = Path("/proc", str(pid), "status")
        self._clear = Path("/proc", str(pid), "clear_refs")

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far, by its ended children as well."""
        times = self._process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)

    def rss(self) -> int:
        """Return the bytes of memory in use."""
        return int(self._process.memory_info().rss)

    def descriptors(self) -> int:
        """Return how many files, sockets and their like are open."""
        return int(self._process.num_fds())

    def threads(self) -> int:
        """Return how many threads there are."""
        return int(self._process.num_threads())

    def reset_peak(self) -> None:
        """Begin to look for the peak of memory."""
        self._clear.write_text("5")  # proc(5): resets VmHWM

    def peak(self) -> int:
        """Return the most memory since `reset_peak`, in bytes."""
        line = next(line for line in self._status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) << 10


class EngineMeter(Meter):
    """What an engine uses: dockerd and its containerd.

    The shims of its containers are left out: now and then, one collects its garbage for seconds, with any variant.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(pid)
        self._pid = pid
        self._namespace = _mounts(pid)

    def work_seconds(self) -> float:
        """Return the CPU time that both have used so far, to the nanosecond; ended processes do not count."""
        return sum(_clock(pid) for pid in (self._pid, *self._containerd()))

    def shims(self) -> dict[int, float]:
        """Return the CPU time that each shim has used so far, for samples that the shims take."""
        return {pid: _clock(pid) for pid in self._named("containerd-shim")}

    def _containerd(self) -> Iterator[int]:
        return self._named("containerd")

    def _named(self, name: str) -> Iterator[int]:
        for process in psutil.process_iter(["name"]):
            # The kernel cuts names to 15 characters.
            if process.info["name"][:15] == name[:15] and _mounts(process.pid) == self._namespace:
                yield process.pid


class GatewayMeter(Meter):
    """What a gateway uses, and what its metrics say."""

    def __init__(self, pid: int, metrics: str) -> None:
        super().__init__(pid)
        self._metrics = f"http://{metrics}/metrics"

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of the metric's series that bear *labels*."""
        with urllib.request.urlopen(self._metrics, timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        series = (sample for family in families for sample in family.samples if sample.name == name)
        return sum(sample.value for sample in series if labels.items() <= sample.labels.items())


def _clock(pid: int) -> float:
    """Return the CPU seconds of a process: /proc tells hundredths, its CPU clock (clock_getcpuclockid(3)) all."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def _mounts(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt")
    except OSError:
        return ""


def machine() -> tuple[float, float]:
    """Return the seconds that this machine's CPUs were busy, and that they had, so far."""
    times = psutil.cpu_times()
    idle, whole = times.idle + times.iowait, sum(times[:8])  # guests are counted among users
    return whole - idle, whole


class Worker:
    """A client in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.meter = Meter(process.pid)

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Have it carry out *command* and return what it measured."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a client ended at {command}")
        result: dict[str, Any] = json.loads(line)
        return result


@contextlib.contextmanager
def started(*argv: str, cwd: Path = ROOT, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the end of the block."""
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": f"{cwd}{os.pathsep}{cwd / 'clients/python'}", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def worker(client: str, address: str) -> Iterator[Worker]:
    """Run a Python client until the end of the block."""
    with started(sys.executable, "-m", "tests.bench.worker", client, address) as process:
        yield Worker(process)


@contextlib.contextmanager
def noop_server() -> Iterator[tuple[str, Meter]]:
    """Run the server that does nothing; yields its address."""
    with started(sys.executable, "-m", "tests.bench.noop") as process:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}", Meter(process.pid)


def gateway(engine: str, name: str, tree: Path = ROOT) -> AbstractContextManager[tuple[str, GatewayMeter]]:
    """Run the gateway of *tree* in front of *engine*, called *name*; yields its address."""
    return fleet({name: engine}, "--log-level", "info", tree=tree)


@contextlib.contextmanager
def fleet(engines: Mapping[str, str], *flags: str, tree: Path = ROOT) -> Iterator[tuple[str, GatewayMeter]]:
    """Run the gateway of *tree* in front of *engines*, by name, with *flags*; yields its address."""
    address, metrics = f"127.0.0.1:{_free_port()}", f"127.0.0.1:{_free_port()}"
    hosts = [flag for name, engine in engines.items() for flag in ("--host", f"{name}={engine}")]
    flags = ("--listen", address, "--metrics-listen", metrics, *hosts, *flags)
    stop = {"DOCKFLEET_DRAIN_TIMEOUT_SECONDS": "0", "DOCKFLEET_SHUTDOWN_TIMEOUT_SECONDS": "1"}
    with started(sys.executable, "-m", "gateway", *flags, cwd=tree, **stop) as process:
        with grpc.insecure_channel(address) as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
        yield address, GatewayMeter(process.pid, metrics)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
