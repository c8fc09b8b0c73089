"""Work in the background: nobody waits for it, so nobody would see that it has ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

log = logging.getLogger("gateway.background")

_PAUSES_SECONDS = (1.0, 60.0)  # before work that has ended is done again: at first, and at most
_WELL_SECONDS = 60.0  # after which an end is the first one again


async def keep_running(work: Callable[[], Awaitable[None]], what: str, host: str = "") -> None:
    """Do *work*, which has no end; when it ends all the same, log a defect, and do it again after a pause.

    *what* it is, and for which *host*, are for the log.
    """
    clock, pause = asyncio.get_running_loop().time, _PAUSES_SECONDS[0]
    while True:
        began = clock()
        error: Exception | None = None
        try:
            await work()
        except Exception as failure:
            error = failure
        report(error, what, host)
        if clock() - began >= _WELL_SECONDS:
            pause = _PAUSES_SECONDS[0]
        await asyncio.sleep(pause)
        pause = min(2 * pause, _PAUSES_SECONDS[1])


def retrieve(task: asyncio.Future[Any]) -> None:
    """Take the failure of a *task* that has ended.  asyncio logs one that nobody takes; all who wait may have left."""
    if not task.cancelled():
        task.exception()


def report(error: Exception | None, what: str, host: str = "") -> None:
    """Log that work in the background has failed, or has ended without an error and has no end."""
    log.error("defect", exc_info=error, extra={"fields": {"task": what} | ({"host": host} if host else {})})
