"""Commands in running containers."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, exec_pb2
from google.rpc.error_details_pb2 import BadRequest

from tests.real.support import Containers, execute, messages, transcript, until
from tests.support.gateway import Client, failed, receive

HOSTS = ["one", "two", "new"]
START_FAILED = [
    pytest.param(["/no/such/program"], {}, id="no-such-program"),
    pytest.param(["/etc/passwd"], {}, id="not-executable"),
    pytest.param(["true"], {"working_dir": "/no/such/directory"}, id="no-such-directory"),
    pytest.param(["true"], {"user": "nobodyknows"}, id="unknown user"),
    pytest.param(["true"], {"user": "root:nobodyknows"}, id="unknown group"),
    pytest.param(["true"], {"user": "99999999999"}, id="user id too large"),
    pytest.param(["true"], {"user": "nobodyknows", "tty": True}, id="unknown user, terminal"),
    pytest.param(["true"], {"env": ["=x"]}, id="variable without a name"),
    pytest.param(["/" + "n" * 20_000], {}, id="long name"),
]


@pytest.fixture
async def container(containers: Containers) -> str:
    """A container that runs."""
    return await containers.start("sleep", "1000")


async def begin(client: Client, host: str, container: str, *cmd: str, **start: Any) -> Any:
    """Begin an exec, and return the call when the process has been started."""
    call = client.exec.Exec()
    await call.write(exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host=host, id=container, cmd=cmd, **start)))
    assert (await receive(call)).WhichOneof("record") == "started"
    return call


@pytest.mark.parametrize("host", HOSTS, indirect=True)
@pytest.mark.parametrize("code", [0, 1, 126, 127, 255])
async def test_the_exit_code_arrives_last(client: Client, host: str, container: str, code: int) -> None:
    """Every exit code arrives, after all output, with the two outputs apart."""
    read = await execute(client, host, container, "sh", "-c", f"echo out; echo err >&2; exit {code}")

    assert (read.stdout, read.stderr, read.exit_code) == (b"out\n", b"err\n", code)
    assert read.order[0] == "started"
    assert read.order[-1] == "end"
    assert len(read.frames["started"].exec_id) == 64


async def test_the_command_runs_as_it_was_asked_for(client: Client, host: str, container: str) -> None:
    """Environment, directory and user are those of the request."""
    read = await execute(
        client,
        host,
        container,
        *("sh", "-c", 'echo "$A|$PWD|$(id -u):$(id -g)|$0|$1"', "zero", "a  b"),
        env=["A=1 ü"],
        working_dir="/etc",
        user="65534:7",
    )

    assert read.stdout.decode() == "1 ü|/etc|65534:7|zero|a  b\n"


@pytest.mark.parametrize("host", HOSTS, indirect=True)
async def test_output_continues_after_the_end_of_input(client: Client, host: str, container: str) -> None:
    """After `close_stdin` the process reads end-of-file, and what it writes then still arrives."""
    call = await begin(client, host, container, "sh", "-c", "cat; echo after; exit 4", attach_stdin=True)

    await call.write(exec_pb2.ExecRequest(stdin=b"\x00\x01\xff"))
    echoed = await transcript(call, lambda so_far: len(so_far.stdout) == 3)
    await call.write(exec_pb2.ExecRequest(close_stdin=common_pb2.CloseStdin()))
    read = await transcript(call)

    assert echoed.stdout + read.stdout == b"\x00\x01\xffafter\n"
    assert read.exit_code == 4


async def test_without_input_the_process_reads_its_end(client: Client, host: str, container: str) -> None:
    """Where standard input is not attached, the process reads end-of-file at once."""
    assert (await execute(client, host, container, "wc", "-c")).stdout == b"0\n"


async def test_input_that_nobody_reads_does_not_keep_the_call(client: Client, host: str, container: str) -> None:
    """A process that ends without reading its input ends the call with its code."""
    read = await execute(client, host, container, "sh", "-c", "exit 6", stdin=b"x" * (1 << 20))

    assert read.exit_code == 6


@pytest.mark.parametrize(("cmd", "start"), START_FAILED)
async def test_a_command_that_cannot_be_started(
    client: Client, host: str, container: str, cmd: list[str], start: dict[str, Any]
) -> None:
    """What could not be started is a failure of the call, with the engine's words, and no output."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await execute(client, host, container, *cmd, **start)

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "EXEC_START_FAILED")
    assert any(word in failure.message for word in ("exec", "user", "group", "uids"))
    assert failure.metadata["host"] == host


