"""The pool of connections to one engine, against real sockets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest

from gateway.engine.errors import BadResponse, Busy, Disconnected, TimedOut
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Limits, Pool
from gateway.engine.transport.timeouts import Deadline, Timeout
from tests.support.fake_engine import TWO_ANSWERS, FakeEngine, ResponseParser, drip, torn
from tests.support.upstream import Held, LargeBody, pool_to, soon

THING = Request("GET", "/thing")
CHANGE = Request("POST", "/thing")


@pytest.fixture(params=["unix", "tcp"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[FakeEngine]:
    """A scripted engine whose `/thing` answers."""
    async with FakeEngine() if request.param == "unix" else FakeEngine.tcp() as engine:
        engine.on("GET", "/thing", body=b"thing")
        engine.on("POST", "/thing", body=b"changed")
        yield engine


@pytest.fixture
async def pool(engine: FakeEngine) -> AsyncIterator[Pool]:
    """A pool of two connections, a queue of two and two streams."""
    async with pool_to(engine.address, Limits(connections=2, queue=2, streams=2, max_response_bytes=1 << 16)) as pool:
        yield pool


async def all_closed(engine: FakeEngine) -> bool:
    """Wait until no connection is open any more."""
    return await engine.until(lambda: not engine.open_connections)


# Connections kept


async def test_calls_after_each_other_share_a_connection(engine: FakeEngine, pool: Pool) -> None:
    """Whatever the path and the method: a kept connection carries the next call."""
    for _ in range(3):
        await pool.fetch(THING)
        await pool.fetch(CHANGE)
        await pool.fetch(Request("HEAD", "/_ping"))

    assert engine.connections == 1


async def test_calls_at_once_are_bounded_and_all_answered(engine: FakeEngine, pool: Pool) -> None:
    """There are no more connections than allowed; later calls wait for one."""
    answers = await asyncio.gather(*(pool.fetch(THING) for _ in range(4)))

    assert [answer.body for answer in answers] == [b"thing"] * 4
    assert engine.connections == 2


async def test_an_answer_that_ends_its_connection_is_followed_by_another(engine: FakeEngine, pool: Pool) -> None:
    """`Connection: close` is heeded."""
    engine.on("GET", "/thing", body=b"thing", headers={"Connection": "close"})

    await pool.fetch(THING)
    await pool.fetch(THING)

    assert engine.connections == 2


async def test_an_extra_answer_is_never_the_next_callers(engine: FakeEngine, pool: Pool) -> None:
    """An engine that answers twice loses the connection (A5 56)."""
    engine.on("GET", "/thing", raw=TWO_ANSWERS, times=1)
    with pytest.raises(BadResponse):
        await pool.fetch(THING)

    assert (await pool.fetch(THING)).body == b"thing"
    assert engine.connections == 2


async def test_an_extra_answer_that_comes_late_is_never_the_next_callers(engine: FakeEngine, pool: Pool) -> None:
    """The same when the second answer comes when the first has been taken."""
    late = Held(lambda exchange: exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"))
    engine.on("GET", "/thing", late, times=1)

    assert (await pool.fetch(THING)).body == b"first"
    late.exchange.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra")
    await late.gone.wait()
    assert (await pool.fetch(THING)).body == b"thing"


async def test_a_kept_connection_that_turns_out_dead_is_replaced_for_a_read(engine: FakeEngine, pool: Pool) -> None:
    """A read without any answer is sent again, once, on a new connection."""
    await pool.fetch(THING)
    dead = Held()
    engine.on("GET", "/thing", dead, times=1)
    call = asyncio.ensure_future(pool.fetch(THING, repeat=True))
    await dead.called.wait()
    dead.exchange.close()

    assert (await call).body == b"thing"
    assert [request.connection for request in engine.requests] == [1, 1, 2]


async def test_a_kept_connection_that_turns_out_dead_fails_a_change(engine: FakeEngine, pool: Pool) -> None:
    """A change may have happened, so it is not sent again."""
    await pool.fetch(CHANGE)
    dead = Held()
    engine.on("POST", "/thing", dead, times=1)
    call = asyncio.ensure_future(pool.fetch(CHANGE))
    await dead.called.wait()
    dead.exchange.close()

    with pytest.raises(Disconnected) as broken:
        await call
    assert broken.value.sent
    assert len(engine.requests) == 2


@pytest.mark.parametrize("reset", [False, True])
async def test_a_read_that_was_answered_in_part_is_not_sent_again(engine: FakeEngine, pool: Pool, reset: bool) -> None:
    """Only silence allows another try."""
    await pool.fetch(THING)
    engine.on("GET", "/thing", torn(b"thing", at=2, reset=reset), times=1)

    with pytest.raises(Disconnected):
        await pool.fetch(THING, repeat=True)
    assert len(engine.requests) == 2


async def test_a_new_connection_that_breaks_is_not_tried_again(engine: FakeEngine, pool: Pool) -> None:
    """Another try is for kept connections; a host that breaks new ones is broken."""

    async def close(exchange: ResponseParser) -> None:
        exchange.close()

    engine.on("GET", "/thing", close)

    with pytest.raises(Disconnected):
        await pool.fetch(THING, repeat=True)
    assert len(engine.requests) == 1


# Places and queue


async def test_more_calls_than_may_wait_are_refused_at_once(engine: FakeEngine, pool: Pool) -> None:
    """Two calls hang, two wait, and the fifth fails because the host is busy; nothing of it was sent (B2 9)."""
    engine.on("GET", "/thing", Held())
    calls = [asyncio.ensure_future(pool.fetch(THING)) for _ in range(4)]
    await engine.until(lambda: len(engine.requests) == 2)

    with pytest.raises(Busy) as busy:
        await pool.fetch(THING)
    assert not busy.value.sent
    assert str(busy.value) == (
        "host busy: 2 calls in progress (limits.max_connections_per_host)"
        " and 2 queued (limits.max_queued_calls_per_host)"
    )
    assert len(engine.requests) == 2
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert await all_closed(engine)


async def test_a_call_that_waits_has_its_deadline_too(engine: FakeEngine, pool: Pool) -> None:
    """A call that gets no connection in time has sent nothing."""
    engine.on("GET", "/thing", Held())
    calls = [asyncio.ensure_future(pool.fetch(THING)) for _ in range(2)]
    await engine.until(lambda: len(engine.requests) == 2)

    with pytest.raises(TimedOut) as late:
        await pool.fetch(CHANGE, Deadline.after(Timeout.of(0.05, "limits.write_timeout_seconds")))
    assert not late.value.sent
    assert str(late.value).endswith("became free within 0.05 s (limits.write_timeout_seconds)")
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert {request.method for request in engine.requests} == {"GET"}


async def test_a_call_that_leaves_the_queue_leaves_its_place(engine: FakeEngine, pool: Pool) -> None:
    """Cancelled calls, waiting or running, do not block other calls."""
    engine.on("GET", "/thing", Held(), times=2)
    calls = [asyncio.ensure_future(pool.fetch(THING)) for _ in range(4)]
    await engine.until(lambda: len(engine.requests) == 2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)

    answers = await asyncio.gather(*(pool.fetch(THING) for _ in range(4)))

    assert [answer.body for answer in answers] == [b"thing"] * 4


async def test_a_place_that_is_given_to_a_cancelled_call_goes_to_the_next(engine: FakeEngine, pool: Pool) -> None:
    """A call that is cancelled in the moment it gets its place passes it to the next."""
    engine.on("GET", "/thing", Held(), times=2)
    first, second, third, fourth = (asyncio.ensure_future(pool.fetch(THING)) for _ in range(4))
    await engine.until(lambda: len(engine.requests) == 2)
    first.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    third.cancel()

    assert (await fourth).body == b"thing"
    second.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)
    assert [answer.body for answer in await asyncio.gather(*(pool.fetch(THING) for _ in range(4)))] == [b"thing"] * 4


async def test_streams_are_bounded_apart_from_calls(engine: FakeEngine, pool: Pool) -> None:
    """A stream beyond the limit is refused, and unary calls still succeed."""
    engine.on("GET", "/stream", chunks=[b"x"], hold=True)
    stream = Request("GET", "/stream")
    async with pool.open(stream), pool.open(stream):
        with pytest.raises(Busy, match=r"^host busy: 2 streams open \(limits\.max_streams_per_host\)$"):
            async with pool.open(stream):
                pass
        assert pool.streams == 2
        assert (await pool.fetch(THING)).body == b"thing"

    assert pool.streams == 0
    async with pool.open(stream):
        assert pool.streams == 1


async def test_streams_that_are_opened_at_once_are_bounded_too(engine: FakeEngine, pool: Pool) -> None:
    """The bound holds while connections are being made."""
    engine.on("GET", "/stream", chunks=[b"x"], hold=True)
    release = asyncio.Event()

    async def stream() -> str:
        try:
            async with pool.open(Request("GET", "/stream")):
                await release.wait()
                return "open"
        except Busy:
            release.set()
            return "busy"

    outcomes = await asyncio.gather(*(stream() for _ in range(3)))

    assert sorted(outcomes) == ["busy", "open", "open"]


async def test_a_stream_that_could_not_be_opened_leaves_its_place(engine: FakeEngine, pool: Pool) -> None:
    """Failures do not use up streams."""
    engine.on("GET", "/stream", raw=b"no HTTP\r\n", times=4)
    engine.on("GET", "/stream", chunks=[b"x"], hold=True)
    for _ in range(4):
        with pytest.raises(BadResponse):
            async with pool.open(Request("GET", "/stream")):
                pass

    async with pool.open(Request("GET", "/stream")) as (answer, _):
        assert answer.status == 200


# Limits and ends


async def test_a_body_without_end_stops_at_the_cap(engine: FakeEngine, pool: Pool) -> None:
    """What exceeds the cap is not gathered, and the connection is closed (A5 52)."""
    engine.on("GET", "/thing", chunks=itertools.repeat(b"x" * 5000))

    with pytest.raises(BadResponse, match="65536 bytes"):
        await pool.fetch(THING)
    assert await all_closed(engine)


async def test_a_body_as_long_as_the_cap_is_taken(engine: FakeEngine, pool: Pool) -> None:
    """The limit itself is allowed."""
    engine.on("GET", "/thing", body=b"x" * (1 << 16))

    assert len((await pool.fetch(THING)).body) == 1 << 16


@pytest.mark.parametrize(
    "fault",
    [
        Held(),
        drip(0.01, b"HTTP/1.1 200 OK\r\n" * 1000),
        drip(0.01, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000),
    ],
    ids=["hang", "drip of the head", "drip of the body"],
)
async def test_a_host_that_keeps_a_call_waiting_loses_the_connection(
    engine: FakeEngine, pool: Pool, fault: object
) -> None:
    """The deadline is of the call, not of each read, and the connection is closed with it (A5 53, B2 2)."""
    engine.on("GET", "/thing", fault)  # type: ignore[arg-type]

    with pytest.raises(TimedOut) as late:
        await pool.fetch(THING, soon())
    assert late.value.sent
    assert await all_closed(engine)


async def test_a_cancelled_call_closes_its_connection(engine: FakeEngine, pool: Pool) -> None:
    """The engine sees the closed connection at once."""
    held = Held()
    engine.on("GET", "/thing", held)
    call = asyncio.ensure_future(pool.fetch(THING))
    await held.called.wait()
    call.cancel()

    await held.gone.wait()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_stream_that_is_not_read_to_its_end_is_closed(engine: FakeEngine, pool: Pool) -> None:
    """A reader that stops closes the connection."""
    engine.on("GET", "/stream", chunks=[b"x"], hold=True)

    async with pool.open(Request("GET", "/stream")) as (_, connection):
        assert await connection.read() == b"x"
    assert await all_closed(engine)


async def test_closing_the_pool_closes_everything(engine: FakeEngine, pool: Pool) -> None:
    """Idle connections and streams are closed."""
    engine.on("GET", "/stream", chunks=[b"x"], hold=True)
    await pool.fetch(THING)
    async with pool.open(Request("GET", "/stream")):
        pool.close()

        assert await all_closed(engine)


async def test_a_reader_that_stalls_makes_the_engine_stall(engine: FakeEngine, pool: Pool) -> None:
    """Memory is bounded, and nothing is lost when the reader continues (A5 67)."""
    total = 64 << 20
    body = LargeBody(total)
    engine.on("GET", "/stream", body)
    async with pool.open(Request("GET", "/stream")) as (_, connection):
        await body.stalled.wait()
        assert body.sent < total // 2

        received = 0
        while data := await connection.read(Deadline.after(30)):
            received += len(data)
    assert received == total


async def test_a_connection_that_no_call_needs_is_closed_after_a_while(engine: FakeEngine) -> None:
    """A crowd of calls leaves no crowd of connections; the next call opens one again."""
    async with pool_to(engine.address, Limits(connections=8, idle_seconds=0.1)) as pool:
        await asyncio.gather(*(pool.fetch(THING) for _ in range(8)))
        opened = engine.connections
        await all_closed(engine)

        assert (await pool.fetch(THING)).body == b"thing"
        assert engine.connections == opened + 1
        await all_closed(engine)
