"""Answers that are streams: JSON lines, bytes, and failures within them."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import aclosing
from time import process_time
from typing import Any, cast

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.engine.client import Call, Engine
from gateway.engine.codec.frames import Frame, FrameDecoder
from gateway.engine.codec.streams import chunks, is_terminal, lines, output, whole
from gateway.engine.errors import BadResponse, Disconnected, OperationFailed, OutcomeUnknown, TimedOut, TornStream
from gateway.engine.resumable.subscription import Idle
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.turns import Traffic, Turns
from tests.support.fake_engine import FakeEngine, ResponseParser, frame, torn
from tests.support.upstream import engine_at

READ = Call(Request("GET", "/events"), changes=False)
CHANGE = Call(Request("POST", "/images/create"), changes=True)


class InPieces:
    """What a connection brings, each of *pieces* by itself."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.turns = Turns(Traffic())
        self._pieces = iter(pieces)

    async def read(self, deadline: float | None, least: int) -> bytes:
        """Return the next piece."""
        return next(self._pieces, b"")


async def documents(engine: Engine, call: Call = READ, idle_seconds: float | None = None) -> list[Any]:
    """Return the documents that *call* brings."""
    async with engine.open(call) as (_, connection):
        return [document async for document in lines(connection, idle_seconds)]


# JSON lines


@pytest.mark.parametrize(
    "pieces",
    [
        [b'{"a":1}\n{"b":2}\n'],
        [b'{"a":1}\r\n', b'{"b":2}\r\n'],
        [b'{"a"', b':1}\n{"b":', b"2}\n"],
        [b'{"a":1}\n{"b":2}'],
        [b'\x1e{"a":1}\n\x1e{"b":2}\n'],
        [b'\n\n{"a":1}\n \r\n\n{"b":2}\n\n'],
    ],
    ids=["one chunk", "CRLF", "cut anywhere", "no last line feed", "json-seq", "empty lines"],
)
async def test_documents_do_not_keep_to_the_borders_of_chunks(
    fake: FakeEngine, engine: Engine, pieces: list[bytes]
) -> None:
    """A line is a document, however it is cut into HTTP chunks (sdk-notes 4)."""
    fake.on("GET", "/events", chunks=pieces)

    assert await documents(engine) == [{"a": 1}, {"b": 2}]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(max_size=20), max_size=5),
    borders=st.lists(st.integers(0, 300), max_size=20),
)
async def test_any_cut_gives_the_same_documents(
    fake: FakeEngine, engine: Engine, texts: list[str], borders: list[int]
) -> None:
    """Characters of several bytes survive being cut by chunks."""
    data = b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts)
    cuts = [0, *sorted({border % (len(data) + 1) for border in borders}), len(data)]
    fake.on("GET", "/events", chunks=[data[a:b] for a, b in itertools.pairwise(cuts) if a < b])

    assert await documents(engine) == [{"text": text} for text in texts]


@pytest.mark.parametrize(
    ("line", "text", "status"),
    [
        ({"errorDetail": {"message": "no manifest", "code": 404}, "error": "no manifest"}, "no manifest", 404),
        ({"errorDetail": {"message": "exit 3", "code": 3}, "error": "exit 3"}, "exit 3", 0),
        ({"error": "only text"}, "only text", 0),
        ({"errorDetail": {}, "error": "no detail"}, "no detail", 0),
        ({"errorDetail": "odd", "error": "no object"}, "no object", 0),
        ({"errorDetail": {"message": "x", "code": "404"}}, "x", 0),
    ],
)  # fmt: skip
async def test_a_failure_within_a_line_is_a_failure(
    fake: FakeEngine, engine: Engine, line: dict[str, Any], text: str, status: int
) -> None:
    """Pull, push, build and load answer 200 and report the failure in a line; it is never progress (B2 39)."""
    fake.on("POST", "/images/create", lines=[{"status": "Pulling"}, line, {"status": "never read"}])
    seen = []

    async def read() -> None:
        async with engine.open(CHANGE) as (_, connection):
            async for document in lines(connection):
                seen.append(document)  # noqa: PERF401 - what comes before the failure is wanted

    with pytest.raises(OperationFailed) as failed:
        await read()

    assert (str(failed.value), failed.value.http_status) == (text, status)
    assert seen == [{"status": "Pulling"}]


