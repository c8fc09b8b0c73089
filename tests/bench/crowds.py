"""Crowds: many who follow one container's log, and many who read the stats of a few.

Endless streams are not measured call by call: all are opened, then they are read for a while, and what the
processes use meanwhile is compared with what they use when few read, or when all read the engine's socket itself.

===========  ==================================================================================
variant      what is measured
===========  ==================================================================================
gateway      all of them at one gateway; some followers never read
gateway-few  one for each container, at the same gateway before
socket       as many as in `gateway`, each on the engine's socket
socket-few   one for each container on the engine's socket
===========  ==================================================================================

All read with the Go client, which takes least from the two servers.  A sample has, besides what that prints (in
milliseconds): `per_second`, what came to each that was there to be had; `delivered`, the share of that which came to
all, a little more than 1 when lines from before the beginning come after it; CPU seconds a second (`…_share`) and
for each line or sample that came (`…_cpu`); `engine_second`, the CPU seconds of the engine in the median second, for
now and then one has a garbage collection that costs more than all the rest; of the gateway, `growth_kb`, the KiB that
each takes, `threads`, and `upstream`, its streams from the engine for each container.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import golang, processes
from tests.bench.fixture import Stage
from tests.bench.processes import GatewayMeter
from tests.bench.worker import HOST

CASES = ("followers", "stats")
WATCHED = 10  # containers whose stats are read
IDLE = 0.05  # of the followers: their share that does not read
_INVENTORY = 1  # stream from the engine: the events, for the inventory

Sample = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How many read, and for how many seconds a crowd and a few are measured."""

    followers: int
    readers: int
    seconds: float
    few_seconds: float


FULL = Size(followers=1000, readers=500, seconds=6, few_seconds=4)
QUICK = Size(followers=200, readers=100, seconds=5, few_seconds=4)


def measure(case: str, stage: Stage, program: Path, size: Size, turn: int) -> Iterator[Sample]:
    """Yield what each variant of a case measures; *turn*, the round, tells which goes first."""
    runs = _followers(stage, program, size) if case == "followers" else _stats(stage, program, size)
    sides = list(runs)
    turn %= len(sides)
    for side in sides[turn:] + sides[:turn]:
        yield from side


def _followers(stage: Stage, program: Path, size: Size) -> list[Iterator[Sample]]:
    setup = _Setup(stage, program, "followers", "follow", (stage.ticking,), size)
    return [setup.socket(size.followers), setup.gateway(size.followers, idle=round(size.followers * IDLE))]


def _stats(stage: Stage, program: Path, size: Size) -> list[Iterator[Sample]]:
    sides = []
    for ids in (stage.watched[:1], stage.watched):
        setup = _Setup(stage, program, f"stats x{len(ids)}", "stats", ids, size)
        sides += [setup.socket(size.readers), setup.gateway(size.readers)]
    return sides


@dataclass(frozen=True)
class _Setup:
    """Where and how to measure a case; `rpc` is what the client calls for the containers *ids*."""

    stage: Stage
    program: Path
    case: str
    rpc: str
    ids: Sequence[str]
    size: Size

    def socket(self, streams: int) -> Iterator[Sample]:
        """Measure a few and many on the engine's socket."""
        yield self._run("socket-few", len(self.ids), self.size.few_seconds)
        yield self._run("socket", streams, self.size.seconds)

    def gateway(self, streams: int, idle: int = 0) -> Iterator[Sample]:
        """Measure a few and many at a gateway that has served nobody before; so many of these do not read."""
        with contextlib.ExitStack() as stack:
            gateway = stack.enter_context(processes.gateway(self.stage.address, HOST))
            yield self._run("gateway-few", len(self.ids), self.size.few_seconds, gateway)
            address, meter = gateway
            memory, threads = meter.rss(), meter.threads()
            if idle:
                sleepers = stack.enter_context(processes.worker("idle", address))
                sleepers.run({"case": "follow", "id": self.ids[0], "in_flight": idle})
            sample = self._run("gateway", streams - idle, self.size.seconds, gateway, idle)
            if idle:
                sample |= {"idle": idle} | sleepers.run({"case": "wake"})
            sample["growth_kb"] = (sample.pop("rss") - memory) / streams / 1024
            sample["threads_before"] = threads
            sample["threads_ratio"] = sample["threads"] / threads
            yield sample

    def _run(
        self,
        variant: str,
        streams: int,
        seconds: float,
        gateway: tuple[str, GatewayMeter] | None = None,
        idle: int = 0,
    ) -> Sample:
        """Open *streams*, at the gateway or on the socket, and measure while they are read; *idle* are open already."""
        address, server = gateway or (self.stage.address, None)
        with golang.crowd(self.program, self.rpc, address, self.ids, streams, seconds, engine=server is None) as crowd:
            sample = {"case": self.case, "variant": variant, "readers": streams} | crowd.report()
            before = self._used(crowd, server)
            work = [before["engine"]]
            for _ in range(int(seconds) - 1):
                time.sleep(1)
                work.append(self.stage.meter.work_seconds())
            if server is not None:
                sample |= {
                    "rss": server.rss(),
                    "threads": server.threads(),
                    "upstream": (server.metric("dockfleet_open_streams", host=HOST) - _INVENTORY) / len(self.ids),
                }
            figures = crowd.report()
            after = self._used(crowd, server)
        if server is not None:
            _wait(lambda: server.metric("dockfleet_open_calls", budget="stream") <= idle)
        used = {name: after[name] - before[name] for name in after}
        passed, busy = used.pop("passed"), used.pop("busy")
        sample |= figures
        sample |= {f"{name}_share": spent / figures["seconds"] for name, spent in used.items()}
        sample |= {f"{name}_cpu": spent / figures["items"] for name, spent in used.items()}
        due = figures["due"] / streams  # to each
        sample["per_second"] = due / figures["seconds"]
        sample["delivered"] = figures["items"] / figures["due"]
        sample["engine_second"] = median(after - before for before, after in pairwise(work))
        sample["others"] = max(busy - sum(used.values()), 0) / passed
        return sample

    def _used(self, crowd: golang.Crowd, server: GatewayMeter | None) -> dict[str, float]:
        """Return the CPU seconds used so far by each process, and by the machine, and how many that had."""
        busy, passed = processes.machine()
        used = {"engine": self.stage.meter.work_seconds(), "client": crowd.meter.cpu_seconds()}
        if server is not None:
            used["server"] = server.cpu_seconds()
        return used | {"busy": busy, "passed": passed}


def _wait(until: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return when the condition is met.  Raises `TimeoutError`."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"streams are still open {seconds:g} s after their clients have left")
        time.sleep(0.05)
