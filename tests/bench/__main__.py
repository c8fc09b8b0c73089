"""How fast is the gateway?  `python -m tests.bench` measures it beside what it is compared with.

In every round each case is run on each variant, one after the other and in an order that moves on from round to
round; only figures of the same round are compared, so that what else the machine does hits both sides alike:

=================  ===============================================================================
variant            what is measured
=================  ===============================================================================
sdk                the docker SDK's APIClient, called directly, with threads for calls in flight
socket             the engine's socket: http.client, kept alive; curl for streams
noop-python, …     gRPC alone, by a Python, asyncio or Go client: a server that does nothing
python, aio, go    the gateway, by its Python client, the one for asyncio, and a Go client
=================  ===============================================================================

The cases `followers` and `stats` are about many streams at once; their variants are described in `crowds`.  The cases
`isolation` and `flapping` are about fleets with sick hosts: see `fleets`; `inventory` is about a thousand hosts: see
`inventories`.  The cases `scrape` and `sampling` are about the metrics of containers: see `scrapes`.

Needs root and dockerd for a private engine, or `--engine unix:///…`, whose containers without network it uses.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import crowds, fixture, fleets, golang, inventories, processes, report, scrapes
from tests.bench.golang import GoWorker
from tests.bench.processes import GatewayMeter, Meter, Worker
from tests.bench.worker import HOST

CALLS = ("ping", "inspect", "list", "remembered", "export", "logs")
LISTED = 1000  # containers
INSPECTED = "dockfleet_inventory_questions_total"
IN_FLIGHT = {"ping": (1, 32), "inspect": (1, 32), "remembered": (1, 8)}  # 1, where nothing is said
CASES = (*CALLS, *crowds.CASES, *fleets.CASES, inventories.CASE, *scrapes.CASES)
CROWDED_ROUNDS = 2  # of so many rounds, one has crowds: they take their time
STREAMS = ("export", "logs")
CALM = 0.1  # of the machine: what other processes may take of it before a measurement counts as disturbed


Client = Worker | GoWorker
Measure = Callable[[int], Iterator[dict[str, Any]]]  # yields the samples of a round, which has a number


@dataclass(frozen=True)
class Variant:
    """A client, and the server between it and the engine, if any."""

    name: str
    client: Client
    server: Meter | None = None

    def takes(self, case: str) -> bool:
        """Whether the case says something about it."""
        if self.name.startswith("noop"):
            return case in ("ping", "inspect")
        if case == "remembered":  # by clients that read nothing of it
            return self.name == "socket" or self.name.endswith("go")
        return self.name != "sdk" or case not in STREAMS


@dataclass(frozen=True)
class Job:
    """A case with so many calls in flight."""

    case: str
    in_flight: int

    @property
    def name(self) -> str:
        """How reports call it."""
        return self.case if self.case in STREAMS else f"{self.case} x{self.in_flight}"


def main() -> None:
    """The command line."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped then, too
    calls = [case for case in options.only if case in CALLS]
    crowded = [case for case in options.only if case in crowds.CASES]
    megabytes, lines = (100, 60_000) if options.quick else (500, 300_000)
    with contextlib.ExitStack() as stack:
        print("preparing the engines", file=sys.stderr)
        measures = _fleets(options, stack)
        if calls or crowded:
            stage = stack.enter_context(
                fixture.stage(
                    options.engine,
                    containers=LISTED if {"list", "remembered"} & set(calls) else 0,
                    megabytes=megabytes if "export" in calls else 1,
                    lines=lines if "logs" in calls else 1,
                    ticking="followers" in crowded,
                    watched=crowds.WATCHED if "stats" in crowded else 0,
                    keep=options.keep,
                )
            )
            program = golang.build(stage.directory) if crowded or "go" in options.clients else None
            measures += [_calls(calls, stage, program, lines, options, stack)] if calls else []
            measures += [_crowds(crowded, stage, program, options)] if crowded and program else []
        samples: list[dict[str, Any]] = []
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            for measure in measures:
                samples.extend({"round": number} | sample for sample in measure(number))
            if options.json:
                _write(options, samples)
    print(report.markdown(samples))


