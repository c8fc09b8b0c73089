"""Execs through the gateway: input, output, exit code, and what breaks in between."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, exec_pb2, exec_pb2_grpc

from tests.support.fake_engine import UPGRADE_REFUSED, FakeEngine, ResponseParser, frame
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import EXEC, Held, cat, output, refusal, until_refused, writes

# What is killed with its client, and how, is seen on real engines: see tests/real/test_exec_kill.py.
KEEP = exec_pb2.ON_DISCONNECT_KEEP
CAT = exec_pb2.ExecStart(host="h1", id="web", cmd=["cat"], attach_stdin=True, on_disconnect=KEEP)
START = exec_pb2.ExecRequest(start=CAT)
CLOSE = exec_pb2.ExecRequest(close_stdin=common_pb2.CloseStdin())


def stdin(data: bytes) -> exec_pb2.ExecRequest:
    """Return a frame of input."""
    return exec_pb2.ExecRequest(stdin=data)


def size(height: int, width: int) -> exec_pb2.ExecRequest:
    """Return a frame with a new size."""
    return exec_pb2.ExecRequest(resize=common_pb2.TerminalSize(height=height, width=width))


def script(engine: FakeEngine) -> None:
    """Have execs that are `cat`, and end with the exit code 3."""
    engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
    engine.on("POST", "/exec/{id}/start", cat)
    engine.on("GET", "/exec/{id}/json", json={"ID": EXEC, "Running": False, "ExitCode": 3})


engine = engine_fixture(script, over=("unix", "tcp"))
client = client_fixture(write_timeout_seconds=1, read_timeout_seconds=1)


async def run(client: Client, *requests: exec_pb2.ExecRequest) -> list[Any]:
    """Return the replies to an exec."""
    return [reply async for reply in client.exec.Exec(iter(requests))]


# From start to exit


async def test_an_exec_runs_from_its_creation_to_its_exit_code(engine: FakeEngine, client: Client) -> None:
    """First it has started, last it has ended, and the end of the requests is the end of its input."""
    kill = exec_pb2.ExecStart(host="h1", id="web", cmd=["cat"], attach_stdin=True)
    replies = await run(client, exec_pb2.ExecRequest(start=kill), stdin(b"to be"), stdin(b" or not"))

    assert replies[0].WhichOneof("record") == "started"
    assert replies[0].started.exec_id == EXEC
    assert output(replies) == b"to be or not"
    assert replies[-1].end.exit_code == 3
    assert [(request.method, request.path) for request in engine.asked] == [
        ("POST", "/containers/web/exec"), ("POST", f"/exec/{EXEC}/start"), ("GET", f"/exec/{EXEC}/json"),
    ]  # fmt: skip
    create, start, _ = (request for request in engine.asked)
    body = json.loads(create.body)
    [mark] = body.pop("Env")  # by which it is found when it has to be killed
    assert mark.startswith("DOCKFLEET_EXEC=")
    assert body == {"Cmd": ["cat"], "AttachStdin": True, "AttachStdout": True, "AttachStderr": True}
    assert start.headers["upgrade"] == "tcp"


async def test_input_may_end_before_the_call(engine: FakeEngine, client: Client) -> None:
    """`close_stdin` ends the input; the requests may stay open."""
    forever = asyncio.Event()

    async def requests() -> AsyncIterator[exec_pb2.ExecRequest]:
        yield START
        yield stdin(b"x")
        yield CLOSE
        await forever.wait()

    replies = [reply async for reply in client.exec.Exec(requests())]

    assert output(replies) == b"x"
    assert replies[-1].end.exit_code == 3


async def test_output_that_comes_with_the_start_is_kept(engine: FakeEngine, client: Client) -> None:
    """Standard output and standard error, in one packet with the upgrade (sdk-notes 4)."""
    engine.on("POST", "/exec/{id}/start", writes(frame(1, b"out"), frame(2, b"err"), frame(1, b"")))

    replies = await run(client, START)

    assert [(reply.output.stream, reply.output.data) for reply in replies[1:-1]] == [
        (common_pb2.STANDARD_STREAM_STDOUT, b"out"),
        (common_pb2.STANDARD_STREAM_STDERR, b"err"),
    ]


async def test_much_output_comes_in_messages_of_bounded_size(engine: FakeEngine, client: Client) -> None:
    """No message holds more than 256 KiB."""
    engine.on("POST", "/exec/{id}/start", writes(frame(1, b"x" * 3_000_000)))

    replies = await run(client, START)

    assert len(output(replies)) == 3_000_000
    assert max(len(reply.output.data) for reply in replies) <= 256 << 10


# What breaks


@pytest.mark.parametrize(
    ("process", "code", "reason"),
    [
        (writes(frame(1, b"half")[:10]), grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE"),
        (writes(frame(1, b"half")[:5]), grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE"),
        (writes(frame(9, b"what")), grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE"),
        (writes(frame(3, b"it broke")), grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_FAILED"),
        (writes(struct.pack(">BxxxL", 1, 0xFFFFFFFF), b"x"), grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE"),
    ],
    ids=["torn data", "torn header", "unknown stream", "report of the engine", "four gigabytes claimed"],
)
async def test_output_that_is_torn_is_no_end(
    engine: FakeEngine, client: Client, process: Any, code: grpc.StatusCode, reason: str
) -> None:
    """The exit code is never sent when the output was not whole (A5 54)."""
    engine.on("POST", "/exec/{id}/start", process)

    replies, refused = await until_refused(client.exec.Exec(iter([START])))

    assert (refused.code, refused.reason) == (code, reason)
    assert not [reply for reply in replies if reply.WhichOneof("record") == "end"]


async def test_a_session_that_is_reset_leaves_the_outcome_open() -> None:
    """The process may still run, or not."""
    async with FakeEngine.tcp() as engine, gateway_of(engine.address) as client:
        engine.on("POST", "/containers/{id}/exec", status=201, json={"Id": EXEC})
        engine.on("POST", "/exec/{id}/start", writes(frame(1, b"half"), end="abort"))

        _, refused = await until_refused(client.exec.Exec(iter([START])))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")


async def test_an_engine_that_is_gone_after_the_output_gives_no_exit_code(engine: FakeEngine, client: Client) -> None:
    """A session that ends because the engine does looks like a good end; the question for the exit code shows it."""

    async def die(exchange: ResponseParser) -> None:
        exchange.upgrade(frame(1, b"last words"))
        engine.on("GET", "/exec/{id}/json", writes_nothing)
        await exchange.drain()
        exchange.close()

    async def writes_nothing(exchange: ResponseParser) -> None:
        exchange.close()

    engine.on("POST", "/exec/{id}/start", die)

    replies, refused = await until_refused(client.exec.Exec(iter([START])))

    assert output(replies) == b"last words"
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "CONNECTION_LOST")


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        ({"status": 409, "error": "Container 01 is not running"}, grpc.StatusCode.FAILED_PRECONDITION, "CONFLICT"),
        ({"status": 404, "error": f"No such exec instance: {EXEC}"}, grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
        ({"raw": UPGRADE_REFUSED}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ({"status": 200, "body": b"output?"}, grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE"),
    ],
    ids=["409", "404", "400 and more bytes", "200"],
)
async def test_a_start_that_is_refused_is_an_error(
    engine: FakeEngine, client: Client, answer: Any, code: grpc.StatusCode, reason: str
) -> None:
    """The connection is no session, and is not used again (A5 55)."""
    engine.on("POST", "/exec/{id}/start", **answer)

    replies, refused = await until_refused(client.exec.Exec(iter([START])))

    assert replies == []
    assert (refused.code, refused.reason) == (code, reason)
    assert await engine.until(lambda: engine.open_connections <= 1)


async def test_a_command_that_could_not_be_started_is_a_failure_and_no_output(
    engine: FakeEngine, client: Client
) -> None:
    """The engine writes its words as the command's output; the exit code distinguishes the two (B2 35, [V18])."""
    words = b'OCI runtime exec failed: exec failed: "nope": executable file not found in $PATH: unknown\r\n'
    engine.on("POST", "/exec/{id}/start", writes(frame(1, words)))
    engine.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 126, "Pid": 0}, times=2)
    engine.on("GET", "/exec/{id}/json", json={"Running": False, "ExitCode": 3, "Pid": 7})

    replies, refused = await until_refused(client.exec.Exec(iter([START])))
    said = await run(client, START)

    assert output(replies) == b""
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "EXEC_START_FAILED")
    assert "executable file not found" in refused.message
    assert output(said) == words  # of a command that ended with 3, it is what the command said
    assert said[-1].end.exit_code == 3


