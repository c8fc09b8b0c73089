"""The table of attacks: what was promised, and what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.attacks.attack import Attack, Bound, Row

_HEADER = (
    "| attack | what it does | promised: measured | p50 | p99 | failed | peak MiB | kept MiB | log KiB | SIGTERM |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
)
_PART = re.compile(r"(<!-- attacks: .*? -->\n)(.*?)(<!-- end of attacks -->)", re.DOTALL)


def row(attack: Attack, measured: Row) -> str:
    """Return the line of *attack*."""
    figures = ", ".join(f"{key} {value}" for key, value in attack.figures.items())
    promises = "; ".join(
        f"{bound}: {_bold(_figure(measured[bound.measure]), bound, measured)}" for bound in attack.bounds()
    )
    stopped = "never" if measured["killed"] else f"{measured['stop_seconds']:.1f} s"
    cells = {
        "name": attack.name,
        "does": f"{attack.does}{f' ({figures})' if figures else ''}",
        "promises": promises or "-",
        "p50_ratio": f"{measured['p50_ms']:.1f} ms (×{measured['p50_ratio']:.1f})",
        "p99_ratio": f"{measured['p99_ms']:.1f} ms (×{measured['p99_ratio']:.1f})",
        "failed_pings": f"{measured['failed_pings']} of {measured['pings']}",
        "memory_peak": f"{measured['memory_peak']:.0f}",
        "memory_after": f"{max(measured['memory_after'], 0):.0f}",
        "log_bytes": f"{measured['log_bytes'] / 1024:.0f}",
        "late_seconds": stopped,
    }
    for bound in attack.promised()[len(attack.bounds()) :]:
        if bound.measure in cells:
            cells[bound.measure] = _bold(cells[bound.measure], bound, measured)
    return f"| {' | '.join(cells.values())} |"


def pings(name: str, measured: Row) -> str:
    """Return in words what honest clients see of the attack called *name*."""
    times = ", ".join(
        f"{each} {measured[f'{each}_ms']:.1f} ms (×{measured[f'{each}_ratio']:.1f})" for each in ("p50", "p99")
    )
    work = f"{measured['work_p90_ms']:.1f} ms, within 99 of 100 {measured['work_p99_ms']:.1f} ms"
    return f"{name}: {times}; the loop computes within nine of ten pings {work}, at most {measured['work_ms']:.0f} ms"


def write(page: Path, rows: Mapping[str, str], order: Iterable[str]) -> None:
    """Put *rows* into the table of *page*, which has those in *order*.  Raises `ValueError` when there is no table."""
    text = page.read_text()
    found = _PART.search(text)
    if found is None:
        raise ValueError(f"{page} must have the two comments around the table of attacks")
    old = {line.split(" | ")[0].removeprefix("| "): line for line in found[2].splitlines()[2:] if line}
    all_rows = {**old, **rows}
    lines = "".join(f"{all_rows[name]}\n" for name in order if name in all_rows)
    page.write_text(text[: found.start(2)] + _HEADER + lines + text[found.end(2) :])


def _bold(text: str, bound: Bound, measured: Row) -> str:
    """Mark what breaks its bound."""
    return text if bound.holds(measured) else f"**{text}**"


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
