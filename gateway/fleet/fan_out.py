"""Many pieces of work at once, whose results come as they are there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeAlias, TypeVar

from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS

T = TypeVar("T")
Put: TypeAlias = Callable[[T], Awaitable[None]]
"""Takes a result, and waits while its reader is slow."""

_WAITING = 1024  # results; work whose results nobody reads waits
_TOGETHER = 64


async def together(
    work: Iterable[Callable[[Put[T]], Coroutine[Any, Any, None]]], idle_seconds: float = HEARTBEAT_SECONDS
) -> AsyncGenerator[list[T], None]:
    """Run all *work* at once; yield its results, several where there are several.

    An empty list says that nothing has come for *idle_seconds*.  The first exception of the work ends all of it, and is
    raised.  The end of the generator ends what is not done.
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
    """Say that no result is to come: all work is done, or some has failed."""
    if tasks:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    await results.put(None)


async def _next(results: asyncio.Queue[T | None], idle_seconds: float) -> list[T] | None:
    """Return what is there, or comes within *idle_seconds*; None at the end."""
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
