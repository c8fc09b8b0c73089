"""Finds the new entries of a follow answer, which can leave entries out and repeat others."""

from __future__ import annotations

from collections.abc import Sequence, Set

from gateway.engine.codec.timestamps import nanoseconds
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.marks import UNKNOWN
from gateway.engine.logs.overlap import Position

_BACKWARDS = 1_000_000_000  # nanoseconds; entries are out of order by less, unless the clock was set back


class Joint:
    """Finds the new entries of a follow answer.

    An entry is new if the entry before it in the answer is the last one that was sent.  Entries that were sent are left
    out: the answer begins before the position, and Docker 20.10 repeats whole files.
    """

    def __init__(self, position: Position, tail: int, *, whole: bool = False) -> None:
        """The answer begins with the last *tail* entries of the log that were sent before, or, if *whole*, with all."""
        self.previous: int | None = None  # the mark of the last entry taken from the answer
        self.joined = whole and position.last is None  # the last entry sent has come, or none was sent
        self._position = position
        self._tail = tail
        self._passed = 0

    def take(self, entries: Sequence[Entry], marks: list[int], repeated: Set[int] = frozenset()) -> tuple[int, int]:
        """Return how many of the next entries were sent before, and how many after those are new.

        *marks* may be absent for entries of a log that does not rotate, once the answer is joined.  *repeated* are the
        marks of pieces that equal a piece before them: the line can have both, or the engine repeats itself.

        Pass the remaining entries again.  When both numbers are 0, only a plain answer shows whether the first one is
        new.
        """
        if not self.joined:
            return self._join(marks)
        if not self._position.rotates:
            return 0, marks.index(UNKNOWN) if UNKNOWN in marks else len(entries)
        return self._take(entries, marks, repeated)

    def _join(self, marks: list[int]) -> tuple[int, int]:
        last = self._position.last
        if last in marks:
            self.joined, self.previous = True, last
            return len(marks) - marks[::-1].index(last), 0
        self._passed += len(marks)
        return (0, 0) if last is None or self._passed > self._tail else (len(marks), 0)

    def _take(self, entries: Sequence[Entry], marks: list[int], repeated: Set[int]) -> tuple[int, int]:
        recent, known = self._position.recent, 0
        while known < len(marks) and marks[known] in recent:
            self.previous = marks[known]
            known += 1
        if known == len(marks) or self.previous is None or self.previous != self._position.last:
            return known, 0
        if entries[known].time < self._position.time and _is_far_before(entries[known].time, self._position.time):
            return known, 0  # the engine repeats an old entry, or the clock was set back
        new, seen = known, {UNKNOWN, *repeated}
        while new < len(marks) and marks[new] not in recent and marks[new] not in seen:
            seen.add(marks[new])
            new += 1
        return known, new - known


def _is_far_before(time: bytes, other: bytes) -> bool:
    return nanoseconds(other) - nanoseconds(time) > _BACKWARDS
