"""Background tasks.  No caller awaits such a task, so this module logs and restarts one that ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

log = logging.getLogger("gateway.background")

_PAUSES_SECONDS = (1.0, 60.0)  # before a task that has ended is started again: at first, and at most
_WELL_SECONDS = 60.0  # a task that ran for this long starts again with the first pause


async def keep_running(work: Callable[[], Awaitable[None]], what: str, host: str = "", *, ends: bool = False) -> None:
    """Run *work*, which should never end; when it does, log a defect, and run it again after a pause.

    *what* and *host* describe the work in the log.  Work that *ends* is only run again after a failure.
    """
    clock, pause = asyncio.get_running_loop().time, _PAUSES_SECONDS[0]
    while True:
        began = clock()
        error: Exception | None = None
        try:
            await work()
            if ends:
                return
        except Exception as failure:
            error = failure
        report(error, what, host)
        if clock() - began >= _WELL_SECONDS:
            pause = _PAUSES_SECONDS[0]
        await asyncio.sleep(pause)
        pause = min(2 * pause, _PAUSES_SECONDS[1])


def retrieve(task: asyncio.Future[Any]) -> None:
    """Retrieve the exception of a *task* that has ended.  asyncio logs an exception that no caller retrieves."""
    if not task.cancelled():
        task.exception()


def report(error: Exception | None, what: str, host: str = "") -> None:
    """Log that a background task has failed, or has ended although it should not."""
    log.error("defect", exc_info=error, extra={"fields": {"task": what} | ({"host": host} if host else {})})
