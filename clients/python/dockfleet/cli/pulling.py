"""The progress of pulls, pushes, builds and loads."""

from __future__ import annotations

from typing import Any

from dockfleet.cli.progress import Bars


def show_progress(bars: Bars, report: Any) -> None:
    """Show a report of progress."""
    if report.stream:
        bars.line(report.stream.rstrip("\n"))
    elif report.id and report.progress_detail.total:
        bars.update(report.id, report.status, report.progress_detail.current, report.progress_detail.total)
    elif report.id and report.status in DONE:
        bars.finish(report.id, report.status)
    elif report.id:
        bars.update(report.id, report.status)
    elif report.status:
        bars.line(report.status)


DONE = ("Pull complete", "Already exists", "Pushed", "Layer already exists")