@pytest.mark.parametrize("code", [0, 125, 126, 127, 128])
async def test_output_that_looks_like_the_engines_words_is_output(
    client: Client, host: str, container: str, code: int
) -> None:
    """Whatever a process writes, at once or first, and however it ends."""
    words = "OCI runtime exec failed: says who\\r\\n"

    ended = await execute(client, host, container, "sh", "-c", f"printf '{words}'; exit {code}")
    call = await begin(
        client, host, container, "sh", "-c", f"echo hello; cat; exit {code}", tty=True, attach_stdin=True
    )
    first = await transcript(call, lambda so_far: so_far.stdout != b"")
    call.cancel()

    assert (ended.stdout, ended.exit_code) == (b"OCI runtime exec failed: says who\r\n", code)
    assert first.stdout == b"hello\r\n"  # before the process ends


async def test_a_terminal_has_the_size_that_it_is_given(client: Client, host: str, container: str) -> None:
    """The first size is there when the command asks, and `resize` changes it; there is one output."""
    first_size = "until stty size 2> /dev/null | grep .; do sleep 0.05; done; echo err >&2"
    script = f"{first_size}; until stty size | grep 55; do sleep 0.1; done; exit 3"
    call = await begin(client, host, container, "sh", "-c", script, tty=True, console_size={"height": 20, "width": 70})
    first = await transcript(call, lambda so_far: b"err" in so_far.stdout)

    await call.write(exec_pb2.ExecRequest(resize=common_pb2.TerminalSize(height=1, width=1)))
    await call.write(exec_pb2.ExecRequest(resize=common_pb2.TerminalSize(height=55, width=211)))
    read = await transcript(call)

    assert first.stdout.startswith(b"20 70\r\nerr")
    assert read.stdout.endswith(b"55 211\r\n")
    assert (read.stderr, read.exit_code) == (b"", 3)


async def test_a_size_for_what_ends_at_once_is_no_failure(client: Client, host: str, container: str) -> None:
    """A process may be gone before its terminal gets its first size; and a command that does not exist is a failure."""
    size: Any = {"tty": True, "console_size": common_pb2.TerminalSize(height=20, width=70)}

    codes = [(await execute(client, host, container, "true", **size)).exit_code for _ in range(5)]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await execute(client, host, container, "/no/such/program", **size)

    assert codes == [0] * 5
    assert failed(caught.value).reason == "EXEC_START_FAILED"


async def test_the_keys_that_detach_leave_the_process_running(client: Client, host: str, container: str) -> None:
    """When the client types the detach keys the session ends without a code, and the process continues."""
    script = "trap '' HUP; echo ready; sleep 77"  # the engine hangs up: what heeds that would end
    start = {"tty": True, "attach_stdin": True, "detach_keys": "ctrl-x,ctrl-y"}
    call = await begin(client, host, container, "sh", "-c", script, **start)
    echoed = await transcript(call, lambda so_far: so_far.stdout == b"ready\r\n")

    await call.write(exec_pb2.ExecRequest(stdin=b"\x18\x19"))
    read = await transcript(call)

    assert b"read escape sequence" not in echoed.stdout + read.stdout
    assert not read.frames["end"].HasField("exit_code")
    assert "detached" in read.frames["end"].unknown_reason
    assert b"sleep 77" in (await execute(client, host, container, "ps")).stdout


