"""Logs through the gateway: what the engine wrote, and no good end for a log that broke."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2

from gateway.config.settings import Limits
from tests.support.fake_engine import BAD_CHUNK_SIZE, FakeEngine, ResponseParser, frame, torn
from tests.support.fake_log import ID, STATE, state
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, gateway_of, receive
from tests.support.held_turns import HeldTurns
from tests.support.upstream import Held, refusal, until_refused

OUT, ERR = common_pb2.STANDARD_STREAM_STDOUT, common_pb2.STANDARD_STREAM_STDERR
TIME = b"2026-05-01T10:00:00.%09dZ "
LOGS = "/containers/{id}/logs"
COMPLETE = containers_pb2.LogEnd(
    reason=containers_pb2.LOG_END_REASON_COMPLETE, unknown_reason="the call did not wait for the container's end"
)
END = containers_pb2.LogEnd(reason=containers_pb2.LOG_END_REASON_NOT_RUNNING, exit_code=0)
FOLLOW = containers_pb2.StreamLogsRequest(host="h1", id="web", follow=True)


def line(number: int, text: bytes = b"") -> bytes:
    """Return a line of standard output, as the engine frames it."""
    return frame(1, TIME % number + (text or b"line %d\n" % number))


def script(engine: FakeEngine) -> None:
    """Have a container without a terminal."""
    engine.on(*STATE, json=state(running=False))


engine = engine_fixture(script, over=("unix", "tcp"))
client = client_fixture(read_timeout_seconds=1, reconnect_timeout_seconds=0.1)


def lines(batches: list[Any]) -> list[bytes]:
    """Return the lines of all batches."""
    return [entry.data for batch in batches for entry in batch.batch.entries]


async def to_its_end(client: Client, request: containers_pb2.StreamLogsRequest = FOLLOW) -> list[Any]:
    """Return the entries of a log that ends well, which its last message says."""
    *batches, last = [batch async for batch in client.containers.StreamLogs(request)]
    assert last.end == (END if request.follow else COMPLETE)
    return [entry for batch in batches for entry in batch.batch.entries]


# What comes


async def test_lines_come_with_their_stream_and_their_time(engine: FakeEngine, client: Client) -> None:
    """A line loses its line feed and nothing else; a part of one is marked."""
    engine.on("GET", LOGS, frames=[(1, TIME % 1 + b"out\n"), (2, TIME % 2 + b"err\n"), (1, TIME % 3 + b"a part")])

    entries = await to_its_end(client)

    assert [(entry.stream, entry.data, entry.time.nanos, entry.partial) for entry in entries] == [
        (OUT, b"out", 1, False),
        (ERR, b"err", 2, False),
        (OUT, b"a part", 3, True),
    ]
    assert {entry.time.seconds for entry in entries} == {1777629600}


async def test_a_log_is_requested_in_a_turn_of_its_host(engine: FakeEngine, client: Client) -> None:
    """Clients that begin many logs would keep the loop from the other hosts otherwise."""
    engine.on("GET", LOGS, chunks=[line(1)])
    turns = client.hosts_of_gateway["h1"].engine._pool.turns = HeldTurns()
    reading = asyncio.create_task(to_its_end(client))
    await turns.waiting.wait()
    before = [request.path for request in engine.asked]
    turns.begin.set()

    assert [entry.data for entry in await reading] == [b"line 1"]
    assert before == ["/containers/web/json"]


async def test_lines_cut_anywhere_are_whole(engine: FakeEngine, client: Client) -> None:
    """The borders of HTTP chunks and packets mean nothing, also within a header or a character."""
    data = line(1, "naïve ☃\n".encode()) + line(2) + line(3)
    engine.on("GET", LOGS, chunks=[data[start : start + 7] for start in range(0, len(data), 7)])

    assert [entry.data for entry in await to_its_end(client)] == ["naïve ☃".encode(), b"line 2", b"line 3"]


async def test_many_lines_come_in_batches_of_bounded_size(engine: FakeEngine, client: Client) -> None:
    """What the engine sends at once comes together, and no message is larger than a frame may be."""
    engine.on("GET", LOGS, chunks=[line(number, b"x" * 990 + b"\n") for number in range(3000)])

    batches = [batch async for batch in client.containers.StreamLogs(FOLLOW)]

    assert batches[-1].end == END
    assert sum(len(batch.batch.entries) for batch in batches) == 3000
    assert len(batches) < 1000
    assert max(batch.ByteSize() for batch in batches) < 300 << 10


TERMINAL = [(1, b"a" * (16 << 10)), (2, b"b" * (16 << 10)), (2, "é\r\n".encode()), (3, b"next\r\n")]


@pytest.mark.parametrize("cut", [1000, 16_400, 16_415, 16_430])
async def test_a_terminals_lines_are_joined_where_the_engine_cut_them(
    engine: FakeEngine, client: Client, cut: int
) -> None:
    """There are no frames, and parts of a long line follow each other with nothing but a time between."""
    engine.on(*STATE, json=state(running=False) | {"Config": {"Tty": True}})
    data = b"".join(TIME % number + text for number, text in TERMINAL)
    engine.on("GET", LOGS, chunks=[data[start : start + cut] for start in range(0, len(data), cut)])

    entries = await to_its_end(client)

    assert [(entry.time.nanos, entry.data, entry.partial) for entry in entries] == [
        (1, b"".join(text for _, text in TERMINAL[:3])[:-1], False), (3, b"next\r", False),
    ]  # fmt: skip
    assert {entry.stream for entry in entries} == {OUT}


async def test_the_content_type_decides_whether_there_are_frames(engine: FakeEngine) -> None:
    """From API 1.42 on the content type counts, whatever the container's configuration says."""
    engine.api_version = "1.44"
    engine.on(*STATE, json=state(running=False) | {"Config": {"Tty": True}})
    engine.on("GET", LOGS, frames=[(2, TIME % 1 + b"framed\n")])

    async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        entries = await to_its_end(client)

    assert [(entry.stream, entry.data) for entry in entries] == [(ERR, b"framed")]


