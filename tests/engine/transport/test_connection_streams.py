"""One connection, without a network: uploads, readers that stall, sessions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.engine.errors import BadResponse, Disconnected
from gateway.engine.transport.http import Request, Response
from tests.support.line import GET, UPGRADE, Line
from tests.support.upstream import soon


@pytest.fixture
async def line() -> Line:
    """A connection."""
    return Line()


# Uploads and flow


async def upload(*parts: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    """Yield *parts*, and then fail if there is an *error*."""
    for part in parts:
        yield part
    if error:
        raise error


async def test_an_upload_is_sent_in_chunks_to_its_end(line: Line) -> None:
    """Each part is a chunk, an empty one is none, and the last chunk means that the upload is whole."""
    call = line.connection.open(Request("PUT", "/a"), None, upload(b"hello", b"", b"x" * 16))
    await line.during(call, lambda: None, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    _, _, body = line.wire.sent.partition(b"\r\n\r\n")

    assert b"\r\nTransfer-Encoding: chunked\r\n" in line.wire.sent
    assert body == b"5\r\nhello\r\n10\r\nxxxxxxxxxxxxxxxx\r\n0\r\n\r\n"


async def test_an_upload_that_breaks_off_is_never_whole_for_the_engine(line: Line) -> None:
    """Its failure reaches the caller, and the engine sees no last chunk."""
    with pytest.raises(LookupError, match="no more"):
        await line.connection.open(Request("PUT", "/a"), soon(5), upload(b"half", error=LookupError("no more")))

    assert line.wire.sent.endswith(b"4\r\nhalf\r\n")
    assert line.wire.aborted


async def test_an_upload_waits_for_an_engine_that_does_not_read(line: Line) -> None:
    """Nothing more is taken from the client while the engine's side is full."""
    line.connection.pause_writing()
    task = asyncio.ensure_future(line.connection.open(Request("PUT", "/a"), None, upload(b"one", b"two")))
    for _ in range(5):
        await asyncio.sleep(0)
    assert line.wire.sent.endswith(b"3\r\none\r\n")

    line.connection.resume_writing()
    await line.during(task, lambda: None, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert line.wire.sent.endswith(b"3\r\ntwo\r\n0\r\n\r\n")


async def test_an_upload_stops_when_the_engine_refuses(line: Line) -> None:
    """After an early 404 nothing more is sent."""
    line.connection.pause_writing()
    call = line.connection.open(Request("PUT", "/a"), None, upload(b"one", b"two"))
    answer: Response = await line.during(call, b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}")
    line.connection.resume_writing()
    await asyncio.sleep(0)

    assert answer.status == 404
    assert await line.connection.read() == b"{}"
    assert line.wire.sent.endswith(b"3\r\none\r\n")


async def test_a_reader_that_stalls_makes_the_engine_wait(line: Line) -> None:
    """No more than the read-ahead is kept in memory; reading continues when the reader does."""
    task = asyncio.ensure_future(line.connection.open(GET, None))
    await asyncio.sleep(0)
    line.connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")
    await task
    for _ in range(8):
        line.connection.data_received(b"x" * (16 << 10))
        assert line.wire.reading
    line.connection.data_received(b"x")
    assert not line.wire.reading

    assert len(await line.connection.read()) == (128 << 10) + 1
    assert line.wire.reading


async def test_chunks_of_a_byte_each_are_parsed_in_turns(line: Line) -> None:
    """When the host's time is over, the rest waits for its next turn, and nothing more is read until then."""
    line.clock.step = 1.0  # each piece takes longer than a turn
    task = asyncio.ensure_future(line.connection.open(GET, None))
    await asyncio.sleep(0)
    line.connection.data_received(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    await task
    line.connection.data_received(b"1\r\n \r\n" * 16_384)  # 96 KiB

    assert not line.wire.reading
    body = await line.connection.read()
    assert len(body) < 6_000
    assert not line.wire.reading
    while len(body) < 16_384:
        body += await line.connection.read()
    assert line.wire.reading


async def test_what_was_not_parsed_yet_comes_before_the_end(line: Line) -> None:
    """Data from before the end is delivered, even if the peer closes the connection first."""
    line.clock.step = 1.0
    task = asyncio.ensure_future(line.connection.fetch(GET, 1 << 20, None))
    await asyncio.sleep(0)
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    line.connection.data_received(head + b"1\r\n \r\n" * 16_384 + b"0\r\n\r\n")
    line.fin()

    assert (await task).body == b" " * 16_384


async def test_a_second_response_is_refused_wherever_pieces_end(line: Line) -> None:
    """The first may be long, and end within what waits for its turn."""
    task = asyncio.ensure_future(line.connection.fetch(GET, 1 << 20, None))
    await asyncio.sleep(0)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n"
    body = b" " * 65_536
    line.connection.data_received(head + body + head + body)

    with pytest.raises(BadResponse):
        await task


async def test_a_reader_that_rests_takes_nothing_meanwhile(line: Line) -> None:
    """What the engine sends waits in the socket, and comes with one read when the rest is over."""
    rest = asyncio.ensure_future(line.connection.pause_until(time.monotonic() + 0.001))
    await asyncio.sleep(0)
    assert not line.wire.reading
    await rest
    assert line.wire.reading


# Sessions

SESSION = b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"


async def test_output_that_comes_with_the_upgrade_is_kept(line: Line) -> None:
    """Not a byte is lost, wherever reads are cut (docker-py#425, sdk-notes 4)."""
    data = SESSION + b"first words"

    for cut in range(1, len(data)):
        line = Line()
        answer: Response = await line.during(line.connection.open(UPGRADE, None), data[:cut], data[cut:])
        line.fin()

        assert answer.status == 101
        assert line.connection.upgraded
        body = b""
        while piece := await line.connection.read():
            body += piece
        assert body == b"first words"


async def test_the_end_of_a_session_is_its_end_and_no_break(line: Line) -> None:
    """A session ends only with its connection."""
    await line.during(line.connection.open(UPGRADE, None), SESSION, b"bye", line.fin)

    assert await line.connection.read() == b"bye"
    assert await line.connection.read() == b""
    assert line.breaks == 0


async def test_a_session_that_is_reset_has_not_ended(line: Line) -> None:
    """A reset is a break, after what came before it."""
    await line.during(line.connection.open(UPGRADE, None), SESSION, b"half", line.reset)

    assert await line.connection.read() == b"half"
    with pytest.raises(Disconnected):
        await line.connection.read()
    assert line.breaks == 1


async def test_standard_input_can_be_closed_alone(line: Line) -> None:
    """Only one direction is closed."""
    await line.during(line.connection.open(UPGRADE, None), SESSION)
    await line.connection.write(b"in")
    line.connection.close_writing()
    line.connection.data_received(b"out")

    assert line.wire.sent.endswith(b"\r\n\r\nin")
    assert line.wire.half_closed
    assert not line.wire.aborted
    assert await line.connection.read() == b"out"


async def test_an_upgrade_that_is_refused_is_an_answer(line: Line) -> None:
    """Status and body can be read, and the connection is no session (A5 55)."""
    data = b"HTTP/1.1 409 Conflict\r\nContent-Length: 7\r\n\r\nstopped"
    answer: Response = await line.during(line.connection.open(UPGRADE, None), data)

    assert answer.status == 409
    assert await line.connection.read() == b"stopped"
    assert not line.connection.upgraded
    assert not line.connection.reusable


async def test_writing_to_a_connection_that_is_gone_is_an_error(line: Line) -> None:
    """What cannot be sent raises an error."""
    await line.during(line.connection.open(UPGRADE, None), SESSION, line.reset)

    with pytest.raises(Disconnected):
        await line.connection.write(b"to whom?")
