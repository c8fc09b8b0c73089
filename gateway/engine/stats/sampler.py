"""Samples of many containers of a host at once, for the metrics, at the least cost for the engine.

A sample of its own wakes the daemon, containerd and a shim, so samples are taken in bursts.  Engines before 25.0 answer
only at the next turn of their collector, once a second: there, as many as possible are asked for at the same time.
Where somebody reads the stats of a container already, its newest sample is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator

from docker.errors import APIError
from dockfleet.v1.containers_pb2 import ContainerStats

from gateway.engine import queries
from gateway.engine.client import Call, Engine
from gateway.engine.codec import json as enginejson
from gateway.engine.codec.json import NotEngineJson, parse
from gateway.engine.errors import CallError
from gateway.engine.kinds import Kind
from gateway.engine.stats.constants import Constants, constants_of
from gateway.engine.stats.feed import StatsFeeds
from gateway.engine.transport.http import Request
from gateway.engine.versions import OLDEST

_AT_ONCE = 16  # a tenth less work for the engine than 6; more would save hardly any
_AT_ONCE_WHERE_SLOW = 64
_ANSWERS_AT_ONCE = (1, 44)  # the API of Docker 25.0
_load = enginejson.loader(ContainerStats.DESCRIPTOR)


class Sampler:
    """Takes the samples of one host."""

    def __init__(self, engine: Engine, feeds: StatsFeeds) -> None:
        self._engine = engine
        self._feeds = feeds

    async def samples(self, ids: Iterable[str], deadline: float) -> dict[str, ContainerStats]:
        """Return the samples of running containers, by id, that could be had until *deadline*, in the loop's time."""
        found: dict[str, ContainerStats] = {}

        async def take(id: str) -> None:
            sample = self._feeds.newest(id) or await self._one(id, deadline)
            if sample is not None:
                found[id] = sample

        await self._all(ids, take)
        return found

    async def constants(self, ids: Iterable[str], deadline: float) -> dict[str, Constants]:
        """Return what does not change while a container runs, by id, like `samples`."""
        found: dict[str, Constants] = {}

        async def inspect(id: str) -> None:
            found[id] = constants_of(await self._ask(f"/containers/{id}/json", deadline))

        await self._all(ids, inspect)
        return found

    async def _all(self, ids: Iterable[str], ask: Callable[[str], Awaitable[None]]) -> None:
        """Ask for each, so many at once as the engine takes well."""
        rest = iter(list(ids))
        version = self._engine.negotiated_version or OLDEST
        count = _AT_ONCE if version >= _ANSWERS_AT_ONCE else _AT_ONCE_WHERE_SLOW
        async with asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(_each(rest, ask))

    async def _one(self, id: str, deadline: float) -> ContainerStats | None:
        document = await self._ask(f"/containers/{id}/stats?stream=false&one-shot=true", deadline)
        sample = queries.message(self._engine, _load, document, what="a sample", method="StreamStats")
        assert isinstance(sample, ContainerStats)
        return sample if sample.HasField("read_at") else None  # zeros, of a container that does not run

    async def _ask(self, target: str, deadline: float) -> object:
        call = Call(Request("GET", target), changes=False, deadline=deadline, kind=Kind.SAMPLE)
        return parse((await self._engine.fetch(call)).body)


async def _each(rest: Iterator[str], ask: Callable[[str], Awaitable[None]]) -> None:
    for id in rest:
        with contextlib.suppress(CallError, APIError, NotEngineJson):  # it has gone, or the host does not answer
            await ask(id)
