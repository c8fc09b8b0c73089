"""The newest records of an upstream, numbered, for readers that each read at their own pace."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Dropped(LookupError):
    """The journal does not keep the record any more.  `first` is the number of the oldest one that it keeps."""

    def __init__(self, first: int) -> None:
        super().__init__(f"the oldest record kept is number {first}")
        self.first = first


class Journal(Generic[T]):
    """Keeps at most so many records, and bytes of them; the newest record whatever its size.

    `first` is the number of the oldest record kept, and `next` that of the record to come.  `closed` tells that none
    is to come, and `failure` why, unless the upstream ended well.
    """

    def __init__(
        self,
        *,
        max_records: int | None = None,
        max_bytes: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep nothing yet.  Without a bound, all is kept.  *clock* tells seconds."""
        self.first = self.next = 0
        self.closed = False
        self.failure: Exception | None = None
        self._max_records = max_records
        self._max_bytes = max_bytes
        self.clock = clock
        self._records: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._changed_at = clock()
        self._news = asyncio.Event()  # set once for all who wait, then replaced
        self._demand = asyncio.Event()

    def __getitem__(self, number: int) -> T:
        """Return a record before `next`.  Raises `Dropped`."""
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
        """How long ago the newest record came; without any, how long ago the journal was made."""
        return self.clock() - self._changed_at

    # For the upstream

    def append(self, record: T, size: int = 0) -> int:
        """Add *record*, of *size* bytes, wake up all who wait, and return its number."""
        self._records.append((record, size))
        self._bytes += size
        self.next += 1
        while len(self._records) > 1 and self._is_full():
            self._bytes -= self._records.popleft()[1]
            self.first += 1
        self._changed_at = self.clock()
        self._demand.clear()
        self.wake()
        return self.next - 1

    async def demanded(self) -> None:
        """Return once a reader has read everything and wants more: for an upstream that waits for its readers."""
        await self._demand.wait()

    def close(self, failure: Exception | None = None) -> None:
        """Say that no record is to come; *failure* is for the readers.  What is kept can still be read."""
        self.closed, self.failure = True, failure
        self.wake()

    def reopen(self) -> None:
        """Take records again after `close`."""
        self.closed, self.failure = False, None

    # For readers

    def demand(self) -> None:
        """Tell the upstream that a reader wants more."""
        self._demand.set()

    def wake(self) -> None:
        """Let all who wait look again."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def changed(self, deadline: float | None = None) -> None:
        """Wait for the next record or `wake`; at most until *deadline*, in the clock's time."""
        news = self._news
        if deadline is None:
            await news.wait()
            return
        try:
            async with asyncio.timeout(deadline - self.clock()):
                await news.wait()
        except TimeoutError:
            pass

    def _is_full(self) -> bool:
        return (self._max_records is not None and len(self._records) > self._max_records) or (
            self._max_bytes is not None and self._bytes > self._max_bytes
        )