def _calls(
    cases: Sequence[str],
    stage: fixture.Stage,
    program: Path | None,
    lines: int,
    options: argparse.Namespace,
    stack: contextlib.ExitStack,
) -> Measure:
    """Start what the cases need, to run until *stack* closes, and return what measures them all once, in a round."""
    variants = _variants(stage, program, options, stack)
    jobs = [Job(case, in_flight) for case in cases for in_flight in IN_FLIGHT.get(case, (1,))]
    ids = {"inspect": stage.running, "export": stage.exported, "logs": stage.logged}
    _verify(variants, ids, lines, cases)
    if "remembered" in cases:
        _filled(variants)

    def measure(number: int) -> Iterator[dict[str, Any]]:
        for job in jobs:
            turn = number % len(variants)
            for variant in variants[turn:] + variants[:turn]:
                if variant.takes(job.case):
                    command = _command(job, variant, ids, lines, options.seconds)
                    names = {"case": job.name, "variant": variant.name}
                    yield names | _measured(variant, stage.meter, command, options.repeats)

    return measure


def _crowds(cases: Sequence[str], stage: fixture.Stage, program: Path, options: argparse.Namespace) -> Measure:
    """Return what measures the cases that are about many streams at once, in some of the rounds."""
    size = crowds.QUICK if options.quick else crowds.FULL

    def measure(number: int) -> Iterator[dict[str, Any]]:
        turn, others = divmod(number, CROWDED_ROUNDS)
        for case in cases if not others else ():
            yield from crowds.measure(case, stage, program, size, turn)

    return measure


def _fleets(options: argparse.Namespace, stack: contextlib.ExitStack) -> list[Measure]:
    """Return what measures the cases that are about fleets: each in every round, and the longest in the first alone."""
    size = fleets.QUICK if options.quick else fleets.FULL
    measures: list[Measure] = []
    if "isolation" in options.only:
        isolation = fleets.Isolation(stack, size)
        measures.append(lambda number: isolation.measure())
    if "flapping" in options.only:
        measures.append(lambda number: fleets.flapping(size) if number == 0 else iter(()))
    if inventories.CASE in options.only:
        many = inventories.QUICK if options.quick else inventories.FULL
        measures.append(lambda number: inventories.measure(many) if number == 0 else iter(()))
    scraped = scrapes.QUICK if options.quick else scrapes.FULL
    measures += [partial(_scrapes, case, options.engine, scraped) for case in scrapes.CASES if case in options.only]
    return measures


def _scrapes(case: str, engine: str | None, size: scrapes.Size, number: int) -> Iterator[dict[str, Any]]:
    return scrapes.measure(case, engine, size) if number == 0 else iter(())


def _write(options: argparse.Namespace, samples: Sequence[dict[str, Any]]) -> None:
    """Write what was measured so far."""
    about = {
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "time": time.time(),
        "load": os.getloadavg(),
        "options": vars(options),
    }
    options.json.write_text(json.dumps({"about": about, "samples": samples}, indent=1, default=str))


def _options() -> argparse.Namespace:
    summary, _, details = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=summary,
        epilog=details,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="5 if not given")
    parser.add_argument("--seconds", type=float, default=1.5, metavar="S", help="of each unary run, 1.5 if not given")
    parser.add_argument("--repeats", type=int, default=2, metavar="N", help="of what was disturbed; 2 if not given")
    parser.add_argument("--quick", action="store_true", help="2 rounds of half a second, smaller streams and crowds")
    parser.add_argument("--only", type=_cases, default=CASES, metavar="CASES", help=f"of {','.join(CASES)}")
    parser.add_argument("--clients", default="python,aio,go", metavar="NAMES", help="python,aio,go if not given")
    parser.add_argument("--engine", metavar="ADDRESS", help="unix:///…, instead of a private engine")
    parser.add_argument("--keep", action="store_true", help="leave the containers on that engine for the next run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample into it")
    parser.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="measure the gateway of another checkout as well; its variants are called NAME:python and so on",
    )
    options = parser.parse_args()
    options.clients = options.clients.split(",")
    if options.quick:
        options.rounds, options.seconds, options.repeats = 2, 0.5, 0
    return options


