"""One connection, without a network: breaks, deadlines and cancellation."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from gateway.engine.errors import Disconnected, TimedOut
from gateway.engine.transport.connection import Connection
from tests.support.line import GET, LIMIT, POST, Line
from tests.support.upstream import soon


@pytest.fixture
async def line() -> Line:
    """A connection."""
    return Line()


# Ends before the end

RECORDED = {
    "length": b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 13\r\n\r\n" + b'{"a":"\xc3\xa9"}\r\n\n',
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b'6\r\n{"a":"\r\n5\r\n\xc3\xa9"}\n\r\n0\r\n\r\n',
}  # fmt: skip


@pytest.mark.parametrize("end", ["fin", "reset"])
@pytest.mark.parametrize("form", RECORDED)
async def test_an_answer_cut_anywhere_is_never_whole(form: str, end: str) -> None:
    """FIN and RST after every single byte of an answer are a break, never an end (fact 2, B2 16)."""
    recorded = RECORDED[form]

    for seen in range(len(recorded)):
        asked, opened = Line(), Line()
        with pytest.raises(Disconnected) as broken:
            await asked.during(asked.connection.fetch(GET, LIMIT, None), recorded[:seen], getattr(asked, end))
        with pytest.raises(Disconnected):
            await opened.during(read_to_end(opened.connection), recorded[:seen], getattr(opened, end))

        assert broken.value.sent
        assert asked.connection.received_anything == (seen > 0)
        assert not asked.connection.reusable
        assert asked.breaks == opened.breaks == 1


async def read_to_end(connection: Connection) -> bytes:
    """Return the body of a streamed answer."""
    await connection.open(GET, None)
    body = b""
    while data := await connection.read():
        body += data
    return body


@pytest.mark.parametrize("form", RECORDED)
async def test_what_came_before_a_break_is_delivered_before_the_failure(line: Line, form: str) -> None:
    """A stream's reader gets every byte that arrived, and then the failure."""
    head, _, body = RECORDED[form].partition(b"\r\n\r\n")
    task = asyncio.ensure_future(line.connection.open(GET, None))
    await asyncio.sleep(0)
    line.connection.data_received(head + b"\r\n\r\n" + body[:-6])
    line.reset()
    await task

    assert (await line.connection.read()).startswith(b'{"a":"')
    with pytest.raises(Disconnected):
        await line.connection.read()


async def test_the_end_after_the_answer_is_no_break(line: Line) -> None:
    """An engine that closes after a whole answer has broken nothing."""
    data = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"

    assert (await line.during(line.connection.fetch(GET, LIMIT, None), data, line.fin)).body == b"hi"
    assert line.breaks == 0


@pytest.mark.parametrize("end", ["fin", "reset"])
async def test_the_end_of_a_kept_connection_is_a_break(line: Line, end: str) -> None:
    """The address may belong to another engine from then on."""
    await line.during(line.connection.fetch(GET, LIMIT, None), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    getattr(line, end)()

    assert not line.connection.reusable
    assert line.breaks == 1


# Time


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
async def test_an_answer_that_does_not_come_ends_at_the_deadline(line: Line, data: bytes) -> None:
    """A host that hangs, before the head or after, costs no more than the time allowed, and the connection."""
    with pytest.raises(TimedOut) as late:
        await line.during(line.connection.fetch(GET, LIMIT, soon(0.05)), data)

    assert late.value.sent
    assert line.wire.aborted


async def test_single_bytes_do_not_move_the_deadline(line: Line) -> None:
    """The deadline is of the whole answer, not of each byte (fact 10)."""

    async def drip() -> None:
        for byte in itertools.cycle(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000):
            line.connection.data_received(bytes([byte]))
            await asyncio.sleep(0.005)

    dripping = asyncio.ensure_future(drip())
    with pytest.raises(TimedOut):
        await line.connection.fetch(GET, LIMIT, soon(0.1))
    dripping.cancel()

    assert line.wire.aborted


async def test_a_silent_stream_ends_when_it_may_not_be_silent(line: Line) -> None:
    """The time without a byte is bounded where the reader asks for it; each byte begins it anew."""
    task = asyncio.ensure_future(line.connection.open(GET, None))
    await asyncio.sleep(0)
    line.connection.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nalive")
    await task

    assert await line.connection.read(0.05) == b"alive"
    with pytest.raises(TimedOut):
        await line.connection.read(0.05)
    assert line.wire.aborted


async def test_an_answer_in_time_is_taken_though_its_reader_is_late(line: Line) -> None:
    """An answer that has arrived by the deadline counts."""
    task = asyncio.ensure_future(line.connection.fetch(POST, LIMIT, soon(0)))
    await asyncio.sleep(0)
    line.connection.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
    line.connection.expire(soon(0))

    assert (await task).status == 204


# Cancellation


async def test_a_call_that_is_cancelled_closes_its_connection(line: Line) -> None:
    """It is closed at once, because no caller waits for the response any more."""
    task = asyncio.ensure_future(line.connection.fetch(GET, LIMIT, None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert line.wire.aborted
    assert not line.connection.reusable
