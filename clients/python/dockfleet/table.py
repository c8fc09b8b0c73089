"""Text for terminals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def printable(text: str) -> str:
    """Escape control characters of terminals: the names and messages of containers can have any character."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


class Table:
    """Aligned columns of text.  A row may widen its columns for the rows after it."""

    def __init__(self, *columns: str) -> None:
        """Name the columns."""
        self._columns = columns
        self._widths = [len(column) for column in columns]
        self._has_head = False

    def lines(self, rows: Iterable[Sequence[str]], *, again: bool = False) -> list[str]:
        """Return a line for each row.  The header is before the first rows, and with *again* before these."""
        rows = [[printable(cell) for cell in row] for row in rows]
        self.widen(rows)
        head = [] if self._has_head and not again else [self._columns]
        self._has_head = True
        return [self._line(row) for row in (*head, *rows)]

    def widen(self, rows: Iterable[Sequence[str]]) -> None:
        """Make the columns wide enough for *rows*."""
        for row in rows:
            self._widths = [max(width, len(cell)) for width, cell in zip(self._widths, row, strict=True)]

    def _line(self, row: Sequence[str]) -> str:
        return "   ".join(cell.ljust(width) for cell, width in zip(row, self._widths, strict=True)).rstrip()
