"""Requests events and lists from an engine, and returns them as messages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine import queries
from gateway.engine.client import Call, Engine
from gateway.engine.codec import json as enginejson
from gateway.engine.codec import streams
from gateway.engine.codec.json import NotEngineJson
from gateway.engine.errors import BadResponse, TornStream, TransportError
from gateway.engine.kinds import Kind
from gateway.engine.transport.http import Request
from gateway.engine.transport.timeouts import Deadline

MOST_EVENTS = 2_000
"""That are kept of what a host remembers, and of what it sends before it has said that: Docker remembers 256."""

_RESPONSE_SECONDS = 10.0  # for each response; for the subscription, for its head
_load = enginejson.loader(EngineEvent.DESCRIPTOR)


class EventSource:
    """The events of one engine.  Methods raise `CallError`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[AsyncGenerator[EngineEvent, None]]:
        """Yield all events that the engine remembers, and then each new one."""
        async with (
            self._engine.open(_get("/events?since=0")) as (_, connection),
            aclosing(streams.lines(connection)) as documents,
        ):
            yield (self._event(document, TornStream) async for document in documents)

    async def past(self, until: int) -> list[EngineEvent]:
        """Return the newest events that the engine remembers up to a past time, in nanoseconds since 1970."""
        seconds, nanos = divmod(until, 1_000_000_000)
        answer = await self._engine.fetch(_get(f"/events?since=0&until={seconds}.{nanos:09d}"))
        events = []
        for line in answer.body.strip().rsplit(b"\n", MOST_EVENTS)[-MOST_EVENTS:]:
            if self._engine.turns.spent:
                await self._engine.turns.next()
            if line := line.strip():
                events.append(self._event(_json(line), BadResponse))
        return events

    async def time(self) -> int:
        """Return the engine's time, in nanoseconds since 1970."""
        return await queries.clock(self._engine, _RESPONSE_SECONDS, Kind.WATCH)

    def _event(self, document: Any, failure: type[TransportError]) -> EngineEvent:
        event = queries.message(self._engine, _load, document, what="an event", method="StreamEvents", failure=failure)
        assert isinstance(event, EngineEvent)
        return event


def _get(target: str) -> Call:
    deadline = Deadline.after(_RESPONSE_SECONDS)
    return Call(Request("GET", target), changes=False, deadline=deadline, kind=Kind.WATCH)


def _json(data: bytes) -> Any:
    try:
        return enginejson.parse(data)
    except NotEngineJson as error:
        raise BadResponse(f"the host's response is not JSON: {error}", sent=True) from error
