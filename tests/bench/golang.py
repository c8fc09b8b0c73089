"""The Go client, `tests/bench/go`, where there is a Go to build it with."""

from __future__ import annotations

import contextlib
import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.processes import Meter, started
from tests.bench.worker import HOST

SOURCE = Path(__file__).with_name("go")
CONNECTIONS = 8  # of a crowd to a gateway
WARM_UP_SECONDS = 0.3  # in which it already makes single calls, and does not count them


def build(directory: Path) -> Path | None:
    """Build the client in *directory* and return it; None, with a note, where that is impossible."""
    if shutil.which("go") is None:
        print("no Go on this machine: its client is left out", file=sys.stderr)
        return None
    program = directory / "go-client"
    built = subprocess.run(["go", "build", "-o", program, "."], cwd=SOURCE, stderr=subprocess.PIPE, text=True)
    if built.returncode:
        print(f"the Go client is left out: {built.stderr}", file=sys.stderr)
        return None
    return program


class GoWorker:
    """Runs the Go client once for each command."""

    def __init__(self, program: Path, address: str) -> None:
        self._argv = [str(program), "-address", address, "-host", HOST]
        self.meter = Children()

    def run(self, command: dict[str, Any]) -> dict[str, Any]:
        """Have it carry out *command* and return what it measured."""
        flags: dict[str, Any] = {
            "-rpc": command["case"],
            "-seconds": command.get("seconds", 0),
            "-inflight": command["in_flight"],
        }
        if command["case"] in ("export", "logs"):
            flags["-seconds"] = 0  # read it once
        flags["-id"] = command.get("id") or ""
        argv = [*self._argv, *(str(word) for flag in flags.items() for word in flag)]
        figures = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout)
        if "p50_us" not in figures:
            amount = figures.get("entries", figures["bytes"])
            return {"amount": amount, "seconds": figures["seconds"], "per_second": amount / figures["seconds"]}
        return {
            "calls": figures["calls"],
            "served": figures["calls"] * (1 + WARM_UP_SECONDS / figures["seconds"]),
            "p50_ms": figures["p50_us"] / 1e3,
            "p99_ms": figures["p99_us"] / 1e3,
            "per_second": figures["calls_per_second"],
        }


class Crowd:
    """Many streams of the Go client, read at the same time by a program of their own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.meter = Meter(process.pid)

    def report(self) -> dict[str, Any]:
        """Return its next report: that all streams are open, when it begins to measure; then what it measured."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the Go client has failed")
        report: dict[str, Any] = json.loads(line)
        return report


@contextlib.contextmanager
def crowd(
    program: Path, case: str, server: str, ids: Sequence[str], streams: int, seconds: float, *, engine: bool = False
) -> Iterator[Crowd]:
    """Open *streams* of the containers *ids*, which take turns, at a gateway or on an *engine*'s socket."""
    rpc, where = (f"{case}-engine", ("-engine", urlsplit(server).path)) if engine else (case, ("-address", server))
    flags = {
        "-rpc": rpc,
        "-host": HOST,
        "-id": ",".join(ids),
        "-inflight": streams,
        "-connections": CONNECTIONS,
        "-seconds": seconds,
    }
    with started(str(program), *where, *(str(word) for flag in flags.items() for word in flag)) as process:
        yield Crowd(process)


class Children:
    """What programs that were run, and have ended, have used."""

    def cpu_seconds(self) -> float:
        """Return the CPU time used so far."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
