"""One subscriber of a shared upstream: its cursor, its heartbeats, and the records that it misses when it is too
slow.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from gateway.engine.resumable.journal import Journal, Waiter

HEARTBEAT_SECONDS = 15.0
"""Seconds of silence after which the client of a stream gets a heartbeat."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Idle:
    """No record has come for this many seconds; the stream is alive."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Missed:
    """The subscriber was too slow: so many records are not kept any more."""

    count: int


class Overflow(Enum):
    """Where a subscriber continues after records that it has missed."""

    LEAVE = "leave"  # it does not continue
    GAP = "gap"  # at the oldest record that is kept
    SKIP = "skip"  # at the newest record


class Subscription(Generic[T]):
    """Reads a journal: an asynchronous iterator of records, of `Missed` in place of dropped ones, and of `Idle`.

    `cursor` is the number of the next record.  The subscription ends when all records of a closed journal are read, and
    raises the journal's failure; or after `Missed` with LEAVE, and then `left` is true.
    """

    def __init__(
        self,
        journal: Journal[T],
        cursor: int,
        overflow: Overflow,
        *,
        wanted: Callable[[T], bool] | None = None,
        heartbeat_seconds: float | None = None,
        heartbeat_first: bool = False,
        end: Callable[[], float | None] | None = None,
    ) -> None:
        """Begin at record *cursor*.

        The subscription leaves out records that are not *wanted*; by default it returns all.  An `Idle` comes after
        *heartbeat_seconds* without a record, by default `HEARTBEAT_SECONDS`; with *heartbeat_first* also at the start,
        if there is no record.  *end* returns the time of the journal's clock at which the subscription ends, None while
        that is not known.
        """
        self.cursor = cursor
        self.left = False
        self._journal = journal
        self._waiter = Waiter(journal)
        self._overflow = overflow
        self._wanted = wanted
        self._heartbeat_seconds = HEARTBEAT_SECONDS if heartbeat_seconds is None else heartbeat_seconds
        self._end = end
        self._due = journal.clock() + (0 if heartbeat_first else self._heartbeat_seconds)  # of the next heartbeat

    def __aiter__(self) -> AsyncIterator[T | Missed | Idle]:
        return self

    async def __anext__(self) -> T | Missed | Idle:
        """Return the next item."""
        journal = self._journal
        while True:
            if (found := self.ready()) is not None:
                return found
            if self.left:
                raise StopAsyncIteration
            if journal.closed:
                if journal.failure is not None:
                    raise journal.failure
                raise StopAsyncIteration
            now, end = journal.clock(), None if self._end is None else self._end()
            if end is not None and end <= now:
                raise StopAsyncIteration
            if self._due <= now:
                self._due = now + self._heartbeat_seconds
                return Idle(journal.silent_seconds)
            journal.demand()
            await self._waiter.wait(self._due if end is None else min(self._due, end))

    def ready(self) -> T | Missed | None:
        """Return the next item without waiting; None if there is none."""
        journal = self._journal
        if self.left:
            return None
        if self.cursor < journal.first:
            return self._overtaken()
        while self.cursor < journal.next:
            record = journal[self.cursor]
            self.cursor += 1
            if self._wanted is None or self._wanted(record):
                self._due = journal.clock() + self._heartbeat_seconds
                return record
        return None

    def _overtaken(self) -> Missed:
        journal = self._journal
        goal = journal.next - 1 if self._overflow is Overflow.SKIP else journal.first
        missed, self.cursor = Missed(goal - self.cursor), goal
        self.left = self._overflow is Overflow.LEAVE
        self._due = journal.clock() + self._heartbeat_seconds
        return missed
