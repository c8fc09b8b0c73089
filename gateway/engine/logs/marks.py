"""Marks of entries: by them, the same entry is found in another answer.

The engine cuts a long line into pieces of 8 or 16 KiB, which share the time of the line and can be equal.  So a mark of
a piece also counts the equal pieces that its line has before it.  This count is known if an answer has the line from
its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from gateway.engine.codec.frames import STDERR, STDOUT
from gateway.engine.logs.entries import Entry

ANCHOR = 8  # marks in a cursor
LEAST_PIECE = 4 << 10  # bytes; a shorter piece is the end of a line, because engines cut lines at 8 or 16 KiB
UNKNOWN = -1  # the mark of a piece of a line whose beginning is not known
MASK = (1 << 64) - 1

_TIME = (1 << 32) - 1  # the bits of a mark that a time has
_COUNTED = 32 << 10  # different pieces of a line that are counted: 512 MiB


def mark_of(entry: Entry) -> int:
    """Return the mark, 64 bits, of a whole line, or of the first of several equal pieces of a long line."""
    stream, time, line = entry
    return crc32(line, stream) << 32 | crc32(time)


def is_piece(entry: Entry) -> bool:
    """Return whether the line of *entry* continues in another entry."""
    return len(entry[2]) >= LEAST_PIECE and not entry[2].endswith(b"\n")


def is_same_time(mark: int, other: int) -> bool:
    """Return whether two marks are of entries with one time, if they are the first of equal pieces."""
    return mark & _TIME == other & _TIME


def end_alike(marks: Sequence[int], others: Sequence[int]) -> bool:
    """Return whether the last of *marks* can stand for the same entries as the last of *others*."""
    pairs = zip(reversed(marks), reversed(others), strict=False)
    return all(one == other or UNKNOWN in (one, other) for one, other in pairs)


@dataclass(slots=True)
class _Line:
    """A long line that has not ended, or, without a time, what an answer has of a stream before its first entry."""

    time: bytes
    begin: int  # the number of entries of the answer before it
    is_first: bool  # the answer has no entry of this stream before it
    is_known: bool = True  # the answer has its beginning
    counts: dict[int, int] = field(default_factory=dict)  # of equal pieces, by the mark of the first one


class Marks:
    """Gives the entries of one answer their marks, in order.

    Equal whole lines with one time have the same mark: when the engine sends such lines, it repeats itself.  Short
    pieces are not counted, because they end a line.
    """

    def __init__(self, *, from_beginning: bool = False) -> None:
        """*from_beginning*: the answer begins with the first entry of the log.

        If the log rotates, this entry can be a piece whose line had others before it.  Then the counts of this line are
        too small, and they change with the next rotation.  `first_lines` and `repeating` say whether this can matter.
        """
        self.repeated: set[int] = set()  # the marks of those of the last entries that equal a piece before
        self.first_lines: set[bytes] = set()  # times of long lines that can have begun before the answer
        self.repeating: set[bytes] = set()  # times of those of them that have equal pieces
        self._from_beginning = from_beginning
        self._count = 0  # entries so far
        self._lines = {
            stream: _Line(b"", 0, is_first=True, is_known=from_beginning) for stream in (STDOUT, STDERR)
        }  # by stream

    def of(self, entries: Sequence[Entry]) -> list[int]:
        """Return the marks of the next entries."""
        marks: list[int] = []
        lines, self.repeated = self._lines, set()
        for stream, time, text in entries:
            mark = crc32(text, stream) << 32 | crc32(time)
            if len(text) >= LEAST_PIECE and not text.endswith(b"\n"):
                mark = self._mark_piece(stream, time, mark, self._count + len(marks))
            elif stream in lines:
                del lines[stream]
            marks.append(mark)
        self._count += len(entries)
        return marks

    def _mark_piece(self, stream: int, time: bytes, mark: int, number: int) -> int:
        line = self._lines.get(stream)
        if line is None or line.time not in (time, b""):
            line = self._lines[stream] = _Line(time, number, is_first=False)
        if not line.time:
            line.time, line.begin = time, number
            self.first_lines.add(time)
        if not line.is_known:
            return UNKNOWN
        count = line.counts.get(mark, 0)
        if not count and len(line.counts) >= _COUNTED:
            line.counts.clear()
        line.counts[mark] = count + 1
        if not count:
            return mark
        mark = (mark + count) & MASK
        self.repeated.add(mark)
        if line.is_first:
            self.repeating.add(time)
        return mark

    def pass_over(self, entries: Sequence[Entry]) -> None:
        """Note the next entries, which are whole lines, and get no marks: their log does not rotate."""
        self._count += len(entries)
        if self._lines:
            for stream in {entry[0] for entry in entries}:
                self._lines.pop(stream, None)
            if self._from_beginning:
                self.begin_lines()

    def begin_lines(self) -> None:
        """Note that the next entry of each stream that the answer has not had yet begins a line."""
        self._lines = {stream: line for stream, line in self._lines.items() if line.time}

    def can_be_unknown(self, entries: Iterable[Entry]) -> bool:
        """Return whether one of the next entries can have the mark `UNKNOWN`."""
        is_unsure = [line for line in self._lines.values() if not line.is_known]
        return bool(is_unsure) and bool([entry for entry in entries if not entry[2].endswith(b"\n")])

    @property
    def is_between_lines(self) -> bool:
        """Whether the next entry of each stream certainly begins a line."""
        return not any(line.time or not line.is_known for line in self._lines.values())

    @property
    def reach(self) -> int:
        """How many entries came since the oldest line began that has not ended; 0 without such a line."""
        if not self._lines:
            return 0
        return self._count - min([line.begin for line in self._lines.values() if line.time], default=self._count)

    @property
    def reaches_beginning(self) -> bool:
        """Whether the first entry of the log is a piece of a line that has not ended."""
        return self._from_beginning and 0 < self.reach == self._count
