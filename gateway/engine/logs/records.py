"""The records of a log, in the terms of the contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gateway.engine.codec.timestamps import nanoseconds
from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.entries import Entry

BATCH_LINES = 300
"""The most lines of a batch: to encode them takes a turn of the host."""


class EndReason(Enum):
    """Why a log has ended."""

    COMPLETE = "complete"  # a log without follow, or with `until`, was sent completely
    EXITED = "exited"
    REMOVED = "removed"
    RESTARTED = "restarted"
    NOT_RUNNING = "not running"  # the container did not run when the reader began


class GapReason(Enum):
    """Why entries are missing."""

    ROTATED = "rotated"
    REPLACED = "replaced"


@dataclass(slots=True, weakref_slot=True, eq=False)
class Record:
    """One record of a log; `cursor` is the position after it."""

    cursor: LogCursor


@dataclass(slots=True, eq=False)
class Batch(Record):
    """`lines` are joined where the engine has cut them; `entries` are as the engine has them, mostly the same list.

    `size` is roughly how many bytes they take.
    """

    lines: list[Entry]
    entries: list[Entry]
    size: int = 0
    _times: list[int] = field(default_factory=list, init=False)

    @classmethod
    def joined(cls, batches: list[Batch]) -> Batch:
        """Return the lines of *batches* as one batch, without entries."""
        lines = [line for batch in batches for line in batch.lines]
        whole = cls(batches[-1].cursor, lines, [], sum([batch.size for batch in batches]))
        if all(batch._times for batch in batches):
            whole._times = [time for batch in batches for time in batch._times]
        return whole

    @property
    def times(self) -> list[int]:
        """The times of the lines, in nanoseconds since 1970.  All readers of the batch share them."""
        if not self._times:
            self._times = [nanoseconds(line.time) for line in self.lines]
        return self._times


@dataclass(slots=True, eq=False)
class Gap(Record):
    """Entries between these two are missing.  Times are canonical, b"" when they are not known."""

    after: bytes
    before: bytes
    reason: GapReason

    @property
    def message(self) -> str:
        """The gap in words, for a client."""
        bounds = f"after {self.after.decode() or 'its beginning'} and before {self.before.decode() or 'now'}"
        return f"what the container wrote {bounds} is missing from the log ({self.reason.value})"


@dataclass(slots=True, eq=False)
class Reconnected(Record):
    """The connection broke, and the gateway has opened it again; no entry is missing."""


@dataclass(slots=True, eq=False)
class Restarted(Record):
    """The container was started again, at `started` as the engine writes it."""

    started: str


@dataclass(slots=True, eq=False)
class Heartbeat(Record):
    """No entry has come for so many seconds."""

    seconds: float


@dataclass(slots=True, eq=False)
class End(Record):
    """The log has ended."""

    reason: EndReason
    exit_code: int | None = None
