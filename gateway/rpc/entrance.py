"""When one connection begins many calls at once, most of them wait while calls of other connections are accepted.

grpc accepts calls one by one, in the order of their arrival, and the work of accepted calls runs in between.  Without
this module, a call that arrives after 250 others waits for the work of all of them.  With it, the call waits only until
they are accepted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.engine.callers import Callers
from gateway.rpc.waiting_calls import WaitingCalls

if TYPE_CHECKING:
    from gateway.rpc.call import Call

_AT_ONCE, _WINDOW_SECONDS = 8, 0.01  # calls of one connection that enter without waiting, in each window
# grpc accepts a call in four or five iterations of the loop.  If none arrived in eight, no more wait to be accepted.
_QUIET_ITERATIONS = 8
_PAUSE_SECONDS = 0.001  # between calls that enter, while a connection that is not busy has calls
_MOST_SECONDS = 0.005  # until the next call enters, even if calls still arrive
_BUSY_SECONDS = 1.0  # for which a connection counts as busy after a call of it has waited
_FEW_SECONDS = 0.1  # after a call of a connection that is not busy, calls enter with pauses for this time


class Entrance:
    """The queue in which accepted calls wait before their first message is read.

    Calls on a unix socket never wait, and neither do the calls of a client that is alone.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """*clock* returns seconds."""
        self._clock = clock
        self._came: dict[str, int] = {}  # calls by connection, in this window
        self._window_end = 0.0
        self._callers = Callers()
        self._busy: dict[str, float] = {}  # when each busy connection ceases to be busy
        self._few_at = float("-inf")  # when the last call of a connection that is not busy arrived
        self._waiting = WaitingCalls()
        self._iterates = False  # whether `_iterate` is going to run
        self._quiet = 0  # iterations of the loop since a call arrived or entered
        self._next_at = 0.0  # when the next call enters at the latest

    async def enter(self, call: Call) -> None:
        """Wait until *call* may enter.  Connections take turns; the calls of one connection enter in order."""
        if not self._enters_at_once(call.peer) and call.address:
            await self._turn(call)

    def _enters_at_once(self, peer: str) -> bool:
        """Count a call on the connection of *peer*, and return whether it may enter at once."""
        now = self._clock()
        self._quiet = 0
        self._callers.call(peer, now)
        if now >= self._window_end:
            self._came.clear()
            self._window_end = now + _WINDOW_SECONDS
            self._busy = {each: end for each, end in self._busy.items() if end > now}
        if peer not in self._busy:
            self._few_at = now
        count = self._came[peer] = self._came.get(peer, 0) + 1
        return peer not in self._waiting and (count <= _AT_ONCE or not self._callers.has_others(peer, now))

    async def _turn(self, call: Call) -> None:
        loop, now = asyncio.get_running_loop(), self._clock()
        self._busy[call.peer] = now + _BUSY_SECONDS
        place = self._waiting.add(call)
        if not self._iterates:
            self._iterates = True
            self._next_at = now + _MOST_SECONDS
            loop.call_soon(self._iterate)
        try:
            await place
        except asyncio.CancelledError:
            self._waiting.remove(call, place)
            raise

    def end_all(self, error: Exception) -> None:
        """End all waiting calls with *error*."""
        self._waiting.end_all(error)

    def _iterate(self) -> None:
        """Let a call in if no call has arrived for a while.  Runs in each iteration of the loop while calls wait."""
        loop, now = asyncio.get_running_loop(), self._clock()
        self._quiet += 1
        enters = self._quiet >= _QUIET_ITERATIONS or now >= self._next_at
        if enters:
            self._waiting.let_next_go()
            self._quiet, self._next_at = 0, now + _MOST_SECONDS
        self._iterates = bool(self._waiting)
        if not self._iterates:
            return
        if enters and now - self._few_at < _FEW_SECONDS:
            loop.call_later(_PAUSE_SECONDS, self._iterate)
        else:
            loop.call_soon(self._iterate)
