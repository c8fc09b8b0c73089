"""Many pieces of work at once: their results, their failures, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from gateway.fleet.fan_out import Put, together


async def test_results_come_as_they_are_there() -> None:
    """Slow work does not delay the results of other work."""
    slow = asyncio.Event()

    async def first(put: Put[str]) -> None:
        await slow.wait()
        await put("late")

    async def second(put: Put[str]) -> None:
        await put("early")

    async with aclosing(together([first, second])) as results:
        assert await anext(results) == ["early"]
        slow.set()
        assert [batch async for batch in results] == [["late"]]


async def test_what_is_there_comes_together() -> None:
    """A reader gets several results at once, which is cheaper than one by one; none is lost, whatever their number."""

    async def work(put: Put[int]) -> None:
        for number in range(100):
            await put(number)

    batches = [batch async for batch in together([work])]

    assert [number for batch in batches for number in batch] == list(range(100))
    assert len(batches) < 10


async def test_no_work_has_no_results() -> None:
    """The end comes at once."""
    results: AsyncGenerator[list[int], None] = together([])

    assert [batch async for batch in results] == []


async def test_silence_is_reported() -> None:
    """A stream that waits has heartbeats: it yields an empty list for each."""
    done = asyncio.Event()

    async def work(put: Put[str]) -> None:
        await done.wait()
        await put("done")

    async with aclosing(together([work], idle_seconds=0.01)) as results:
        assert await anext(results) == []
        done.set()
        assert "done" in [result async for batch in results for result in batch]


async def test_the_first_exception_ends_all_work() -> None:
    """Results that are there before it are not lost, and no task stays."""
    ended = asyncio.Event()

    async def waits(put: Put[str]) -> None:
        await put("before")
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fails(put: Put[str]) -> None:
        raise ValueError("wrong")

    seen = []
    with pytest.raises(ValueError, match="wrong"):
        async for batch in together([waits, fails]):
            seen += batch

    assert seen == ["before"]
    assert ended.is_set()


async def test_a_reader_that_leaves_ends_all_work() -> None:
    """Work without a reader is cancelled."""
    ended = asyncio.Event()

    async def work(put: Put[str]) -> None:
        try:
            while True:
                await put("again")
        finally:
            ended.set()

    async with aclosing(together([work])) as results:
        await anext(results)

    assert ended.is_set()


async def test_work_waits_for_a_slow_reader() -> None:
    """Memory is bounded: unread results stop the work."""
    produced = 0

    async def work(put: Put[int]) -> None:
        nonlocal produced
        while True:
            await put(produced)
            produced += 1

    async with aclosing(together([work])) as results:
        await anext(results)
        for _ in range(100):
            await asyncio.sleep(0)

    assert produced < 3000
