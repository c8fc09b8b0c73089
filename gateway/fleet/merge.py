"""Merges streams into one in the order of time, without waiting for stalled ones.

A source keeps its own order, even when its clock is set back.  Between sources, the times decide:

  - a source that is still reading what was written before, and has nothing at hand, holds up the others, but for no
    longer than `max_wait_seconds`; then it is stalled, and does not until something comes of it;
  - a source that has read everything, and is silent, holds up a record of another for `SETTLE_SECONDS`: so long takes
    what was written at the same time.  So a silent source costs no delay that a reader would notice.

There is no I/O here and no clock: `take` gets the time as an argument.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf
from typing import Any, Generic, NamedTuple, TypeVar

SETTLE_SECONDS = 0.2

T = TypeVar("T")


class State(Enum):
    """The progress of a source."""

    READING = "reading"  # what was written before
    LIVE = "live"  # what is written now
    STALLED = "stalled"
    ENDED = "ended"


@dataclass(slots=True)
class Chunk(Generic[T]):
    """Records of one source that arrived together, at `arrived` in seconds; `times` are their times, in nanoseconds."""

    record: T
    times: Sequence[int]
    arrived: float
    size: int
    start: int = 0  # of those that were not taken yet


class Part(NamedTuple, Generic[T]):
    """The records from `start` to `stop` of what came of a source together."""

    source: Source[T]
    record: T
    start: int
    stop: int


class Stalled(NamedTuple, Generic[T]):
    """The merge no longer waits for a source, which has sent nothing for this many seconds."""

    source: Source[T]
    idle_seconds: float


class Resumed(NamedTuple, Generic[T]):
    """A stalled source has resumed."""

    source: Source[T]


@dataclass(eq=False, slots=True)
class Source(Generic[T]):
    """One of the streams.  `key` is its caller's own."""

    key: Any
    number: int  # of two records with one time, that of the source that came first is the first
    state: State = State.READING
    pending: deque[Chunk[T]] = field(default_factory=deque)
    size: int = 0  # bytes that are pending
    quiet_since: float = 0.0  # since when nothing is pending
    last_time: int = 0  # of the newest record
    dropped: bool = False  # records that were taken from it and not sent are dropped


