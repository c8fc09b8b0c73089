"""The tables of results in clients/README.md."""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"


def write(part: str, results: dict[str, dict[str, str]]) -> None:
    """Write the table of *part*: a row for each title, a column for each client."""
    begin, end = f"<!-- {part}: begin -->\n", f"<!-- {part}: end -->\n"
    text = README.read_text()
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    README.write_text(before + begin + table(results) + end + after)


def table(results: dict[str, dict[str, str]]) -> str:
    """Return the table as Markdown."""
    clients = sorted({client for row in results.values() for client in row})
    rows = [["", *clients], ["---"] * (len(clients) + 1)]
    rows += [[title, *(row.get(client, "–") for client in clients)] for title, row in results.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
