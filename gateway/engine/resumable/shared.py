"""Upstreams that several subscribers share, and a registry of them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from gateway.engine.resumable.journal import Journal

T = TypeVar("T")
S = TypeVar("S", bound="Shared[Any]")


class Shared(ABC, Generic[T]):
    """One upstream, read into its `journal`.

    The first subscriber starts it, and it stops *linger_timeout_seconds* after the last one has left.
    """

    def __init__(self, journal: Journal[T], *, linger_timeout_seconds: float = 0.0) -> None:
        """Store; the first subscriber starts the upstream."""
        self.journal = journal
        self.subscribers = 0
        self.stopped: Callable[[], None] = lambda: None  # called when the upstream has stopped
        self._linger_timeout_seconds = linger_timeout_seconds
        self._lingering: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def read(self) -> None:
        """Read the upstream into the journal, to its end.  Subscribers get what this raises."""

    def lingers(self) -> bool:
        """Return whether the upstream is kept for a while without a subscriber."""
        return self._linger_timeout_seconds > 0

    def forget(self) -> None:
        """Free what only subscribers need, after the upstream has stopped."""

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[None]:
        """Keep the upstream running until the end of the block.  Start it if it does not run."""
        self.subscribers += 1
        self.start()
        try:
            yield
        finally:
            self.subscribers -= 1
            if not self.subscribers:
                await self._leave()

    def start(self) -> None:
        """Read the upstream, unless a task reads it already.  Cancel the linger timer."""
        self._stop_lingering()
        if self._task is None or self._task.done():
            self.journal.reopen()
            self._task = asyncio.create_task(self._run())

    def linger(self) -> None:
        """Call `idle` after the linger timeout, unless a subscriber arrives."""
        self._stop_lingering()
        self._lingering = asyncio.get_running_loop().call_later(self._linger_timeout_seconds, self.idle)

    def idle(self) -> None:
        """Stop: the linger timeout has ended without a subscriber."""
        self.close()

    def close(self, failure: Exception | None = None) -> asyncio.Task[None] | None:
        """Stop now.  Subscribers end, or get *failure*.  Return the task that ends, if one runs."""
        self._stop_lingering()
        task, self._task = self._task, None
        self.journal.close(failure)
        if task is not None:
            task.cancel()
            self.forget()
            self.stopped()
        return task

    async def _leave(self) -> None:
        if self.lingers():
            self.linger()
        elif (task := self.close()) is not None:
            await asyncio.wait([task])  # so that its connection is closed when the stream ends

    def _stop_lingering(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None

    async def _run(self) -> None:
        failure: Exception | None = None
        try:
            await self.read()
        except Exception as error:  # subscribers get any failure
            failure = error
        if self._task is asyncio.current_task():  # otherwise it was stopped, and may have been started again
            self.journal.close(failure)


class Registry(Generic[S]):
    """The shared upstreams of one kind and host, by key."""

    def __init__(self) -> None:
        self._upstreams: dict[Hashable, S] = {}

    def find(self, key: Hashable) -> S | None:
        """Return the upstream of *key*, unless it has ended."""
        upstream = self._upstreams.get(key)
        return None if upstream is None or upstream.journal.closed else upstream

    def add(self, key: Hashable, upstream: S) -> S:
        """Make *upstream* the one of *key* until it stops, and return it."""

        def remove() -> None:
            if self._upstreams.get(key) is upstream:
                del self._upstreams[key]

        upstream.stopped = remove
        self._upstreams[key] = upstream
        return upstream

    def close(self, failure: Exception | None = None) -> None:
        """Stop all upstreams.  Subscribers end, or get *failure*."""
        for upstream in list(self._upstreams.values()):
            upstream.close(failure)
