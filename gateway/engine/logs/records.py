"""What a followed log consists of, in the contract's words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.entries import Entry


class EndReason(Enum):
    """Why a log has ended."""

    COMPLETE = "complete"  # not followed, or up to a time: all there was
    EXITED = "exited"
    REMOVED = "removed"
    RESTARTED = "restarted"
    NOT_RUNNING = "not running"  # when it began to be followed


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
    """Entries: `lines`, as far as lines are whole; and `entries` as the engine has them, mostly the same list.

    `size` is how many bytes they take, about.
    """

    lines: list[Entry]
    entries: list[Entry]
    size: int = 0


@dataclass(slots=True, eq=False)
class Gap(Record):
    """Entries between two that were sent are missing.  Times are canonical, b"" when not known."""

    after: bytes
    before: bytes
    reason: GapReason

    @property
    def message(self) -> str:
        """Return the gap in words."""
        bounds = f"after {self.after.decode() or 'its beginning'} and before {self.before.decode() or 'now'}"
        return f"what the container wrote {bounds} is missing from the log ({self.reason.value})"


@dataclass(slots=True, eq=False)
class Reconnected(Record):
    """The connection broke; nothing is missing."""


@dataclass(slots=True, eq=False)
class Restarted(Record):
    """The container was started again, at `started` as the engine writes it."""

    started: str


@dataclass(slots=True, eq=False)
class Heartbeat(Record):
    """Nothing has come for so many seconds."""

    seconds: float


@dataclass(slots=True, eq=False)
class End(Record):
    """The log has ended."""

    reason: EndReason
    exit_code: int | None = None
