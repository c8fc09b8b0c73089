"""A clock that a test sets, and a loop that does not wait."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class Clock:
    """A clock in seconds that only the test moves, and that moves by `step` with each look at it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.step = 0.0

    def __call__(self) -> float:
        """Return the time."""
        self.now += self.step
        return self.now

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.now += seconds


class _Leap(selectors.SelectSelector):
    """Waits for no timer: lets the time pass that the loop would wait."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Return what there is to read or write."""
        self.now += timeout or 0
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes as fast as its timers can be called."""

    def __init__(self) -> None:
        self._leap = _Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        """Return the time."""
        return self._leap.now
