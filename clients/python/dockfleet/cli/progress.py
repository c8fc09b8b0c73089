"""Progress bars on a terminal; elsewhere a line for each step."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

import click

from dockfleet.cli.output import is_screen
from dockfleet.cli.table import printable


class Bars:
    """The progress of several operations, by name.  It is on standard error, because it is not the result."""

    def __init__(self, *, quiet: bool = False) -> None:
        """Show nothing when *quiet*."""
        self._quiet = quiet
        self._progress: Any = None
        self._tasks: dict[str, Any] = {}
        self._said: dict[str, str] = {}
        if not quiet and is_screen(sys.stderr):
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                console=Console(stderr=True),
                transient=True,
            )

    def update(self, name: str, status: str, done: int = 0, total: int = 0) -> None:
        """Show how far a piece of work is, in bytes."""
        if self._progress is not None:
            if name not in self._tasks:
                self._tasks[name] = self._progress.add_task("", total=None)
            self._progress.update(
                self._tasks[name], description=printable(f"{name}: {status}"), completed=done, total=total or None
            )
        else:
            self._say(name, status)

    def finish(self, name: str, status: str) -> None:
        """Show that a piece of work is done."""
        if self._progress is not None and name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))
        elif self._progress is None:
            self._say(name, status)

    def remove(self, name: str) -> None:
        """Show a piece of work no more."""
        if self._progress is not None and name in self._tasks:
            self._progress.remove_task(self._tasks.pop(name))

    def line(self, text: str) -> None:
        """Print a line above the bars."""
        if self._progress is not None:
            self._progress.console.print(text, markup=False, highlight=False)
        elif not self._quiet:
            click.echo(text, err=True)

    def _say(self, name: str, status: str) -> None:
        if not self._quiet and self._said.get(name) != status:
            self._said[name] = status
            click.echo(printable(f"{name}: {status}" if name else status), err=True)

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
