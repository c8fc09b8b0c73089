"""When the lists of one host are compared with its inventory, because some changes have no event."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from gateway.engine.ticks import tick_after

OFTEN_SECONDS = 60.0
"""Seconds between two comparisons with a host that changes."""


class Comparing:
    """The times of comparisons: a minute after something has happened, then twice as late each time nothing has.

    `begin` starts them, and `stop` ends them.
    """

    __slots__ = ("_compare", "_longest_seconds", "_timer", "_uniform", "seconds")

    def __init__(
        self,
        compare: Callable[[], None],
        longest_seconds: Callable[[], float],
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """*compare* requests the lists; *longest_seconds* returns the longest time until the next comparison."""
        self.seconds = OFTEN_SECONDS  # until the next comparison, about
        self._compare = compare
        self._longest_seconds = longest_seconds
        self._uniform = uniform
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> bool:
        """Whether a comparison follows."""
        return self._timer is not None

    def begin(self) -> None:
        """Compare in a minute."""
        self.stop()
        self._wait(OFTEN_SECONDS)

    def happened(self) -> None:
        """Compare within a minute: the host changes, or was away."""
        if self.waiting and self.seconds > OFTEN_SECONDS:
            self.begin()

    def now(self) -> None:
        """Compare now."""
        self.stop()
        self._wait(2 * self.seconds)
        self._compare()

    def stop(self) -> None:
        """Compare no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self.seconds = min(seconds, self._longest_seconds())
        spread = self.seconds * self._uniform(0.8, 1.2)  # because the lists of many hosts begin at the same time
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(tick_after(loop.time() + spread), self.now)
