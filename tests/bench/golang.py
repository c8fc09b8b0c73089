"""The Go client, where there is one."""

from __future__ import annotations

import contextlib

from tests.bench.processes import Worker


def worker(stack: contextlib.ExitStack, address: str) -> Worker | None:
    """Run the Go client until *stack* closes; None where Go is missing."""
    return None
