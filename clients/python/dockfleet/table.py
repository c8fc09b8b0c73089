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
            self._widths = [max(width, len(cell)) for width, cell in zip(self._widths, row, strict=True)]

    def _line(self, row: Sequence[str]) -> str:
        return "   ".join(cell.ljust(width) for cell, width in zip(row, self._widths, strict=True)).rstrip()
