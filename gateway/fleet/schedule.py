"""The times of probes: at an interval, sooner on request, and spread so that hosts are not probed in step."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from gateway.engine.ticks import tick_after

_LEAST_SECONDS = 0.5  # between two probes of a host that answers
_FIRST_SECONDS, _MOST_SECONDS = (
    0.1,
    1.0,
)  # between two probes of a host that does not answer, while its calls are refused
_ALONE_SECONDS = 0.5  # the largest pause while no client calls it; the pause doubles each time
_SPREAD_SECONDS = 0.1  # over which the probes of hosts that fail at the same time are spread


class Schedule:
    """The times of the probes of one host."""

    __slots__ = ("_hurried", "_sleeper", "_soonest", "_timer", "_unanswered_since", "_uniform", "probing")

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self.probing = False  # whether a probe is under way
        self._uniform = uniform
        # When the first probe since the last answer began, in the loop's time; None when the last one was answered.
        self._unanswered_since: float | None = None
        self._hurried = False
        self._sleeper: asyncio.Future[None] | None = None  # during a pause
        self._timer: asyncio.TimerHandle | None = None  # of its end
        self._soonest = 0.0  # when the next probe begins at the earliest, or the current one ends, in the loop's time

    def hurry(self) -> None:
        """Begin the next probe as soon as possible."""
        if not self._hurried and self._timer is not None:
            self._end_pause_at(self._soonest)
        self._hurried = True

    @property
    def soonest_seconds(self) -> float:
        """The seconds until the result of the next probe, at the earliest."""
        return max(self._soonest - asyncio.get_running_loop().time(), 0.1)

    @property
    def unanswered_seconds(self) -> float:
        """For how many seconds no probe has been answered; 0 when the last one was."""
        since = self._unanswered_since
        return 0.0 if since is None else asyncio.get_running_loop().time() - since

    def begin(self, timeout_seconds: float) -> None:
        """Note that a probe begins, which takes *timeout_seconds* at most."""
        self.probing, self._hurried = True, False
        now = asyncio.get_running_loop().time()
        if self._unanswered_since is None:
            self._unanswered_since = now
        self._soonest = now + timeout_seconds

    async def pause(self, interval_seconds: float, failures: int) -> None:
        """Wait for the next probe, after *failures* consecutive failures."""
        self.probing = False
        now = asyncio.get_running_loop().time()
        if failures:
            doubled = 2.0 ** min(failures - 1, 16)
            least = min(_FIRST_SECONDS * doubled, _MOST_SECONDS)
            most = min(_ALONE_SECONDS * doubled, interval_seconds) * self._uniform(0.8, 1)
            end = now + most
        else:
            self._unanswered_since = None
            least, most = _LEAST_SECONDS, interval_seconds * self._uniform(0.8, 1.2)
            end = tick_after(now + most)
        self._soonest = now + min(least, most)
        await self._sleep(self._soonest if self._hurried else end)
        if self._hurried:
            await asyncio.sleep(self._uniform(0, min(_SPREAD_SECONDS, most)))

    async def _sleep(self, end: float) -> None:
        """Sleep until *end*, in the loop's time; if `hurry` is called, until the soonest time for a probe."""
        self._sleeper = asyncio.get_running_loop().create_future()
        self._end_pause_at(end)
        try:
            await self._sleeper
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._sleeper = self._timer = None

    def _end_pause_at(self, end: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(end, self._wake)

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)
