"""Runs work for many hosts concurrently, and yields the results as they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeAlias, TypeVar

from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS

T = TypeVar("T")
Put: TypeAlias = Callable[[T], Awaitable[None]]
"""Receives a result, and waits while the reader is slow."""

_WAITING = 1024  # results; work whose results nobody reads waits
_TOGETHER = 64


async def together(
    work: Iterable[Callable[[Put[T]], Coroutine[Any, Any, None]]], idle_seconds: float = HEARTBEAT_SECONDS
) -> AsyncGenerator[list[T], None]:
    """Run all *work* concurrently; yield lists of results.

    An empty list means that no result has arrived for *idle_seconds*.  The first exception ends all work, and is
    raised.  Closing the generator cancels the work that is left.
    """
    results: asyncio.Queue[T | None] = asyncio.Queue(_WAITING)
    tasks = [asyncio.create_task(part(results.put)) for part in work]
    end = asyncio.create_task(_end(tasks, results))
    try:
        while (batch := await _next(results, idle_seconds)) is not None:
            yield batch
        for task in tasks:
            if task.done():
                task.result()  # raises what the work has raised
    finally:
        for task in (end, *tasks):
            task.cancel()
        await asyncio.gather(end, *tasks, return_exceptions=True)


async def _end(tasks: list[asyncio.Task[None]], results: asyncio.Queue[Any]) -> None:
    """Note that no result follows: all work is done, or some has failed."""
    if tasks:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    await results.put(None)


async def _next(results: asyncio.Queue[T | None], idle_seconds: float) -> list[T] | None:
    """Return the results that have arrived, or arrive within *idle_seconds*; None at the end."""
    try:
        async with asyncio.timeout(idle_seconds):
            first = await results.get()
    except TimeoutError:
        return []
    if first is None:
        return None
    batch = [first]
    while not results.empty() and len(batch) < _TOGETHER:
        if (result := results.get_nowait()) is None:
            results.put_nowait(None)
            break
        batch.append(result)
    return batch
