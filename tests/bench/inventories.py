"""What the inventories of many hosts take: memory for a host and a container, and CPU when nothing happens.

Fake engines stand for the hosts, see `fakes`.  Three gateways are measured, one after the other:

===========  ====================================================================
variant      what is measured
===========  ====================================================================
bare         hosts, without inventories
empty        the same hosts, with the inventory of one container each
full         the same hosts, with the inventory of fifty containers each
===========  ====================================================================

A sample has `rss_mib`, `idle_percent` of a core, `serving_seconds` until calls are served, and `known_seconds` until
all containers have been inspected; that of `full` has also `host_kib` and `container_kib`, which the inventory adds.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.bench import processes
from tests.bench.processes import GatewayMeter, started

CASE = "inventory"
_SETTLE_SECONDS = 5.0
_LOOK_SECONDS = 5.0
_DESCRIPTORS = 16_384

Sample = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How many hosts, with how many containers and remembered events each, and for how long nothing happens."""

    hosts: int
    containers: int
    events: int
    seconds: float


FULL = Size(hosts=1000, containers=50, events=256, seconds=130)  # the lists are compared twice
QUICK = Size(hosts=100, containers=50, events=256, seconds=20)


def measure(size: Size) -> Iterator[Sample]:
    """Yield a sample of each variant."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(_DESCRIPTORS, hard)), hard))
    bare = _measured("bare", size, containers=1, inventory=False)
    empty = _measured("empty", size, containers=1, inventory=True)
    full = _measured("full", size, containers=size.containers, inventory=True)
    full["host_kib"] = (empty["rss_mib"] - bare["rss_mib"]) * 1024 / size.hosts
    full["container_kib"] = (full["rss_mib"] - empty["rss_mib"]) * 1024 / size.hosts / (size.containers - 1)
    yield from (bare, empty, full)


def _measured(variant: str, size: Size, *, containers: int, inventory: bool) -> Sample:
    with tempfile.TemporaryDirectory(prefix="dfb") as folder:
        path = f"{folder}/engine.sock"
        with started(sys.executable, "-m", "tests.bench.fakes", path, str(containers), str(size.events)) as engines:
            assert engines.stdout is not None
            assert engines.stdout.readline() == "ready\n"
            hosts = {f"host-{number}": f"unix://{path}" for number in range(size.hosts)}
            return {"case": CASE, "variant": variant} | _gateway(hosts, size, containers, inventory)


def _gateway(hosts: Mapping[str, str], size: Size, containers: int, inventory: bool) -> Sample:
    """Run a gateway in front of all hosts, and measure it."""
    began = time.monotonic()
    flags = ("--log-level", "error", "--inventory", str(inventory).lower())
    with processes.fleet(hosts, *flags) as (_, meter):
        serving = time.monotonic() - began
        _until_known(meter, size.hosts * containers if inventory else 0, size.hosts)
        known = time.monotonic() - began
        time.sleep(_SETTLE_SECONDS)
        machine, used, at = processes.machine(), meter.cpu_seconds(), time.monotonic()
        time.sleep(size.seconds)
        spent, passed = meter.cpu_seconds() - used, time.monotonic() - at
        busy, whole = (now - then for now, then in zip(processes.machine(), machine, strict=True))
        return {
            "rss_mib": meter.rss() / (1 << 20),
            "idle_percent": 100 * spent / passed,
            "serving_seconds": serving,
            "known_seconds": known,
            "others": max(busy - spent, 0) / whole,
        }


def _until_known(meter: GatewayMeter, inspected: int, hosts: int) -> None:
    """Wait until all hosts are up, and so many containers have been inspected."""
    _until(meter, "dockfleet_host_up", hosts)
    _until(meter, "dockfleet_inventory_questions_total", inspected, question="inspect")


def _until(meter: GatewayMeter, metric: str, least: float, **labels: str) -> None:
    while True:
        with contextlib.suppress(TimeoutError):  # a page about so many hosts takes a while
            if meter.metric(metric, **labels) >= least:
                return
        time.sleep(_LOOK_SECONDS)
