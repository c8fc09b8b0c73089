"""Text for terminals, in the widths of docker's own tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

GAP, NARROWEST = 3, 10  # docker's: spaces between two columns, and the least width of a column with them
SMALL_GAP = 2  # where the terminal is narrow
LEAST_CUT = 5  # no column is cut to fewer characters


def printable(text: str) -> str:
    """Escape what controls a terminal: names and messages come from containers, and those from anybody."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def width(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    if text.replace("…", ".").isascii():  # the ellipsis is ours; only other texts need wcwidth, which is slow to import
        return len(text)
    return _wide(text)


@lru_cache(4096)
def _wide(text: str) -> int:
    from wcwidth import wcswidth

    return max(int(wcswidth(text)), 0)


def cut(text: str, limit: int) -> str:
    """Return *text* in at most *limit* columns; an ellipsis stands for the rest."""
    if width(text) <= limit:
        return text
    while text and width(text) >= limit:
        text = text[:-1]
    return f"{text}…"


def terminal_width() -> int | None:
    """Return the width of the terminal that standard output is; None when it is none."""
    if not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


class Table:
    """Aligned columns of text.  A row may widen its columns for the rows after it."""

    def __init__(
        self, *columns: str, limit: int | None = None, fixed: Sequence[str] = (), least: int = NARROWEST
    ) -> None:
        """Name the columns.  No column but the last is narrower than *least*, with the gap to the next one.

        Lines have at most *limit* columns.  Where that is too few, gaps are small, empty columns are left out, and the
        widest columns are cut, those that are *fixed* last.
        """
        self._columns = columns
        self._least = least
        self._limit = limit
        self._fixed = {columns.index(name) for name in fixed if name in columns}
        self._widths = [width(column) for column in columns]
        self._used = [False] * len(columns)

    def head(self, rows: Iterable[Sequence[str]] = ()) -> str:
        """Return the header, wide enough for *rows*."""
        self._widen(rows)
        return self._line(self._columns)

    def lines(self, rows: Iterable[Sequence[str]]) -> list[str]:
        """Return a line for each row."""
        rows = [[printable(cell) for cell in row] for row in rows]
        self._widen(rows)
        return [self._line(row) for row in rows]

    def _widen(self, rows: Iterable[Sequence[str]]) -> None:
        for row in rows:
            self._widths = [max(old, width(cell)) for old, cell in zip(self._widths, row, strict=True)]
            self._used = [used or bool(cell) for used, cell in zip(self._used, row, strict=True)]

    def _line(self, row: Sequence[str]) -> str:
        gap, least, widths = self._fitted()
        *first, last = [(row[index], size) for index, size in widths.items()]
        cells = [pad(cut(cell, size), max(size + gap, least)) for cell, size in first]
        return "".join([*cells, cut(*last)]).rstrip()

    def _fitted(self) -> tuple[int, int, dict[int, int]]:
        """Return the gap between columns, their least width, and the widths of those that are shown."""
        widths = dict(enumerate(self._widths))
        if self._limit is None or _total(widths, GAP, self._least) <= self._limit:
            return GAP, self._least, widths
        widths = {index: size for index, size in widths.items() if self._used[index] or not any(self._used)}
        for flexible in ([index for index in widths if index not in self._fixed], list(widths)):
            while (excess := _total(widths, SMALL_GAP, 0) - self._limit) > 0:
                widest = max(
                    (index for index in flexible if widths[index] > LEAST_CUT), key=widths.__getitem__, default=None
                )
                if widest is None:
                    break
                others = [widths[index] for index in flexible if index != widest]
                next_widest = min(max(others, default=0), widths[widest] - 1)
                widths[widest] = max(widths[widest] - excess, next_widest, LEAST_CUT)
        return SMALL_GAP, 0, widths


def _total(widths: Mapping[int, int], gap: int, least: int) -> int:
    *first, last = widths.values()
    return sum(max(size + gap, least) for size in first) + last


def pad(text: str, columns: int) -> str:
    """Return *text* with spaces up to *columns*."""
    return text + " " * (columns - width(text))
