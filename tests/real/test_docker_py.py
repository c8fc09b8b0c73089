"""The Python client beside docker-py, on the same engine: everyday scripts, and every row of the README's table."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import docker
import dockfleet
import dockfleet.aio
import pytest

from tests.real import docker_py_scripts
from tests.real.docker_py_scripts import marked
from tests.real.support import IMAGE, Containers, Fleet
from tests.support.contract import ROOT
from tests.support.gateway import Client, gateway_of

HOST = "one"
SCRIPTS = sorted(name.removesuffix("_ours") for name in vars(docker_py_scripts) if name.endswith("_ours"))
ROW = re.compile(r"^\| `(client\..+?)` \| `(.+?)` \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "clients/python/README.md").read_text())


@pytest.fixture(scope="module")
async def gateway(fleet: Fleet) -> AsyncIterator[Client]:
    """A client of a gateway that keeps inventories of two hosts."""
    fleet.need("private")
    hosts = [fleet.hosts[name] for name in (HOST, fleet.need("new"))]
    async with gateway_of(*hosts, inventory=True, health_check_interval_seconds=1) as client:
        yield client


@pytest.fixture(scope="module")
def ours(gateway: Client) -> Iterator[dockfleet.Fleet]:
    with dockfleet.connect(f"127.0.0.1:{gateway.port}") as fleet:
        yield fleet


@pytest.fixture(scope="module")
def theirs(fleet: Fleet) -> Iterator[docker.DockerClient]:
    client = docker.DockerClient(base_url=str(fleet.hosts[HOST].address), version="auto")
    yield client
    client.close()


@pytest.fixture
async def made(gateway: Client) -> AsyncIterator[Containers]:
    """What is removed after the test."""
    containers = Containers(gateway, HOST)
    yield containers
    await containers.remove_all()


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_script_does_the_same_with_no_more_lines(
    ours: dockfleet.Fleet, theirs: docker.DockerClient, made: Containers, tmp_path: Path, name: str
) -> None:
    """Both run on one engine and return the same."""
    scripts: list[Any] = [getattr(docker_py_scripts, f"{name}_{whose}") for whose in ("docker", "ours")]
    results = []
    for script, client in zip(scripts, (theirs, ours.host(HOST)), strict=True):
        folder = tmp_path / script.__name__
        folder.mkdir()
        results.append(await asyncio.to_thread(script, client, IMAGE, made.label, folder))
        await made.remove_all()

    assert results[0] == pytest.approx(results[1]) if isinstance(results[0], float) else results[0] == results[1]
    assert lines(scripts[1]) <= lines(scripts[0])


def lines(script: FunctionType) -> int:
    """The lines of a script without its head."""
    function = ast.parse(inspect.getsource(script)).body[0]
    assert isinstance(function, ast.FunctionDef)
    return (function.end_lineno or 0) - function.body[0].lineno + 1


@pytest.mark.parametrize(("docker_py", "dockfleet_code"), ROWS, ids=[row[0] for row in ROWS])
async def test_a_row_of_the_table_means_the_same(
    ours: dockfleet.Fleet, theirs: docker.DockerClient, made: Containers, docker_py: str, dockfleet_code: str
) -> None:
    """Each runs on a container of its own; results and the container afterwards are equal."""
    outcomes = []
    for code, names in ((docker_py, {"client": theirs}), (dockfleet_code, {"host": ours.host(HOST), "fleet": ours})):
        name = f"dockfleet-test-{uuid.uuid4()}"
        container = await made.start("sh", "-c", "trap 'exit 0' TERM; echo a; echo b; sleep 600 & wait", name=name)
        text = code.replace('"web"', f'"{name}"').replace('"alpine"', f'"{IMAGE}"').replace("app=shop", made.label)
        result = await asyncio.to_thread(eval, text, dict(names))
        after = [one.state.status for one in [await made.inspect(container)]] if "remove(" not in text else []
        outcomes.append((plain(result, name), after))
        await made.remove_all()

    (docker_result, docker_after), (our_result, our_after) = outcomes
    assert our_after == docker_after
    if docker_result is not None and our_result is not None:  # one of them answers nothing to a change
        assert our_result == docker_result


def plain(result: Any, name: str) -> Any:
    """Return *result* without the name of the container."""
    return ["web" if each == name else each for each in result] if isinstance(result, list) else result


def test_the_table_has_rows() -> None:
    assert len(ROWS) >= 20


async def test_the_tour_works_for_asyncio_and_blocking(gateway: Client, ours: dockfleet.Fleet) -> None:
    """Two engines: list, run, exec with input, an error with its reason, a batch, a placement."""
    label = f"dockfleet.test={uuid.uuid4()}"
    async with dockfleet.aio.connect(f"127.0.0.1:{gateway.port}") as fleet:
        try:
            for host in (HOST, "new"):
                await fleet.host(host).run(
                    IMAGE, "sleep 600", detach=True, network="none", labels=marked(label), init=True
                )
            await asyncio.to_thread(tour, ours, label)
            placed = await fleet.containers.run(IMAGE, "echo hi", network="none", labels=marked(label), hosts="ne*")
            stopped = await fleet.containers.stop(label=label, timeout=0)

            assert (placed.host, placed.stdout) == ("new", b"hi\n")
            assert sorted({each.target.host for each in stopped}) == ["new", HOST]
        finally:
            await fleet.containers.remove(label=label, force=True, check=False)


def tour(fleet: dockfleet.Fleet, label: str) -> None:
    """The blocking client on the two containers with *label*."""
    found = fleet.containers.list(label=label)
    assert sorted(host for host, _ in found) == ["new", HOST]
    assert found.failures == {}
    assert sorted(host for host, _ in fleet.containers.find(label=label, states="running")) == ["new", HOST]
    for host, container in found:
        view = fleet.host(host)
        result = view.execute(container.id, ["cat"], stdin=b"some text")
        assert (result.stdout, result.exit_code) == (b"some text", 0)
        with view.exec.open(container.id, cmd=["sh"], attach_stdin=True) as session:
            session.write(b"exit 7\n")
            assert list(session) == []
        assert session.exit_code == 7
        with pytest.raises(dockfleet.NotFound, match=f"{host}: NOT_FOUND"):
            view.containers.start("dockfleet-nope")
        with pytest.raises(dockfleet.DockfleetError) as caught:
            view.containers.wait(container.id, deadline=0.5)
        assert caught.value.reason in ("CLIENT_DEADLINE", "")
    restarted = fleet.containers.restart(label=label, timeout=0, batch={"parallelism": 1})
    assert len(restarted) == 2
    assert {host: version.version[:2] for host, version in fleet.system.version()} == {HOST: "20", "new": "26"}