async def test_details_are_not_part_of_the_line(engine: FakeEngine, client: Client) -> None:
    """Attributes that the log driver keeps with a line become a map, unescaped."""
    engine.on("GET", LOGS, frames=[(1, TIME % 1 + b"app=a%2Cb,tier=x hello world\n"), (1, TIME % 2 + b" no details\n")])
    request = containers_pb2.StreamLogsRequest(host="h1", id="web", details=True)

    entries = await to_its_end(client, request)

    assert [(dict(entry.details), entry.data) for entry in entries] == [
        ({"app": "a,b", "tier": "x"}, b"hello world"),
        ({}, b"no details"),
    ]


# Breaks that look like ends


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("cut", [0, 3, 8, 20, 46, 47, 60])
async def test_a_log_that_breaks_off_has_not_ended(engine: FakeEngine, client: Client, cut: int, reset: bool) -> None:
    """Wherever it is cut, whole lines are delivered, no torn one, and the end is UNAVAILABLE (fact 2, B2 16)."""
    data = line(1) + line(2)
    engine.on("GET", LOGS, torn(data, cut, chunked=True, reset=reset))

    batches, refused = await until_refused(client.containers.StreamLogs(FOLLOW))

    assert lines(batches) == [b"line 1"] * (cut >= len(line(1)))
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "CONNECTION_LOST")
    assert refused.metadata["retry_safe"] == "true"


