"""Limits the rate of requests to many hosts, so that the gateway has time for calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.engine.inventory.room import Room

_HOSTS_AT_ONCE = 16
_QUESTIONS_AT_ONCE = 8
_BURST = 2000  # requests without a pause: enough for a host of usual size
_PER_SECOND = 300.0


class Gate:
    """A limiter that all hosts of a gateway share: it bounds the new hosts that are read at once, and the long-term
    rate.  The lists of a quiet host are compared every `compare_interval_seconds`.
    """

    def __init__(self, room: Room | None = None, *, compare_interval_seconds: float = 600.0) -> None:
        """*room* bounds how much all inventories take."""
        self.room = room or Room()
        self.compare_interval_seconds = compare_interval_seconds
        self._places = asyncio.Semaphore(_HOSTS_AT_ONCE)
        self._questions = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        self._ready_at = 0.0  # when the burst is used up

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for one of the places, and hold it during the block."""
        async with self._places:
            yield

    @asynccontextmanager
    async def question(self) -> AsyncIterator[None]:
        """Wait until the rate allows another request; send it in the block."""
        async with self._questions:
            now = asyncio.get_running_loop().time()
            self._ready_at = max(self._ready_at, now - _BURST / _PER_SECOND) + 1 / _PER_SECOND
            if self._ready_at > now:
                await asyncio.sleep(self._ready_at - now)
            yield