@pytest.mark.parametrize(
    "data",
    [b"no json\n", b'{"a":1\n', b'{"a":NaN}\n', b'{"a":"\xff"}\n', b"[" * 5000 + b"\n", b'{"a":"\\ud800"}\n'],
    ids=["text", "cut", "NaN", "not UTF-8", "nested deeply", "half a character"],
)
async def test_a_line_that_is_no_json_is_torn(fake: FakeEngine, engine: Engine, data: bytes) -> None:
    """Nonsense within a stream is an error (A5 52)."""
    fake.on("GET", "/events", chunks=[b'{"a":1}\n', data])

    with pytest.raises(TornStream):
        await documents(engine)


async def test_a_line_without_end_is_given_up(fake: FakeEngine, engine: Engine) -> None:
    """A line beyond 4 MiB is not gathered (A5 52)."""
    fake.on("GET", "/events", chunks=itertools.repeat(b"x" * (1 << 20)))

    with pytest.raises(TornStream, match="exceeds"):
        await documents(engine)
    assert await fake.until(lambda: fake.open_connections == 1)


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("at", [0, 9, 20])
async def test_lines_that_break_off_have_not_ended(at: int, chunked: bool, reset: bool) -> None:
    """A broken stream is never a complete one; the request decides what the break means (fact 2)."""
    body = b'{"a":1}\n{"b":2}\n{"c":3}\n'
    async with FakeEngine.tcp() as fake, engine_at(fake.address) as engine:
        fake.on("GET", "/events", torn(body, at, chunked=chunked, reset=reset))
        fake.on("POST", "/images/create", torn(body, at, chunked=chunked, reset=reset))

        with pytest.raises(Disconnected):
            await documents(engine)
        with pytest.raises(OutcomeUnknown):
            await documents(engine, CHANGE)


async def test_progress_that_stops_ends_the_call(fake: FakeEngine, engine: Engine) -> None:
    """Silence that means that work has stalled ends the call, and closes the connection (B2 39)."""
    fake.on("GET", "/events", chunks=[b'{"a":1}\n'], hold=True)

    with pytest.raises(TimedOut):
        await documents(engine, READ, idle_seconds=0.1)
    assert await fake.until(lambda: fake.open_connections == 1)


async def test_empty_lines_are_no_life(fake: FakeEngine, engine: Engine) -> None:
    """An engine that sends them forever says no more than one that sends nothing."""

    async def nothing(exchange: ResponseParser) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        while True:
            await exchange.chunk(b"\n")
            await asyncio.sleep(0.01)

    fake.on("GET", "/events", nothing)

    with pytest.raises(TimedOut):
        await documents(engine, READ, idle_seconds=0.2)


async def test_a_long_line_in_many_pieces_is_searched_once() -> None:
    """Three megabytes in pieces of 256 bytes: all of it again with each piece would be 18 GB of copies."""
    line = b'"' + b"x" * (3 << 20) + b'"\n'

    pieces = [line[start : start + 256] for start in range(0, len(line), 256)]
    before = process_time()
    found = [document async for document in lines(cast("Connection", InPieces(pieces)))]

    assert process_time() - before < 2  # it takes a tenth
    assert found == ["x" * (3 << 20)]


async def test_a_line_of_more_values_than_an_engine_has_to_say_is_torn(fake: FakeEngine, engine: Engine) -> None:
    """They are counted before they are read, for each takes more memory than bytes."""
    fake.on("GET", "/events", chunks=[b"[" + b",".join([b"{}"] * 30_000) + b"]\n"])

    with pytest.raises(TornStream, match="more than"):
        await documents(engine)


@pytest.mark.parametrize("error", [{"a": {"b": 1}}, ["a"], 7, None])
async def test_a_failure_without_words_says_that(fake: FakeEngine, engine: Engine, error: Any) -> None:
    """What is no text is not made one: it may be nested deeply."""
    fake.on("POST", "/images/create", lines=[{"error": error, "errorDetail": {"message": error}}])

    with pytest.raises(OperationFailed, match="the engine does not say why"):
        await documents(engine, CHANGE)