class Merge(Generic[T]):
    """The sources, and their pending records."""

    def __init__(self, max_wait_seconds: float) -> None:
        """Know no source yet."""
        self._max_wait_seconds = max_wait_seconds
        self._settle_seconds = min(SETTLE_SECONDS, max_wait_seconds)
        self._sources: set[Source[T]] = set()
        self._heads: list[tuple[int, int, Source[T]]] = []  # a heap: the time of the first record that is pending
        self._quiet: dict[State, dict[Source[T], None]] = {State.READING: {}, State.LIVE: {}}  # in order of time
        self._news: deque[Stalled[T] | Resumed[T]] = deque()
        self._next_number = 0

    def __len__(self) -> int:
        return len(self._sources)

    def __iter__(self) -> Iterator[Source[T]]:
        return iter(self._sources)

    def add(self, key: Any, now: float) -> Source[T]:
        """Add a source that reads what was written before."""
        source: Source[T] = Source(key, self._next_number, quiet_since=now)
        self._next_number += 1
        self._sources.add(source)
        self._quiet[State.READING][source] = None
        return source

    def put(self, source: Source[T], record: T, times: Sequence[int], now: float, size: int = 0) -> None:
        """Add what came of *source* together.  Without *times* it belongs to the newest record before it."""
        times = _in_order(times, source.last_time) if times else (source.last_time,)
        source.last_time = times[-1]
        if source.state is State.STALLED:
            source.state = State.READING
            self._news.append(Resumed(source))
        source.pending.append(Chunk(record, times, now, size))
        source.size += size
        if len(source.pending) == 1:
            self._forget_quiet(source)
            heapq.heappush(self._heads, (times[0], source.number, source))

    def live(self, source: Source[T], now: float) -> None:
        """Note that *source* has read what was written before."""
        if source.state is State.STALLED:
            self._news.append(Resumed(source))
        if source.state is not State.ENDED:
            self._change(source, State.LIVE, now)

    def stall(self, source: Source[T], now: float, *, silent: bool = False) -> None:
        """Stop waiting for *source*; with *silent*, without a `Stalled` record."""
        if source.state in (State.READING, State.LIVE):
            self._change(source, State.STALLED, now)
            if not silent:
                self._news.append(Stalled(source, now - source.quiet_since))

    def end(self, source: Source[T], now: float) -> None:
        """Note that *source* has ended.  It is removed when its pending records are taken."""
        self._change(source, State.ENDED, now)
        if not source.pending:
            self._sources.discard(source)

    def drop(self, source: Source[T], now: float) -> None:
        """Remove *source* and its pending records."""
        source.dropped = True
        source.pending.clear()
        source.size = 0
        self._heads = [head for head in self._heads if head[2] is not source]
        heapq.heapify(self._heads)
        self.end(source, now)

    def take(self, now: float, most: int) -> tuple[list[Part[T] | Stalled[T] | Resumed[T]], float | None]:
        """Return the next records, about *most*, and the time when more may be ready without another `put`; None:
        never.
        """
        taken: list[Part[T] | Stalled[T] | Resumed[T]] = []
        while most > 0:
            while self._news:
                taken.append(self._news.popleft())
            look_again = self._held_up_until(now)
            if self._news:
                continue
            if look_again is not None or not self._heads:
                return taken, look_again
            part = self._pop(now)
            most -= part.stop - part.start
            taken.append(part)
        return taken, now

    def _held_up_until(self, now: float) -> float | None:
        """Return until when the first record must wait; None when it need not.  Sources that wait too long stall."""
        if not self._heads:
            return None
        arrived = self._heads[0][2].pending[0].arrived
        reading = self._quiet[State.READING]
        while reading:
            source = next(iter(reading))
            until = min(source.quiet_since, arrived) + self._max_wait_seconds
            if until > now:
                return until
            if source.quiet_since + self._max_wait_seconds > now:
                return None  # the record has waited long enough, for others before
            self.stall(source, now)
        until = arrived + self._settle_seconds
        return until if self._quiet[State.LIVE] and until > now else None

    def _pop(self, now: float) -> Part[T]:
        """Take the records of the first source that are before those of every other."""
        _, _, source = heapq.heappop(self._heads)
        chunk = source.pending[0]
        start = chunk.start
        other = self._heads[0][0] if self._heads else inf
        stop = max(bisect_right(chunk.times, other, start), start + 1)
        if stop < len(chunk.times):
            chunk.start = stop
        else:
            source.pending.popleft()
            source.size -= chunk.size
        if source.pending:
            head = source.pending[0]
            heapq.heappush(self._heads, (head.times[head.start], source.number, source))
        else:
            self._now_quiet(source, now)
        return Part(source, chunk.record, start, stop)

    def _now_quiet(self, source: Source[T], now: float) -> None:
        source.quiet_since = now
        if source.state is State.ENDED:
            self._sources.discard(source)
        elif source.state in self._quiet:
            self._quiet[source.state][source] = None

    def _change(self, source: Source[T], state: State, now: float) -> None:
        self._forget_quiet(source)
        source.state = state
        if not source.pending and state in self._quiet:
            self._quiet[state][source] = None

    def _forget_quiet(self, source: Source[Any]) -> None:
        for quiet in self._quiet.values():
            quiet.pop(source, None)


def _in_order(times: Sequence[int], least: int) -> Sequence[int]:
    """Return *times*, none before *least* or before the one in front of it."""
    if times[0] >= least and all(times[number - 1] <= times[number] for number in range(1, len(times))):
        return times
    ordered = []
    for time in times:
        least = max(least, time)
        ordered.append(least)
    return ordered
