"""The tables of results in clients/README.md."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


Results = dict[str, dict[str, str]]
"""Results by the title of their row and by client."""


def write(part: str, results: Results) -> None:
    """Write *results* to the table of *part*.  Clients that are not in them keep their cells."""
    begin, end = f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->\n"
    text = README.read_text()
    before, _, rest = text.partition(begin)
    present, _, after = rest.partition(end)
    kept = read(present)
    merged = {title: kept.get(title, {}) | row for title, row in results.items()}
    README.write_text(before + begin + table(merged) + end + after)


def read(text: str) -> Results:
    """Return the results in a table."""
    head, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines())
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


def table(results: Results) -> str:
    """Return the table as Markdown."""
    clients = sorted({client for row in results.values() for client in row})
    rows = [["", *clients], ["---"] * (len(clients) + 1)]
    rows += [[title, *(row.get(client, "–") for client in clients)] for title, row in results.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
