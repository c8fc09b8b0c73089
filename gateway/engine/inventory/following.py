"""Keeps the inventory of a host up to date, by its events and its lists.

An event only says which object to request again.  All lists are requested at the start, after every break of the
events, and now and then, because some changes have no event: see `Comparing`.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.background import keep_running
from gateway.engine.client import Engine
from gateway.engine.errors import CallError, InventoryUnknown
from gateway.engine.events.broker import EventBroker
from gateway.engine.events.upstream import LATE_SECONDS
from gateway.engine.inventory.clock import EngineClock
from gateway.engine.inventory.comparing import OFTEN_SECONDS, Comparing
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.convert import CONTAINER_ID
from gateway.engine.inventory.difference import LostEvents
from gateway.engine.inventory.filling import fill
from gateway.engine.inventory.gate import Gate
from gateway.engine.inventory.marking import renames, touched_by
from gateway.engine.inventory.questions import LISTS, Questions
from gateway.engine.inventory.reading import Reader

_OLD_NANOS = 10_000_000_000  # the first lists show all older events
_PAUSES_SECONDS = (1.0, 60.0)  # before another attempt at a host that is up but whose events fail
_BEGIN_SECONDS = 10.0  # for which one new host may delay other new hosts
_SYNC_SECONDS = 10.0  # for containers that a list shows as changed


class Following:
    """Follows one host's events, from when the host answers: see `host_is`.  `close` ends it."""

    def __init__(
        self,
        engine: Engine,
        events: EventBroker,
        reader: Reader,
        questions: Questions,
        contents: Contents,
        clock: EngineClock,
        gate: Gate,
        *,
        healed: Callable[[], None],
    ) -> None:
        """Ask nothing yet."""
        self._engine = engine
        self._events = events
        self._reader = reader
        self._questions = questions
        self._contents = contents
        self._clock = clock
        self._gate = gate
        self.comparing = Comparing(self._compare, self._longest_seconds)
        self._count_healed = healed
        reader.refresher.healed = self._healed
        reader.differed = self.comparing.happened
        self._lost = LostEvents(contents)
        self._down: CallError | None = None  # why the host does not answer
        self._failure: CallError | None = InventoryUnknown()
        self.known = False  # whether all lists were complete once
        self.current = False  # whether the inventory is up to date
        self._listening = False  # to the events
        self._listening_since = 0.0
        self._contact = 0.0  # when this was last confirmed, by the monotonic clock, like all times here
        self._pause_seconds = _PAUSES_SECONDS[0]
        self.started = False  # whether the host has answered once
        self._follows = False  # the events, or waits for its place or its pause
        self._begun: asyncio.Future[None] | None = None  # done when the inventory is complete, or events fail
        self._beginning: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None  # to follow again
        self._filling: asyncio.Task[None] | None = None

    @property
    def failure(self) -> CallError | None:
        """Why the inventory is not complete or not up to date; None when it is."""
        return self._down or self._failure

    @property
    def age_seconds(self) -> float | None:
        """The largest possible age of the inventory; None when it is empty."""
        if not self.known:
            return None
        now = time.monotonic()
        contact = self._contact
        if self.current and self._engine.last_contact is not None:
            contact = max(contact, now - max(time.time() - self._engine.last_contact, 0))
        oldest = self._reader.refresher.oldest
        return now - (contact if oldest is None else min(contact, oldest)) + LATE_SECONDS

    # From begin to end

    def host_is(self, failure: CallError | None) -> None:
        """Note whether the host answers: *failure* is why it does not, None when it does."""
        was_down = self._down is not None
        self._down = failure
        if failure is not None:
            self._contents.changes.stale(failure)
            return
        if was_down:
            self.comparing.happened()
        if self.current:
            self._contents.changes.synced()
        if not self._follows:
            self._follow()

    def close(self) -> None:
        """End."""
        self._follows = True  # so that `host_is` does not begin again
        if self._beginning is not None:
            self._beginning.cancel()
        if self._again is not None:
            self._again.cancel()
        self._stop()
        self._events.unfollow()

    def _stop(self) -> None:
        """Stop all requests; the rows stay, and age."""
        self._listening = self.current = False
        if self._filling is not None:
            self._filling.cancel()
            self._filling = None
        self.comparing.stop()
        self._reader.stop()

    def _follow(self) -> None:
        """Follow the events if the host is up; if it is down, `host_is` calls this when it answers."""
        self._follows = self._down is None
        if self._follows:
            self.started = True
            self._beginning = asyncio.create_task(keep_running(self._begin, "inventory", self._engine.name, ends=True))

    async def _begin(self) -> None:
        """Wait for a place, and hold it until the inventory is complete, for a bounded time."""
        async with self._gate.place():
            self._begun = asyncio.get_running_loop().create_future()
            self._events.follow(self)
            await asyncio.wait((self._begun,), timeout=_BEGIN_SECONDS)
        self._beginning = None

    async def _fill(self) -> None:
        """Read all lists, inspect the containers, and then begin to compare."""
        refresher = self._reader.refresher
        refresher.start()
        await refresher.shown({kind: refresher.touch(kind, 0) for kind in LISTS}, math.inf)
        self.known = True
        await refresher.shown({key: mark.number for key, mark in refresher.marks.items()}, _SYNC_SECONDS)
        self._contact, self.current, self._failure = self._listening_since, True, None
        self._pause_seconds = _PAUSES_SECONDS[0]
        self._has_begun()
        if self._down is None:
            self._contents.changes.synced()
        await self._tell_lost_events()
        await fill(self._contents, self._questions, refresher, self._reader.listed, self._gate)
        self.comparing.begin()
        self._filling = None

    def _compare(self) -> None:
        for kind in LISTS:
            self._reader.refresher.touch(kind, 0)

    def _longest_seconds(self) -> float:
        """Return the longest time between two comparisons."""
        often = self._engine.is_podman or self._contents.unworded  # it has fewer events; only lists have their words
        longest = self._gate.compare_interval_seconds
        return min(longest, OFTEN_SECONDS) if often else longest

    async def _tell_lost_events(self) -> None:
        """Send synthetic events in place of the lost ones."""
        await asyncio.sleep(LATE_SECONDS)  # until the events of the known changes have arrived
        now = self._clock.now()
        for event in self._lost.found(self._reader.refresher.marks):
            event.time_nano = now
            event.time.FromNanoseconds(now // 1_000_000_000 * 1_000_000_000)
            self._events.add_synthetic(event)

    def _healed(self) -> None:
        self.comparing.happened()
        if self.current:
            self._count_healed()

    # What becomes of the events

    def happened(self, event: EngineEvent) -> None:
        """Mark the objects that *event* may have changed, to request them again."""
        if self._is_in_first_lists(event):
            return
        if self.current:
            self._contact = time.monotonic()
        refresher = self._reader.refresher
        if event.type == "container" and event.action == "destroy" and CONTAINER_ID.fullmatch(event.actor.id):
            self._contents.remove(event.actor.id, forever=True)
            refresher.forget(event.actor.id)
        for key, delay in touched_by(event, self._contents.runs):
            refresher.touch(key, delay)
            self.comparing.happened()
        if renames(event):
            for id in self._contents.linked():
                refresher.touch(id)
        self._lost.said(event, refresher.marks)

    def _is_in_first_lists(self, event: EngineEvent) -> bool:
        """Return whether the first lists, which are still to be requested, will show the change of *event*."""
        return not self._listening and not self.known and event.time_nano < self._clock.now() - _OLD_NANOS

    def lost(self) -> None:
        """Remember the present objects, to derive the lost events later."""
        if self.known:
            self._lost.lost(self._reader.refresher.marks)

    def listening(self) -> None:
        """Request everything, because earlier events may be lost."""
        self._stop()
        self._listening, self._listening_since = True, time.monotonic()
        self._filling = asyncio.create_task(keep_running(self._fill, "lists", self._engine.name, ends=True))

    def broken(self, failure: Exception) -> None:
        """Let the inventory age until events arrive again."""
        away = not self._listening  # the connection broke, and another attempt failed too
        self._stop()
        if isinstance(failure, CallError):
            self._failure = failure
            if away:
                self._contents.changes.stale(failure)

    def ended(self) -> None:
        """Follow again after a pause."""
        self._stop()
        self._has_begun()
        self._events.unfollow()
        pause = self._pause_seconds * random.uniform(0.8, 1.2)
        self._again = asyncio.get_running_loop().call_later(pause, self._follow)
        self._pause_seconds = min(2 * self._pause_seconds, _PAUSES_SECONDS[1])

    def _has_begun(self) -> None:
        if self._begun is not None and not self._begun.done():
            self._begun.set_result(None)
