"""The inventory of one host: what there is on it, kept true by its events and its lists.

Events only say what to ask for again.  The whole lists are asked for at the start, after every break of the events,
and at an interval, for some changes have no event.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, suppress

from dockfleet.fleet.v1.selectors_pb2 import ContainerSelector
from dockfleet.v1 import common_pb2
from dockfleet.v1.system_pb2 import EngineEvent
from google.protobuf.message import Message

from gateway.engine.background import keep_running
from gateway.engine.client import Call, Engine
from gateway.engine.errors import CallError, InventoryUnknown
from gateway.engine.events.broker import EventBroker
from gateway.engine.events.upstream import LATE_SECONDS
from gateway.engine.inventory.answers import ids_of, put_together, shows_status
from gateway.engine.inventory.changes import Change
from gateway.engine.inventory.clock import EngineClock
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.convert import Converter
from gateway.engine.inventory.difference import LostEvents
from gateway.engine.inventory.filling import fill
from gateway.engine.inventory.gate import Gate
from gateway.engine.inventory.marking import renames, touched_by
from gateway.engine.inventory.questions import LISTS, Questions
from gateway.engine.inventory.reading import Reader
from gateway.engine.inventory.rows import ContainerRow, ImageRow, NetworkRow, VolumeRow
from gateway.engine.inventory.selecting import selected_by
from gateway.engine.inventory.writes import Writes, Written

_OLD_NANOS = 10_000_000_000  # age of an event of before the first subscription that the first lists show for certain
_PAUSES_SECONDS = (1.0, 60.0)  # before another attempt at a host that is up and whose events cannot be had
_BEGIN_SECONDS = 10.0  # for which one host may hold up others that are new as well
_SETTLE_SECONDS = 2.0
_SYNC_SECONDS = 10.0  # for containers that a list shows to have changed


class Inventory:
    """What there is on one host.  It begins when the host answers, see `host_is`; `close` ends it."""

    def __init__(
        self,
        engine: Engine,
        events: EventBroker,
        gate: Gate | None = None,
        *,
        reconcile_interval_seconds: float = 60.0,
        asked: Callable[[str], None] = lambda question: None,
        healed: Callable[[], None] = lambda: None,
    ) -> None:
        """Know nothing, and ask nothing yet.

        *gate* is shared by all hosts.  The whole lists are compared every *reconcile_interval_seconds*.  *asked* is
        called for each question to the engine, *healed* for each difference that only a list has shown.
        """
        self._engine = engine
        self._events = events
        self._interval_seconds = reconcile_interval_seconds
        self._gate = gate or Gate()
        self._clock = EngineClock()
        self._contents = Contents(self._clock)
        self._questions = Questions(engine, self._clock, asked)
        converter = Converter(self._clock, lambda rpc, count: engine.skipped(rpc, count))
        self._reader = Reader(self._questions, converter, self._contents)
        self._reader.refresher.healed = self._healed
        self._count_healed = healed
        self._lost = LostEvents(self._contents)
        self._writes = Writes(self._reader.refresher, self._contents)
        self._down: CallError | None = None  # why the host does not answer
        self._failure: CallError | None = InventoryUnknown()
        self.known = False  # whether all lists were complete once
        self._listening = False  # to the events
        self._listening_since = 0.0
        self._current = False  # whether what is known is kept true
        self._contact = 0.0  # when the host has proved last that it is: like all here, by the monotonic clock
        self._pause_seconds = _PAUSES_SECONDS[0]
        self._up = asyncio.Event()
        self._begun = asyncio.Event()  # whether it is known what there is, or the events cannot be had
        self._ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._following: asyncio.Task[None] | None = None

    # The life of an inventory

    def host_is(self, failure: CallError | None) -> None:
        """Take note whether the host answers: why it does not, None when it does."""
        self._down = failure
        if failure is not None:
            self._up.clear()
            self._contents.changes.stale(failure)
            return
        self._up.set()
        if self._current:
            self._contents.changes.synced()
        if self._task is None:
            self._task = asyncio.create_task(keep_running(self._run, "inventory", self._engine.name))

    def close(self, failure: Exception | None = None) -> None:
        """End; subscribers get *failure*."""
        if self._task is not None:
            self._task.cancel()
        self._stop()
        self._contents.changes.close(failure)

    def _stop(self) -> None:
        """Ask nothing any more; what is known stays, and grows old."""
        self._listening = self._current = False
        if self._following is not None:
            self._following.cancel()
            self._following = None
        self._reader.stop()

    async def _run(self) -> None:
        """Follow the events while the host is up, and begin again when they end."""
        while True:
            await self._up.wait()
            async with AsyncExitStack() as stack:
                async with self._gate.place():
                    self._begun.clear()
                    self._ended.clear()
                    await stack.enter_async_context(self._events.followed(self))
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._begun.wait(), _BEGIN_SECONDS)
                await self._ended.wait()
            await asyncio.sleep(self._pause_seconds * random.uniform(0.8, 1.2))
            self._pause_seconds = min(2 * self._pause_seconds, _PAUSES_SECONDS[1])

    async def _follow(self) -> None:
        """Get to know what there is, then compare the lists at an interval."""
        refresher = self._reader.refresher
        refresher.start()
        await refresher.shown({kind: refresher.touch(kind, 0) for kind in LISTS}, math.inf)
        self.known = True
        await refresher.shown({key: mark.number for key, mark in refresher.marks.items()}, _SYNC_SECONDS)
        self._contact, self._current, self._failure = self._listening_since, True, None
        self._pause_seconds = _PAUSES_SECONDS[0]
        self._begun.set()
        if self._down is None:
            self._contents.changes.synced()
        await self._tell_lost_events()
        await fill(self._contents, self._questions, refresher, self._reader.listed, self._gate)
        while True:  # the times are spread out, as many hosts are known at once
            await asyncio.sleep(self._interval_seconds * random.uniform(0.8, 1.2))
            for kind in LISTS:
                refresher.touch(kind, 0)

    async def _tell_lost_events(self) -> None:
        """Give those who watch the events what the lost ones must have been."""
        await asyncio.sleep(LATE_SECONDS)  # until the events have come of what is known already
        now = self._clock.now()
        for event in self._lost.found(self._reader.refresher.marks):
            event.time_nano = now
            event.time.FromNanoseconds(now // 1_000_000_000 * 1_000_000_000)
            self._events.add_synthetic(event)

    # What becomes of the events

    def happened(self, event: EngineEvent) -> None:
        """Mark what an event is about."""
        if not self._listening and not self.known and event.time_nano < self._clock.now() - _OLD_NANOS:
            return
        self._contact = time.monotonic() if self._current else self._contact
        refresher = self._reader.refresher
        if event.type == "container" and event.action == "destroy":
            self._contents.remove(event.actor.id, forever=True)
            refresher.forget(event.actor.id)
        for key, delay in touched_by(event, self._contents.runs):
            refresher.touch(key, delay)
        if renames(event):
            for id in self._contents.linked():
                refresher.touch(id)
        self._lost.said(event, refresher.marks)

    def lost(self) -> None:
        """Remember what there was, to tell later what must have happened."""
        if self.known:
            self._lost.lost(self._reader.refresher.marks)

    def listening(self) -> None:
        """Ask for everything: the events before may be lost."""
        self._stop()
        self._listening, self._listening_since = True, time.monotonic()
        self._following = asyncio.create_task(keep_running(self._follow, "lists", self._engine.name))

    def broken(self, failure: Exception) -> None:
        """Know less and less, until the events come again."""
        away = not self._listening  # not only broken: it could not be made again either
        self._stop()
        if isinstance(failure, CallError):
            self._failure = failure
            if away:
                self._contents.changes.stale(failure)

    def ended(self) -> None:
        """Begin anew."""
        self._stop()
        self._begun.set()
        self._ended.set()

    def _healed(self) -> None:
        if self._current:
            self._count_healed()

    # What is known

    @property
    def failure(self) -> CallError | None:
        """Why the state of the host is not known, or not as it is now; None when it is."""
        return self._down or self._failure

    @property
    def age_seconds(self) -> float | None:
        """How old what is known can be at most; None when nothing is."""
        if not self.known:
            return None
        now = time.monotonic()
        contact = self._contact
        if self._current and self._engine.last_contact is not None:
            contact = max(contact, now - max(time.time() - self._engine.last_contact, 0))
        oldest = self._reader.refresher.oldest
        return now - (contact if oldest is None else min(contact, oldest)) + LATE_SECONDS

    def freshness(self) -> common_pb2.Freshness:
        """Return how old what is known can be."""
        return _freshness(self.age_seconds)

    def answer(self, request: Message, max_age_seconds: float) -> bytes | None:
        """Return the response to a request of ListContainers, ListImages, ListNetworks or ListVolumes, serialised.

        None where only the engine can answer: nothing is known, it is older than *max_age_seconds*, or the request is
        for what is not kept.  Raises `InvalidField` for a wrong filter, and `NoSuchObject` for an object that a filter
        names and that is not there.
        """
        age = self.age_seconds
        if age is not None and self._contents.unworded and shows_status(request):
            age = max(age, self._reader.age_seconds)  # some words are the engine's own, of the last list
        if age is None or age > max_age_seconds:
            return None
        return put_together(request, self._contents, self._questions.version, _freshness(age))

    async def settled(self, kind: str, request: Message) -> bool:
        """Wait until what was changed through this gateway before now can be seen in a list of objects of *kind*.

        Return whether it can: otherwise, only the engine can answer.
        """
        return await self._writes.settled(kind, ids_of(request), _SETTLE_SECONDS if self._current else 0)

    def changing(self, kind: str, call: Call) -> AbstractContextManager[Written]:
        """Mark, after the block, what a call may have touched that may change objects of *kind*; "" for none."""
        return self._writes.changing(kind if self._task is not None else "", call.operation, call.named)

    def wrote(self, id: str) -> None:
        """Mark a container that was changed through this gateway."""
        with self._writes.changing("container" if self._task is not None else "", "", (("container", id),)):
            pass

    def containers(self) -> Sequence[ContainerRow]:
        """Return all containers, the newest first."""
        return self._contents.newest_first

    def container(self, name_or_id: str) -> ContainerRow | None:
        """Return the container of this id, own name, or unique id prefix."""
        return self._contents.container(name_or_id)

    def images(self) -> Sequence[ImageRow]:
        """Return all images, also intermediate ones, the newest first."""
        return tuple(self._contents.images.values())

    def networks(self) -> Sequence[NetworkRow]:
        """Return all networks."""
        return tuple(self._contents.networks.values())

    def volumes(self) -> Sequence[VolumeRow]:
        """Return all volumes."""
        return tuple(self._contents.volumes.values())

    def select(self, selector: ContainerSelector, path: str = "containers") -> list[ContainerRow]:
        """Return the containers that *selector* selects, the newest first.

        Raises `InvalidField` for a malformed selector, whose place in the request is *path*.  A name that no container
        has selects none.
        """
        selects = selected_by(selector, path, self._contents)
        return [row for row in self._contents.newest_first if selects(row)]

    def selecting(self, selector: ContainerSelector, path: str = "containers") -> Callable[[ContainerRow], bool]:
        """Return what tells whether *selector* selects a container, by the names and images of now."""
        return selected_by(selector, path, self._contents)

    @property
    def engine_now(self) -> int:
        """The engine's time, in nanoseconds since 1970."""
        return self._clock.now()

    # Changes

    @property
    def epoch(self) -> bytes:
        """What distinguishes the numbers of this inventory's changes from those of any other."""
        return self._contents.changes.epoch

    def keeps(self, number: int, epoch: bytes) -> bool:
        """Tell whether `subscribe` can continue after change *number* of the inventory of that *epoch*."""
        return self._contents.changes.keeps(number, epoch)

    def subscribe(self, after: int | None = None) -> AsyncGenerator[Change, None]:
        """Yield all containers, whether that is the state of the host, and then every change.

        With *after*, the number of a change that is kept, only the changes after it.  A reader that is too slow gets a
        `Forget`, and everything again.  Raises what `close` is given.  To be closed by its reader.
        """
        return self._contents.changes.read(after)


def _freshness(age_seconds: float | None) -> common_pb2.Freshness:
    freshness = common_pb2.Freshness(source=common_pb2.ANSWER_SOURCE_INVENTORY)
    if age_seconds is not None:
        freshness.max_age.FromNanoseconds(int(age_seconds * 1e9))
    return freshness
