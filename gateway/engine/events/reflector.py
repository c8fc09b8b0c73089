"""Keeps what is known of a host true: by its events, and by its lists where events are missing or say too little."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.errors import CallError
from gateway.engine.events.known import KINDS, Key, Known, invalidates_images
from gateway.engine.events.source import EventSource

LATE_SECONDS = 0.1  # the longest that an engine takes to send an event
_REFUSED_SECONDS = 60.0  # before lists that were refused are requested again
_BURST_SECONDS = 1.0  # in which the events of images are taken together


class Reflector:
    """Applies events to what is known, and requests the lists that are due."""

    def __init__(self, source: EventSource) -> None:
        """Know nothing: all lists are due."""
        self.known = Known()
        self._source = source
        self._stale = set(KINDS)  # of which the lists are due
        self._lost = False  # whether events were lost that changed what was known
        self._touched: set[Key] | None = None  # objects that events change while lists are made
        self._due = asyncio.Event()

    def apply(self, event: EngineEvent) -> None:
        """Take *event* in."""
        key = self.known.apply(event)
        if self._touched is not None:
            self._touched.add(key)
        if invalidates_images(event):
            self._stale.add("image")
            self._due.set()

    def lost_events(self) -> None:
        """Take note that events were lost: the lists will show what they did, unless nothing was known before."""
        self._lost = self._lost or not self._stale - {"image"}
        self._stale = set(KINDS)

    async def run(self, publish: Callable[[EngineEvent], None]) -> None:
        """Request lists whenever they are due, and *publish* what lost events must have been."""
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
                await asyncio.sleep(_REFUSED_SECONDS)  # a new subscription asks at once
                self._due.set()
                continue
            lost, self._lost = self._lost, False
            for event in difference if lost else ():
                publish(event)

    async def _relist(self, kinds: frozenset[str]) -> list[EngineEvent]:
        """Replace what is known of *kinds*, and return the difference as events at the time of the lists."""
        self._touched = set()
        try:
            listed = await self._source.lists(kinds)
            now = await self._source.time()
            await asyncio.sleep(LATE_SECONDS)  # until the events have come of what the lists show already
            difference = self.known.replace(listed, kinds, self._touched)
        finally:
            self._touched = None
        self._stale -= kinds - {"image"} if self._due.is_set() else kinds
        for event in difference:
            event.time_nano = now
            event.time.FromNanoseconds(now // 1_000_000_000 * 1_000_000_000)
        return difference
