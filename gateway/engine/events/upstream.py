"""The gateway's subscription to the events of one host.  After a break it neither loses nor repeats events.

The engine remembers its last 256 events, and none from before its start.  After every break the gateway requests them.
If it has one of them already, none is missing.  Otherwise watchers get a gap, and then, from the follower, synthetic
events.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import Enum
from traceback import clear_frames
from typing import Protocol

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.errors import Disconnected, TornStream
from gateway.engine.events.event_buffer import EventBuffer, Gap, Received, RestingBuffer
from gateway.engine.events.merge import REMEMBERED, merge
from gateway.engine.events.source import MOST_EVENTS, EventSource
from gateway.engine.resumable.retry import Retry

_QUICK_SECONDS = 1.0  # no engine restarts in less time
LATE_SECONDS = 0.1  # the longest delay of an event by an engine


class State(Enum):
    """The state of a subscription."""

    CONNECTING = "connecting"  # an attempt is open or follows, and none has failed since the last success
    LISTENING = "listening"
    AWAY = "away"  # the last attempt failed, and another one follows
    FAILED = "failed"  # no other attempt follows


class Follower(Protocol):
    """Receives all changes of a subscription immediately, by method calls."""

    def happened(self, event: EngineEvent) -> None:
        """An event has come, in order; the first subscription also gets events that the engine remembers."""

    def lost(self) -> None:
        """Events are lost; the next event is the first after the gap."""

    def listening(self) -> None:
        """No event is missed from now on."""

    def broken(self, failure: Exception) -> None:
        """An attempt failed, or the subscription broke; another attempt follows."""

    def ended(self) -> None:
        """The subscription has ended; no attempt follows."""


class Counter(Protocol):
    """Counts the events of a host over all its subscriptions."""

    def listening(self, now: int) -> None:
        """All events up to *now*, the engine's time, were counted."""

    def remembered(self, event: EngineEvent) -> None:
        """The engine has sent an event from its memory."""

    def arrived(self, event: EngineEvent, *, at_once: bool) -> None:
        """The engine has sent an event as it happened; without *at_once*, it had to wait here."""


