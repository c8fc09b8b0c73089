"""Cooperative scheduling: bounds how long the work for one host may block the event loop.

Parsing the data of a host takes time, and a host can send without end.  So code that handles such data does a piece of
the work, checks whether the host's turn is `spent`, and then waits for the `next` turn.  All work for one host together
has one turn in each iteration of the loop.  When other hosts have calls, the turns of a host are shorter; and all hosts
that have used up their credit together get the turns of one host, with pauses between them.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from gateway.engine.callers import Callers

_SECONDS = 0.0005  # of a turn
_PIECE_SECONDS = 0.0002  # of one waiter within it: to wake the next one takes half of that
# A call needs a dozen iterations of the loop, and grpc handles only one event in each.  So the calls of other hosts
# need pauses, in which iterations have no turn.  A turn without a pause before it lasts only a piece while others call.
_PAUSE_SECONDS = 0.001
_CALL_SECONDS, _LONGEST_PAUSE_SECONDS = 0.002, 0.005  # a pause lasts until so long after each call, up to a limit
_CREDIT_SECONDS = 0.03  # of turns without pauses: enough to convert a list of 1,000 containers
_REFILL = 0.25  # seconds of credit that come with each second


class Traffic:
    """Records which hosts have calls.  Hosts without credit get their turns here, one after the other, with pauses."""

    def __init__(self) -> None:
        self._callers = Callers()
        self._waiting: deque[Callable[[], None]] = deque()
        # When the next turn after a pause may begin, and when it begins at the latest, by the clock of the loop.
        self._free_at = self._latest_at = 0.0

    def call(self, turns: Turns, now: float) -> None:
        """Record a call of the host with *turns*."""
        self._callers.call(turns, now)
        self.arrived()

    def arrived(self) -> None:
        """Make the pause longer for a call that has just arrived.  Its host may not be known yet."""
        if self._waiting:
            after_call = asyncio.get_running_loop().time() + _CALL_SECONDS
            self._free_at = max(self._free_at, min(after_call, self._latest_at))

    def has_others(self, turns: Turns, now: float) -> bool:
        """Return whether hosts other than the one with *turns* have, or recently had, calls."""
        return self._callers.has_others(turns, now)

    def after_pause(self, begin: Callable[[], None]) -> None:
        """Call *begin*, which begins a turn, after a pause, and after the turns of the hosts that already wait."""
        self._waiting.append(begin)
        if len(self._waiting) == 1:
            now = asyncio.get_running_loop().time()
            self._free_at = max(self._free_at, now + _PAUSE_SECONDS)
            self._latest_at = now + _LONGEST_PAUSE_SECONDS
            self._wait(now)

    def _wait(self, now: float) -> None:
        asyncio.get_running_loop().call_later(self._free_at - now, self._begin_next)

    def _begin_next(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._free_at:  # a call has made the pause longer
            self._wait(now)
            return
        self._free_at = now + _SECONDS + _PAUSE_SECONDS
        self._latest_at = now + _LONGEST_PAUSE_SECONDS
        begin = self._waiting.popleft()
        if self._waiting:
            self._wait(now)
        begin()


class Turns:
    """The turns of one host."""

    def __init__(self, traffic: Traffic, clock: Callable[[], float] = time.monotonic) -> None:
        """All hosts share *traffic*; *clock* returns seconds."""
        self._traffic = traffic
        self._clock = clock
        self._end: float | None = None  # end of the turn, also during the pause after it; None between turns
        self._began = 0.0
        self._piece_end = 0.0
        self._waiting: list[Callable[[], None]] = []  # a short list; a deque takes half a kilobyte for every host
        self._credit = _CREDIT_SECONDS
        self._credit_at = clock()

    def call(self) -> None:
        """Record a call of a client to this host."""
        self._traffic.call(self, self._clock())

    @property
    def spent(self) -> bool:
        """Whether the turn is used up, or its piece if other work waits.  Begins a turn if one may begin."""
        now = self._clock()
        if self._end is not None:
            return now >= (min(self._piece_end, self._end) if self._waiting else self._end)
        if self._must_pause(now):
            return True
        self._begin(now)
        return False

    async def next(self) -> None:
        """Wait for a turn.  Waiters get their turns in order."""
        turn = asyncio.get_running_loop().create_future()
        self.when_next(lambda: None if turn.done() else turn.set_result(None))
        await turn

    def when_next(self, work: Callable[[], None]) -> None:
        """Call *work* in the next free turn."""
        if self._end is None:
            self._begin_or_pause(self._clock())
        self._waiting.append(work)

    def _begin_or_pause(self, now: float) -> None:
        if self._must_pause(now):
            self._end = now
            self._traffic.after_pause(self._begin_after_pause)
        else:
            self._begin(now)

    def _must_pause(self, now: float) -> bool:
        """Whether the host has not enough credit for a piece, and others have calls."""
        return self._credit + (now - self._credit_at) * _REFILL < _PIECE_SECONDS and self._traffic.has_others(self, now)

    def _begin_after_pause(self) -> None:
        # While its work waits, a host earns nothing, but each pause pays for a turn.  What work of a few microseconds
        # leaves of the turn pays for work in the next iterations: a pause after each would cost a stream its speed.
        self._credit_at = self._clock()
        self._credit = min(self._credit, 0.0) + _SECONDS
        self._begin_turn(_SECONDS)

    def _begin(self, now: float) -> None:
        self._begin_turn(_PIECE_SECONDS if self._traffic.has_others(self, now) else _SECONDS)

    def _begin_turn(self, seconds: float) -> None:
        self._began = self._clock()
        self._end = self._began + seconds
        self._run_next()

    def _run_next(self) -> None:
        """Run the work of one waiter, until the end of the next iteration of the loop."""
        self._piece_end = self._clock() + _PIECE_SECONDS
        if self._waiting:
            self._waiting.pop(0)()
        asyncio.get_running_loop().call_soon(self._end_round)

    def _end_round(self) -> None:
        now = self._clock()
        assert self._end is not None
        if self._waiting and now + _PIECE_SECONDS <= self._end:  # otherwise the turn would be longer than it may
            self._run_next()
            return
        self._charge(now, now - self._began)
        self._end = None
        if self._waiting:
            self._begin_or_pause(now)

    def _charge(self, now: float, used: float) -> None:
        """Subtract *used* seconds from the credit.

        If no work waits, all that ran in this iteration of the loop may be that of other hosts: a turn is the most.
        """
        earned = (now - self._credit_at) * _REFILL
        used = used if self._waiting else min(used, _SECONDS)
        self._credit = max(min(self._credit + earned, _CREDIT_SECONDS) - used, -_SECONDS)
        self._credit_at = now
