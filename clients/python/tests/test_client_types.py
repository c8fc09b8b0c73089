"""What type checkers and editors see."""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
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
import dockfleet.reasons
import dockfleet.services
import pytest
from dockfleet.calls import METHODS

TYPOS = Path(__file__).parent / "typing_cases/typos.py"
ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "clients/python/README.md"
PYRIGHT = "pyright@1.1.407"
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

TWINS = [
    (dockfleet.Stream, dockfleet.aio.Stream),
    (dockfleet.ResumingStream, dockfleet.aio.ResumingStream),
    (dockfleet.Session, dockfleet.aio.Session),
]
"""The classes that have a source for each, because gRPC is two libraries."""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program full of mistakes, and the programs of the README."""
    folder = tmp_path_factory.mktemp("programs")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    ours = [block for block in blocks if "docker.DockerClient" not in block]
    assert len(ours) >= 5
    functions = [f"def f{number}() -> None:\n{indent(block, '    ')}" for number, block in enumerate(ours)]
    (folder / "readme.py").write_text(NAMES + "".join(functions))
    (folder / "typos.py").write_text(TYPOS.read_text())
    return folder


@pytest.mark.toolchains
def test_mypy_finds_every_mistake_and_nothing_else(programs: Path) -> None:
    """`--strict`, with the types of this package alone; the programs of the README have no mistake."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=/dev/null"]
    path = {"MYPYPATH": str(ROOT / "clients/python")}
    checked = subprocess.run(
        [*command, "readme.py", "typos.py"], capture_output=True, text=True, cwd=programs, env=os.environ | path
    )

    assert found(checked.stdout) == {("typos.py", number) for number in mistakes()}, checked.stdout


@pytest.mark.toolchains
def test_pyright_finds_every_mistake_and_nothing_else(programs: Path) -> None:
    """The type checker of most editors."""
    if not shutil.which("npx"):
        pytest.skip("pyright comes with npx")
    roots = [str(ROOT / "clients/python"), sysconfig.get_path("purelib")]
    (programs / "pyrightconfig.json").write_text(json.dumps({"extraPaths": roots}))
    command = ["npx", "--yes", PYRIGHT, "--project", str(programs)]
    checked = subprocess.run(command, capture_output=True, text=True, cwd=programs)

    assert found(checked.stdout) == {("typos.py", number) for number in mistakes()}, checked.stdout


def found(output: str) -> set[tuple[str, int]]:
    """The files and lines with an error."""
    return {(name, int(line)) for name, line in re.findall(r"(\w+\.py):(\d+):.*\berror\b", output)}


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
                        yield f"{name}.{method}", function, getattr(getattr(aio, name), method)


@pytest.mark.parametrize(("blocking", "aio"), TWINS)
def test_a_class_for_asyncio_has_the_methods_of_the_blocking_one(blocking: type[Any], aio: type[Any]) -> None:
    """With the same arguments."""
    functions = {name: each for name, each in inspect.getmembers(blocking, callable) if not name.startswith("_")}

    assert functions.keys() >= {"close"}
    for name, function in functions.items():
        ours, theirs = inspect.signature(function), inspect.signature(getattr(aio, name))
        assert list(ours.parameters) == list(theirs.parameters), name


def test_a_method_for_asyncio_has_the_same_arguments_and_a_docstring() -> None:
    """One source: what differs is that calls are awaited."""
    pairs = list(methods())
    assert len(pairs) > 100
    for name, blocking, aio in pairs:
        ours, theirs = inspect.signature(blocking).parameters, inspect.signature(aio).parameters

        assert [(each.name, each.default) for each in ours.values()] == [
            (each.name, each.default) for each in theirs.values()
        ], name
        assert blocking.__doc__ == aio.__doc__, name
        assert len(blocking.__doc__) > 20, name
        if "Arguments:" in blocking.__doc__:
            named = [argument for argument in ours if argument != "self"]
            assert [argument for argument in named if f"*{argument}*" not in blocking.__doc__] == [], name


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


def test_a_docstring_speaks_of_python() -> None:
    """Of classes of errors that exist and of methods, not of status codes, RPCs and messages on the wire."""
    rpcs = {name for methods in METHODS.values() for name in methods if len(re.findall("[A-Z]", name)) > 1}
    for name, function, _ in methods():
        text = function.__doc__
        _, _, errors = text.partition("Raises, of `dockfleet.reasons`:\n")
        for line in errors.split("\n\n")[0].splitlines():
            if line.strip().startswith("- "):
                assert (found := re.match(r"- `(\w+)`: ", line.strip())), (name, line)
                assert issubclass(getattr(dockfleet.reasons, found[1]), dockfleet.DockfleetError)
        if "fleet_services" not in function.__module__:
            assert not rpcs & set(re.findall(r"\b[A-Z]\w+", text)), name
        assert "first request" not in text, name
