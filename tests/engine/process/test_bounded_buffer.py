"""A source that must not wait, a buffer, and a reader that may take its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.codec.frames import STDERR, STDOUT, Frame
from gateway.engine.errors import ReaderTooSlow
from gateway.engine.process.bounded_buffer import Buffer, Dropped, Output, buffered
from gateway.engine.resumable.subscription import Idle


def out(data: bytes, stream: int = STDOUT) -> Frame:
    """A frame."""
    return Frame(stream, data, True)


def drained(buffer: Output) -> list[Frame | Dropped]:
    """Everything that is in a buffer, in order."""
    items: list[Frame | Dropped] = []
    while (taken := buffer.take()) is not None:
        items += listed(taken)
    return items


def listed(taken: list[Frame] | Dropped | Idle | None) -> list[Frame | Dropped]:
    """What was taken, as a list; a buffer without a heartbeat is never idle."""
    assert not isinstance(taken, Idle)
    return [taken] if isinstance(taken, Dropped) else list(taken or ())


class Source:
    """Yields the items that it was given, and remembers how far it was read."""

    def __init__(self, *items: list[Frame], failure: Exception | None = None, endless: bool = False) -> None:
        self.items, self.failure, self.endless = items, failure, endless
        self.read = 0
        self.all_read, self.closed = asyncio.Event(), asyncio.Event()

    async def frames(self) -> AsyncGenerator[list[Frame], None]:
        """Yield the items."""
        try:
            for item in self.items:
                yield item
                self.read += 1
            self.all_read.set()
            if self.failure:
                raise self.failure
            if self.endless:
                await asyncio.Event().wait()
        finally:
            self.closed.set()


def test_what_there_is_room_for_comes_out_as_it_went_in() -> None:
    """Order, streams and bytes are kept."""
    buffer = Output(10_000)
    frames = [out(b"one"), out(b"two", STDERR), out(b"three")]

    buffer.put(frames[:1])
    buffer.put(frames[1:])

    assert drained(buffer) == frames
    assert buffer.take() is None


def test_the_oldest_is_dropped_and_its_place_is_marked() -> None:
    """What is missing is named before what came after it, in bytes of output."""
    buffer = Output(1_000)

    buffer.put([out(b"a" * 300), out(b"b" * 300)])
    buffer.put([out(b"c" * 300), out(b"d" * 300)])

    assert drained(buffer) == [Dropped(600), out(b"c" * 300), out(b"d" * 300)]


def test_what_is_larger_than_the_room_is_dropped_whole() -> None:
    """One read can bring more than there is room for."""
    buffer = Output(1_000)

    buffer.put([out(b"x" * 2_000)])

    assert drained(buffer) == [Dropped(2_000)]


def test_tiny_frames_fill_the_room_too() -> None:
    """A frame of one byte takes more than that byte: a million of them must not pass for one MiB."""
    buffer = Output(1 << 20)

    buffer.put([out(b"x")] * 1_000_000)
    [dropped, *frames] = drained(buffer)

    assert isinstance(dropped, Dropped)
    assert dropped.bytes + len(frames) == 1_000_000
    assert len(frames) < 10_000


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=400), st.none()), max_size=60))
def test_every_byte_is_delivered_or_counted_in_its_place(steps: list[bytes | None]) -> None:
    """However puts and takes alternate, the output is the input with gaps of exactly the sizes given."""
    buffer, put = Output(1_000), b""
    got: list[Frame | Dropped] = []
    for step in steps:
        if step is None:
            got += listed(buffer.take())
        else:
            buffer.put([out(step)])
            put += step
    got += drained(buffer)

    place = 0
    for item in got:
        if isinstance(item, Dropped):
            place += item.bytes
        else:
            assert put[place : place + len(item.data)] == item.data
            place += len(item.data)
    assert place == len(put)


def test_a_strict_buffer_refuses_what_does_not_fit_and_keeps_the_rest() -> None:
    """The reader gets everything up to where it was too slow."""
    buffer = Output(1_000, drop=False)
    buffer.put([out(b"a" * 700)])

    with pytest.raises(ReaderTooSlow):
        buffer.put([out(b"b" * 700)])

    assert drained(buffer) == [out(b"a" * 700)]


async def test_the_source_is_read_to_its_end_though_nobody_reads() -> None:
    """The reader has not asked for anything yet."""
    source = Source(*([out(b"x" * 1_000)] for _ in range(100)))

    async with buffered(source.frames(), Output(10_000)) as items:
        await source.all_read.wait()
        got = [item async for item in items]

    assert source.read == 100
    assert isinstance(got[0], Dropped)


async def test_the_source_is_read_while_its_reader_pauses() -> None:
    """A reader that pauses does not delay the source, and gets the output of the pause."""
    source = Source(*([out(b"%03d" % number)] for number in range(500)))

    output: Buffer[list[Frame], list[Frame] | Dropped | Idle] = Output()
    async with buffered(source.frames(), output) as items:
        begun = listed(await anext(items))
        await source.all_read.wait()
        got = begun + [frame async for frames in items for frame in listed(frames)]

    assert got == [out(b"%03d" % number) for number in range(500)]


async def test_an_end_by_failure_comes_after_all_that_came_before_it() -> None:
    """The reader gets the failure of the source after the data before it."""
    source = Source([out(b"last words")], failure=ConnectionError("broke"))

    async with buffered(source.frames(), Output()) as items:
        await source.closed.wait()
        assert await anext(items) == [out(b"last words")]
        with pytest.raises(ConnectionError):
            await anext(items)


async def test_a_source_whose_reader_is_too_slow_is_closed_at_once() -> None:
    """It is closed at once, not when the reader returns: an open connection without a reader would block the
    process.
    """
    source = Source([out(b"a" * 700)], [out(b"b" * 700)], [out(b"c" * 700)], endless=True)

    async with buffered(source.frames(), Output(1_000, drop=False)) as items:
        await source.closed.wait()
        assert await anext(items) == [out(b"a" * 700)]
        with pytest.raises(ReaderTooSlow):
            await anext(items)

    assert not source.all_read.is_set()


async def test_leaving_the_block_closes_the_source() -> None:
    """Whatever it was doing."""
    source = Source([out(b"x")], endless=True)

    async with buffered(source.frames(), Output()) as items, aclosing(items):
        await anext(items)

    assert source.closed.is_set()
