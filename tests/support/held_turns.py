"""Turns of a host that a test holds back."""

from __future__ import annotations

import asyncio

from gateway.engine.transport.turns import Traffic, Turns


class HeldTurns(Turns):
    """Turns of a host that begin when the test says so."""

    def __init__(self) -> None:
        super().__init__(Traffic())
        self.begin = asyncio.Event()
        self.waiting = asyncio.Event()

    @property
    def spent(self) -> bool:
        """Whether the test has not said so."""
        return not self.begin.is_set()

    async def next(self) -> None:
        """Wait for the test."""
        self.waiting.set()
        await self.begin.wait()
