"""What is asked of many new hosts, at a pace that leaves the gateway time for calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_HOSTS_AT_ONCE = 16
_QUESTIONS_AT_ONCE = 8
_BURST = 2000  # questions without a pause: a host of usual size is known at once
_PER_SECOND = 300.0


class Gate:
    """Shared by all hosts of a gateway: it bounds how many of them are asked at once, and how often in the long run."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_HOSTS_AT_ONCE)
        self._questions = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        self._ready_at = 0.0  # when there are no questions left of a burst

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for one of the places, and hold it during the block."""
        async with self._places:
            yield

    @asynccontextmanager
    async def question(self) -> AsyncIterator[None]:
        """Wait until a question may be asked that is not urgent, and ask it in the block."""
        async with self._questions:
            now = asyncio.get_running_loop().time()
            self._ready_at = max(self._ready_at, now - _BURST / _PER_SECOND) + 1 / _PER_SECOND
            if self._ready_at > now:
                await asyncio.sleep(self._ready_at - now)
            yield
