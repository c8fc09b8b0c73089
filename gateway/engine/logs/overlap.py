"""The rule that no entry is lost without a gap: the gateway proves each entry that it sends, at once or soon after.

An engine that follows a log leaves out files that rotate faster than it reads, and repeats others, without a notice.  A
plain answer, without `follow`, is always contiguous.  If it contains an entry that was sent, it contains all entries
after that one.  So it proves the entries that were sent since, or shows which are missing.

`Position` holds what was sent, and `Overlap` compares a plain answer with it.  This module does no I/O, and uses no
time to decide whether an entry is missing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import Enum
from itertools import islice, takewhile

from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.marks import ANCHOR, MASK, UNKNOWN, Marks, end_alike, is_piece, is_same_time, mark_of
from gateway.engine.logs.runs import Rotation

_RECENT = 16 << 10  # entries that are recognised when an engine repeats them


class Position:
    """The entries of a log that were sent, and which of them are proven.

    Entries are first accepted, and sent later, because the pieces of a long line wait for each other.
    """

    def __init__(self, cursor: LogCursor | None, rotation: Rotation, started: str) -> None:
        """Begin at *cursor*, in the run that *started* then.  Without a cursor, the position is not `is_placed` yet.

        With a cursor it `has_paused` until it is found: any number of entries can have been written since.
        """
        self.is_placed = self.has_paused = cursor is not None
        cursor = cursor or LogCursor()
        self.time = cursor.time  # of the last entry accepted
        self.time_sent = cursor.time
        self.started = cursor.started or started
        self.ahead = cursor.ahead
        self.believed: list[int] = []
        self.elided = self.elided_sum = 0  # number of believed entries before those, and the sum of their marks
        self.recent: dict[int, None] = {}
        self.rotates = rotation.rotates
        self.reach = 0  # entries since the oldest line began that has not ended, if that is known
        self.reaches_beginning = False  # that line is the first of the log
        self.is_between_lines = False  # every line has certainly ended
        self._tail = deque(cursor.marks, maxlen=ANCHOR)
        self._waiting: list[int] = []  # marks of entries that are accepted and not sent yet
        self._waiting_proven = 0
        self._anchor: tuple[int, ...] = ()  # valid while entries are believed
        self._anchor_time = b""
        self._anchor_reach = 0
        self._unproven, self._checksum = cursor.unproven, cursor.checksum  # of those sent
        if cursor.unproven:
            self._anchor = (cursor.proven,) if cursor.proven else ()
            self._anchor_time = cursor.proven_time
            self.believed = list(cursor.marks[-cursor.unproven :])
            self.elided = cursor.unproven - len(self.believed)
            self.elided_sum = (cursor.checksum - sum(self.believed)) & MASK
        self._remember(cursor.marks)

    @property
    def anchor(self) -> tuple[int, ...]:
        """The marks of the last entries that are proven; without any, the anchor is the beginning of the log."""
        return self._anchor if self.believed else self._last()

    @property
    def anchor_time(self) -> bytes:
        """The time of the last entry that is proven."""
        return self._anchor_time if self.believed else self.time

    @property
    def anchor_reach(self) -> int:
        """How many entries the log had up to the anchor; 0 if its line is not certainly the first of the log."""
        reach = self.reach if self.reaches_beginning else 0
        return self._anchor_reach if self.believed else reach

    @property
    def last(self) -> int | None:
        """The mark of the last entry accepted."""
        if self._waiting:
            return self._waiting[-1]
        return self._tail[-1] if self._tail else None

    @property
    def count(self) -> int:
        """How many entries are believed."""
        return self.elided + len(self.believed)

    def cursor(self) -> LogCursor:
        """Return the position after what was sent."""
        if not self._unproven:
            return LogCursor(self.started, tuple(self._tail), self.time_sent, self.ahead)
        proven = self._anchor[-1] if self._anchor else 0
        return LogCursor(
            self.started, tuple(self._tail), self.time_sent, False,
            self._unproven, self._checksum, proven, self._anchor_time,
        )  # fmt: skip

    def prove(self, entries: Sequence[Entry], marks: list[int] | None) -> None:
        """Accept the next entries, of a plain answer.

        *marks* may be absent for whole lines of a log that does not rotate.
        """
        self._advance(entries, marks)
        self._waiting_proven = len(self._waiting)

    def believe(self, entries: Sequence[Entry], marks: list[int] | None) -> None:
        """Accept the next entries, of a follow answer; without rotation that proves them."""
        if marks is None or not self.rotates:
            self.prove(entries, marks)
            return
        if not self.believed:
            self._anchor, self._anchor_time, self._anchor_reach = self._last(), self.time, self.anchor_reach
        self.believed += marks
        self._advance(entries, marks)

    def proven(self) -> None:
        """Note that all accepted entries are proven."""
        self.believed = []
        self.elided = self.elided_sum = self._unproven = self._checksum = 0
        self._waiting_proven = len(self._waiting)

    def proven_with_gaps(self, marks: list[int]) -> None:
        """Note that entries are missing between those accepted, which have all been sent.

        *marks* are those of the last entries of the log up to here, with the missing ones, as later answers have them.
        """
        self._tail = deque(marks, maxlen=ANCHOR)
        self._remember(marks)
        self.proven()

    def reach_as(self, numbering: Marks) -> None:
        """Note what *numbering*, which has given the last entries their marks, knows of lines that have not ended."""
        self.reach, self.reaches_beginning = numbering.reach, numbering.reaches_beginning
        self.is_between_lines = numbering.is_between_lines

    def move(self, entries: Sequence[Entry], marks: Sequence[int]) -> None:
        """Move the position past *entries* without sending them; without entries, to the beginning of an empty log."""
        self.is_placed = True
        self._waiting, self._waiting_proven, self.ahead = [], 0, False
        self._tail = deque(marks, maxlen=ANCHOR)
        self.time = self.time_sent = entries[-1][1] if entries else b""
        self._remember(marks)
        self.proven()

    def move_before(self, mark: int) -> None:
        """Move the position past a gap, to right before the entry with *mark*."""
        self._tail, self.ahead = deque((mark,), maxlen=ANCHOR), True
        self.proven()

    def emit(self, entries: Sequence[Entry]) -> None:
        """Move the position after *entries*, the next accepted ones: they are sent."""
        self.time_sent = entries[-1][1]
        if not self._waiting:
            self._tail.extend([mark_of(entry) for entry in entries[-ANCHOR:]])
            return
        count = len(entries)
        position, self._waiting = self._waiting[:count], self._waiting[count:]
        proven = min(count, self._waiting_proven)
        self._waiting_proven -= proven
        if believed := position[proven:]:
            self._unproven += len(believed)
            self._checksum = (self._checksum + sum(believed)) & MASK
        self._tail.extend(position[-ANCHOR:])

    def _advance(self, entries: Sequence[Entry], marks: list[int] | None) -> None:
        if self.ahead:
            self._tail.clear()  # it holds the first of these entries
        self.is_placed, self.ahead, self.time = True, False, entries[-1][1]
        if marks is not None:
            self._waiting += marks
            self._remember(marks)

    def _last(self) -> tuple[int, ...]:
        return (*self._tail, *self._waiting[-ANCHOR:])[-ANCHOR:]

    def _remember(self, marks: Sequence[int]) -> None:
        if not self.rotates:
            return
        recent = self.recent
        recent.update(dict.fromkeys(marks[-_RECENT:]))
        if len(recent) > 2 * _RECENT:
            for mark in list(islice(recent, len(recent) - _RECENT)):
                del recent[mark]


class Verdict(Enum):
    """What a complete plain answer shows about the position."""

    FOUND = "found"  # the answer contains the position
    MORE = "more"  # the answer begins after the position, or within its line; the whole log may contain it
    LOST = "lost"  # the log does not contain the position any more
    TORN = "torn"  # the log contains entries that were sent, but not the last ones


class Overlap:
    """Finds the position in one plain answer.

    `gaps` are pairs of times; entries are missing between them, although later entries were sent.  `anchor_time` is the
    time of the last entry that was proven before.
    """

    def __init__(self, position: Position, numbering: Marks, *, whole: bool) -> None:
        """*numbering* makes the marks of the answer; if it is *whole*, it has all entries of the log."""
        self.gaps: list[tuple[bytes, bytes]] = []
        self._position = position
        self.is_whole = whole
        self.anchor_time = position.anchor_time
        self._anchor = position.anchor
        self._numbering = numbering
        self._count = 0  # entries of the answer before the next ones, while the anchor is not found
        self._can_be_later = False  # see `is_ambiguous`
        self._last: deque[int] = deque(maxlen=ANCHOR)  # marks of the last entries of the answer, up to the position
        self._believed = {mark: number for number, mark in enumerate(position.believed)}
        self._next = 0  # the number of the first believed entry that is not found yet
        self._elided, self._sum = position.elided, position.elided_sum
        self._time = position.anchor_time  # of the last entry found
        self._missing = False  # entries after that one were not sent
        self._begun = False  # the anchor, or an entry after it, is found
        self.from_beginning = whole and not self._anchor  # the log was empty when it was first read
        self.found = False  # the position is found, and the next entries are new
        self.is_cut = False  # the answer begins within a line that has not ended yet

    def feed(self, entries: Sequence[Entry], marks: list[int]) -> tuple[int, int]:
        """Return where the new ones among the next *entries* of the answer begin and end.

        They end early when only an answer with more entries shows what the next one is; then `is_cut`.
        """
        number, end, had_found = 0, len(entries), self.found
        if not self._begun:
            number = self._begin(entries, marks)
            self._count += len(entries)
        if self._begun and not self.is_whole and UNKNOWN in marks[number:]:
            self.is_cut, end = True, marks.index(UNKNOWN, number)
        if self._begun and not self.found:
            number = self._compare(entries[:end], marks[:end], number)
        if not had_found:
            self._last.extend(marks[:number])
        return (number, end) if self.found else (end, end)

    def finish(self) -> Verdict:
        """Return the verdict of the answer, which was read to its end."""
        still_empty = self.from_beginning and not self._begun and not self._position.count
        if self.is_cut:
            return Verdict.MORE
        if self.found or still_empty:
            return Verdict.FOUND
        if self._begun:
            return Verdict.TORN
        return Verdict.LOST if self.is_whole else Verdict.MORE

    @property
    def is_ambiguous(self) -> bool:
        """Whether the anchor can be another piece, further on in a line that repeats itself.

        This is so if the log of the answer does not have the first pieces of this line any more.  The line can repeat
        itself without equal pieces in the answer, if more than these have been written since the anchor.  Then the
        anchor is most likely not as far from the beginning of the log as it was.
        """
        return self.repeats or self._can_be_later

    @property
    def repeats(self) -> bool:
        """Whether the line of the anchor repeats itself in the answer, and can have begun before it."""
        return self.anchor_time in self._numbering.repeating

    @property
    def last_marks(self) -> list[int]:
        """The marks of the last entries up to the position, as far as they are known."""
        return list(takewhile(lambda mark: mark != UNKNOWN, reversed(self._last)))[::-1]

    @property
    def last_found(self) -> bytes:
        """The time of the last entry that was sent and is found."""
        return self._time

    def _begin(self, entries: Sequence[Entry], marks: list[int]) -> int:
        """Look for the anchor, and return how many entries end with it."""
        if self.from_beginning:
            self._begun = True
            return 0
        last = self._anchor[-1]
        for number, mark in enumerate(marks):
            if mark == last and self._is_anchor(marks, number):
                self._begun, self._time = True, entries[number][1]
                self._can_be_later = (
                    is_piece(entries[number])
                    and self._time in self._numbering.first_lines
                    and self._count + number + 1 != self._position.anchor_reach
                )
                return number if self._position.ahead else number + 1
            if self.is_whole and mark in self._believed:  # the log does not have the entries before it any more
                self._begun, self._elided, self._missing = True, 0, True
                self._next = self._first_left(entries[number], mark)
                return number
        return len(entries)

    def _first_left(self, entry: Entry, mark: int) -> int:
        """Return the number of the first believed entry that the log still has; *entry* is the first that can be one.

        A line that begins in the answer is there with all its pieces that were sent.
        """
        if is_piece(entry) and entry.time not in self._numbering.first_lines:
            return next(number for number, other in enumerate(self._position.believed) if is_same_time(mark, other))
        return self._believed[mark]

    def _is_anchor(self, marks: list[int], number: int) -> bool:
        if self._numbering.repeating:  # the marks before can differ, although they stand for the same pieces
            return True
        return end_alike((*self._last, *marks[max(0, number - ANCHOR) : number + 1]), self._anchor)

    def _compare(self, entries: Sequence[Entry], marks: list[int], number: int) -> int:
        """Compare with the believed entries, and return how many entries end with the last of them."""
        while self._elided and number < len(marks):
            self._elided -= 1
            self._sum = (self._sum - marks[number]) & MASK
            if not self._elided and self._sum:
                self._missing = True
            number += 1
        believed = self._position.believed
        while self._next < len(believed) and number < len(marks):
            place = self._place(entries[number], marks[number])
            if place >= self._next:
                if self._missing or place > self._next:
                    self.gaps.append((self._time, entries[number][1]))
                self._missing, self._time, self._next = False, entries[number][1], place + 1
            else:
                self._missing = True
            number += 1
        self.found = not self._elided and self._next == len(believed)
        return number

    def _place(self, entry: Entry, mark: int) -> int:
        """Return the number of the believed entry that *entry* can be; -1 without one.

        A follow answer may have left out the beginning of a line.  Then its pieces were counted from a later one, and
        they are found as the next pieces with their text, in the order in which they were sent.
        """
        if self._position.believed[self._next] in (mark, mark_of(entry)):
            return self._next
        return -1 if is_piece(entry) else self._believed.get(mark, -1)
