"""Records who calls, because pauses and turns are needed only while several callers have calls."""

from __future__ import annotations

RECENT_SECONDS = 1.0
"""For so long after a call, its caller counts as one that has calls."""


class Callers:
    """The callers of one kind: connections of clients, or hosts."""

    def __init__(self) -> None:
        self._last: object = None
        self._last_at = self._other_at = float("-inf")  # of the last call, and of the last one of another caller

    def call(self, caller: object, now: float) -> None:
        """Record a call of *caller*; *now* is in seconds."""
        if self._last != caller:
            self._last, self._other_at = caller, self._last_at
        self._last_at = now

    def has_others(self, caller: object, now: float) -> bool:
        """Return whether callers other than *caller* have, or recently had, calls."""
        return now - (self._other_at if self._last == caller else self._last_at) < RECENT_SECONDS
