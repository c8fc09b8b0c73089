"""What type checkers and editors see."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import dockfleet
import dockfleet.aio
import dockfleet.aio.fleet_services
import dockfleet.aio.host
import dockfleet.aio.services
import dockfleet.fleet_services
import dockfleet.host
import dockfleet.operations
import dockfleet.services
import pytest
from dockfleet.calls import METHODS

TYPOS = Path(__file__).parent / "typing_cases/typos.py"
ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "clients/python/README.md"
NAMES = """
from typing import Any
import dockfleet
fleet: dockfleet.Fleet
host: dockfleet.HostView
ca = certificate = key = ""
database: Any
kept: bytes
"""
MODULES = [
    (dockfleet.services, dockfleet.aio.services),
    (dockfleet.fleet_services, dockfleet.aio.fleet_services),
    (dockfleet.host, dockfleet.aio.host),
]


def test_mypy_finds_every_mistake_and_nothing_else() -> None:
    """`--strict`, with the types of this package alone."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=/dev/null", TYPOS.name]
    path = {"MYPYPATH": str(ROOT / "clients/python")}
    checked = subprocess.run(command, capture_output=True, text=True, cwd=TYPOS.parent, env=os.environ | path)

    found = {int(line.split(":")[1]) for line in checked.stdout.splitlines() if " error: " in line}
    assert found == mistakes(), checked.stdout


def test_mypy_finds_nothing_wrong_in_the_readme(tmp_path: Path) -> None:
    """Its programs are checked as they stand, with the names that they take for granted."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    ours = [block for block in blocks if "docker.DockerClient" not in block]
    program = tmp_path / "readme.py"
    program.write_text(NAMES + "".join(f"def f{at}() -> None:\n{indent(each, '    ')}" for at, each in enumerate(ours)))
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=/dev/null", program]
    path = {"MYPYPATH": str(ROOT / "clients/python")}
    checked = subprocess.run(command, capture_output=True, text=True, env=os.environ | path)

    assert len(ours) >= 5
    assert checked.returncode == 0, checked.stdout


def mistakes() -> set[int]:
    """The lines with a mistake."""
    lines = enumerate(TYPOS.read_text().splitlines(), 1)
    return {number for number, line in lines if line.endswith("# typo")}


def methods() -> Iterator[Any]:
    """The methods of all classes, blocking and for asyncio."""
    for blocking, aio in MODULES:
        for name, kind in vars(blocking).items():
            if inspect.isclass(kind) and kind.__module__ == blocking.__name__:
                for method, function in vars(kind).items():
                    if not method.startswith("_"):
                        yield pytest.param(function, getattr(getattr(aio, name), method), id=f"{name}.{method}")


@pytest.mark.parametrize(("blocking", "aio"), list(methods()))
def test_a_method_for_asyncio_has_the_same_arguments_and_a_docstring(blocking: Any, aio: Any) -> None:
    """One source: what differs is that calls are awaited."""
    ours, theirs = inspect.signature(blocking), inspect.signature(aio)

    assert list(ours.parameters) == list(theirs.parameters)
    assert [each.default for each in ours.parameters.values()] == [each.default for each in theirs.parameters.values()]
    assert blocking.__doc__ == aio.__doc__
    assert len(blocking.__doc__) > 20
    named = [name for name in ours.parameters if name != "self"]
    if "Arguments:" in blocking.__doc__:
        assert [name for name in named if f"*{name}*" not in blocking.__doc__] == []


@pytest.mark.parametrize("service", METHODS)
def test_every_rpc_is_called_by_a_method(service: str) -> None:
    """No RPC is left out of the typed layer."""
    sources = "".join(inspect.getsource(module) for module in (dockfleet.services, dockfleet.fleet_services))
    sources += inspect.getsource(dockfleet.host) + inspect.getsource(dockfleet.operations.ImageOperations)

    assert [name for name in METHODS[service] if f'"{name}"' not in sources] == []


def test_help_shows_what_users_call() -> None:
    """`help(dockfleet)` and completion know the entry points and not the modules inside."""
    names = dir(dockfleet)

    assert {"connect", "from_env", "Fleet", "NotFound", "aio"} <= set(names)
    assert not {"calls", "channels", "view"} & set(names)
    assert inspect.signature(dockfleet.services.Containers.stop).parameters["timeout"].default is None
