"""The upstream of one log: one follow answer of the engine that all followers of the log share."""

from __future__ import annotations

import asyncio

from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.following import Follower
from gateway.engine.logs.marks import ANCHOR, end_alike, mark_of
from gateway.engine.logs.records import Batch, Gap, Record
from gateway.engine.logs.runs import Run
from gateway.engine.resumable.journal import Journal
from gateway.engine.resumable.shared import Shared

_KEPT_BYTES = 1 << 20
_AHEAD_BYTES = 512 << 10  # bytes that the upstream may write while no subscriber reads
_RECORD_BYTES = 200  # that a record takes without entries
_STALLED_SECONDS = 1.0  # seconds without a reading subscriber, after which the next records count as old

Place = tuple[int, list[Batch]]
"""The number of the next record in the journal, and the rest of the batch before it, if there is one."""


class SharedLog(Shared[Record]):
    """The upstream of all followers of one log."""

    def __init__(self, follower: Follower) -> None:
        """Store; the first subscriber starts *follower*."""
        self._clock = asyncio.get_running_loop().time
        super().__init__(Journal(max_bytes=_KEPT_BYTES, clock=self._clock))
        self._follower = follower
        self._start = follower.cursor
        self._ahead = 0  # bytes written since a subscriber had read everything
        self._waits_since: float | None = self._clock()  # the upstream waits for a subscriber that has read everything

    @property
    def newest(self) -> LogCursor | None:
        """The cursor of the newest record; None when the entries after it may be old."""
        if not self._follower.follows or self._waits_since is not None:
            return None
        newest = self.journal.newest
        return self._start if newest is None else newest.cursor

    @property
    def is_stalled(self) -> bool:
        """Whether no subscriber has read for so long that a new follower would have to wait."""
        return self._waits_since is not None and self._clock() - self._waits_since >= _STALLED_SECONDS

    @property
    def run(self) -> Run:
        """The container's run that is read."""
        return self._follower.run

    async def read(self) -> None:
        """Read the log into the journal, to its end.  Wait when no subscriber has read the newest records."""
        self._waits_since = None
        await self._follower.read(self._write)

    async def _write(self, records: list[Record]) -> None:
        journal = self.journal
        for record in records:
            size = record.size if isinstance(record, Batch) else _RECORD_BYTES
            self._ahead += size
            journal.append(record, size)
        if self._ahead > _AHEAD_BYTES:
            self._waits_since, self._ahead = self._clock(), 0
            await journal.demanded()
            self._waits_since = None

    def forget(self) -> None:
        """Drop the records: an upstream that has ended is in reference cycles, and they are 7,000 entries."""
        if not self.subscribers:
            self.journal.clear()

    def locate(self, cursor: LogCursor) -> Place | None:
        """Return the place of *cursor* in the journal; None if the journal does not have it."""
        journal = self.journal
        if not journal.first and _is_same(cursor, self._start):
            return 0, []
        for number in range(journal.next - 1, journal.first - 1, -1):
            record = journal[number]
            if _is_same(record.cursor, cursor):
                return number + 1, []
            if isinstance(record, Gap):
                return None  # a reader from before the gap may still find the missing entries
            if isinstance(record, Batch) and (rest := _rest_of(record, cursor)) is not None:
                return number + 1, rest
        return None


def _is_same(kept: LogCursor, cursor: LogCursor) -> bool:
    """Return whether the same records follow both cursors.  A gap can follow a cursor with unproven entries."""
    if cursor.unproven:
        return kept == cursor
    return (kept.marks, kept.time, kept.ahead, kept.started) == (
        cursor.marks, cursor.time, cursor.ahead, cursor.started,
    )  # fmt: skip


def _rest_of(batch: Batch, cursor: LogCursor) -> list[Batch] | None:
    """Return the entries of *batch* after *cursor*, in at most one batch; None when the cursor is not in *batch*."""
    if batch.lines is not batch.entries or cursor.ahead or cursor.unproven or not cursor.marks:
        return None
    for number, entry in enumerate(batch.entries, 1):
        if entry[1] == cursor.time:
            marks = [mark_of(entry) for entry in batch.entries[max(0, number - ANCHOR) : number]]  # of whole lines
            if end_alike(marks, cursor.marks):
                rest = batch.entries[number:]
                return [Batch(batch.cursor, rest, rest)] if rest else []
    return None
