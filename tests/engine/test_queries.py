"""What the gateway asks an engine for itself: one request each, and a typed answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from docker.errors import NotFound

from gateway.engine import queries
from gateway.engine.client import Engine
from gateway.engine.errors import BadResponse, TimedOut
from gateway.engine.queries import ExecState, Inspection, require_key
from gateway.engine.transport.pool import Limits
from tests.support.fake_engine import FakeEngine
from tests.support.upstream import CONTAINER, EXEC, Held, engine_at

INSPECTED = {
    "Id": CONTAINER,
    "State": {
        "Status": "exited",
        "Running": False,
        "ExitCode": 3,
        "StartedAt": "2024-01-01T00:00:01.5Z",
        "FinishedAt": "2024-01-01T00:00:02Z",
    },
    "Config": {"Tty": True},
    "HostConfig": {"LogConfig": {"Type": "local", "Config": {"max-size": "1m"}}},
}


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    """A scripted engine with a container and an exec."""
    async with FakeEngine() as fake:
        fake.on("GET", "/containers/{id}/json", json=INSPECTED)
        fake.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 3, "Pid": 7, "OpenStdin": True})
        yield fake


async def test_a_container_is_inspected_with_one_request(fake: FakeEngine, engine: Engine) -> None:
    """Its name is one segment of the path, whatever it contains."""
    container = await queries.inspect(engine, CONTAINER)

    assert (container.id, container.status, container.running) == (CONTAINER, "exited", False)
    assert (container.exit_code, container.terminal, container.restarting) == (3, True, False)
    assert (container.started_at, container.finished_at) == ("2024-01-01T00:00:01.5Z", "2024-01-01T00:00:02Z")
    assert container.log_config == {"Type": "local", "Config": {"max-size": "1m"}}
    assert [request.path for request in fake.requests] == ["/_ping", f"/containers/{CONTAINER}/json"]


async def test_the_state_of_an_exec_is_asked_with_one_request(fake: FakeEngine, engine: Engine) -> None:
    """One with a process id was started, also when it has ended."""
    state = await queries.exec_state(engine, EXEC)

    assert (state.running, state.started, state.exit_code, state.opens_stdin) == (False, True, 3, True)
    assert [request.path for request in fake.requests] == ["/_ping", f"/exec/{EXEC}/json"]


@pytest.mark.parametrize(("code", "found"), [(0, 0), (137, 137), (None, None)])
def test_an_exec_without_an_exit_code_has_none(code: int | None, found: int | None) -> None:
    """The engine sends null until the process has ended."""
    assert ExecState({"Running": code is None, "ExitCode": code}).exit_code == found


async def test_the_engines_clock_is_read_to_the_nanosecond(fake: FakeEngine, engine: Engine) -> None:
    """It is what `/info` says, not the gateway's time."""
    fake.on("GET", "/info", json={"SystemTime": "1970-01-01T00:00:01.000000002Z"})

    assert await queries.clock(engine) == 1_000_000_002


@pytest.mark.parametrize("info", [{}, [], {"SystemTime": 5}, {"SystemTime": "yesterday"}])
async def test_a_clock_that_cannot_be_read_is_a_bad_response(fake: FakeEngine, engine: Engine, info: Any) -> None:
    """Whatever the engine sends in its place."""
    fake.on("GET", "/info", json=info)

    with pytest.raises(BadResponse, match="does not report its time"):
        await queries.clock(engine)


async def test_what_does_not_exist_is_not_found(fake: FakeEngine, engine: Engine) -> None:
    """The engine's error is raised as it is."""
    fake.on("GET", "/containers/{id}/json", status=404, error="No such container: web")

    with pytest.raises(NotFound, match="No such container: web"):
        await queries.inspect(engine, "web")


async def test_a_question_has_the_time_of_a_read(fake: FakeEngine) -> None:
    """The error names the configuration key that sets it."""
    fake.on("GET", "/exec/{id}/json", Held())
    async with engine_at(fake.address, Limits(call_timeout_seconds=0.2)) as engine:
        with pytest.raises(TimedOut, match=r"within 0\.2 s \(limits\.read_timeout_seconds\)"):
            await queries.exec_state(engine, EXEC)


@pytest.mark.parametrize("document", [None, [], "text", {}, {"State": None}, {"State": {}}, {"State": []}])
def test_a_key_that_is_not_there_is_a_bad_response(document: object) -> None:
    """Whatever the engine sends in its place."""
    with pytest.raises(BadResponse, match=r"State\.Running"):
        require_key(document, "State", "Running")
    with pytest.raises(BadResponse, match=r"State\.Running"):
        _ = Inspection(document).running


@pytest.mark.parametrize("document", [None, [], {}, {"Id": 5}, {"Id": "web"}, {"Id": "C0FFEE" + "0" * 58}])
def test_an_id_that_is_not_full_is_a_bad_response(document: object) -> None:
    """What is kept by a container's id needs the whole one."""
    with pytest.raises(BadResponse):
        _ = Inspection(document).id


@pytest.mark.parametrize("document", [None, [], {}, {"State": "x", "HostConfig": []}])
def test_what_an_engine_need_not_send_is_absent(document: object) -> None:
    """A status, a log configuration and a process id are not in every engine's response."""
    container = Inspection(document)

    assert (container.status, container.restarting, container.log_config) == ("", False, {})
