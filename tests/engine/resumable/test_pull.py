"""What a function pushes, pulled by a reader."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from gateway.engine.resumable.pull import pulled

Give = Callable[[int], Awaitable[None]]


async def test_values_come_in_order_and_then_the_failure() -> None:
    """The reader gets what was given before the function failed."""

    async def push(give: Give) -> None:
        await give(1)
        await give(2)
        raise ValueError("no more")

    async with aclosing(pulled(push)) as values:
        assert [await anext(values), await anext(values)] == [1, 2]
        with pytest.raises(ValueError, match="no more"):
            await anext(values)


async def test_the_function_is_one_value_ahead_of_the_reader() -> None:
    """A slow reader makes it wait."""
    given = []

    async def push(give: Give) -> None:
        for number in range(3):
            given.append(number)
            await give(number)

    async with aclosing(pulled(push)) as values:
        for number in range(3):
            assert await anext(values) == number
            for _ in range(5):
                await asyncio.sleep(0)
            assert given == [0, 1, 2][: number + 2]


async def test_a_reader_that_leaves_ends_the_function() -> None:
    """What it has opened is closed when the reader is gone."""
    closed = False

    async def push(give: Give) -> None:
        nonlocal closed
        try:
            await give(1)
        finally:
            closed = True

    async with aclosing(pulled(push)) as values:
        await anext(values)

    assert closed
