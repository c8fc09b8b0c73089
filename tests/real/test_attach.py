"""AttachContainer: the input and output of a container's main process."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2
from google.rpc.error_details_pb2 import BadRequest

from tests.real.support import Containers, news, transcript
from tests.support.gateway import Client, failed, receive

HOSTS = ["one", "two", "new"]


async def attach(client: Client, host: str, container: str, **start: Any) -> Any:
    """Attach to a container, and return the call once the connection is there."""
    call = client.containers.AttachContainer()
    begin = {"stream": True, "attach_stdout": True, "attach_stderr": True} | start
    await call.write(
        containers_pb2.AttachContainerRequest(
            start=containers_pb2.AttachContainerStart(host=host, id=container, **begin)
        )
    )
    started = await receive(call)
    assert started.WhichOneof("record") == "started"
    return call


async def send(call: Any, **frame: Any) -> None:
    """Send one frame."""
    await call.write(containers_pb2.AttachContainerRequest(**frame))


async def begin(client: Client, host: str, container: str) -> None:
    """Start a container that was attached to before."""
    await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))


@pytest.mark.parametrize("host", HOSTS, indirect=True)
async def test_output_continues_after_the_end_of_input(client: Client, host: str, containers: Containers) -> None:
    """After `close_stdin` the process reads end-of-file, and what it writes then still arrives."""
    container = await containers.create(
        "sh", "-c", "cat; echo after; echo error >&2; exit 5", open_stdin=True, stdin_once=True, attach_stdin=True
    )
    call = await attach(client, host, container, attach_stdin=True)
    await begin(client, host, container)

    await send(call, stdin=b"in\x00\xff\n")
    await send(call, close_stdin={})
    read = await transcript(call)

    assert read.stdout == b"in\x00\xff\nafter\n"
    assert read.stderr == b"error\n"
    assert read.order == ["output", "end"]
    assert not read.frames["end"].running
    assert read.frames["end"].exit_code == 5


@pytest.mark.parametrize("host", HOSTS, indirect=True)
async def test_the_end_of_the_requests_is_the_end_of_the_input(
    client: Client, host: str, containers: Containers
) -> None:
    """A client that says nothing more has closed the input."""
    container = await containers.create("wc", "-c", open_stdin=True, stdin_once=True, attach_stdin=True)
    call = await attach(client, host, container, attach_stdin=True)
    await begin(client, host, container)

    for _ in range(8):
        await send(call, stdin=b"x" * 100_000)
    await call.done_writing()
    read = await transcript(call)

    assert read.stdout == b"800000\n"
    assert read.frames["end"].exit_code == 0


async def test_a_terminal_echoes_and_has_the_size_that_it_is_given(
    client: Client, host: str, containers: Containers
) -> None:
    """With a terminal the output is one, input is echoed, and `resize` reaches the process."""
    script = "trap 'stty size' WINCH; echo ready; read line; echo got $line; while :; do sleep 0.1; done"
    container = await containers.create("sh", "-c", script, tty=True, open_stdin=True, attach_stdin=True)
    call = await attach(client, host, container, attach_stdin=True)
    await begin(client, host, container)
    ready = await transcript(call, lambda so_far: so_far.stdout.endswith(b"ready\r\n"))

    await send(call, stdin=b"hello\r")
    heard = await transcript(call, lambda so_far: b"got hello\r\n" in so_far.stdout)
    await send(call, resize={"height": 41, "width": 173})
    resized = await transcript(call, lambda so_far: b"41 173\r\n" in so_far.stdout)
    call.cancel()

    assert ready.stderr + heard.stderr + resized.stderr == b""
    assert heard.stdout.startswith(b"hello\r\n")


async def test_the_keys_that_detach_leave_the_container_running(
    client: Client, host: str, containers: Containers
) -> None:
    """When the client types the detach keys the session ends, and the container does not."""
    container = await containers.create("sh", tty=True, open_stdin=True, attach_stdin=True)
    call = await attach(client, host, container, attach_stdin=True, detach_keys="ctrl-x,ctrl-y")
    await begin(client, host, container)

    await send(call, stdin=b"\x18\x19")
    read = await transcript(call)

    assert read.frames["end"].running
    assert not read.frames["end"].HasField("exit_code")
    assert (await containers.inspect(container)).state.running


async def test_the_log_comes_before_what_is_new(client: Client, host: str, containers: Containers) -> None:
    """With `logs` the output so far comes first, and then what is written from now on."""
    container = await containers.start(
        "sh", "-c", "echo before; read line; echo $line", open_stdin=True, attach_stdin=True
    )
    await news(client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=container, follow=True)))
    call = await attach(client, host, container, attach_stdin=True, logs=True)

    await send(call, stdin=b"now\n")
    read = await transcript(call)

    assert read.stdout == b"before\nnow\n"
    assert read.order == ["output", "end"]


async def test_one_output_can_be_chosen(client: Client, host: str, containers: Containers) -> None:
    """A client gets the outputs that it asked for, and no other."""
    container = await containers.create("sh", "-c", "echo out; echo err >&2")
    call = await attach(client, host, container, attach_stdout=False)
    await begin(client, host, container)

    read = await transcript(call)

    assert (read.stdout, read.stderr) == (b"", b"err\n")


async def test_many_may_be_attached_at_once(client: Client, host: str, containers: Containers) -> None:
    """All who are attached get the whole output; the one who leaves takes nothing from the others."""
    container = await containers.create("seq", "20000")
    calls = [await attach(client, host, container) for _ in range(3)]
    calls.pop().cancel()
    await begin(client, host, container)

    reads = [await transcript(call) for call in calls]

    assert [read.stdout for read in reads] == [b"".join(b"%d\n" % number for number in range(1, 20001))] * 2
    assert [read.frames["end"].exit_code for read in reads] == [0, 0]


async def test_input_that_was_not_announced_is_refused(client: Client, host: str, containers: Containers) -> None:
    """Sending input to a session without input is the caller's mistake, and the process does not get it."""
    container = await containers.start("cat", open_stdin=True)
    call = await attach(client, host, container)

    await send(call, stdin=b"unasked")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await transcript(call)

    assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT
    assert "stdin" in failed(caught.value).message
    assert (await containers.inspect(container)).state.running


async def test_a_container_waits_for_no_reader(client: Client, host: str, containers: Containers) -> None:
    """SLOW_READER_WAIT is refused, because a container cannot wait, and the error names the field."""
    container = await containers.start("sleep", "1000")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await attach(client, host, container, slow_reader=common_pb2.SLOW_READER_WAIT)

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert [violation.field for violation in failure.detail(BadRequest).field_violations] == ["slow_reader"]


async def test_a_paused_container_cannot_be_attached_to(client: Client, host: str, containers: Containers) -> None:
    """Attaching to a paused container fails with the engine's words."""
    container = await containers.start("sleep", "1000")
    await client.containers.PauseContainer(containers_pb2.PauseContainerRequest(host=host, id=container))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await attach(client, host, container)

    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert "pause" in failed(caught.value).message


async def test_leaving_closes_the_input_of_an_engine_that_heeds_it(
    client: Client, host: str, containers: Containers
) -> None:
    """With `stdin_once`, the input ends when the client that is attached cancels: the connection is closed."""
    container = await containers.create("cat", open_stdin=True, stdin_once=True, attach_stdin=True)
    call = await attach(client, host, container, attach_stdin=True)
    await begin(client, host, container)

    call.cancel()

    assert await containers.wait(container) == 0
