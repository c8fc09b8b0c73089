"""Text for terminals, in the widths of docker's own tables."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache

GAP, NARROWEST = 3, 10  # docker's: spaces between two columns, and the least width of a column with them
LEAST_CUT = 8  # no column is cut to fewer characters


def printable(text: str) -> str:
    """Escape what controls a terminal: names and messages come from containers, and those from anybody."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def width(text: str) -> int:
    """Return how many columns of a terminal *text* takes."""
    if text.isascii():
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
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


class Table:
    """Aligned columns of text.  A row may widen its columns for the rows after it."""

    def __init__(
        self, *columns: str, limit: int | None = None, fixed: Sequence[str] = (), least: int = NARROWEST
    ) -> None:
        """Name the columns.  Lines have at most *limit* columns: all columns but the *fixed* ones may be cut.

        No column but the last is narrower than *least*, with the gap to the next one.
        """
        self._columns = columns
        self._least = least
        self._limit = limit
        self._fixed = {columns.index(name) for name in fixed if name in columns}
        self._widths = [width(column) for column in columns]

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

    def _line(self, row: Sequence[str]) -> str:
        *first, last = list(zip(row, self._fitted(), strict=True))
        cells = [pad(cut(cell, size), max(size + GAP, self._least)) for cell, size in first]
        return "".join([*cells, cut(*last)]).rstrip()

    def _fitted(self) -> list[int]:
        """Return the widths of the columns; the widest ones lose what is too much for the terminal."""
        widths = list(self._widths)
        if self._limit is None:
            return widths
        while (excess := self._total(widths) - self._limit) > 0:
            flexible = [index for index in range(len(widths)) if index not in self._fixed and widths[index] > LEAST_CUT]
            if not flexible:
                break
            widest = max(flexible, key=widths.__getitem__)
            others = [widths[index] for index in flexible if index != widest]
            widths[widest] = max(widths[widest] - excess, min(max(others, default=0), widths[widest] - 1), LEAST_CUT)
        return widths

    def _total(self, widths: Sequence[int]) -> int:
        return sum(max(size + GAP, self._least) for size in widths[:-1]) + widths[-1]


def pad(text: str, columns: int) -> str:
    """Return *text* with spaces up to *columns*."""
    return text + " " * (columns - width(text))
