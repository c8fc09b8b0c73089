"""One reader of a host's events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from gateway.engine.events.event_buffer import EventBuffer, EventCursor, Gap, Record
from gateway.engine.events.filter import Filter
from gateway.engine.resumable.subscription import Idle, Missed, Overflow, Subscription


@dataclass(frozen=True, slots=True)
class Range:
    """What a reader asked for: from behind *cursor*, else from the time *since*, up to *until*.

    With *until* alone it begins at the oldest event that is remembered; with nothing, now.  Times are the engine's, in
    nanoseconds since 1970.
    """

    since: int | None = None
    until: int | None = None
    cursor: EventCursor | None = None


class Watcher:
    """An asynchronous iterator of the records that fit a filter, with gaps and heartbeats."""

    def __init__(
        self,
        buffer: EventBuffer,
        wanted: Filter,
        asked: Range,
        *,
        begin: int,
        now: int,
        end: Callable[[], float | None],
        heartbeat_seconds: float | None,
        gap_found: Callable[[Gap], None],
    ) -> None:
        """Read *buffer* as *asked*.

        *begin* is the number of the first record of a reader that asks for nothing else, and *now* the engine's time;
        *end* tells when all up to `until` must have come; *gap_found* is called with a gap of this reader alone.
        """
        self._buffer = buffer
        self._filter = wanted
        self._since, self._until = asked.since, asked.until
        self._present = buffer.journal.next  # of the records before, some are older than `since`
        self._read: frozenset[bytes] = frozenset()  # fingerprints of events that were read before, elsewhere
        self._time = asked.since or (0 if asked.until is not None else now)  # of the last record
        self._gap: Record | None = None  # before everything else
        self._gap_found = gap_found
        if asked.cursor is not None:
            begin = self._resume(asked.cursor)
        elif asked.since is not None or asked.until is not None:
            begin = buffer.journal.first
        self._subscription = Subscription(
            buffer.journal,
            begin,
            Overflow.GAP,
            wanted=self._wanted,
            heartbeat_seconds=heartbeat_seconds,
            heartbeat_first=True,  # with nothing else to send, a reader still gets its cursor
            end=end,
        )

    def __aiter__(self) -> AsyncIterator[Record]:
        return self

    async def __anext__(self) -> Record:
        """Return the next record.  Raises what keeps the gateway from reading."""
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
        """Return the number of the record behind *cursor*."""
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
        self._gap_found(record.gap)
        return record
