"""`make run` beside other gateways: it changes only what it has started."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.demo import Demo
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import gateway_of

ID = "c" * 64


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """An engine on which a container can be made."""
    async with FakeEngine() as engine:
        engine.on("GET", "/containers/{id}/json", error="No such container: dockfleet-demo", status=404)
        engine.on("GET", "/images/{id}/json", error="No such image: dockfleet-demo:latest", status=404)
        engine.on("POST", "/images/create", lines=[{"status": "sha256:1"}])
        engine.on("POST", "/containers/create", status=201, json={"Id": ID, "Warnings": []})
        engine.on("POST", "/containers/{id}/start", status=204)
        engine.on("DELETE", "/containers/{id}", status=204)
        engine.on("DELETE", "/images/{id}", json=[])
        yield engine


@pytest.fixture
def taken() -> Iterator[str]:
    """An address that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "127.0.0.1:{}".format(*server.getsockname()[1:])


def demo(folder: Path, engine: FakeEngine, listen: str = "", metrics: str = "", **chosen: str) -> Demo:
    """A demo in front of *engine*, whose usual addresses are *listen* and *metrics*."""
    names = {name for name in os.environ if name.startswith(("DOCKER", "DOCKFLEET"))}
    environ = {name: value for name, value in os.environ.items() if name not in names}
    environ |= {"DOCKFLEET_HOSTS": f"mine={engine.address}", **chosen}
    return Demo(folder / "state", environ, listen=listen or "127.0.0.1:0", metrics=metrics or "127.0.0.1:0")


@asynccontextmanager
async def started(demo: Demo) -> AsyncIterator[Demo]:
    """Start it, and stop it at the end."""
    try:
        await asyncio.to_thread(demo.start)
        yield demo
    finally:
        await asyncio.to_thread(demo.stop)


def asked(engine: FakeEngine, method: str) -> list[str]:
    """The paths that the engine was asked for with this method."""
    return [request.path for request in engine.requests if request.method == method]


async def test_a_gateway_that_has_the_usual_port_is_left_alone(
    engine: FakeEngine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The demo starts nothing on the hosts of another gateway: it uses other ports, and names them."""
    async with FakeEngine() as theirs, gateway_of(theirs.address, metrics_listen="127.0.0.1:0") as other:
        assert other.metrics_address is not None
        listen, metrics = f"127.0.0.1:{other.port}", "{}:{}".format(*other.metrics_address)
        async with started(demo(tmp_path, engine, listen, metrics)):
            record = demo(tmp_path, engine).record  # as `make stop`, another process, reads it

        assert theirs.asked == []
    said = capfd.readouterr().out
    assert f"{listen} is taken; the program there is left alone" in said
    assert f"{metrics} is taken; the program there is left alone" in said
    assert f"serves gRPC on {record.address}" in said
    assert f"http://{record.metrics}/metrics" in said
    assert engine.address in said.partition("starting a container")[0]
    assert asked(engine, "POST") == ["/images/create", "/containers/create", "/containers/dockfleet-demo/start"]
    assert asked(engine, "DELETE") == [f"/containers/{ID}", "/images/dockfleet-demo:latest"]


async def test_addresses_of_the_environment_are_used(engine: FakeEngine, tmp_path: Path) -> None:
    """What the variables choose is where the gateway is."""
    chosen = {"DOCKFLEET_LISTEN": f"unix://{tmp_path}/listen", "DOCKFLEET_METRICS_LISTEN": "off"}
    async with started(demo(tmp_path, engine, **chosen)) as mine:
        assert (mine.record.address, mine.record.metrics) == (chosen["DOCKFLEET_LISTEN"], "off")

    assert not mine.record.file.exists()


async def test_an_address_that_was_chosen_and_is_taken_is_an_error(
    engine: FakeEngine, tmp_path: Path, taken: str
) -> None:
    """The demo takes no other address instead; nothing was started."""
    with pytest.raises(SystemExit) as ended:
        demo(tmp_path, engine, DOCKFLEET_LISTEN=taken).start()

    assert ended.value.code == f"dockfleet: {taken} is taken: set DOCKFLEET_LISTEN to an address that is free"
    assert engine.requests == []


async def test_a_gateway_that_does_not_start_is_shown_by_its_own_log(engine: FakeEngine, tmp_path: Path) -> None:
    """The log is that of this run, and no container was started."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "gateway.log").write_text('{"message":"of yesterday"}\n')
    mine = demo(tmp_path, engine, DOCKFLEET_LISTEN="192.0.2.1:1", DOCKFLEET_RESUME_KEY=str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(mine.start)

    assert "of yesterday" not in str(ended.value.code)
    assert asked(engine, "POST") == []


async def test_a_container_that_was_there_before_stays(engine: FakeEngine, tmp_path: Path) -> None:
    """It may be that of another checkout's demo."""
    engine.on("GET", "/containers/{id}/json", json={"Id": "d" * 64})
    async with started(demo(tmp_path, engine)):
        pass

    assert asked(engine, "POST") == asked(engine, "DELETE") == []