@pytest.mark.parametrize("cut", [3, 8, 20])
async def test_a_log_that_ends_within_a_line_has_lost_it(engine: FakeEngine, client: Client, cut: int) -> None:
    """A body that ends well, within a frame, is DATA_LOSS (A5 54)."""
    engine.on("GET", LOGS, chunks=[line(1) + line(2)[:cut]])

    batches, refused = await until_refused(client.containers.StreamLogs(FOLLOW))

    assert lines(batches) == [b"line 1"]
    assert (refused.code, refused.reason) == (grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE")


NONSENSE = {
    "another stream": frame(9, TIME % 1 + b"x\n"),
    "no time": frame(1, b"x\n"),
    "no time but a space": frame(1, b"hello world\n"),
    "a time that is none": frame(1, b"2026-99-99T99:99:99.000000000Z x\n"),
    "a time before all times": frame(1, b"0001-01-01T00:00:00.000000000Z x\n"),
    "digits that are none": frame(1, b"2026-05-01T10:00:00.-00000001Z x\n"),
    "plain text": b"starting web server on port 80\n",
    "a line without end": struct.pack(">BxxxL", 1, 0xFFFFFFFF) + b"x" * (3 << 20),
}


@pytest.mark.parametrize("what", NONSENSE)
async def test_what_is_no_log_is_lost_data_and_no_defect(engine: FakeEngine, client: Client, what: str) -> None:
    """What came before it is delivered, and the rest is DATA_LOSS (A5 54)."""
    engine.on("GET", LOGS, chunks=[line(1), NONSENSE[what]])

    batches, refused = await until_refused(client.containers.StreamLogs(FOLLOW))

    assert lines(batches) in ([b"line 1"], [])
    assert (refused.code, refused.reason) == (grpc.StatusCode.DATA_LOSS, "BAD_ENGINE_RESPONSE")


async def test_a_report_of_the_engine_is_no_line(engine: FakeEngine, client: Client) -> None:
    """Stream 3 is the failure of the call, with the engine's words (A5 54)."""
    engine.on("GET", LOGS, frames=[(1, TIME % 1 + b"line\n"), (3, b"Error grabbing logs: invalid character\n")])

    _, refused = await until_refused(client.containers.StreamLogs(FOLLOW))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_FAILED")
    assert "Error grabbing logs: invalid character" in refused.message


async def test_a_frame_that_claims_four_gigabytes_waits_for_no_more_than_it_brings(
    engine: FakeEngine, client: Client
) -> None:
    """The lines before it come at once, and no memory is reserved for it (A5 54)."""
    claim = Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"}))
    engine.on("GET", LOGS, claim)
    call = client.containers.StreamLogs(FOLLOW)
    await claim.called.wait()
    await claim.exchange.chunk(line(1))
    await claim.exchange.chunk(struct.pack(">BxxxL", 1, 0xFFFFFFFF) + b"tiny")

    assert lines([await receive(call)]) == [b"line 1"]
    call.cancel()
    await claim.gone.wait()


async def test_a_body_that_is_no_http_is_a_bad_answer(engine: FakeEngine, client: Client) -> None:
    """A chunk without a valid size ends the call as a bad answer."""
    engine.on("GET", LOGS, raw=BAD_CHUNK_SIZE)

    refused = await refusal(client.containers.StreamLogs(FOLLOW))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")


DOCUMENTS = [
    {}, [], "text", {"Id": "web"}, {"Id": ID}, state() | {"Config": None}, state() | {"Config": []},
    state(ExitCode=None), state(StartedAt=7), state(StartedAt="noon"), state(FinishedAt="never"),
    state() | {"State": "running"}, state() | {"Id": "../../x"},
]  # fmt: skip


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_a_container_that_is_none_is_a_bad_answer(engine: FakeEngine, client: Client, document: object) -> None:
    """An inspection without the terminal's state is no defect of the gateway."""
    engine.on("GET", "/containers/{id}/json", json=document)
    engine.on("GET", LOGS, chunks=[line(1)])

    refused = await refusal(client.containers.StreamLogs(FOLLOW))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")


async def test_a_log_that_cannot_be_read_is_an_error_at_once(engine: FakeEngine, client: Client) -> None:
    """A log driver without reading is the state of the container, not a failure of the host (B2 29)."""
    engine.on("GET", LOGS, status=501, error="configured logging driver does not support reading")

    refused = await refusal(client.containers.StreamLogs(FOLLOW))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "NOT_SUPPORTED")


# Waiting


