"""The newest records of an upstream, numbered, for readers that each read at their own pace."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Dropped(LookupError):
    """The journal does not keep the record any more.  `first` is the number of the oldest record that it keeps."""

    def __init__(self, first: int) -> None:
        super().__init__(f"the oldest record kept is number {first}")
        self.first = first


class Journal(Generic[T]):
    """Keeps at most *max_records*, and at most *max_bytes* of them, but always the newest record.

    `first` is the number of the oldest record kept, and `next` that of the next one.  `closed` means that no record
    follows; `failure` is the reason, or None when the upstream ended without one.
    """

    def __init__(
        self,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin empty.  Without bounds, all records are kept.  *clock* returns seconds."""
        self.first = self.next = 0
        self.closed = False
        self.failure: Exception | None = None
        self._max_records = max_records
        self._max_bytes = max_bytes
        self.clock = clock
        # An empty deque takes 0.7 KiB, and each host has two journals that can stay empty.
        self._records: deque[tuple[T, int]] | tuple[tuple[T, int], ...] = ()
        self._bytes = 0
        self._changed_at = clock()
        self._waiting: set[asyncio.Future[None]] = set()
        self._demanded = False  # since the newest record
        self._demand: asyncio.Future[None] | None = None  # of an upstream that waits for its readers

    def __getitem__(self, number: int) -> T:
        """Return record *number*, which is below `next`.  Raises `Dropped`."""
        if number < self.first:
            raise Dropped(self.first)
        return self._records[number - self.first][0]

    def __iter__(self) -> Iterator[T]:
        return (record for record, _ in self._records)

    @property
    def newest(self) -> T | None:
        """The newest record, if there is one."""
        return self._records[-1][0] if self._records else None

    @property
    def silent_seconds(self) -> float:
        """The seconds since the newest record, or since the journal was made."""
        return self.clock() - self._changed_at

    # For the upstream

    def append(self, record: T, size: int = 0) -> int:
        """Add *record*, of *size* bytes, wake all readers, and return its number."""
        if isinstance(self._records, tuple):
            self._records = deque()
        self._records.append((record, size))
        self._bytes += size
        self.next += 1
        while len(self._records) > 1 and self._is_full():
            self._bytes -= self._records.popleft()[1]
            self.first += 1
        self._changed_at = self.clock()
        self._demanded = False
        self.wake()
        return self.next - 1

    async def demanded(self) -> None:
        """Return once a reader has read everything and wants more: for an upstream that waits for its readers."""
        if not self._demanded:
            self._demand = asyncio.get_running_loop().create_future()
            await self._demand

    def close(self, failure: Exception | None = None) -> None:
        """Note that no record follows; readers get *failure* after the records that are kept."""
        self.closed, self.failure = True, failure
        self.wake()

    def reopen(self) -> None:
        """Accept records again after `close`."""
        self.closed, self.failure = False, None

    def clear(self) -> None:
        """Drop all records."""
        self._records = ()
        self._bytes = 0
        self.first = self.next

    # For readers

    def demand(self) -> None:
        """Let `demanded` return: a reader wants more."""
        self._demanded = True
        if self._demand is not None and not self._demand.done():
            self._demand.set_result(None)

    def wake(self) -> None:
        """Wake all readers."""
        waiting, self._waiting = self._waiting, set()
        for news in waiting:
            if not news.done():
                news.set_result(None)

    async def changed(self, deadline: float | None = None) -> None:
        """Wait for the next record or `wake`, at most until *deadline* of the clock."""
        waiter = Waiter(self)
        try:
            await waiter.wait(deadline)
        finally:
            waiter.close()

    def _is_full(self) -> bool:
        return (self._max_records is not None and len(self._records) > self._max_records) or (
            self._max_bytes is not None and self._bytes > self._max_bytes
        )


class Waiter:
    """Waits for the next record of a journal, again and again, with one timer for many waits."""

    def __init__(self, journal: Journal[Any]) -> None:
        self._journal = journal
        self._news: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    async def wait(self, deadline: float | None = None) -> None:
        """Wait for the next record or `wake`, at most until *deadline* of the clock.  May return early."""
        loop, journal = asyncio.get_running_loop(), self._journal
        # A timer that is too early stays, because a new one for each record costs more than the rest of the wait.
        if deadline is not None and (self._timer is None or deadline < self._timer_at):
            self.close()
            self._timer, self._timer_at = loop.call_later(deadline - journal.clock(), self._ring), deadline
        news = self._news = loop.create_future()
        journal._waiting.add(news)
        try:
            await news
        finally:
            journal._waiting.discard(news)

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
