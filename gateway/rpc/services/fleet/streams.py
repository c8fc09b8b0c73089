"""The common part of merged streams: the loop that sends records of many sources in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, suppress
from math import inf
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from gateway.engine.codec.times import seconds_of
from gateway.engine.errors import InvalidField
from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS
from gateway.engine.transport.turns import Turns
from gateway.fleet.merge import Merge, Part, Resumed, Source, Stalled

MOST_BYTES = 256 << 10
_MOST_RECORDS = 128  # that are taken at once
_TURN_SECONDS = 0.0003  # of work for a response: to send it takes the rest of a turn
_ROOM_BYTES = 16 << 20  # for what is pending, of all sources together
_SHARE_BYTES = 256 << 10  # of one of them, at most

T = TypeVar("T")


class Merged(Generic[T]):
    """A merge of sources, each read by a task.  The end of its block ends all tasks."""

    def __init__(self, max_wait_seconds: float) -> None:
        """Delay no record longer than *max_wait_seconds*."""
        self.merge: Merge[T] = Merge(max_wait_seconds)
        self.clock = asyncio.get_running_loop().time
        self._complete_at = inf  # when no source can be added any more
        self._woken = False  # whether there is something to send that no source has
        self._tasks: dict[Source[T], asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Sources

    def read(self, key: Any, read: Callable[[Source[T]], Coroutine[Any, Any, None]]) -> Source[T]:
        """Add a source; *read* reads it to its end."""
        source = self.merge.add(key, self.clock())
        self._tasks[source] = asyncio.create_task(self._to_the_end(source, read))
        return source

    async def _to_the_end(self, source: Source[T], read: Callable[[Source[T]], Coroutine[Any, Any, None]]) -> None:
        try:
            await read(source)
        finally:
            del self._tasks[source]
            self.merge.end(source, self.clock())
            self._changed.set()

    async def put(self, source: Source[T], record: T, times: list[int], size: int) -> None:
        """Add records of *source*; wait while more than its share is pending."""
        self.merge.put(source, record, times, self.clock(), size)
        self._changed.set()
        while source.size > min(_SHARE_BYTES, _ROOM_BYTES // max(len(self.merge), 1)):
            self._taken.clear()
            await self._taken.wait()

    def live(self, source: Source[T]) -> None:
        """Note that *source* has been read up to now."""
        self.merge.live(source, self.clock())
        self._changed.set()

    def stall(self, source: Source[T]) -> None:
        """Let no other source wait for *source*, whose host is down.  One record reports that for all sources of the
        host.
        """
        self.merge.stall(source, self.clock(), silent=True)
        self._changed.set()

    def stop(self, source: Source[T]) -> None:
        """Read *source* no longer, and drop what is pending of it."""
        if source in self._tasks:
            self._tasks[source].cancel()
        self.merge.drop(source, self.clock())

    def end(self, source: Source[T], last: T) -> None:
        """Read *source* no longer; *last* is its last record."""
        self.merge.put(source, last, [], self.clock())
        self.merge.end(source, self.clock())  # a task that has not begun yet does not
        if source in self._tasks:
            self._tasks[source].cancel()
        self._changed.set()

    def wake(self) -> None:
        """Let the stream send what no source has, also where it has ended otherwise."""
        self._woken = True
        self._changed.set()

    def finish(self, until: int | None = None) -> None:
        """Let the stream end with its last source: no other is to come, from *until* on, in nanoseconds since 1970."""
        self._complete_at = self.clock() if until is None else self.clock() + until / 1e9 - time.time()
        self._changed.set()

    # The stream

    async def responses(
        self, records: Callable[[list[Part[T] | Stalled[T] | Resumed[T]]], Iterator[tuple[bytes, Turns | None]]]
    ) -> AsyncGenerator[bytes, None]:
        """Yield the responses, without tokens.  *records* encodes what the merge yields; it gets an empty list when a
        heartbeat is due, or after `wake`.
        """
        async with aclosing(self._items()) as batches:
            async for items in batches:
                async with aclosing(joined(records(items))) as responses:
                    async for response in responses:
                        yield response

    async def _items(self) -> AsyncGenerator[list[Part[T] | Stalled[T] | Resumed[T]], None]:
        heartbeat = self.clock() + HEARTBEAT_SECONDS
        while True:
            self._changed.clear()
            items, again = self.merge.take(self.clock(), _MOST_RECORDS)
            if items or self._woken:
                self._woken = False
                self._taken.set()
                yield items
                heartbeat = self.clock() + HEARTBEAT_SECONDS
                continue
            complete_in = self._complete_at - self.clock()
            if complete_in <= 0 and not len(self.merge):
                return
            with suppress(TimeoutError):
                due = min(heartbeat, inf if again is None else again, self._complete_at if complete_in > 0 else inf)
                async with asyncio.timeout_at(due):
                    await self._changed.wait()
            if self.clock() >= heartbeat:
                yield []
                heartbeat = self.clock() + HEARTBEAT_SECONDS


def max_wait(request: Any) -> float:
    """Return how many seconds a record waits at most.  Raises `InvalidField`."""
    if not request.HasField("max_wait"):
        return 1.0
    seconds = seconds_of(request.max_wait, "max_wait")
    if not 0 <= seconds <= 60:
        raise InvalidField("max_wait", "must be from 0 to 60 seconds")
    return seconds


async def joined(pieces: Iterator[tuple[bytes, Turns | None]]) -> AsyncGenerator[bytes, None]:
    """Yield *pieces* joined, about 256 KiB each.  A piece of a host comes with its turns.

    A response takes a turn of the host that sent its first piece, and ends with that turn.  No piece is taken before
    the response that has it, so the token of a response can be that of its last piece.
    """
    held: list[bytes] = []
    size, turn_end = 0, inf
    for piece, turns in pieces:
        if turns is not None and turn_end == inf:
            if turns.spent:
                await turns.next()
            turn_end = time.monotonic() + _TURN_SECONDS
        held.append(piece)
        size += len(piece)
        if size >= MOST_BYTES or time.monotonic() >= turn_end:
            yield b"".join(held)
            held, size, turn_end = [], 0, inf
    if held:
        yield b"".join(held)
