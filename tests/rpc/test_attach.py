"""Attaching to a container through the gateway: its input and output, and ends that are none."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2

from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, gateway_of, receive
from tests.support.upstream import Held, cat, output, refusal, until_refused, writes

ATTACH = "/containers/{id}/attach"
START = containers_pb2.AttachContainerRequest(
    start=containers_pb2.AttachContainerStart(
        host="h1", id="web", stream=True, attach_stdin=True, attach_stdout=True, attach_stderr=True, logs=True
    )
)


def stdin(data: bytes) -> containers_pb2.AttachContainerRequest:
    """Return a frame of input."""
    return containers_pb2.AttachContainerRequest(stdin=data)


def state(*, running: bool, code: int = 0, tty: bool = False) -> dict[str, Any]:
    """Return a container as the engine inspects it."""
    return {"Id": "web", "Config": {"Tty": tty}, "State": {"Running": running, "ExitCode": code}}


def script(engine: FakeEngine) -> None:
    """Have a container whose process is `cat`, which ends with the exit code 5."""
    engine.on("GET", "/containers/{id}/json", json=state(running=False, code=5))
    engine.on("POST", ATTACH, cat)


engine = engine_fixture(script, over=("unix", "tcp"))
client = client_fixture(write_timeout_seconds=1, read_timeout_seconds=1)


async def attach(client: Client, *requests: containers_pb2.AttachContainerRequest) -> list[Any]:
    """Return the replies to an attach."""
    return [reply async for reply in client.containers.AttachContainer(iter(requests))]


async def test_input_and_output_go_to_and_fro_until_the_container_ends(engine: FakeEngine, client: Client) -> None:
    """First it has started, last is how it ended; the end of the requests is the end of the input."""
    replies = await attach(client, START, stdin(b"to be"), stdin(b" or not"))
    request = await engine.request("POST", ATTACH)

    assert replies[0].WhichOneof("record") == "started"
    assert output(replies) == b"to be or not"
    assert (replies[-1].end.running, replies[-1].end.exit_code) == (False, 5)
    assert dict(request.query) == dict.fromkeys(("stream", "stdin", "stdout", "stderr", "logs"), "true")
    assert request.headers["upgrade"] == "tcp"


async def test_output_that_comes_with_the_answer_is_kept(engine: FakeEngine, client: Client) -> None:
    """What the log held already is in the packet of the upgrade: the SDK returned nothing in most calls."""
    engine.on("POST", ATTACH, writes(frame(1, b"from the log\n"), frame(2, b"and now\n")))

    replies = await attach(client, START)

    assert [(reply.output.stream, reply.output.data) for reply in replies[1:-1]] == [
        (common_pb2.STANDARD_STREAM_STDOUT, b"from the log\n"),
        (common_pb2.STANDARD_STREAM_STDERR, b"and now\n"),
    ]


async def test_a_terminal_has_no_frames(engine: FakeEngine, client: Client) -> None:
    """Its bytes are delivered unchanged, and its sizes go to the container."""
    engine.on("GET", "/containers/{id}/json", json=state(running=True, tty=True))
    engine.on("POST", "/containers/{id}/resize", status=200)
    engine.on("POST", ATTACH, Held(lambda exchange: exchange.upgrade(b"\x01\0\0\0\0\0\0\x09$ ")))
    call = client.containers.AttachContainer()
    await call.write(START)
    await call.write(containers_pb2.AttachContainerRequest(resize=common_pb2.TerminalSize(height=24, width=80)))

    assert (await receive(call)).started.tty
    assert (await receive(call)).output.data == b"\x01\0\0\0\0\0\0\x09$ "
    assert dict((await engine.request("POST", "/containers/{id}/resize")).query) == {"h": "24", "w": "80"}
    call.cancel()


async def test_words_like_the_engines_are_output(engine: FakeEngine, client: Client) -> None:
    """Words like those of an engine that could not start an exec mean nothing here."""
    words = b"OCI runtime exec failed: says who\nError: Exec command says who\n"
    engine.on("POST", ATTACH, writes(frame(1, words)))

    assert output(await attach(client, START)) == words


async def test_a_session_that_ends_before_its_container_reports_that_it_runs(
    engine: FakeEngine, client: Client
) -> None:
    """With its keys, or without `stream`, a client may leave a container that continues to run."""
    engine.on("GET", "/containers/{id}/json", json=state(running=True))
    engine.on("POST", ATTACH, writes(frame(1, b"so far")))

    replies = await attach(client, START)

    assert replies[-1].end.running
    assert not replies[-1].end.HasField("exit_code")


async def test_a_container_that_removes_itself_has_ended_without_a_code(engine: FakeEngine, client: Client) -> None:
    """The session's end says that no exit code is known."""
    engine.on("GET", "/containers/{id}/json", json=state(running=True), times=1)
    engine.on("GET", "/containers/{id}/json", status=404, error="No such container: web")

    replies = await attach(client, START)

    assert not replies[-1].end.running
    assert not replies[-1].end.HasField("exit_code")


