"""Fleets with some sick hosts: what that costs the others, and the gateway.

`isolation`: real engines under a steady load of calls, spread over all of them; two of them are stopped.

===========  ==================================================================================
variant      what is measured
===========  ==================================================================================
well         the hosts that will stay well, while all are
hung         the same hosts, from the moment on at which two others hang
===========  ==================================================================================

A sample has the latencies of those hosts, their `errors`, and for `hung` also `known_seconds`, until both are down;
`refused_ms`, what calls to those two take after that; and `back_seconds`, until both are up after they continue.

`flapping`: a thousand scripted engines without any calls.  In `flapping`, 300 of them come and go every
5 s; in `steady`, none.  A sample has the share of a core that the gateway takes, the requests it makes a second, and
how many of them came in the busiest tenth of a second over the mean.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import fixture, processes
from tests.bench.processes import GatewayMeter, Meter
from tests.bench.worker import unary

CASES = ("isolation", "flapping")
NAMES = ("a", "b", "c", "d", "e")
SICK = NAMES[-2:]
PER_SECOND = 200  # calls, over all hosts

Sample = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How long a load is measured, how many hosts there are, how many flap, and for how long that is measured."""

    load_seconds: float
    hosts: int
    flapping: int
    flapping_seconds: float


FULL = Size(load_seconds=20, hosts=1000, flapping=300, flapping_seconds=30)
QUICK = Size(load_seconds=8, hosts=200, flapping=60, flapping_seconds=10)


class Isolation:
    """Five real engines, and a gateway in front of them."""

    def __init__(self, stack: contextlib.ExitStack, size: Size) -> None:
        """Start them, until *stack* closes."""
        from deploy.private_engines.engine import PrivateEngine

        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="dff"))
        self._size = size
        self._engines = {name: PrivateEngine(directory, name) for name in NAMES}
        for engine in self._engines.values():
            stack.callback(engine.remove)
            engine.start()
        hosts = {name: engine.address for name, engine in self._engines.items()}
        address, gateway = stack.enter_context(processes.fleet(hosts, "--log-level", "error"))
        self._client = stack.enter_context(processes.worker("fleet", address))
        self._meters = [gateway, self._client.meter, *(Meter(fixture.listener(address)) for address in hosts.values())]
        self._until(NAMES, "UP")
        self._load(3)  # to warm up

    def measure(self) -> Iterator[Sample]:
        """Yield a sample of each variant."""
        yield {"case": "isolation", "variant": "well"} | self._load(self._size.load_seconds)
        try:
            for name in SICK:
                self._engines[name].pause()
            began = time.time()
            sample: Sample = {"case": "isolation", "variant": "hung"} | self._load(self._size.load_seconds)
            sample["known_seconds"] = self._until(SICK, "DOWN") - began
            sample["refused_ms"] = self._load(2)["refused_ms"]
        finally:
            for name in SICK:
                self._engines[name].resume()
        began = time.time()
        sample["back_seconds"] = max(self._until(SICK, "UP") - began, 0)
        yield sample

    def _load(self, seconds: float) -> Sample:
        others = _Others(self._meters)
        found = self._client.run({"case": "load", "hosts": NAMES, "per_second": PER_SECOND, "seconds": seconds})
        well = [name for name in NAMES if name not in SICK]
        refused = sorted(each for name in SICK for each in found["refused"][name])
        return {
            **unary([each for name in well for each in found["latencies"][name]], seconds),
            "errors": sum(count for name in well for end, count in found["ends"][name].items() if end != "OK"),
            "refused_ms": refused[len(refused) * 99 // 100] * 1e3 if refused else None,
            "others": others.share(),
        }

    def _until(self, hosts: tuple[str, ...], state: str) -> float:
        """Wait until all *hosts* are in a state; return since when they are, in seconds since 1970."""
        found = self._client.run({"case": "until", "hosts": hosts, "state": state, "seconds": 120})
        return float(found["since"])


class _Others:
    """What other processes take of the machine from now on."""

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._meters = meters
        self._before = self._now()

    def share(self) -> float:
        """Return their part of it."""
        used, busy, passed = (now - then for now, then in zip(self._now(), self._before, strict=True))
        return max(busy - used, 0) / passed

    def _now(self) -> tuple[float, float, float]:
        return (sum(meter.cpu_seconds() for meter in self._meters), *processes.machine())


def flapping(size: Size) -> Iterator[Sample]:
    """Yield a sample of each variant."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))  # of the programs that are started here
    program = (sys.executable, "-m", "tests.bench.flapping")
    for variant, count in (("steady", 0), ("flapping", size.flapping)):
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dff")))
            numbers = str(size.hosts), str(count)
            engines = stack.enter_context(processes.started(*program, str(folder), *numbers))
            _answer(engines)
            hosts = {f"h{number}": f"unix://{folder}/{number}" for number in range(size.hosts)}
            _, meter = stack.enter_context(processes.fleet(hosts, "--log-level", "error"))
            time.sleep(10)  # until all have been asked who they are
            yield {"case": "flapping", "variant": variant} | _watched(engines, meter, size.flapping_seconds)


def _watched(engines: subprocess.Popen[str], meter: GatewayMeter, seconds: float) -> Sample:
    _counted(engines)
    others = _Others([meter, Meter(engines.pid)])
    cpu, began = meter.cpu_seconds(), time.perf_counter()
    time.sleep(seconds)
    passed, used = time.perf_counter() - began, meter.cpu_seconds() - cpu
    counted = _counted(engines)
    return {
        "server_share": used / passed,
        "per_second": counted["requests"] / passed,
        "burst": counted["most"] / (counted["requests"] / passed / 10),
        "descriptors": meter.descriptors(),
        "rss_mib": meter.rss() / (1 << 20),
        "others": others.share(),
    }


def _counted(engines: subprocess.Popen[str]) -> dict[str, int]:
    assert engines.stdin is not None
    engines.stdin.write("\n")
    engines.stdin.flush()
    counted: dict[str, int] = json.loads(_answer(engines))
    return counted


def _answer(engines: subprocess.Popen[str]) -> str:
    assert engines.stdout is not None
    line = engines.stdout.readline()
    if not line:
        raise RuntimeError("the scripted engines have ended")
    return line
