"""Turns a function that pushes values into a generator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def pulled(
    push: Callable[[Callable[[T], Awaitable[None]]], Coroutine[Any, Any, None]],
) -> AsyncGenerator[T, None]:
    """Yield the values that *push* passes to its argument, and raise its exception.

    *push* runs in a task of its own, and produces one value while the reader uses the one before it.
    """
    values: asyncio.Queue[T | None] = asyncio.Queue()
    taken = asyncio.Event()

    async def give(value: T) -> None:
        values.put_nowait(value)
        taken.clear()
        await taken.wait()

    task = asyncio.create_task(push(give))
    task.add_done_callback(lambda _: values.put_nowait(None))
    try:
        while (value := await values.get()) is not None:
            taken.set()
            yield value
        await task
    finally:
        task.cancel()
        await asyncio.wait([task])