@pytest.mark.parametrize("piece", [frame(1, b"half")[:10], frame(1, b"half")[:5], frame(9, b"what")])
async def test_output_that_is_torn_is_no_end(engine: FakeEngine, client: Client, piece: bytes) -> None:
    """What came before is delivered, and the end is DATA_LOSS (A5 54)."""
    engine.on("POST", ATTACH, writes(frame(1, b"whole"), piece))

    replies, refused = await until_refused(client.containers.AttachContainer(iter([START])))

    assert not [reply for reply in replies if reply.WhichOneof("record") == "end"]
    assert (refused.code, refused.reason) == (grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE")


async def test_an_engine_that_dies_is_never_an_end(engine: FakeEngine, client: Client) -> None:
    """Its sessions look like ended ones; the gateway asks the engine, and finds that it is gone (fact 2, V9)."""

    async def die(exchange: ResponseParser) -> None:
        engine.on("GET", "/containers/{id}/json", gone)
        exchange.upgrade(frame(1, b"last words"))
        await exchange.drain()
        exchange.close()

    async def gone(exchange: ResponseParser) -> None:
        exchange.close()

    engine.on("POST", ATTACH, die)

    replies, refused = await until_refused(client.containers.AttachContainer(iter([START])))

    assert output(replies) == b"last words"
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "CONNECTION_LOST")


async def test_a_session_that_is_reset_has_not_ended() -> None:
    """A reset is a break at once."""
    async with FakeEngine.tcp() as engine, gateway_of(engine.address) as client:
        engine.on("GET", "/containers/{id}/json", json=state(running=True))
        engine.on("POST", ATTACH, writes(frame(1, b"half"), end="abort"))

        refused = await refusal(client.containers.AttachContainer(iter([START])))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")


@pytest.mark.parametrize("document", [{}, {"Config": {"Tty": False}}, {"Config": {"Tty": False}, "State": []}])
async def test_a_container_that_is_none_is_a_bad_answer(engine: FakeEngine, client: Client, document: Any) -> None:
    """An inspection of another shape is no defect of the gateway."""
    engine.on("GET", "/containers/{id}/json", json=document)
    engine.on("POST", ATTACH, writes(frame(1, b"x")))

    refused = await refusal(client.containers.AttachContainer(iter([START])))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")


@pytest.mark.parametrize("where", ["GET /containers/{id}/json", f"POST {ATTACH}"])
async def test_a_host_that_hangs_ends_the_call(engine: FakeEngine, client: Client, where: str) -> None:
    """The inspection and the beginning of the session have a timeout."""
    held = Held()
    method, path = where.split()
    engine.on(method, path, held)

    refused = await refusal(client.containers.AttachContainer(iter([START])))

    assert (refused.code, refused.reason) in (
        (grpc.StatusCode.DEADLINE_EXCEEDED, "HOST_TIMEOUT"),
        (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN"),
    )
    await held.gone.wait()


async def test_a_client_that_leaves_closes_the_session_and_not_the_container(
    engine: FakeEngine, client: Client
) -> None:
    """The engine sees the end of the connection, and no other request."""
    held = Held(lambda exchange: exchange.upgrade(frame(1, b"$ ")))
    engine.on("POST", ATTACH, held)
    call = client.containers.AttachContainer()
    await call.write(START)
    await held.called.wait()
    await receive(call)
    call.cancel()
    await held.gone.wait()

    assert [request.path for request in engine.asked] == [
        "/containers/web/json", "/containers/web/attach",
    ]  # fmt: skip
