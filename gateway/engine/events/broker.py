"""The events of one host: one subscription for any number of watchers.

An engine slows down for a subscriber that does not read, and drops events silently.  So the gateway always reads, and
never waits for a watcher.  Each watcher has its own cursor in a buffer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.client import Engine
from gateway.engine.events.event_buffer import EventCursor, Gap, Record, RestingBuffer
from gateway.engine.events.filter import Filter
from gateway.engine.events.source import EventSource
from gateway.engine.events.upstream import Counter, EventUpstream, Follower
from gateway.engine.events.watcher import Watcher
from gateway.engine.resumable.shared import Shared


class EventBroker(Shared[Record]):
    """The events of one host.  The first watcher starts the subscription; it lingers after the last one."""

    def __init__(
        self,
        engine: Engine,
        *,
        size: int = 10_000,
        linger_timeout_seconds: float = 60.0,
        reconnect_timeout_seconds: float = 60.0,
        heartbeat_seconds: float | None = None,
        counter: Counter | None = None,
    ) -> None:
        """Open nothing yet.

        The buffer keeps *size* events.  The subscription outlives its last watcher by *linger_timeout_seconds*.  A
        broken one is opened again for *reconnect_timeout_seconds* before its watchers fail.  Watchers receive a
        heartbeat after *heartbeat_seconds* of silence.  *counter* counts the events while there is a subscription.
        """
        self.gap_found: Callable[[Gap], None] = lambda gap: None  # called once for each gap
        self._follower: Follower | None = None
        self._counter = counter
        self._source = EventSource(engine)
        self._size = size
        self._reconnect_timeout_seconds = reconnect_timeout_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._upstream = self._new_upstream()
        super().__init__(self._upstream.buffer.journal, linger_timeout_seconds=linger_timeout_seconds)

    @asynccontextmanager
    async def watch(
        self, wanted: Filter, *, since: int | None = None, until: int | None = None, cursor: EventCursor | None = None
    ) -> AsyncIterator[AsyncIterator[Record]]:
        """Yield a `Watcher` of the records that fit *wanted*.  From then on it misses none.

        Raises the failure of the subscription: here the first one, and while records are read the one after which no
        attempt follows.
        """
        async with self.subscribed():
            upstream = self._upstream
            is_first = upstream.buffer.began is None or isinstance(upstream.buffer, RestingBuffer)
            await upstream.until_listening()
            buffer = await upstream.wake()
            self.journal = buffer.journal
            begin = buffer.began if is_first and buffer.began is not None else buffer.journal.next
            yield Watcher(
                upstream,
                buffer,
                wanted,
                begin=begin,
                since=since,
                until=until,
                cursor=cursor,
                heartbeat_seconds=self._heartbeat_seconds,
            )

    def follow(self, follower: Follower) -> None:
        """Keep the subscription until `unfollow`, and notify *follower*; there can be only one."""
        self._follower = self._upstream.follower = follower
        if not self.subscribers and not self.lingers():
            self._rest()
        self.start()
        if not self.subscribers:
            self.linger()

    def unfollow(self) -> None:
        """Notify nobody any more; the subscription lingers."""
        self._follower = self._upstream.follower = None
        if not self.subscribers and self._task is not None:
            self.linger()

    def doubt(self) -> None:
        """Subscribe again and compare, because the engine may have dropped events silently while the gateway did not
        read.
        """
        self._upstream.doubt()

    def idle(self) -> None:
        """Keep the subscription for its follower, but no events."""
        if self._follower is None:
            self.close()
        else:
            self._rest()

    def add_synthetic(self, event: EngineEvent) -> None:
        """Give watchers an event that the engine has not sent."""
        self._upstream.buffer.add_synthetic(event)

    async def read(self) -> None:
        """Subscribe, and again after every break."""
        await self._upstream.run(self._reconnect_timeout_seconds)

    def lingers(self) -> bool:
        """Return whether there is a subscription to keep."""
        return self._upstream.buffer.began is not None

    def _rest(self) -> None:
        self._upstream.rest()
        self.journal = self._upstream.buffer.journal

    def forget(self) -> None:
        """Forget all events."""
        self._upstream = self._new_upstream()
        self.journal = self._upstream.buffer.journal

    def _new_upstream(self) -> EventUpstream:
        return EventUpstream(self._source, self._size, lambda gap: self.gap_found(gap), self._follower, self._counter)
