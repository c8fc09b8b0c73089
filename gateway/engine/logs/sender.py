"""Makes records of the entries of one log, and sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

from gateway.engine.codec.timestamps import time_of
from gateway.engine.logs.answer import LogQuery
from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.entries import Entry, Lines
from gateway.engine.logs.marks import Marks
from gateway.engine.logs.overlap import Position
from gateway.engine.logs.records import (
    BATCH_LINES,
    Batch,
    End,
    EndReason,
    Gap,
    GapReason,
    Heartbeat,
    Reconnected,
    Record,
    Restarted,
)
from gateway.engine.logs.runs import Run, has_pause
from gateway.engine.logs.states import FollowState

Receive = Callable[[list[Record]], Awaitable[None]]
"""Receives records, and returns when it can receive the next ones."""

_BATCH_BYTES = 256 << 10  # of entries in one batch of whole lines
_ENTRY_BYTES = 100  # bytes that an entry takes besides its text
_NEVER = b"~"  # later than any time


class Sender:
    """Sends the records of one log, each with the position after it.

    `position` is what was sent, and `run` the run of the container that is read.  `broken` means that a `Reconnected`
    is due, and `ended` that an `End` was sent.  `gaps` is the number of gaps.
    """

    def __init__(
        self,
        query: LogQuery,
        position: Position,
        run: Run,
        state: FollowState,
        heartbeat_seconds: float,
        count: Callable[[Gap | Reconnected], None],
        ends_at: float = inf,
    ) -> None:
        """*count* is called once for each gap and reconnect.  Set `receive` before the first `send`.

        From *ends_at* on, a time of `clock`, the log has all entries up to the query's `until`.
        """
        self.receive: Receive
        self.clock = asyncio.get_running_loop().time
        self.position = position
        self.run = run
        self.broken = False
        self.ended = False
        self.gaps = 0
        self.ends_at = ends_at
        self._state = state
        self._next_run: Run | None = None  # the next run has begun; `run` was not sent to its end yet
        self._next_begins = _NEVER
        self._until = _NEVER if query.until is None else time_of(query.until)
        self._follow_restarts = query.follow_restarts
        self._heartbeat_seconds = heartbeat_seconds
        self._count = count
        self._lines = Lines()
        self._records: list[Record] = []
        self._has_begun = False  # a record was made
        self._sent_at = self._entries_at = self.clock()

    @property
    def cursor(self) -> LogCursor:
        """The position after the last record."""
        return self.position.cursor()

    async def send(self) -> None:
        """Send the records that were made."""
        if self._records:
            records, self._records = self._records, []
            await self.receive(records)

    # Entries

    def accept(
        self, entries: list[Entry], marks: list[int] | None, numbering: Marks, *, believed: bool = False
    ) -> None:
        """Accept the next entries of the log that the query wants.

        *marks* are those of the entries; if they are absent, *numbering* makes them.  *believed* entries are from a
        follow answer.
        """
        while entries and not self.ended:
            cut = self._cut(entries)
            if cut == len(entries):
                self._accept(entries, marks, numbering, believed=believed)
                return
            if cut:
                self._accept(entries[:cut], marks and marks[:cut], numbering, believed=believed)
            entries, marks = entries[cut:], marks and marks[cut:]
            if entries[0].time > self._next_begins:
                self.begin_next_run()
            else:
                self.end(EndReason.COMPLETE)

    def _cut(self, entries: list[Entry]) -> int:
        """Return how many of *entries* come before the end of this run, and before the time `until`."""
        last = min(self._next_begins, self._until)
        if last == _NEVER:
            return len(entries)
        return next((number for number, entry in enumerate(entries) if entry.time > last), len(entries))

    def _accept(self, entries: list[Entry], marks: list[int] | None, numbering: Marks, *, believed: bool) -> None:
        self._entries_at = self.clock()
        lines, parts = self._lines.feed(entries)
        if marks is None and parts is entries and not self.position.rotates:
            numbering.pass_over(entries)
        elif marks is None:
            marks = numbering.of(entries)
        (self.position.believe if believed else self.position.prove)(entries, marks)
        self.position.reach_as(numbering)
        self._emit(lines, parts)

    def _emit(self, lines: list[Entry], parts: list[Entry]) -> None:
        """Make batches of *lines*, each with the position after the *parts* that it was made of."""
        if not parts:
            return
        size = sum([len(entry[2]) for entry in parts]) + _ENTRY_BYTES * len(parts)
        if (size <= _BATCH_BYTES and len(parts) <= BATCH_LINES) or lines is not parts:
            self.position.emit(parts)
            self._put(Batch(self.position.cursor(), lines, parts, size if lines is parts else 2 * size))
            return
        step = min(max(len(parts) * _BATCH_BYTES // size, 1), BATCH_LINES)
        for start in range(0, len(parts), step):
            portion = parts[start : start + step]
            self.position.emit(portion)
            self._put(Batch(self.position.cursor(), portion, portion, size * len(portion) // len(parts)))

    @property
    def waits_for_rest(self) -> bool:
        """Whether parts of a line wait for its rest."""
        return self._lines.waiting

    def flush(self) -> None:
        """Send the parts of a line that wait for its rest."""
        self._emit(*self._lines.flush())

    # Runs

    @property
    def expects_run(self) -> bool:
        """Whether the next run has begun, and this one is not sent to its end yet."""
        return self._next_run is not None

    def may_begin_run(self, entries: list[Entry]) -> bool:
        """Return whether the next entries may be of a run that is not expected yet."""
        return self._next_run is None and has_pause(self.position.time, entries)

    def expect(self, run: Run | None) -> None:
        """Expect entries of *run*, the next one, if there is one, after the rest of this one."""
        if run is not None:
            self._next_run, self._next_begins = run, run.begin()

    def begin_next_run(self) -> None:
        """Begin the next run here."""
        assert self._next_run is not None
        self.flush()
        self.run, self._next_run, self._next_begins = self._next_run, None, _NEVER
        self.position.started = self.run.started
        self._state.was_running = True
        if self._follow_restarts:
            self._put(Restarted(self.cursor, self.run.started))
        else:
            self.end(EndReason.RESTARTED)

    # Other records

    def gap(self, after: bytes, before: bytes) -> None:
        """Send that entries between two times are missing; b"" stands for the beginning, and for now."""
        self.flush()
        reason = GapReason.ROTATED if self.position.rotates else GapReason.REPLACED
        gap = Gap(self.cursor, after, before, reason)
        self.gaps += 1
        self._count(gap)
        self._put(gap)

    def reconnected(self) -> None:
        """Send that the connection broke and nothing is missing, if it broke."""
        if self.broken:
            self.broken = False
            self.flush()
            record = Reconnected(self.cursor)
            self._count(record)
            self._put(record)

    def end(self, reason: EndReason, exit_code: int | None = None) -> None:
        """Send that the log has ended."""
        self.flush()
        self.ended = True
        self._put(End(self.cursor, reason, exit_code))

    def _put(self, record: Record) -> None:
        self._has_begun, self._sent_at = True, self.clock()
        self._records.append(record)

    @property
    def is_over(self) -> bool:
        """Whether the log has all entries that the query wants."""
        return self.clock() >= self.ends_at

    # Heartbeats

    @property
    def heartbeat_at(self) -> float:
        """When a heartbeat is due, unless another record comes before."""
        return self._sent_at + self._heartbeat_seconds

    async def first_heartbeat(self) -> None:
        """Send a heartbeat if nothing was sent yet, so that the reader has a position to resume at."""
        if not self._has_begun and self._heartbeat_seconds < inf:
            self._put(Heartbeat(self.cursor, 0.0))
            await self.send()

    async def heartbeat(self) -> None:
        """Send a heartbeat if one is due."""
        now = self.clock()
        if now >= self.heartbeat_at:
            self._put(Heartbeat(self.cursor, now - self._entries_at))
        await self.send()

    async def pause(self, seconds: float) -> None:
        """Wait, with heartbeats."""
        until = self.clock() + seconds
        while (now := self.clock()) < until:
            await asyncio.sleep(min(until, self.heartbeat_at) - now)
            await self.heartbeat()