class EventUpstream:
    """Writes the events of one host into its `buffer`."""

    def __init__(
        self,
        source: EventSource,
        size: int,
        gap_found: Callable[[Gap], None],
        follower: Follower | None = None,
        counter: Counter | None = None,
    ) -> None:
        """Open nothing yet.  The buffer keeps *size* events; *gap_found* is called once with each gap."""
        self.buffer: EventBuffer | RestingBuffer = EventBuffer(size)
        self._size = size
        self._held: list[Received] | None = None  # events that arrive while the past ones are requested
        self._waking = asyncio.Lock()
        self._doubt: asyncio.Future[None] | None = None  # done when events may have been dropped
        self._source = source
        self.gap_found = gap_found
        self.follower = follower
        self._counter = counter
        self._state = State.CONNECTING
        self._failure: Exception | None = None  # of the last attempt, while AWAY
        self._broken_at = 0.0
        self._clock_offset = 0  # the engine's clock minus ours, in nanoseconds
        self._eventless = True  # the engine may have had no event since its start

    @property
    def now(self) -> int:
        """The engine's time, in nanoseconds since 1970."""
        return self._clock_offset + int(self.buffer.journal.clock() * 1e9)

    def end(self, until: int | None) -> float | None:
        """Return when all events up to *until* have come, by our clock; None while that is not known."""
        if until is None or self._state is not State.LISTENING:
            return None
        return (until - self._clock_offset) / 1e9 + LATE_SECONDS

    async def until_listening(self) -> None:
        """Return once the subscription has begun.  Raises the failure of the last attempt."""
        journal = self.buffer.journal
        while self._state is not State.LISTENING:
            if journal.closed:
                raise journal.failure or Disconnected("the gateway does not watch the host any more")
            if self._state is State.AWAY and self._failure is not None:
                raise self._failure
            await journal.changed()

    def rest(self) -> None:
        """Keep no events: there is no watcher."""
        if isinstance(self.buffer, EventBuffer):
            self.buffer = RestingBuffer(self.buffer)

    async def wake(self) -> EventBuffer:
        """Keep events again, with the past events that the engine remembers.  Raises the failure of that request."""
        async with self._waking:
            if isinstance(self.buffer, EventBuffer):
                return self.buffer
            held = self._held = []
            try:
                past = [Received.of(event) for event in await self._source.past(await self._source.time())]
            finally:
                self._held = None
            rested, buffer = self.buffer, EventBuffer(self._size)
            history, news, _ = merge(past, held, buffer.knows, 0)
            for received in history:
                buffer.add(received)
            buffer.begin(overrun=len(past) >= REMEMBERED)
            for received in news:
                buffer.add(received)
            self.buffer = buffer
            for received in history:
                if self.follower is not None and not rested.knows(received.fingerprint):  # it is still on its way
                    self.follower.happened(received.event)
            return buffer

    def doubt(self) -> None:
        """Subscribe again: events may have been dropped."""
        if self._doubt is not None and not self._doubt.done():
            self._doubt.set_result(None)

    async def run(self, reconnect_timeout_seconds: float) -> None:
        """Subscribe, and again after every break.  Raises the failure after which no attempt follows."""
        self._state = State.CONNECTING
        retry = Retry(reconnect_timeout_seconds)
        try:
            await retry.run(lambda: self._attempt(retry), "the host ended its events")
        finally:
            self._state = State.FAILED
            if self.follower is not None:
                self.follower.ended()

    async def _attempt(self, retry: Retry) -> None:
        try:
            await self._listen(retry)
        except Exception as error:
            if self._state is not State.LISTENING:
                self._state, self._failure = State.AWAY, error
                clear_frames(error.__traceback__)  # the error is kept, and the response in them can be large
            if self.follower is not None:
                self.follower.broken(error)
            raise
        finally:
            if self._state is State.LISTENING:
                self._state, self._broken_at = State.CONNECTING, self.buffer.journal.clock()
            self.buffer.journal.wake()

    async def _listen(self, retry: Retry) -> None:
        """Subscribe, continue after the last event, and add events until the subscription ends."""
        now = await self._source.time()
        held: list[Received] = []  # until the events before them are known
        async with self._source.subscribed() as events:
            taking = asyncio.create_task(self._take_all(events, held))
            self._doubt = asyncio.get_running_loop().create_future()
            try:
                await self._catch_up(held, now)
                retry.succeeded()
                await asyncio.wait((taking, self._doubt), return_when=asyncio.FIRST_COMPLETED)
                if taking.done():
                    taking.result()
            finally:
                self._doubt = None
                taking.cancel()
                await asyncio.wait((taking,))

    async def _catch_up(self, held: list[Received], now: int) -> None:
        """Request the events that the engine remembers up to *now*, and join them with the newer events, which are
        *held*.
        """
        # This is requested after the subscription, so it has all events from before the subscription began.
        past = [Received.of(event) for event in await self._source.past(now)]
        self._join(past, held, now)
        held.clear()

    async def _take_all(self, events: AsyncIterator[EngineEvent], held: list[Received]) -> None:
        async for event in events:
            if self._state is State.LISTENING:
                if self._take(Received.of(event)) and self._counter is not None:
                    self._counter.arrived(event, at_once=True)
            elif len(held) < MOST_EVENTS:
                held.append(Received.of(event))
            else:
                raise _torn()

    def _join(self, past: list[Received], held: list[Received], now: int) -> None:
        """Add the events that the engine remembers, and those that it has sent since."""
        buffer = self.buffer
        history, news, gap = merge(past, held, buffer.knows, buffer.last_time)
        if gap is not None and buffer.began is not None and not self._is_same_engine(len(past) + len(held)):
            buffer.add_gap(gap, now)
            self.gap_found(gap)
            if self.follower is not None:
                self.follower.lost()
        self._eventless = not past and not held
        for received in history:
            if self._take(received) and self._counter is not None:
                self._counter.remembered(received.event)
        if buffer.began is None:
            buffer.begin(overrun=len(past) >= REMEMBERED)
        if self._counter is not None:
            self._counter.listening(now)
        for received in news:
            if self._take(received) and self._counter is not None:
                self._counter.arrived(received.event, at_once=False)
        self._clock_offset = now - int(self.buffer.journal.clock() * 1e9)
        self._state = State.LISTENING
        self.buffer.journal.wake()
        if self.follower is not None:
            self.follower.listening()

    def _is_same_engine(self, events: int) -> bool:
        """Return whether the engine cannot have restarted: the break was short, and the engine had no events before."""
        away_seconds = self.buffer.journal.clock() - self._broken_at
        quick = self._state is State.CONNECTING and away_seconds < _QUICK_SECONDS
        return quick and self._eventless and events < REMEMBERED

    def _take(self, received: Received) -> bool:
        """Add an event unless the buffer has it: remembered events and sent ones overlap.  Return whether it is new."""
        if self.buffer.knows(received.fingerprint):
            return False
        if self._held is not None:
            if len(self._held) >= MOST_EVENTS:
                raise _torn()
            self._held.append(received)
        self._eventless = False
        self.buffer.add(received)
        if self.follower is not None:
            self.follower.happened(received.event)
        return True


def _torn() -> TornStream:
    return TornStream("the host sends events faster than it says what it remembers", sent=True)