async def test_a_removed_container_leaves_no_exit_code(engine: FakeEngine, client: Client) -> None:
    """The session ends, and its end says that no exit code is known (B2 34)."""
    engine.on("POST", "/exec/{id}/start", writes(frame(1, b"x")))
    engine.on("GET", "/exec/{id}/json", status=404, error=f"No such exec instance: {EXEC}")

    replies = await run(client, START)

    assert not replies[-1].end.HasField("exit_code")
    assert "removed" in replies[-1].end.unknown_reason


@pytest.mark.parametrize("created", [b"no json", b"[]", b'{"Id":5}', b'{"Id":"../x"}'])
async def test_an_exec_that_is_none_is_a_bad_answer(engine: FakeEngine, client: Client, created: bytes) -> None:
    """Nothing is started."""
    engine.on("POST", "/containers/{id}/exec", status=201, body=created)

    refused = await refusal(client.exec.Exec(iter([START])))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")
    assert not [request for request in engine.requests if request.path.endswith("/start")]


@pytest.mark.parametrize("where", ["/containers/{id}/exec", "/exec/{id}/start"])
async def test_a_host_that_hangs_leaves_the_outcome_open(engine: FakeEngine, client: Client, where: str) -> None:
    """Without a deadline of the client the gateway's own holds; the exec may have been made or started (B2 3)."""
    held = Held()
    engine.on("POST", where, held)

    refused = await refusal(client.exec.Exec(iter([START])))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    await held.gone.wait()