async def test_the_steps_of_an_exec_one_by_one(client: Client, host: str, container: str) -> None:
    """An exec is created, inspected, started with input, and inspected again; it cannot be started twice."""
    created = await client.exec.CreateExec(
        exec_pb2.CreateExecRequest(
            host=host, id=container, cmd=["sh", "-c", "cat; exit 8"], attach_stdin=True, attach_stdout=True
        )
    )
    inspect = exec_pb2.InspectExecRequest(host=host, id=created.id)
    before = (await client.exec.InspectExec(inspect)).exec
    call = client.exec.StartExec()
    start = exec_pb2.StartExecRequest(start=exec_pb2.StartExecStart(host=host, id=created.id))
    await call.write(start)
    await call.write(exec_pb2.StartExecRequest(stdin=b"typed"))
    await call.done_writing()
    read = await transcript(call)
    after = (await client.exec.InspectExec(inspect)).exec
    again = client.exec.StartExec()
    await again.write(start)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await transcript(again)

    assert (before.running, before.HasField("exit_code"), before.container_id) == (False, False, container)
    assert before.process.entrypoint == "sh"
    assert (read.stdout, read.exit_code) == (b"typed", 8)
    assert (after.running, after.exit_code) == (False, 8)
    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert "already run" in failed(caught.value).message


async def test_input_for_an_exec_without_input_is_refused(client: Client, host: str, container: str) -> None:
    """Sending input to an exec that was created without it is the caller's mistake: INVALID_ARGUMENT."""
    created = await client.exec.CreateExec(
        exec_pb2.CreateExecRequest(host=host, id=container, cmd=["sleep", "1000"], attach_stdout=True)
    )
    call = client.exec.StartExec()
    await call.write(exec_pb2.StartExecRequest(start=exec_pb2.StartExecStart(host=host, id=created.id)))
    assert (await receive(call)).HasField("started")

    await call.write(exec_pb2.StartExecRequest(stdin=b"unasked"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await transcript(call)

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert [violation.field for violation in failure.detail(BadRequest).field_violations] == ["stdin"]


async def test_a_detached_exec_runs_on_alone(client: Client, host: str, container: str) -> None:
    """With `detach` the answer is `started` alone, and the process continues until it is resized or ends."""
    script = "trap 'stty size > /size; exit 9' WINCH; touch /ready; while :; do sleep 0.1; done"
    created = await client.exec.CreateExec(
        exec_pb2.CreateExecRequest(host=host, id=container, cmd=["sh", "-c", script], tty=True)
    )
    call = client.exec.StartExec()
    start = exec_pb2.StartExecStart(host=host, id=created.id, detach=True, tty=True)
    await call.write(exec_pb2.StartExecRequest(start=start))
    answers = await messages(call)

    async def there(file: str) -> bool:
        return (await execute(client, host, container, "test", "-e", file)).exit_code == 0

    await until(lambda: there("/ready"))
    await client.exec.ResizeExec(
        exec_pb2.ResizeExecRequest(host=host, id=created.id, size=common_pb2.TerminalSize(height=44, width=155))
    )

    async def ended() -> bool:
        return not (await client.exec.InspectExec(exec_pb2.InspectExecRequest(host=host, id=created.id))).exec.running

    await until(ended)
    assert [answer.WhichOneof("record") for answer in answers] == ["started"]
    assert (await execute(client, host, container, "cat", "/size")).stdout == b"44 155\n"


async def test_a_stopped_container_runs_nothing(client: Client, host: str, containers: Containers) -> None:
    """A container that does not run and one that does not exist give different reasons."""
    stopped = await containers.create("true")

    with pytest.raises(grpc.aio.AioRpcError) as idle:
        await execute(client, host, stopped, "true")
    with pytest.raises(grpc.aio.AioRpcError) as nowhere:
        await execute(client, host, "df-no-such-container", "true")
    with pytest.raises(grpc.aio.AioRpcError) as no_exec:
        await client.exec.InspectExec(exec_pb2.InspectExecRequest(host=host, id="0" * 64))

    assert failed(idle.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(idle.value).reason == "CONFLICT"
    assert failed(nowhere.value).code is grpc.StatusCode.NOT_FOUND
    assert failed(no_exec.value).code is grpc.StatusCode.NOT_FOUND
