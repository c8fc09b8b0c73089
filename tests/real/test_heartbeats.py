"""Silent streams: heartbeats show that they are alive."""

from __future__ import annotations

from typing import Any

import pytest
from dockfleet.v1 import containers_pb2, exec_pb2

from tests.real.support import Containers
from tests.real.test_run import run_request
from tests.support.gateway import Client, receive


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway does not wait 15 seconds."""
    monkeypatch.setattr("gateway.engine.resumable.subscription.HEARTBEAT_SECONDS", 0.1)


async def kinds(call: Any, count: int) -> list[str]:
    """Return what the next *count* responses are."""
    return [(await receive(call)).WhichOneof("record") for _ in range(count)]


async def idle(call: Any) -> list[int]:
    """Return for how long, in nanoseconds, there has been nothing, as the next three heartbeats tell."""
    return [(await receive(call)).heartbeat.idle.ToNanoseconds() for _ in range(3)]


async def test_stats_of_a_container_that_does_not_run(client: Client, host: str, containers: Containers) -> None:
    """The client gets `not_running` once, then heartbeats, until the container starts."""
    container = await containers.create("sleep", "1000")
    call = client.containers.StreamStats(containers_pb2.StreamStatsRequest(host=host, id=container))

    begin = await kinds(call, 4)
    lengths = await idle(call)
    await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))
    while (message := await receive(call)).HasField("heartbeat"):
        pass
    call.cancel()

    assert begin == ["not_running", *["heartbeat"] * 3]
    assert 0 < lengths[0] < lengths[1] < lengths[2]
    assert message.HasField("stats")


async def execute(client: Client, host: str, container: str) -> Any:
    """Run a process beside the container's own."""
    call = client.exec.Exec()
    start = exec_pb2.ExecStart(host=host, id=container, cmd=["cat"], attach_stdin=True)
    await call.write(exec_pb2.ExecRequest(start=start))
    return call


async def start_exec(client: Client, host: str, container: str) -> Any:
    """Run one in two steps."""
    create = exec_pb2.CreateExecRequest(host=host, id=container, cmd=["cat"], attach_stdin=True, attach_stdout=True)
    created = await client.exec.CreateExec(create)
    call = client.exec.StartExec()
    await call.write(exec_pb2.StartExecRequest(start=exec_pb2.StartExecStart(host=host, id=created.id)))
    return call


async def attach(client: Client, host: str, container: str) -> Any:
    """Attach to the container's own."""
    call = client.containers.AttachContainer()
    start = containers_pb2.AttachContainerStart(
        host=host, id=container, stream=True, attach_stdin=True, attach_stdout=True
    )
    await call.write(containers_pb2.AttachContainerRequest(start=start))
    return call


@pytest.mark.parametrize(
    ("begin", "request_type"),
    [
        (execute, exec_pb2.ExecRequest),
        (start_exec, exec_pb2.StartExecRequest),
        (attach, containers_pb2.AttachContainerRequest),
    ],
)
async def test_a_silent_session(
    client: Client, host: str, containers: Containers, begin: Any, request_type: Any
) -> None:
    """Heartbeats come while the process writes nothing, count from its last output, and take nothing from the rest."""
    container = await containers.start("cat", open_stdin=True)
    call = await begin(client, host, container)

    silent = await kinds(call, 4)
    before = await idle(call)
    await call.write(request_type(stdin=b"said"))
    while (message := await receive(call)).HasField("heartbeat"):
        pass
    after = await idle(call)
    call.cancel()

    assert silent == ["started", *["heartbeat"] * 3]
    assert message.output.data == b"said"
    assert 0 < before[0] < before[1] < before[2]
    assert 0 < after[0] < after[1] < after[2]
    assert after[0] < before[2]


async def test_a_silent_run(client: Client, host: str, containers: Containers) -> None:
    """Heartbeats come while the container that is run writes nothing, and its end comes after them."""
    call = client.containers.RunContainer(run_request(host, containers, "sleep", "1000"))
    created = (await receive(call)).created.id

    silent = await kinds(call, 4)
    await client.containers.KillContainer(containers_pb2.KillContainerRequest(host=host, id=created))
    while (message := await receive(call)).HasField("heartbeat"):
        pass

    assert silent == ["started", *["heartbeat"] * 3]
    assert message.end.exit_code == 137
