"""How long the work for one host may keep the event loop from the others.

What a host sends costs the loop time, and a host can send without end.  So whatever works on its bytes does a piece,
asks whether the host's turn is `spent`, and then waits for the `next` one.  All work for one host together has one turn
in each round of the loop.  Where other hosts have calls, those that use up turn after turn share the turns of one,
with pauses between them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_SECONDS = 0.0005  # of a turn
# A call of another host needs a dozen rounds of the loop, each with a turn, and in each round grpc takes note of one
# thing that has happened, however many have: so rounds alone are not enough for the others.
_PAUSE_SECONDS = 0.001
_CREDIT_SECONDS = 0.03  # of turns without a pause: enough to convert a list of 1,000 containers
_REFILL = 0.25  # seconds of credit that come with each second
_OTHERS_SECONDS = 1.0  # after a call of another host, for which there are pauses


class Traffic:
    """Of which hosts there are calls."""

    def __init__(self) -> None:
        self._last: Turns | None = None
        self._changed_at = float("-inf")
        self._free_at = float("-inf")  # when the next turn after a pause may begin

    def call(self, turns: Turns, now: float) -> None:
        """Take note of a call of the host that has *turns*."""
        if self._last is not turns:
            self._last, self._changed_at = turns, now

    def pause(self, now: float) -> float:
        """Return how long a host that has used up its credit waits: the turns of all such hosts have pauses between."""
        begin = max(now + _PAUSE_SECONDS, self._free_at)
        self._free_at = begin + _SECONDS + _PAUSE_SECONDS
        return begin - now

    def has_others(self, turns: Turns, now: float) -> bool:
        """Return whether there are, or were lately, calls of other hosts than the one that has *turns*."""
        return self._last is not turns or now - self._changed_at < _OTHERS_SECONDS


class Turns:
    """The turns of one host."""

    def __init__(self, traffic: Traffic, clock: Callable[[], float] = time.monotonic) -> None:
        """*traffic* is shared by all hosts; *clock* tells seconds."""
        self._traffic = traffic
        self._clock = clock
        self._end: float | None = None  # of the turn, until the pause after it is over; None between turns
        self._waiting: list[Callable[[], None]] = []  # not many; a deque takes half a kilobyte, for every host
        self._credit = _CREDIT_SECONDS
        self._credit_at = clock()

    def call(self) -> None:
        """Take note of a call of this host."""
        self._traffic.call(self, self._clock())

    @property
    def spent(self) -> bool:
        """Whether the host has had its turn, or others wait for theirs.  Asking begins a turn where there is none."""
        if self._end is None:
            self._begin()
            return False
        return bool(self._waiting) or self._clock() >= self._end

    async def next(self) -> None:
        """Wait for a turn.  All who wait get theirs one after the other."""
        turn = asyncio.get_running_loop().create_future()
        self.when_next(lambda: None if turn.done() else turn.set_result(None))
        await turn

    def when_next(self, work: Callable[[], None]) -> None:
        """Do *work* in a turn: see `next`."""
        if self._end is None:
            self._begin()
        self._waiting.append(work)

    def _begin(self) -> None:
        self._end = self._clock() + _SECONDS
        self._go_on()

    def _go_on(self) -> None:
        """Let one of those who wait work, until the end of the next round of the loop."""
        if self._waiting:
            self._waiting.pop(0)()
        asyncio.get_running_loop().call_soon(self._end_round)

    def _end_round(self) -> None:
        now = self._clock()
        if not self._waiting:
            self._end = None
        elif self._end is not None and now < self._end:
            self._go_on()
        elif self._has_credit(now) or not self._traffic.has_others(self, now):
            self._begin()
        else:
            asyncio.get_running_loop().call_later(self._traffic.pause(now), self._begin)

    def _has_credit(self, now: float) -> bool:
        """Charge a turn that was used up until *now*, and return whether there is credit left."""
        assert self._end is not None
        earned = (now - self._credit_at) * _REFILL
        used = now - self._end + _SECONDS
        self._credit = max(min(self._credit + earned, _CREDIT_SECONDS) - used, 0.0)
        self._credit_at = now
        return self._credit > 0
