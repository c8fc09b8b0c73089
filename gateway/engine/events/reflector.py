"""Keeps the known objects of a host correct: by events, and by lists when events are missing or hold too little."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.errors import CallError
from gateway.engine.events.known import KINDS, Key, Known, invalidates_images
from gateway.engine.events.source import EventSource

LATE_SECONDS = 0.1  # the maximum delay with which an engine sends an event
_REFUSED_SECONDS = 60.0  # before lists that were refused are requested again
_BURST_SECONDS = 1.0  # one list serves the events of images in this time


class Reflector:
    """Applies events to the `known` objects, and requests the lists that are due."""

    def __init__(self, source: EventSource) -> None:
        """Begin without objects; all lists are due."""
        self.known = Known()
        self._source = source
        self._stale = set(KINDS)  # kinds of objects whose lists are due
        self._lost = False  # events were lost after all objects were known
        self._touched: set[Key] | None = None  # objects that events change while lists are requested
        self._due = asyncio.Event()

    def apply(self, event: EngineEvent) -> None:
        """Apply *event*."""
        key = self.known.apply(event)
        if self._touched is not None:
            self._touched.add(key)
        if invalidates_images(event):
            self._stale.add("image")
            self._due.set()

    def lost_events(self) -> None:
        """Request all lists.  If all objects were known, the difference stands for the events that were lost."""
        self._lost = self._lost or not self._stale - {"image"}
        self._stale = set(KINDS)

    async def run(self, publish: Callable[[EngineEvent], None]) -> None:
        """Request lists whenever they are due, and *publish* synthetic events in place of lost ones."""
        if self._stale:
            self._due.set()
        while True:
            await self._due.wait()
            if self._stale == {"image"}:
                await asyncio.sleep(_BURST_SECONDS)
            self._due.clear()
            try:
                difference = await self._relist(frozenset(self._stale))
            except CallError:
                await asyncio.sleep(_REFUSED_SECONDS)  # a new subscription does not wait for this
                self._due.set()
                continue
            lost, self._lost = self._lost, False
            for event in difference if lost else ():
                publish(event)

    async def _relist(self, kinds: frozenset[str]) -> list[EngineEvent]:
        """Replace the objects of *kinds*, and return the difference as events at the time of the lists."""
        self._touched = set()
        try:
            listed = await self._source.lists(kinds)
            now = await self._source.time()
            await asyncio.sleep(LATE_SECONDS)  # the lists can show changes whose events are still to come
            difference = self.known.replace(listed, kinds, self._touched)
        finally:
            self._touched = None
        self._stale -= kinds - {"image"} if self._due.is_set() else kinds
        for event in difference:
            event.time_nano = now
            event.time.FromNanoseconds(now // 1_000_000_000 * 1_000_000_000)
        return difference