@pytest.mark.parametrize("where", ["/_ping", "/containers/{id}/json", LOGS])
async def test_a_host_that_hangs_ends_a_follow_too(engine: FakeEngine, where: str) -> None:
    """Without a deadline of the client, the probe, the inspection and the log's head have a timeout."""
    engine.on("GET", where, Held())
    async with gateway_of(
        engine.address, limits=Limits(read_timeout_seconds=0.5), health_check_interval_seconds=3600
    ) as client:
        refused = await refusal(client.containers.StreamLogs(FOLLOW))

    assert (refused.code, refused.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "HOST_TIMEOUT")


async def test_a_log_may_be_silent_for_longer_than_a_call_may_take(engine: FakeEngine, client: Client) -> None:
    """A silent log is followed until its client leaves, and then the connection is closed at once."""
    quiet = Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"}))

    async def log(exchange: ResponseParser) -> None:
        follow = dict(exchange.request.query)["follow"] == "true"
        await (quiet(exchange) if follow else exchange.answer(frames=[]))

    engine.on(*STATE, json=state())
    engine.on("GET", LOGS, log)
    call = client.containers.StreamLogs(FOLLOW)
    await quiet.called.wait()
    first = await receive(call)
    await asyncio.sleep(1.5)  # longer than the gateway waits for an answer
    await quiet.exchange.chunk(line(1))

    assert first.HasField("heartbeat")  # at once, because it is a place to resume at
    assert first.resume_token
    assert lines([await receive(call)]) == [b"line 1"]
    call.cancel()
    await quiet.gone.wait()


async def test_a_clients_deadline_ends_a_follow(engine: FakeEngine, client: Client) -> None:
    """A deadline holds for the whole call, and the connection goes with it."""
    quiet = Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"}))
    engine.on("GET", LOGS, quiet)

    refused = await refusal(client.containers.StreamLogs(FOLLOW, timeout=0.5))

    assert refused.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await quiet.gone.wait()


async def test_a_reader_that_stalls_loses_no_line(engine: FakeEngine, client: Client) -> None:
    """The engine waits, memory is bounded, and every line comes (fact 3, A5 67)."""
    total, sent, stalled = 8_000, 0, asyncio.Event()

    async def pour(exchange: ResponseParser) -> None:
        nonlocal sent
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        while sent < total:
            data = b"".join(line(number, b"%d" % number + b"x" * 4990 + b"\n") for number in range(sent, sent + 100))
            exchange.write(b"%x\r\n%b\r\n" % (len(data), data))
            sent += 100
            try:
                await asyncio.wait_for(exchange.drain(), 0.5)
            except TimeoutError:
                stalled.set()
                await exchange.drain()
        await exchange.chunk(b"")

    engine.on("GET", LOGS, pour)
    batches = aiter(client.containers.StreamLogs(FOLLOW))
    first = await anext(batches)
    await stalled.wait()
    assert sent < total * 3 // 4

    seen = [*lines([first]), *lines([batch async for batch in batches])]
    assert [int(text.rstrip(b"x")) for text in seen] == list(range(total))


@pytest.mark.parametrize(
    ("wanted", "come"),
    [
        ({}, [b"out", b"err"]),
        ({"stdout": True}, [b"out"]),
        ({"stderr": True}, [b"err"]),
        ({"stdout": False}, [b"err"]),
        ({"stdout": True, "stderr": True}, [b"out", b"err"]),
    ],
)
async def test_the_outputs_that_are_asked_for_come(
    engine: FakeEngine, client: Client, wanted: dict[str, Any], come: list[bytes]
) -> None:
    """Both without a field; one alone when only that one is set; the other when one is false.

    The engine is asked for both, because a cursor is a position in both.
    """
    engine.on("GET", LOGS, frames=[(1, TIME % 1 + b"out\n"), (2, TIME % 2 + b"err\n")])
    request = containers_pb2.StreamLogsRequest(host="h1", id="web", **wanted)

    assert [entry.data for entry in await to_its_end(client, request)] == come
    query = dict((await engine.request("GET", LOGS)).query)
    assert (query["stdout"], query["stderr"]) == ("true", "true")
