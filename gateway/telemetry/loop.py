"""The lag of the event loop: work that blocks the loop delays every call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_INTERVAL_SECONDS = 1.0


@asynccontextmanager
async def measured(observe: Callable[[float], None]) -> AsyncIterator[None]:
    """Call *observe* with the lag in seconds, once a second until the end of the block."""
    task = asyncio.create_task(_measure(observe))
    try:
        yield
    finally:
        task.cancel()


async def _measure(observe: Callable[[float], None]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _INTERVAL_SECONDS
        await asyncio.sleep(_INTERVAL_SECONDS)
        observe(max(loop.time() - due, 0.0))
