"""The testees: how each is built and run."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILDS = ROOT / ".state/clients"
BUILD_ENVIRONMENT = {"CARGO_TARGET_DIR": str(BUILDS / "rust"), "CARGO_PROFILE_DEV_DEBUG": "0"}


@dataclass(frozen=True)
class Program:
    """The program of one client."""

    client: str
    needs: str
    folder: str
    build: tuple[tuple[str, ...], ...] = ()
    run: tuple[str, ...] = ()
    tour: tuple[str, ...] = ()
    plays: tuple[str, ...] = ("",)
    """The beginnings of the scenarios and the faults that it can play."""
    name: str = field(default="", compare=False)

    def command(self, *argv: str) -> list[str]:
        """Return a command line of the testee."""
        return [_filled(part) for part in (*self.run, *argv)]

    def tour_command(self, *argv: str) -> list[str]:
        """Return a command line of the tour."""
        return [_filled(part) for part in (*self.tour, *argv)]


def all_programs() -> dict[str, Program]:
    """Return all testees by the names of their files."""
    found = {}
    for path in sorted((HERE / "testees").glob("*.json")):
        keys = json.loads(path.read_text())
        commands = {key: tuple(keys.get(key, ())) for key in ("run", "tour")}
        commands["plays"] = tuple(keys.get("plays", ("",)))
        build = tuple(tuple(command) for command in keys.get("build", ()))
        found[path.stem] = Program(**keys | commands | {"build": build, "name": path.stem})
    return found


def missing(testee: Program) -> str:
    """Install the tools that *testee* is built with; return why this is not possible, or nothing."""
    if not testee.needs:
        return ""
    tools = ROOT / "deploy/toolchains.sh"
    installed = subprocess.run([tools, testee.needs], capture_output=True, text=True, check=False)
    return installed.stderr.strip().rpartition("\n")[2] if installed.returncode else ""


@contextmanager
def building(name: str) -> Iterator[None]:
    """Keep other processes from building the client called *name*: tests run in several."""
    BUILDS.mkdir(parents=True, exist_ok=True)
    with (BUILDS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def build(testee: Program) -> str:
    """Build *testee*, unless it is up to date; return what went wrong, or nothing."""
    with building(testee.name):
        for command in testee.build:
            built = subprocess.run(
                [_filled(part) for part in command],
                cwd=ROOT / testee.folder,
                env=os.environ | BUILD_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if built.returncode:
                return f"{' '.join(command)}: {built.stdout}"
    return ""


def _filled(part: str) -> str:
    return part.replace("{builds}", str(BUILDS)).replace("{python}", sys.executable).replace("{root}", str(ROOT))
