"""A full-screen view on the terminal."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

REDRAW_SECONDS = 0.25


class Screen:
    """The terminal's alternate screen; the end of the block restores the first screen."""

    def __init__(self) -> None:
        """Take the screen when the block begins."""
        from rich.console import Console
        from rich.live import Live

        self._console = Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._drawn_at = 0.0

    def draw(self, lines: Sequence[str]) -> None:
        """Show *lines* from the top: as many as there is room for, and how many more there are."""
        if time.monotonic() < self._drawn_at + REDRAW_SECONDS:
            return
        from rich.text import Text

        self._drawn_at = time.monotonic()
        height = shutil.get_terminal_size().lines
        shown = list(lines) if len(lines) <= height else [*lines[: height - 1], f"… {len(lines) - height + 1} more"]
        self._live.update(Text("\n".join(shown), no_wrap=True, overflow="crop"), refresh=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Any:
        self._live.__exit__(kind, error, trace)