def _cases(text: str) -> Sequence[str]:
    chosen = text.split(",")
    if unknown := set(chosen) - set(CASES):
        raise argparse.ArgumentTypeError(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    return chosen


def _variants(
    stage: fixture.Stage, program: Path | None, options: argparse.Namespace, stack: contextlib.ExitStack
) -> list[Variant]:
    """Start the servers and clients, to run until *stack* closes."""

    def client(name: str, address: str) -> Client | None:
        if name.endswith("go"):
            return golang.GoWorker(program, address) if program else None
        return stack.enter_context(processes.worker(name, address))

    found: list[tuple[str, Client | None, Meter | None]]
    found = [(name, client(name, stage.address), None) for name in ("sdk", "socket")]
    address, meter = stack.enter_context(processes.noop_server())
    found += [(f"noop-{name}", client(f"noop-{name}", address), meter) for name in options.clients]
    others = [other.partition("=") for other in options.against]
    for prefix, tree in [("", processes.ROOT), *((f"{name}:", Path(tree)) for name, _, tree in others)]:
        address, meter = stack.enter_context(processes.gateway(stage.address, HOST, tree))
        found += [(f"{prefix}{name}", client(name, address), meter) for name in options.clients]
    return [Variant(name, worker, server) for name, worker, server in found if worker is not None]


def _command(job: Job, variant: Variant, ids: dict[str, str], lines: int, seconds: float) -> dict[str, Any]:
    case = "noop" if variant.name.startswith("noop") else job.case
    many = seconds * 2 if case in ("list", "remembered") else seconds  # a list takes as long as hundreds of pings
    return {"case": case, "in_flight": job.in_flight, "seconds": many, "id": ids.get(case), "lines": lines}


def _verify(variants: Sequence[Variant], ids: dict[str, str], lines: int, only: Sequence[str]) -> None:
    """Make sure, once, that every byte and line comes through as the engine sent it; the Go client only counts."""
    for case in set(only) & set(STREAMS):
        command = {"case": case, "in_flight": 1, "id": ids[case], "lines": lines, "digest": True}
        found = {variant.name: variant.client.run(command) for variant in variants if variant.takes(case)}
        digests = {name: result["digest"] for name, result in found.items() if "digest" in result}
        if len(set(digests.values())) != 1 or len({result["amount"] for result in found.values()}) != 1:
            raise SystemExit(f"the variants of {case} differ: {found}")
        print(f"{case}: identical for {', '.join(digests)}", file=sys.stderr)


def _filled(variants: Sequence[Variant]) -> None:
    """Wait until the gateways have inspected all containers: until then the engine answers."""
    for variant in variants:
        while (
            isinstance(variant.server, GatewayMeter) and variant.server.metric(INSPECTED, question="inspect") < LISTED
        ):
            time.sleep(0.5)


def _measured(variant: Variant, engine: Meter, command: dict[str, Any], repeats: int) -> dict[str, Any]:
    """Return what a variant measured, and the CPU seconds per call, GB or line that it took.

    `others` is the part of the machine that other processes took meanwhile; the least disturbed attempt counts.
    """
    attempts = []
    for _ in range(1 + repeats):
        if command["case"] not in STREAMS:
            variant.client.run({**command, "seconds": 0.5})  # to warm up
        attempts.append(_attempt(variant, engine, command))
        if attempts[-1]["others"] <= CALM:
            break
    return min(attempts, key=lambda attempt: attempt["others"])


def _attempt(variant: Variant, engine: Meter, command: dict[str, Any]) -> dict[str, Any]:
    meters = {"client": variant.client.meter, "engine": engine}
    if variant.server is not None:
        meters["server"] = variant.server
        memory = variant.server.rss()
        variant.server.reset_peak()
    machine, before = processes.machine(), {name: meter.cpu_seconds() for name, meter in meters.items()}
    result = variant.client.run(command)
    used = {name: meter.cpu_seconds() - before[name] for name, meter in meters.items()}
    busy, passed = (now - then for now, then in zip(processes.machine(), machine, strict=True))
    amount = result.get("amount", 0) / (1e9 if command["case"] == "export" else 1)
    units = amount or result.get("served") or result["calls"]
    result |= {f"{name}_cpu": seconds / units for name, seconds in used.items()}
    result |= {f"{name}_cpu_ms": seconds * 1e3 / units for name, seconds in used.items()}
    result["others"] = max(busy - sum(used.values()), 0) / passed
    if variant.server is not None:
        result["growth_mib"] = (variant.server.peak() - memory) / (1 << 20)
    return result


if __name__ == "__main__":
    main()
