"""One page of a scrape at a time, so that calls have as much of the processor as scrapers, however many these are."""

from __future__ import annotations

import asyncio
from types import TracebackType

_MOST_SECONDS = 1.0  # of a pause


class OneScrape:
    """The place of the scrape that is answered: `async with` waits for it.

    It is free again only after a pause as long as the block took, because the pages of a large fleet take a thread
    that competes with the event loop.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._began = 0.0

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        self._began = asyncio.get_running_loop().time()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(min(loop.time() - self._began, _MOST_SECONDS), self._lock.release)
