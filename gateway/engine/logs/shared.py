"""Lets all followers of one log share one follow answer of the engine.

Every follower begins with its own plain answer.  When it has sent all that the log has, it joins the shared upstream at
its cursor.  A slow follower leaves the upstream, reads plain answers at its own pace, and joins again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from math import inf

from gateway.engine.client import Engine
from gateway.engine.codec.frames import STDERR, STDOUT
from gateway.engine.logs.answer import LogQuery
from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.following import Follower
from gateway.engine.logs.records import Batch, Gap, Heartbeat, Reconnected, Record
from gateway.engine.logs.runs import Run
from gateway.engine.logs.upstream import Place, SharedLog
from gateway.engine.resumable.pull import pulled
from gateway.engine.resumable.shared import Registry
from gateway.engine.resumable.subscription import Idle, Missed, Overflow, Subscription

_TOGETHER_BYTES = 32 << 10  # smaller batches are sent as one
_LATE_SECONDS = 0.1  # the longest time from when an entry is written until a plain answer has it
_UNSURE_SECONDS = 1.0  # by which the engine's clock may seem to be ahead: a log that ends too early lacks entries
_STARTING, _START_SECONDS = 32, 2.0  # followers that may start at once, and for how long one of them delays others
_MEETINGS, _MEETING_SECONDS = 3, 0.2  # how often, and how long, to wait until an upstream reaches a reader's position


class SharedLogs:
    """The logs of one host that have readers."""

    def __init__(self, engine: Engine, reconnect_timeout_seconds: float = 60.0) -> None:
        self.gap_found: Callable[[Gap], None] = lambda gap: None  # called once for each gap
        self.reconnected: Callable[[], None] = lambda: None  # called once for each reconnect
        self.clock_offset_seconds: Callable[[], float | None] = lambda: None  # the engine's clock minus ours
        self.follower = partial(
            Follower, engine, reconnect_timeout_seconds=reconnect_timeout_seconds, count=self._count
        )
        self._upstreams: Registry[SharedLog] = Registry()
        self._places = asyncio.Semaphore(_STARTING)

    def close(self, failure: Exception | None = None) -> None:
        """End all upstreams.  Their followers get *failure*."""
        self._upstreams.close(failure)

    def read(
        self,
        container: str,
        query: LogQuery,
        run: Run,
        cursor: LogCursor | None = None,
        *,
        live: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[Record, None]:
        """Yield the log of a container, from *cursor* on, or as *query* says; *run* is the container's latest run.

        *live* is called when the reader of a followed log has caught up.  Raises `TransportError`, `APIError` and
        `OperationFailed`.
        """
        return _Reader(self, container, query, run, cursor, live).records()

    def ends_at(self, query: LogQuery) -> float:
        """Return when a log has all entries up to the `until` of *query*, by the clock of the event loop."""
        if query.until is None:
            return inf
        offset = self.clock_offset_seconds() or 0
        ours = query.until / 1e9 - (offset if offset < 0 else max(offset - _UNSURE_SECONDS, 0))
        return asyncio.get_running_loop().time() + ours - time.time() + _LATE_SECONDS

    def find(self, container: str, query: LogQuery) -> SharedLog | None:
        """Return the upstream that new followers of a log can join, if there is one."""
        shared = self._upstreams.find(_key(container, query))
        return None if shared is None or shared.is_stalled else shared

    def add(self, container: str, query: LogQuery, reader: Follower) -> SharedLog:
        """Return a new upstream of a log.  It begins at the position of *reader*, which has just sent all entries."""
        query = LogQuery(follow=True, follow_restarts=query.follow_restarts, details=query.details)
        follower = self.follower(
            container, query, reader.run, live=True, current=reader.position, heartbeat_seconds=inf
        )
        return self._upstreams.add(_key(container, query), SharedLog(follower))

    def _count(self, record: Gap | Reconnected) -> None:
        if isinstance(record, Gap):
            self.gap_found(record)
        else:
            self.reconnected()

    @asynccontextmanager
    async def starting(self) -> AsyncIterator[Callable[[], None]]:
        """Wait for one of the few places for followers that start, and hold it for at most `_START_SECONDS`.

        Yields a function that releases the place early.
        """
        timer: asyncio.TimerHandle | None = None

        def release() -> None:
            nonlocal timer
            if timer is not None:
                timer.cancel()
                timer = None
                self._places.release()

        with suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                await self._places.acquire()
                timer = asyncio.get_running_loop().call_later(_START_SECONDS, release)
        try:
            yield release
        finally:
            release()


class _Reader:
    """One reader of a log.  It reads its own plain answers, or the shared upstream."""

    def __init__(
        self,
        logs: SharedLogs,
        container: str,
        query: LogQuery,
        run: Run,
        cursor: LogCursor | None,
        live: Callable[[], None],
    ) -> None:
        self._logs = logs
        self._live = live
        self._container = container
        self._query = query
        self._run = run
        self._cursor = cursor
        self._alone = not query.follow or query.until is not None
        self._shared: SharedLog | None = None
        self._place: Place | None = None
        self._all_streams = query.streams >= {STDOUT, STDERR}
        self._silent = True  # nothing was yielded yet

    async def records(self) -> AsyncGenerator[Record, None]:
        """Yield the log."""
        while True:
            self._find_place()
            if self._place is None:
                async with aclosing(self._read_plain()) as records:
                    async for record in records:
                        self._silent = False
                        yield record
            if self._shared is None or self._place is None:
                return  # the log has ended
            async with self._shared.subscribed():
                self._live()
                number, rest = self._place
                for batch in filter(self._wants, rest):
                    yield batch
                wanted = None if self._all_streams else self._wants
                subscription = Subscription(
                    self._shared.journal, number, Overflow.LEAVE, wanted=wanted, heartbeat_first=self._silent
                )
                async for item in subscription:
                    for record in self._received(item, subscription):
                        self._silent, self._cursor = False, record.cursor
                        yield record
                if not subscription.left:
                    return
                self._run = self._shared.run

    async def _read_plain(self) -> AsyncGenerator[Record, None]:
        """Yield the log from plain answers, up to its end or to where the reader can join the shared upstream."""
        async with self._logs.starting() as release:
            self._find_place()
            if self._place is not None:
                return
            ends_at = self._logs.ends_at(self._query)
            reader = self._logs.follower(
                self._container, self._query, self._run, self._cursor, live=self._alone, ends_at=ends_at
            )
            while self._place is None:
                async with aclosing(pulled(reader.read)) as pieces:
                    async for records in pieces:
                        for record in filter(self._wants, records):
                            yield record
                if reader.ended:
                    return
                self._cursor, self._run = reader.cursor, reader.run
                await self._join_or_start(reader)
                release()

    def _find_place(self) -> None:
        """Return the place to join the shared upstream; None if the reader cannot join it now."""
        self._shared = None if self._alone else self._logs.find(self._container, self._query)
        if self._shared is not None and self._cursor is None and self._query.tail == 0:
            self._cursor = self._shared.newest
        self._place = None
        if self._shared is not None and self._cursor is not None:
            self._place = self._shared.locate(self._cursor)

    async def _join_or_start(self, reader: Follower) -> None:
        """Return the place to join the shared upstream after *reader*.  Start an upstream if there is none."""
        assert self._cursor is not None
        for _ in range(_MEETINGS):
            shared = self._logs.find(self._container, self._query)
            if shared is None:
                shared = self._logs.add(self._container, self._query, reader)
            self._shared, self._place = shared, shared.locate(self._cursor)
            if self._place is not None:
                return
            shared.journal.demand()
            await shared.journal.changed(asyncio.get_running_loop().time() + _MEETING_SECONDS)

    def _received(self, item: Record | Missed | Idle, subscription: Subscription[Record]) -> list[Record]:
        """Return the records to send for *item* of a subscription."""
        assert self._shared is not None
        journal = self._shared.journal
        if isinstance(item, Batch) and subscription.cursor == journal.next:
            return [item]
        if isinstance(item, Missed):
            return []
        if not isinstance(item, Idle):
            return _together(item, subscription)
        cursor = self._cursor if journal.newest is None else journal.newest.cursor  # unwanted records move it too
        assert cursor is not None
        return [Heartbeat(cursor, item.seconds)]

    def _wants(self, record: Record) -> bool:
        if self._all_streams or not isinstance(record, Batch):
            return True
        return any(line[0] in self._query.streams for line in record.lines)


def _together(first: Record, subscription: Subscription[Record]) -> list[Record]:
    """Return *first* joined with the batches after it that have arrived, and the record after those.

    Few large responses cost a slow reader less than many small ones.
    """
    batches: list[Batch] = []
    size = 0
    item: Record | Missed | None = first
    while isinstance(item, Batch):
        batches.append(item)
        size += item.size
        item = subscription.ready() if size < _TOGETHER_BYTES else None
    after = [] if item is None or isinstance(item, Missed) else [item]
    if len(batches) < 2:
        return [*batches, *after]
    return [Batch.joined(batches), *after]


def _key(container: str, query: LogQuery) -> Hashable:
    return container, query.details, query.follow_restarts
