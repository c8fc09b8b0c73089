"""The use of resources by containers: one stream of samples for each, for any number of readers.

What the engine pays for stats then does not depend on how many look.  A reader gets the newest sample that there
is; of those that it was too slow for, it gets the number.

A container that does not run has no samples: the engine sends zeros, once a second, for ever; they are told once,
as the fact that it does not run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from dockfleet.v1.containers_pb2 import ContainerStats, StatsSummary

from gateway.engine.client import APIClient, APIError, Call, Engine, NotFound, part
from gateway.engine.codec import json as enginejson
from gateway.engine.codec import streams
from gateway.engine.codec.json import NotEngineJson
from gateway.engine.errors import BadResponse, Disconnected, Incompatible, OperationFailed, TransportError
from gateway.engine.logs.runs import full_id
from gateway.engine.resumable import subscription
from gateway.engine.resumable.subscription import Idle
from gateway.engine.stats.usage import usage
from gateway.engine.transport.http import Request

_ANSWER_SECONDS = 10.0  # until a stream of samples begins
_SILENCE_SECONDS = 15.0  # without a sample, which are due every second, after which a host is not well
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds between two tries
_FRESH_SECONDS = 2.0  # for which a sample is the present
_load = enginejson.loader(ContainerStats.DESCRIPTOR)


@dataclass(slots=True)
class Sample:
    """One sample; without `stats` and `summary`, the container does not run.

    `number` counts the samples of a stream.  `wire` is for whoever sends it, to be made once for all readers.
    """

    number: int = 0
    stats: ContainerStats | None = None
    summary: StatsSummary | None = None
    wire: bytes = b""


class Sampler:
    """The stream of samples of one container."""

    def __init__(self, engine: Engine, container: str, *, running: bool, reconnect_timeout_seconds: float) -> None:
        """Begin to read.  *container* is a full id."""
        self.readers = 0
        self.ended = False  # there will be no more samples: the container is gone, or the failure stands
        self._engine = engine
        self._container = container
        self._reconnect_timeout_seconds = reconnect_timeout_seconds
        self._latest = None if running else Sample(1)
        self._came_at = 0.0
        self._before: ContainerStats | None = None
        self._failure: Exception | None = None
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def samples(self) -> AsyncGenerator[tuple[Sample, int] | Idle, None]:
        """Yield the newest sample whenever there is one, and how many have been missed since the one before.

        Yields `Idle` while there is none.  Ends when the container has been removed.  Raises what keeps the host from
        being heard.
        """
        seen = None
        began = asyncio.get_running_loop().time()
        while True:
            latest = self._latest
            if latest is not None and latest.number != seen and (seen is not None or self._is_present(latest)):
                skipped = 0 if seen is None else latest.number - seen - 1
                seen = latest.number
                yield latest, skipped
                began = asyncio.get_running_loop().time()
            elif self._failure is not None:
                raise self._failure
            elif self.ended:
                return
            else:
                try:
                    async with asyncio.timeout(subscription.HEARTBEAT_SECONDS):
                        await self._news.wait()
                except TimeoutError:
                    yield Idle(asyncio.get_running_loop().time() - began)

    @property
    def present(self) -> Sample | None:
        """The sample that tells how things are now; None when it is still to come."""
        return self._latest if self._latest is not None and self._is_present(self._latest) else None

    def close(self) -> None:
        """Stop reading."""
        self.ended = True
        self._task.cancel()

    def _is_present(self, sample: Sample) -> bool:
        return sample.stats is None or asyncio.get_running_loop().time() - self._came_at < _FRESH_SECONDS

    async def _run(self) -> None:
        """Read, and after every break again."""
        loop = asyncio.get_running_loop()
        heard_at, pause = loop.time(), _SHORTEST_PAUSE
        while True:
            number = self._latest.number if self._latest is not None else 0
            try:
                await self._read()
                failure: Exception = Disconnected("the host ended the samples")
            except NotFound:
                break
            except (TransportError, APIError, Incompatible, OperationFailed) as error:
                failure = error
            except Exception as error:  # a defect: whoever waits must hear of it
                self._failure = error
                break
            if self._latest is not None and self._latest.number != number:
                heard_at, pause = self._came_at, _SHORTEST_PAUSE
            refused = self._latest is None and isinstance(failure, APIError)
            if refused or loop.time() - heard_at > self._reconnect_timeout_seconds:
                self._failure = failure
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        self.ended = True
        self._wake()

    async def _read(self) -> None:
        deadline = asyncio.get_running_loop().time() + _ANSWER_SECONDS
        call = _call(self._container, deadline, "stream=true")
        async with (
            self._engine.open(call) as (_, connection),
            aclosing(streams.lines(connection, _SILENCE_SECONDS)) as documents,
        ):
            async for document in documents:
                stats = _stats(document)
                # An engine that has just been started tells zeros of containers that run on, until it has looked.
                if stats is not None or self._is_known_to_rest() or not await self._runs():
                    self._publish(stats)

    def _is_known_to_rest(self) -> bool:
        return self._latest is not None and self._latest.stats is None

    async def _runs(self) -> bool:
        inspected = await self._engine.call(APIClient.inspect_container, self._container)
        return bool(part(inspected, "State", "Running"))

    def _publish(self, stats: ContainerStats | None) -> None:
        latest = self._latest
        self._came_at = asyncio.get_running_loop().time()
        if stats is None and self._is_known_to_rest():
            return
        summary = usage(stats, self._before) if stats is not None else None
        self._latest = Sample(latest.number + 1 if latest is not None else 1, stats, summary)
        self._before = stats
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Samplers:
    """The samplers of one host: of all containers that are looked at."""

    def __init__(self, engine: Engine, reconnect_timeout_seconds: float = 60.0) -> None:
        """Sample containers of *engine*; a broken upstream is opened again for *reconnect_timeout_seconds*."""
        self._engine = engine
        self._reconnect_timeout_seconds = reconnect_timeout_seconds
        self._samplers: dict[str, Sampler] = {}  # by the container's id
        self._asked: dict[str, asyncio.Task[dict[str, Any]]] = {}  # by what the container was called

    @asynccontextmanager
    async def samples(self, id: str) -> AsyncIterator[AsyncGenerator[tuple[Sample, int] | Idle, None]]:
        """Yield the samples of a container.  Raises `docker.errors.APIError` and `TransportError`."""
        container, running = await self._inspect(id)
        sampler = self._samplers.get(container)
        if sampler is None or sampler.ended:
            sampler = Sampler(
                self._engine, container, running=running, reconnect_timeout_seconds=self._reconnect_timeout_seconds
            )
            self._samplers[container] = sampler
        sampler.readers += 1
        try:
            async with aclosing(sampler.samples()) as samples:
                yield samples
        finally:
            sampler.readers -= 1
            if not sampler.readers:
                sampler.close()
                if self._samplers.get(container) is sampler:
                    del self._samplers[container]

    async def one(self, id: str, deadline: float | None, *, alone: bool) -> Sample:
        """Return one sample: that of the readers there are, else the engine's; *alone*, without one before it.

        Raises as `samples` does.
        """
        container, running = await self._inspect(id)
        if not running:
            return Sample()
        sampler = self._samplers.get(container)
        present = sampler.present if sampler is not None else None
        if present is not None and present.stats is not None and (alone or present.stats.HasField("preread_at")):
            return present
        query = "stream=false&one-shot=true" if alone else "stream=false"
        stats = None
        # It takes an engine a second or two: on a connection of its own, so that other calls need not wait.
        async with (
            self._engine.open(_call(container, deadline, query)) as (_, connection),
            aclosing(streams.lines(connection, _SILENCE_SECONDS)) as documents,
        ):
            async for document in documents:
                stats = _stats(document)
        return Sample(0, stats, usage(stats, None) if stats is not None else None)

    async def _inspect(self, id: str) -> tuple[str, bool]:
        """Return a container's full id and whether it runs; those who ask at the same time get the same answer."""
        task = self._asked.get(id)
        if task is None:
            task = self._asked[id] = asyncio.create_task(self._engine.call(APIClient.inspect_container, id))
            task.add_done_callback(lambda task: self._answered(id, task))
        inspected = await asyncio.shield(task)
        return full_id(inspected), bool(part(inspected, "State", "Running"))

    def close(self) -> None:
        """Stop all reading."""
        for sampler in self._samplers.values():
            sampler.close()

    def _answered(self, id: str, task: asyncio.Task[dict[str, Any]]) -> None:
        del self._asked[id]
        if not task.cancelled():
            task.exception()  # all who asked may have gone: then nobody else looks at it


def _call(container: str, deadline: float | None, query: str) -> Call:
    return Call(Request("GET", f"/containers/{container}/stats?{query}"), changes=False, deadline=deadline)


def _stats(document: Any) -> ContainerStats | None:
    """Return the sample that *document* is; None for the zeros of a container that does not run."""
    try:
        stats = _load(document)
    except NotEngineJson as error:
        raise BadResponse(f"a sample of the host does not fit the Engine API: {error}", sent=True) from error
    assert isinstance(stats, ContainerStats)
    return stats if stats.HasField("read_at") else None
