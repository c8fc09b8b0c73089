"""The requests of the inventory to an engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from gateway.engine import queries
from gateway.engine.client import Call, Engine, NotFound
from gateway.engine.codec import split
from gateway.engine.codec.json import NotEngineJson, parse
from gateway.engine.errors import BadResponse
from gateway.engine.inventory.clock import EngineClock, Moment
from gateway.engine.kinds import Kind
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.timeouts import Deadline
from gateway.engine.versions import OLDEST, Version

INSPECT_SECONDS = 2.0  # an inspection waits for whatever is done with the container
_LIST_SECONDS = 30.0

LISTS = {
    "container": "/containers/json?all=1",
    "image": "/images/json?all=1",
    "network": "/networks",
    "volume": "/volumes",
}
"""By kind of object: the request for all of them."""


class Listed(NamedTuple):
    """The items of a list as JSON, when they were listed, and what the engine said besides."""

    items: list[bytes]
    moment: Moment
    warnings: Sequence[str] = ()


class Questions:
    """Asks one engine.  Methods raise `CallError`."""

    def __init__(self, engine: Engine, clock: EngineClock, asked: Callable[[str], None]) -> None:
        """Pass the dates of all answers to *clock*.  *asked* is called with each kind of request: `inspect`, `list_one`
        or `list_all`.
        """
        self._engine = engine
        self._clock = clock
        self._asked = asked
        self.version: Version = OLDEST  # of the API, in the last answer

    async def inspect(self, id: str) -> Any:
        """Return the inspection of a container; None when there is none.  *id* may be any text: an event has it."""
        try:
            response, _ = await self._get("inspect", f"/containers/{quote(id, safe='')}/json", INSPECT_SECONDS)
        except NotFound:
            return None
        return _document(response.body)

    async def containers(self, ids: Sequence[str]) -> Listed:
        """Return those of the containers *ids*, in full, that exist, the newest first."""
        filters = quote(orjson.dumps({"id": ids}))
        response, moment = await self._get("list_one", f"{LISTS['container']}&filters={filters}", _LIST_SECONDS)
        return Listed(await split.items(response.body, self._engine.turns), moment)

    async def all(self, kind: str) -> Listed:
        """Return all objects of a kind, in the engine's order."""
        response, moment = await self._get("list_all", LISTS[kind], _LIST_SECONDS)
        turns = self._engine.turns
        if kind != "volume":
            return Listed(await split.items(response.body, turns), moment)
        found = split.volumes(response.body)
        warnings = _document(bytes(found.warnings))
        return Listed(await split.items(found.items, turns), moment, warnings or ())

    async def _get(self, question: str, target: str, seconds: float) -> tuple[Response, Moment]:
        self._asked(question)
        sent = self._clock.asking()
        call = Call(Request("GET", target), changes=False, deadline=Deadline.after(seconds), kind=Kind.WATCH)
        response = await self._engine.fetch(call)
        self.version = self._engine.negotiated_version or self.version
        return response, self._clock.answered(sent, queries.date(response.headers))


def _document(body: bytes) -> Any:
    try:
        return parse(body)
    except NotEngineJson as error:
        raise BadResponse(f"the host's response is not JSON: {error}", sent=True) from error
