"""A clock that a test sets."""

from __future__ import annotations


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