# Output


async def test_frames_without_data_are_no_output(fake: FakeEngine, engine: Engine) -> None:
    """A process whose engine sends them forever is silent: its reader gets heartbeats."""

    async def nothing(exchange: ResponseParser) -> None:
        exchange.upgrade(frame(1, b"a"))
        while True:
            exchange.write(frame(1, b"") * 100)
            await exchange.drain()
            await asyncio.sleep(0.005)

    fake.on("POST", "/containers/{id}/attach", nothing)
    found: list[Any] = []
    async with (
        engine.session(Call(Request("POST", "/containers/web/attach"))) as connection,
        aclosing(output(connection, FrameDecoder(), 0.05)) as items,
    ):
        while len(found) < 4:
            found.append(await anext(items))

    assert found == [[Frame(1, b"a", True)], Idle(0.05), Idle(0.1), Idle(0.05 + 0.05 + 0.05)]


# Bytes


async def test_bytes_come_whole_in_pieces_of_bounded_size(fake: FakeEngine, engine: Engine) -> None:
    """No message holds more than 256 KiB, and no byte is lost."""
    data = bytes(range(256)) * 5000
    fake.on("GET", "/events", chunks=[data[:1_000_000], data[1_000_000:]])

    async with engine.open(READ) as (_, connection):
        pieces = [piece async for piece in chunks(connection)]

    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= 256 << 10


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_bytes_that_break_off_have_not_ended(chunked: bool, reset: bool) -> None:
    """An archive that is cut is never whole."""
    received = []
    async with FakeEngine.tcp() as fake, engine_at(fake.address) as engine:
        fake.on("GET", "/events", torn(b"x" * 1_000_000, 600_000, chunked=chunked, reset=reset))

        async def download() -> None:
            async with engine.open(READ) as (_, connection):
                async for piece in chunks(connection):
                    received.append(len(piece))  # noqa: PERF401 - what comes before the break is wanted

        with pytest.raises(Disconnected):
            await download()

    assert sum(received) <= 600_000


async def test_bytes_that_do_not_come_are_given_up(fake: FakeEngine, engine: Engine) -> None:
    """A host that stops within a download does not keep its client waiting."""
    fake.on("GET", "/events", chunks=[b"x" * (256 << 10)], hold=True)

    async with engine.open(READ) as (_, connection):
        pieces = chunks(connection, 0.1)
        await anext(pieces)
        with pytest.raises(TimedOut):
            await anext(pieces)


# Short answers to long requests


async def test_a_short_answer_is_read_whole(fake: FakeEngine, engine: Engine) -> None:
    """The answer to an upload comes as it is."""
    fake.on("GET", "/events", chunks=[b"{}", b"\n"])

    async with engine.open(READ) as (_, connection):
        assert await whole(connection) == b"{}\n"


async def test_a_short_answer_that_is_not_is_refused(fake: FakeEngine, engine: Engine) -> None:
    """An answer without end is not gathered (A5 52)."""
    fake.on("GET", "/events", chunks=itertools.repeat(b"x" * (1 << 20)))

    async with engine.open(READ) as (_, connection):
        with pytest.raises(BadResponse, match="exceeds"):
            await whole(connection)


# Frames or none


@pytest.mark.parametrize(
    ("kind", "configured", "terminal"),
    [
        (None, False, False),
        (None, True, True),
        ("application/vnd.docker.raw-stream", True, True),
        ("application/vnd.docker.raw-stream", False, False),  # engines before API 1.42 send it for both
        ("application/vnd.docker.multiplexed-stream", False, False),
        ("application/vnd.docker.multiplexed-stream", True, False),
    ],
)
def test_the_content_type_decides_and_then_the_configuration(
    kind: str | None, configured: bool, terminal: bool
) -> None:
    """The content type decides whether there are frames; without it, the container's configuration does."""
    headers = {} if kind is None else {"content-type": kind}

    assert is_terminal(Response(200, headers), configured) is terminal