# The client's side


async def test_a_client_that_leaves_closes_the_session(engine: FakeEngine, client: Client) -> None:
    """At once; the engine sees the end of the connection."""
    held = Held(lambda exchange: exchange.upgrade(frame(1, b"$ ")))
    engine.on("POST", "/exec/{id}/start", held)
    call = client.exec.Exec()
    await call.write(START)
    await held.called.wait()
    await call.read()
    call.cancel()

    await held.gone.wait()


async def test_an_exec_may_last_longer_than_a_call_and_not_longer_than_its_deadline(
    engine: FakeEngine, client: Client
) -> None:
    """Only the client's own deadline ends a session, and the connection with it."""
    held = Held(lambda exchange: exchange.upgrade(frame(1, b"$ ")))
    engine.on("POST", "/exec/{id}/start", held)

    async def requests() -> AsyncIterator[exec_pb2.ExecRequest]:
        yield START
        await held.gone.wait()

    refused = await refusal(client.exec.Exec(requests(), timeout=2))

    assert refused.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await held.gone.wait()


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "start"),
        ([stdin(b"x")], "start"),
        ([START, START], "frame"),
        ([START, exec_pb2.ExecRequest()], "frame"),
        (
            [
                exec_pb2.ExecRequest(start=exec_pb2.ExecStart(host="h1", id="web", cmd=["x"], on_disconnect=KEEP)),
                stdin(b"x"),
            ],
            "stdin",
        ),
    ],
)
async def test_frames_in_the_wrong_place_end_the_session(
    engine: FakeEngine, client: Client, requests: list[Any], field: str
) -> None:
    """The error says which frame is wrong, and the session is closed."""
    engine.on("POST", "/exec/{id}/start", Held(lambda exchange: exchange.upgrade()))

    refused = await refusal(client.exec.Exec(iter(requests)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert field in refused.message
    assert await engine.until(lambda: engine.open_connections <= 1)


async def test_of_many_sizes_only_the_last_counts(engine: FakeEngine, client: Client) -> None:
    """While one size is on its way, all but the newest of the next are left out (B2 36)."""
    first, sized = Held(), asyncio.Event()
    engine.on("POST", "/exec/{id}/resize", first, times=1)
    engine.on("POST", "/exec/{id}/resize", status=200)

    async def requests() -> AsyncIterator[exec_pb2.ExecRequest]:
        yield START
        yield size(1, 1)
        await first.called.wait()
        for number in range(2, 500):
            yield size(number, 80)
        yield stdin(b"sized")
        await sized.wait()

    call = client.exec.Exec(requests())
    async for reply in call:
        if reply.output.data:
            await first.exchange.answer(status=200)
            first.exchange.close()
            await engine.request("POST", "/exec/{id}/resize", nth=2)
            sized.set()

    sizes = [dict(request.query)["h"] for request in engine.requests if request.path.endswith("/resize")]
    assert sizes == ["1", "499"]


async def test_a_size_that_is_refused_does_not_end_the_session(engine: FakeEngine, client: Client) -> None:
    """A process that has ended, or has no terminal, has no size (B2 36)."""
    engine.on("POST", "/exec/{id}/resize", status=404, error="No such exec instance")

    replies = await run(client, START, size(0, 0), stdin(b"x"), size(2**31, 2**31))

    assert output(replies) == b"x"
    assert replies[-1].end.exit_code == 3


async def test_a_process_that_ends_before_its_input_is_no_failure(engine: FakeEngine, client: Client) -> None:
    """What it did not read is lost, as it is for any pipe (`head -c1`, B2 37)."""
    engine.on("POST", "/exec/{id}/start", writes(frame(1, b"x")))

    def exchange() -> list[Any]:
        # By a synchronous client: the asynchronous one may report a failure when a call ends while it sends.
        with grpc.insecure_channel(f"127.0.0.1:{client.port}") as channel:
            requests = [START, *(stdin(b"y" * (1 << 20)) for _ in range(20))]
            return list(exec_pb2_grpc.ExecServiceStub(channel).Exec(iter(requests)))

    replies = await asyncio.to_thread(exchange)

    assert output(replies) == b"x"
    assert replies[-1].end.exit_code == 3
