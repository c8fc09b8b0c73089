"""Bounds the open calls of one kind to one host, with a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.engine.errors import Busy, CallError, TimedOut
from gateway.engine.transport.timeouts import within


class Budget:
    """The places for the calls of one kind, and the queue of the calls that wait for a place."""

    __slots__ = ("_in_queue", "_in_use", "_queue", "_queue_limit", "in_use", "limit")

    def __init__(self, limit: int, in_use: str, queue: int = 0, in_queue: str = "queued") -> None:
        """Provide *limit* places, and a queue for *queue* calls.

        *in_use* and *in_queue* describe both in error texts, with their configuration keys.
        """
        self.limit = limit
        self.in_use = 0
        self._in_use = in_use
        self._queue_limit = queue
        self._in_queue = in_queue
        self._queue: dict[asyncio.Future[None], None] = {}  # in order of arrival

    @property
    def queued(self) -> int:
        """How many calls wait."""
        return len(self._queue)

    def take(self) -> bool:
        """Take a place; return false when none is free."""
        if self.in_use >= self.limit:
            return False
        self.in_use += 1
        return True

    async def wait(self, deadline: float | None) -> None:
        """Wait for a place until *deadline*, in the loop's time.

        Raises `Busy` when the queue is full, `TimedOut`, and the error of `refuse`.
        """
        if len(self._queue) >= self._queue_limit:
            queued = f" and {self.queued} {self._in_queue}" if self._queue_limit else ""
            raise Busy(f"host busy: {self.in_use} {self._in_use}{queued}")
        loop = asyncio.get_running_loop()
        place = loop.create_future()
        self._queue[place] = None
        timer = None if deadline is None else loop.call_at(deadline, _expire, place, deadline)
        try:
            await place
        except BaseException:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # the place was handed to this call, which is cancelled
            raise
        finally:
            if timer is not None:
                timer.cancel()
            self._queue.pop(place, None)

    def leave(self) -> None:
        """Release a place: hand it to the call that has waited longest, if any."""
        while self._queue:
            place = next(iter(self._queue))
            del self._queue[place]
            if not place.done():
                place.set_result(None)  # handed over: the number in use is the same
                return
        self.in_use -= 1

    def refuse(self, why: Callable[[], CallError | None]) -> None:
        """Fail each waiting call with the error that *why* returns; with None, the call continues to wait."""
        for place in self._queue:
            if not place.done() and (error := why()) is not None:
                place.set_exception(error)


def _expire(place: asyncio.Future[None], deadline: float) -> None:
    if not place.done():
        place.set_exception(TimedOut(f"no connection to the host became free {within(deadline)}"))
