"""When one connection begins many calls at once, most of them wait while calls of other connections are accepted.

grpc accepts calls one by one, in the order of their arrival, and the work of accepted calls runs in between.  Without
this module, a call that arrives after 250 others waits for the work of all of them.  With it, the call waits only until
they are accepted.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.rpc.call import Call

_AT_ONCE, _WINDOW_SECONDS = 8, 0.01  # calls of one connection that enter without waiting, in each window
_STEP_SECONDS = 0.001
_STEP_CALLS = 5  # calls that enter in a step, if no call arrived since the last step; else one
_OTHERS_SECONDS = 1.0  # after a call of another connection, calls wait for this time

_Places = deque[tuple["Call", asyncio.Future[None]]]


class Entrance:
    """The queue between the first message of a call and the call's handler.

    Calls on a unix socket never wait, and neither do the calls of a client that is alone.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """*clock* returns seconds."""
        self._clock = clock
        self._came: dict[str, int] = {}  # calls by connection, in this window
        self._window_end = 0.0
        self._last, self._changed_at = "", float("-inf")
        self._waiting: dict[str, _Places] = {}  # by connection, in the order of their turns
        self._quiet = False  # whether no call came since the last step

    def is_free(self, peer: str) -> bool:
        """Count a call on the connection of *peer*, and return whether it may enter at once."""
        now = self._clock()
        self._quiet = False
        if peer != self._last:
            self._last, self._changed_at = peer, now
        if now >= self._window_end:
            self._came.clear()
            self._window_end = now + _WINDOW_SECONDS
        count = self._came[peer] = self._came.get(peer, 0) + 1
        return peer not in self._waiting and (count <= _AT_ONCE or now - self._changed_at >= _OTHERS_SECONDS)

    async def turn(self, call: Call) -> None:
        """Wait until *call* may enter.  Connections take turns; the calls of one connection enter in order."""
        if not call.address:
            return
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        if not self._waiting:
            loop.call_later(_STEP_SECONDS, self._step)
        self._waiting.setdefault(call.peer, deque()).append((call, turn))
        await turn

    def end_all(self, error: Exception) -> None:
        """End all waiting calls with *error*."""
        for places in self._waiting.values():
            for call, _ in places:
                call.context.end(error)

    def _step(self) -> None:
        for _ in range(_STEP_CALLS if self._quiet else 1):
            self._let_one_in()
        self._quiet = True
        if self._waiting:
            asyncio.get_running_loop().call_later(_STEP_SECONDS, self._step)

    def _let_one_in(self) -> None:
        for peer in list(self._waiting)[:1]:
            places, entered = self._waiting.pop(peer), False
            while places and not entered:
                _, turn = places.popleft()
                if entered := not turn.done():  # otherwise the client has disconnected
                    turn.set_result(None)
            if places:
                self._waiting[peer] = places
