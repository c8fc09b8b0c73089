"""Large messages are received and parsed one at a time, with pauses in which the calls of other clients are served.

grpc copies a message in one piece, which takes up to a millisecond for each MiB.  It handles one event in each
iteration of the loop, and a call needs a dozen iterations: if many large messages arrive together, it waits for many
copies.  The size of a message is known only after it was copied.  So after a connection has sent a large message, the
first messages of its next calls are received in turns, and so are those beyond a few that it sends at once.  A stream
pauses after each large message.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from gateway.engine.callers import Callers
from gateway.rpc.budgets import address_of
from gateway.rpc.size import LARGE_BYTES
from gateway.rpc.waiting_calls import Place, WaitingCalls

if TYPE_CHECKING:
    from gateway.rpc.call import Call

_AT_ONCE = 32  # first messages that a connection may send at once, while others have calls: a turn takes time, too
_PAUSE_SECONDS_PER_BYTE = 0.0025 / (1 << 20)  # a few times as long as a message takes
_SENDER_SECONDS = 60.0  # for which a connection counts as a sender of large messages
_MOST_SECONDS = 0.02  # of a turn: the client may send its message slowly, or never
_LEAST_SECONDS = 0.001  # of a turn without a message; after each one without, turns are half as long


class LargeMessages:
    """The turns.  Clients on a unix socket cannot be distinguished, so these never wait."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """*clock* returns seconds."""
        self._clock = clock
        self._callers = Callers()
        self._receiving: dict[str, int] = {}  # calls without a turn whose first message has not come, by connection
        self._senders: dict[str, float] = {}  # when each connection ceases to be a sender of large messages
        self._waiting = WaitingCalls()
        self._turn: Place | None = None  # that has the turn
        self._next: asyncio.TimerHandle | asyncio.Handle | None = None  # begins the next turn
        self._seconds = _MOST_SECONDS  # of a turn
        self._free_at = 0.0  # when all pauses are over

    def place(self, call: Call) -> AbstractAsyncContextManager[None]:
        """Return the block that receives and parses the first message of *call*.  It waits for a turn if it must."""
        peer, now = call.peer, self._clock()
        self._callers.call(peer, now)
        many = self._receiving.get(peer, 0) >= _AT_ONCE and self._callers.has_others(peer, now)
        if call.address and (many or self._senders.get(peer, 0) > now):
            return self._in_turn(call)
        return _Free(self._receiving, peer)

    @asynccontextmanager
    async def _in_turn(self, call: Call) -> AsyncIterator[None]:
        place = self._waiting.add(call)
        self._prepare_next()
        try:
            await place
            yield
        finally:
            self._waiting.remove(call, place)
            self._end(place)

    def came(self, peer: str, size: int) -> float:
        """Record a message of *size* bytes from *peer*; return the seconds that a stream pauses after it."""
        if size <= LARGE_BYTES or not address_of(peer):
            return 0
        now, self._seconds = self._clock(), _MOST_SECONDS
        if peer not in self._senders:
            self._senders = {other: end for other, end in self._senders.items() if end > now}
        self._senders[peer] = now + _SENDER_SECONDS
        if not self._callers.has_others(peer, now):
            return 0
        self._free_at = max(self._free_at, now) + size * _PAUSE_SECONDS_PER_BYTE
        return self._free_at - now

    def end_all(self, error: Exception) -> None:
        """End all waiting calls with *error*."""
        self._waiting.end_all(error)

    def _prepare_next(self) -> None:
        """Begin the next turn after the pauses that are known now: later ones would put it off forever."""
        if self._turn is None and self._next is None and self._waiting:
            delay = max(self._free_at - self._clock(), 0)
            self._next = asyncio.get_running_loop().call_later(delay, self._begin)

    def _begin(self) -> None:
        self._next = None
        self._turn = self._waiting.let_next_go()
        if self._turn is not None:
            asyncio.get_running_loop().call_later(self._seconds, self._end, self._turn, True)

    def _end(self, place: Place, late: bool = False) -> None:
        """End the turn of *place*, if it has it; *late* says that no message has come."""
        if self._turn is place:
            self._turn = None
            if late:
                self._seconds = max(self._seconds / 2, _LEAST_SECONDS)
            self._prepare_next()


class _Free(AbstractAsyncContextManager[None]):
    """The block of a call that needs no turn.  It is a class for speed, because nearly all calls enter one."""

    __slots__ = ("_peer", "_receiving")

    def __init__(self, receiving: dict[str, int], peer: str) -> None:
        self._receiving = receiving
        self._peer = peer

    async def __aenter__(self) -> None:
        self._receiving[self._peer] = self._receiving.get(self._peer, 0) + 1

    async def __aexit__(self, *_: object) -> None:
        self._receiving[self._peer] -= 1
        if not self._receiving[self._peer]:
            del self._receiving[self._peer]
