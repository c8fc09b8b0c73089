"""Pauses in long computations, so that other calls have the event loop in between."""

from __future__ import annotations

import asyncio
import time

_WORK_SECONDS = 0.001  # between two pauses
# A call needs a dozen iterations of the loop.  A pause has as many as there is time for; `sleep(0)` would give it one.
_PAUSE_SECONDS = 0.001


class Pauses:
    """The pauses of one computation: `if pauses.due: await pauses.pause()` after each small step of it."""

    __slots__ = ("_due_at",)

    def __init__(self) -> None:
        # Not the loop's time: it stands still within an iteration.
        self._due_at = time.monotonic() + _WORK_SECONDS

    @property
    def due(self) -> bool:
        """Whether the computation has taken so long that it must pause."""
        return time.monotonic() >= self._due_at

    async def pause(self) -> None:
        """Pause."""
        await asyncio.sleep(_PAUSE_SECONDS)
        self._due_at = time.monotonic() + _WORK_SECONDS
