"""The stats of containers: one feed of samples for each container, for any number of readers.

So the cost for the engine does not depend on the number of readers.  A reader gets the newest sample, and the number of
samples that it was too slow to read.

For a container that does not run, the engine sends zeros once a second.  Readers then get one `Sample` without stats.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from dockfleet.v1.containers_pb2 import ContainerStats, StatsSummary

from gateway.engine import queries
from gateway.engine.background import retrieve
from gateway.engine.client import Call, Engine, NotFound
from gateway.engine.codec import json as enginejson
from gateway.engine.codec import streams
from gateway.engine.queries import Inspection
from gateway.engine.resumable.journal import Journal
from gateway.engine.resumable.retry import Retry
from gateway.engine.resumable.shared import Registry, Shared
from gateway.engine.resumable.subscription import Idle, Missed, Overflow, Subscription
from gateway.engine.stats.usage import usage
from gateway.engine.transport.http import Request

_RESPONSE_SECONDS = 10.0  # for the head of the response
_SILENCE_SECONDS = 15.0  # without a sample the connection counts as broken; the engine sends one every second
_FRESH_SECONDS = 2.0  # an older sample does not show the present
_load = enginejson.loader(ContainerStats.DESCRIPTOR)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Sample:
    """One sample; without `stats` and `summary`, the container does not run."""

    stats: ContainerStats | None = None
    summary: StatsSummary | None = None


class StatsFeed(Shared[Sample]):
    """The samples of one container; the journal keeps the newest."""

    def __init__(self, engine: Engine, container: str, *, running: bool, reconnect_timeout_seconds: float) -> None:
        """Open nothing yet.  *container* is a full id."""
        super().__init__(Journal(max_records=1))
        self._engine = engine
        self._container = container
        self._retry = Retry(reconnect_timeout_seconds)
        if not running:
            self.journal.append(Sample())

    @property
    def present(self) -> Sample | None:
        """The sample that shows the present, if there is one."""
        newest = self.journal.newest
        stale = newest is not None and newest.stats is not None and self.journal.silent_seconds >= _FRESH_SECONDS
        return None if stale else newest

    async def samples(self) -> AsyncGenerator[tuple[Sample, int] | Idle, None]:
        """Yield each newest sample, with the number of samples that the reader has missed before it.

        Yields `Idle` while no sample comes, and ends when the container has been removed.  Raises the failure of the
        upstream.
        """
        begin = self.journal.next - (self.present is not None)
        skipped = 0
        async for record in Subscription(self.journal, begin, Overflow.SKIP):
            match record:
                case Missed(count):
                    skipped = count
                case Idle():
                    yield record
                case sample:
                    yield sample, skipped
                    skipped = 0

    async def read(self) -> None:
        """Read samples until the container has been removed."""
        with suppress(NotFound):
            await self._retry.run(self._read_once, "the host ended the samples")

    async def _read_once(self) -> None:
        deadline = asyncio.get_running_loop().time() + _RESPONSE_SECONDS
        call = _call(self._container, deadline, "stream=true")
        async with (
            self._engine.open(call) as (_, connection),
            aclosing(streams.lines(connection, _SILENCE_SECONDS)) as documents,
        ):
            self._retry.began = True
            async for document in documents:
                stats = _stats(document, self._engine)
                self._retry.succeeded()
                # An engine that has just started sends zeros for a running container until it has measured it.
                if stats is not None or self._rests() or not await self._runs():
                    self._publish(stats)

    def _rests(self) -> bool:
        newest = self.journal.newest
        return newest is not None and newest.stats is None

    async def _runs(self) -> bool:
        return (await queries.inspect(self._engine, self._container)).running

    def _publish(self, stats: ContainerStats | None) -> None:
        newest = self.journal.newest
        if stats is not None:
            self.journal.append(Sample(stats, usage(stats, newest.stats if newest is not None else None)))
        elif not self._rests():
            self.journal.append(Sample())


class StatsFeeds:
    """The feeds of one host, one for each container that has a reader."""

    def __init__(self, engine: Engine, reconnect_timeout_seconds: float = 60.0) -> None:
        """Read from *engine*.  A broken upstream is opened again for *reconnect_timeout_seconds*."""
        self._engine = engine
        self._reconnect_timeout_seconds = reconnect_timeout_seconds
        self._feeds: Registry[StatsFeed] = Registry()  # by the container's full id
        self._inspecting: dict[str, asyncio.Task[Inspection]] = {}  # by the name or id in the request

    @asynccontextmanager
    async def samples(self, id: str) -> AsyncIterator[AsyncGenerator[tuple[Sample, int] | Idle, None]]:
        """Yield the samples of a container.  Raises `docker.errors.APIError` and `TransportError`."""
        container, running = await self._inspect(id)
        feed = self._feeds.find(container) or self._feeds.add(
            container,
            StatsFeed(
                self._engine, container, running=running, reconnect_timeout_seconds=self._reconnect_timeout_seconds
            ),
        )
        async with feed.subscribed(), aclosing(feed.samples()) as samples:
            yield samples

    async def one(self, id: str, deadline: float | None, *, alone: bool) -> Sample:
        """Return one sample: that of an open feed, else one from the engine; *alone*: without the sample before it.

        Raises like `samples`.
        """
        container, running = await self._inspect(id)
        if not running:
            return Sample()
        feed = self._feeds.find(container)
        present = feed.present if feed is not None else None
        if present is not None and present.stats is not None and (alone or present.stats.HasField("preread_at")):
            return present
        query = "stream=false&one-shot=true" if alone else "stream=false"
        stats = None
        # This takes an engine a second or two, so it has its own connection: other calls need not wait.
        async with (
            self._engine.open(_call(container, deadline, query)) as (_, connection),
            aclosing(streams.lines(connection, _SILENCE_SECONDS)) as documents,
        ):
            async for document in documents:
                stats = _stats(document, self._engine)
        return Sample(stats, usage(stats, None)) if stats is not None else Sample()

    def newest(self, id: str) -> ContainerStats | None:
        """Return the sample of the present where somebody reads the feed of the container of this full id."""
        feed = self._feeds.find(id)
        present = feed.present if feed is not None else None
        return present.stats if present is not None else None

    def close(self, failure: Exception | None = None) -> None:
        """Stop all feeds; their readers get *failure*."""
        self._feeds.close(failure)

    async def _inspect(self, id: str) -> tuple[str, bool]:
        """Return a container's full id, and whether it runs.  Calls at the same time share one request."""
        task = self._inspecting.get(id)
        if task is None:
            task = self._inspecting[id] = asyncio.create_task(queries.inspect(self._engine, id))
            task.add_done_callback(lambda task: self._inspected(id, task))
        inspected = await asyncio.shield(task)
        return inspected.id, inspected.running

    def _inspected(self, id: str, task: asyncio.Task[Inspection]) -> None:
        del self._inspecting[id]
        retrieve(task)


def _call(container: str, deadline: float | None, query: str) -> Call:
    return Call(Request("GET", f"/containers/{container}/stats?{query}"), changes=False, deadline=deadline)


def _stats(document: Any, engine: Engine) -> ContainerStats | None:
    """Return the sample in *document*; None for the zeros of a container that does not run."""
    stats = queries.message(engine, _load, document, what="a sample", method="StreamStats")
    assert isinstance(stats, ContainerStats)
    return stats if stats.HasField("read_at") else None
