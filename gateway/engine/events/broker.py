"""The events of one host: one subscription, always drained, for any number of watchers.

An engine slows down for every subscriber that does not read, and tells nobody what it has dropped for one.  So the
hub reads without ever waiting for a watcher; each watcher has a place of its own in a ring.

The engine remembers its last 256 events, and none from before its start.  After every break the hub asks for all
of them: if one is among them that it has already, nothing is missing.  If none is, there is a gap, which watchers
are told, and then, as synthetic events, the difference of what there is and what there was.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine import inventory
from gateway.engine.client import Engine
from gateway.engine.errors import CredentialsRejected, Disconnected, IdentityMismatch, Incompatible
from gateway.engine.events.event_buffer import EventBuffer, Gap, Item, Place, Reason, fingerprint_of
from gateway.engine.events.filter import Filter
from gateway.engine.events.source import FAILURES, EventSource
from gateway.engine.inventory import Inventory
from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS

_REMEMBERED = 256  # events, by an engine (moby, daemon/events/events.go)
_SULK_SECONDS = 60.0  # before lists that were refused are asked for again
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0  # seconds between two tries
_QUICK_SECONDS = 1.0  # within which no engine is restarted
_LATE_SECONDS = 0.1  # after which an event that has happened must have come
_BURST_SECONDS = 1.0  # in which the events of images are taken together
_STALL_SECONDS = 3.0  # of a standstill of this process, after which engines may have dropped events
_STABLE_SECONDS = 1.0  # for which a subscription must have held, before the next tries come fast again
_LASTING = (IdentityMismatch, CredentialsRejected, Incompatible)  # no use in trying again


class EventBroker:
    """The subscription to one host's events.  It is made for the first watcher and kept a while after the last."""

    def __init__(
        self,
        engine: Engine,
        *,
        size: int = 10_000,
        linger_timeout_seconds: float = 60.0,
        reconnect_timeout_seconds: float = 60.0,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Open nothing yet.

        The buffer keeps *size* events.  The subscription outlives its last watcher by *linger_timeout_seconds*.  A
        broken one is opened again for *reconnect_timeout_seconds* before its watchers fail.  Watchers receive a
        heartbeat after *heartbeat_seconds* of silence.
        """
        self._source = EventSource(engine)
        self._size = size
        self._linger_timeout_seconds = linger_timeout_seconds
        self._reconnect_timeout_seconds = reconnect_timeout_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._watchers = 0
        self._closing: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._ticking: asyncio.TimerHandle | None = None
        self._forget()

    def _forget(self) -> None:
        self._ring = EventBuffer(self._size)
        self._known = Inventory()
        self._stale = set(inventory.LISTS)  # kinds of objects of which the lists are due
        self._tell = False  # whether their difference is to be told
        self._touched: set[inventory.Key] | None = None  # objects that events tell of while lists are made
        self._due = asyncio.Event()
        self._news = asyncio.Event()
        self._listening = False
        self._heard_at = asyncio.get_running_loop().time()  # of the last event
        self._began: int | None = None  # the first item that came after the hub was opened
        self._clock = 0  # what to add to the loop's time for the engine's, in nanoseconds
        self._broken_at: float | None = None
        self._tries = 0  # that failed or did not last
        self._failure: Exception | None = None  # of the last try
        self._hopeless: Exception | None = None  # what to tell watchers that wait
        self._full = False  # whether the engine had forgotten something when the hub was opened
        self._silent = True  # whether this engine, since its start, may have had no event at all

    # For watchers

    @asynccontextmanager
    async def watch(
        self, wanted: Filter, *, since: int | None = None, until: int | None = None, place: Place | None = None
    ) -> AsyncIterator[AsyncGenerator[Item, None]]:
        """Yield the items of the ring that fit *wanted*; once this yields, none is missed.

        They begin behind *place*, else at the time *since*, else now; with *until* alone, at the oldest that is
        remembered.  They end at *until*; times are the engine's, in nanoseconds since 1970.
        Raises what keeps the host from being heard: at once here, and while items are read, after a minute.
        """
        self._watchers += 1
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        try:
            new = self._began is None
            await self._ready()
            assert self._began is not None
            begin = self._began if new else self._ring.next
            async with aclosing(self._items(begin, wanted, since, until, place)) as items:
                yield items
        finally:
            self._watchers -= 1
            if not self._watchers:
                seconds = 0 if self._began is None else self._linger_timeout_seconds
                self._closing = asyncio.get_running_loop().call_later(seconds, self.close)

    async def _ready(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run())
            self._tick()
        while not self._listening:
            if self._failure is not None:
                raise self._failure
            await self._changed(None)

    async def _items(
        self, number: int, wanted: Filter, since: int | None, until: int | None, place: Place | None
    ) -> AsyncGenerator[Item, None]:
        loop, ring = asyncio.get_running_loop(), self._ring
        read: frozenset[bytes] = frozenset()  # marks of events that were told before, elsewhere
        said = loop.time() - self._heartbeat_seconds  # with nothing to tell, that is told at once: it is a place, too
        present = ring.next  # of what is before, items are left out by their time
        told = since or (0 if until is not None else self._clock + int(loop.time() * 1e9))  # the time of the last item
        if place is not None:
            found = ring.behind(place)
            told = place.time
            if found is None:
                number, since = ring.first, place.time + 1
                yield ring.missing(place, Reason.OVERRUN if self._full else Reason.ENGINE_RESTARTED)
            else:
                number, read = found
        elif since is not None or until is not None:
            number = ring.first
        while True:
            while number < ring.next:
                if number < ring.first:
                    yield ring.overtaken(number, told, counted=not wanted)
                    number = ring.first
                item = ring[number]
                number += 1
                time = item.place.time
                if (until is not None and time > until) or (number <= present and since is not None and time < since):
                    continue
                if read and item.mark in read:
                    continue
                if item.event is None or wanted.fits(item.event):
                    told, said = time, loop.time()
                    yield item
            if self._hopeless is not None:
                raise self._hopeless
            left = None if until is None else (until - self._clock) / 1e9 + _LATE_SECONDS
            now = loop.time()
            if left is not None and self._listening and left <= now:
                return
            if now >= said + self._heartbeat_seconds:
                said = now
                yield Item(ring.place(number, told), idle=now - self._heard_at)
                continue
            await self._changed(left if self._listening else None)

    async def _changed(self, deadline: float | None) -> None:
        """Wait until something has happened, or until *deadline*, in the loop's time."""
        if deadline is None:
            await self._news.wait()
            return
        try:
            async with asyncio.timeout_at(deadline):
                await self._news.wait()
        except TimeoutError:
            return

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _tick(self) -> None:
        # One timer for all watchers, who look at the clock themselves.
        self._ticking = asyncio.get_running_loop().call_later(self._heartbeat_seconds / 5, self._tick)
        self._wake()

    def close(self) -> None:
        """End the subscription and forget all."""
        for timer in (self._closing, self._ticking):
            if timer is not None:
                timer.cancel()
        self._closing = self._ticking = None
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._forget()

    # The subscription

    async def _run(self) -> None:
        """Listen, and after every break again."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._listen()
                failure: Exception = Disconnected("the host ended its events")
            except FAILURES as error:
                failure = error
            except Exception as error:  # a defect: whoever waits must hear of it
                self._failure = self._hopeless = failure = error
            now = loop.time()
            if self._listening:
                self._broken_at = now
                self._tries = 0 if now - began > _STABLE_SECONDS else self._tries + 1
            else:
                self._failure = failure
                self._broken_at = self._broken_at or now
                self._tries += 1
            if isinstance(failure, _LASTING) or now - self._broken_at > self._reconnect_timeout_seconds:
                self._failure = self._hopeless = failure
            self._listening = False
            self._wake()
            await asyncio.sleep(min(_SHORTEST_PAUSE * 2 ** min(self._tries, 10), _LONGEST_PAUSE))

    async def _listen(self) -> None:
        """Subscribe, tell what was missed, and take events until the end.  Raises what breaks it."""
        now = await self._source.time()
        held: list[EngineEvent] = []
        joined = False

        async def read() -> None:
            async for event in events:
                if joined:
                    self._take(event)
                    self._wake()
                else:
                    held.append(event)

        async with self._source.subscribed() as events:
            tasks = [
                asyncio.create_task(read()),
                asyncio.create_task(self._keep_known()),
                asyncio.create_task(_stall()),
            ]
            try:
                # The subscription stands, or all that it lacks is in this answer: it is asked for later.
                past = await self._source.past(now)
                joined = True
                self._join(past, held, now)
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _join(self, past: list[EngineEvent], held: list[EngineEvent], now: int) -> None:
        """Continue the ring with what the engine remembers and what it has told meanwhile."""
        loop = asyncio.get_running_loop()
        first = self._began is None
        marks = [fingerprint_of(event)[0] for event in (*past, *held)]
        if first:
            self._full = len(past) >= _REMEMBERED
        elif not any(self._ring.knows(mark) for mark in marks):
            # An engine that has had no event since its start proves nothing; but none is restarted that fast.
            quick = not self._failure and self._broken_at and loop.time() - self._broken_at < _QUICK_SECONDS
            if not (quick and self._silent and len(marks) < _REMEMBERED):
                self._tell_gap(past, held, now)
        self._silent = not marks
        # The subscription was made first: what it began with may have been forgotten when the past was asked for.
        begin = past[0].time_nano if past else 0
        for event in (*(event for event in held if event.time_nano < begin), *past):
            self._take(event)
        if first:
            self._began = self._ring.next
        for event in held:
            self._take(event)
        if self._stale:
            self._due.set()
        self._clock = now - int(loop.time() * 1e9)
        self._broken_at = self._failure = self._hopeless = None
        self._listening = True
        self._wake()

    def _tell_gap(self, past: list[EngineEvent], held: list[EngineEvent], now: int) -> None:
        after = self._ring[self._ring.next - 1].place.time if self._ring.next > self._ring.first else 0
        before = min((event.time_nano for event in (*past, *held)), default=0)
        reason = Reason.OVERRUN if len(past) >= _REMEMBERED else Reason.ENGINE_RESTARTED
        self._ring.add(now, gap=Gap(reason, after, before))
        self._tell = self._tell or not self._stale - {"image"}  # else it is not known what there was
        self._stale = set(inventory.LISTS)

    def _take(self, event: EngineEvent) -> None:
        """Take in an event, unless it is here already: what is remembered and what is told overlap."""
        self._heard_at = asyncio.get_running_loop().time()
        mark, size = fingerprint_of(event)
        if self._ring.knows(mark):
            return
        self._silent = False
        self._ring.add(event.time_nano, event, mark=mark, size=size)
        key = self._known.apply(event)
        if self._touched is not None:
            self._touched.add(key)
        if inventory.invalidates_images(event):
            self._stale.add("image")
            self._due.set()

    # What there is

    async def _keep_known(self) -> None:
        """Ask for lists whenever they are due, and tell the difference where events are missing."""
        while True:
            await self._due.wait()
            if self._stale == {"image"}:
                await asyncio.sleep(_BURST_SECONDS)
            self._due.clear()
            kinds, tell = frozenset(self._stale), self._tell
            self._touched = set()
            try:
                listed = await self._source.lists(kinds)
                now = await self._source.time()
                await asyncio.sleep(_LATE_SECONDS)  # the events of what the lists show already
                difference = self._known.renew(listed, kinds, self._touched)
            except FAILURES:
                await asyncio.sleep(_SULK_SECONDS)  # the host will not say; a break begins all this anew
                self._due.set()
                continue
            finally:
                self._touched = None
            self._stale -= kinds if not self._due.is_set() else kinds - {"image"}
            self._tell = False
            if tell and difference:
                for event in difference:
                    event.time_nano = now
                    event.time.FromNanoseconds(now // 1_000_000_000 * 1_000_000_000)
                    self._ring.add(now, event, size=event.ByteSize())
                self._wake()


async def _stall() -> None:
    """Return after this process has stood still for long, and has read what had come meanwhile."""
    loop = asyncio.get_running_loop()
    while True:
        before = loop.time()
        await asyncio.sleep(1)
        if loop.time() - before > 1 + _STALL_SECONDS:
            await asyncio.sleep(1)
            return
