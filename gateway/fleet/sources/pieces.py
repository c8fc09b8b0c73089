"""Lets other work run while the entries of a source are read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from typing import TypeVar

_WORK_SECONDS, _PAUSE_SECONDS = 0.002, 0.004  # a call needs a dozen iterations of the loop, which fit into a pause

T = TypeVar("T")


async def in_pieces(entries: Iterable[T]) -> AsyncGenerator[T, None]:
    """Yield *entries*, with a pause whenever that, and what the caller does with them, took some milliseconds."""
    end = time.monotonic() + _WORK_SECONDS
    for entry in entries:
        yield entry
        if time.monotonic() > end:
            await asyncio.sleep(_PAUSE_SECONDS)
            end = time.monotonic() + _WORK_SECONDS
