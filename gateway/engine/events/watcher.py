"""One reader of a host's events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.engine.events.event_buffer import EventBuffer, EventCursor, Record
from gateway.engine.events.filter import Filter
from gateway.engine.events.upstream import EventUpstream
from gateway.engine.resumable.subscription import Idle, Missed, Overflow, Subscription


class Watcher:
    """An asynchronous iterator of the records that fit a filter, with gaps and heartbeats."""

    def __init__(
        self,
        upstream: EventUpstream,
        buffer: EventBuffer,
        wanted: Filter,
        *,
        begin: int,
        since: int | None = None,
        until: int | None = None,
        cursor: EventCursor | None = None,
        heartbeat_seconds: float | None = None,
    ) -> None:
        """Read the *buffer* of *upstream*.

        Begin after *cursor*, else at the time *since*, else at record *begin*; end at the time *until*.

        With *until* alone, begin at the oldest event in the buffer.  Times are those of the engine's clock, in
        nanoseconds since 1970.
        """
        self._upstream = upstream
        self._buffer = buffer
        self._filter = wanted
        self._since, self._until = since, until
        self._present = buffer.journal.next  # of the records before, some are older than `since`
        self._read: frozenset[bytes] = frozenset()  # fingerprints of events that were read before, elsewhere
        self._time = since or (0 if until is not None else upstream.now)  # of the last record
        self._gap: Record | None = None  # before everything else
        if cursor is not None:
            begin = self._resume(cursor)
        elif since is not None or until is not None:
            begin = buffer.journal.first
        self._subscription = Subscription(
            buffer.journal,
            begin,
            Overflow.GAP,
            wanted=self._wanted,
            heartbeat_seconds=heartbeat_seconds,
            heartbeat_first=True,  # so that a reader gets a cursor even when there is no event
            end=lambda: upstream.end(until),
        )

    def __aiter__(self) -> AsyncIterator[Record]:
        return self

    async def __anext__(self) -> Record:
        """Return the next record.  Raises the failure of the subscription."""
        if self._gap is not None:
            record, self._gap = self._gap, None
            return self._found(record)
        match await anext(self._subscription):
            case Missed(count):
                return self._found(self._buffer.gap_for_slow_reader(self._time, 0 if self._filter else count))
            case Idle(seconds):
                return Record(self._buffer.cursor_at(self._subscription.cursor, self._time), idle=seconds)
            case record:
                self._time = record.cursor.time
                return record

    def _resume(self, cursor: EventCursor) -> int:
        """Return the number of the record after *cursor*."""
        self._time = cursor.time
        found = self._buffer.locate(cursor)
        if found is None:
            self._since = cursor.time + 1
            self._gap = self._buffer.gap_for_unknown(cursor)
            return self._buffer.journal.first
        number, self._read = found
        return number

    def _wanted(self, record: Record) -> bool:
        cursor = record.cursor
        if self._until is not None and cursor.time > self._until:
            return False
        if self._since is not None and cursor.time < self._since and cursor.number < self._present:
            return False
        if record.fingerprint in self._read:
            return False
        return record.event is None or self._filter.fits(record.event)

    def _found(self, record: Record) -> Record:
        assert record.gap is not None
        self._upstream.gap_found(record.gap)
        return record
