"""Records who calls, because pauses and turns are needed only while several callers have calls."""

from __future__ import annotations

RECENT_SECONDS = 1.0
"""For so long after a call, its caller counts as one that has calls."""


class Callers:
    """The callers of one kind: connections of clients, or hosts."""

    def __init__(self) -> None:
        self._last: object = None
        self._changed_at = float("-inf")

    def call(self, caller: object, now: float) -> None:
        """Record a call of *caller*; *now* is in seconds."""
        if self._last != caller:
            self._last, self._changed_at = caller, now

    def has_others(self, caller: object, now: float) -> bool:
        """Return whether callers other than *caller* have, or recently had, calls."""
        return self._last != caller or now - self._changed_at < RECENT_SECONDS
