"""The queue of objects to request again: containers by id, and whole lists by kind."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from functools import partial
from heapq import heappop, heappush
from itertools import count

from gateway.engine.background import report

SOON_SECONDS = 0.02  # for the other events of one change
CONTAINERS = "container"
"""The key of the list of all containers."""

_MOST_MARKS = 20_000
_AGAIN_SECONDS = (0.1, 5.0)  # after a failure: at first, and at most
_LISTS_AT_ONCE = 2


class Mark:
    """An object, or a list, that must be requested again.

    `number` is the number of its last change, and `shown` that of the last change that its row shows.  `since` is the
    time of the first change that the row does not show, `due` the time of the request; both are in the loop's time.
    `only_listed` says that only a list has shown the change.
    """

    __slots__ = ("due", "failures", "number", "only_listed", "running", "shown", "since")

    def __init__(self, number: int, now: float) -> None:
        self.number = number
        self.shown = 0
        self.since = now
        self.due = float("inf")
        self.running = False
        self.failures = 0
        self.only_listed = False


class Found(Enum):
    """The result of a request."""

    TRUTH = "what is put down is the truth"
    LISTED = "it is what a list shows, and can be what was before"
    NOTHING = "nothing was put down"


class _Lane:
    """Pending requests, as (time, order, key), and running ones, at most *limit* at a time."""

    __slots__ = ("due", "limit", "tasks", "timer")

    def __init__(self, limit: int) -> None:
        self.due: list[tuple[float, int, str]] = []
        self.limit = limit
        self.tasks: set[asyncio.Task[None]] = set()
        self.timer: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        for task in self.tasks:
            task.cancel()
        self.due.clear()


class Refresher:
    """Requests the marked objects, in the order of their due times, a few at a time."""

    def __init__(
        self, look: Callable[[str], Awaitable[Found]], lists: Collection[str], containers_at_once: int
    ) -> None:
        """Ask nothing before `start`.

        *look* requests an object and stores the answer; if the answer may be outdated, it is called again later.
        *lists* are the keys that do not wait for others, because the inspection of a starting container is slow.
        """
        self.marks: dict[str, Mark] = {}
        self.healed: Callable[[], None] = lambda: None  # called for what had happened without an event
        self._look = look
        self._touched: set[str] | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._numbers = count(1)
        self._turns = count()
        self._containers, self._lists = _Lane(containers_at_once), _Lane(_LISTS_AT_ONCE)
        self._keys_of_lists = lists
        self._started = False

    def touch(self, key: str, delay: float = SOON_SECONDS, *, listed: bool = False) -> int:
        """Mark an object, to be requested within *delay* seconds; return the number of this change.

        Of more containers than can be asked for one by one, the list is asked for.  *listed*: only a list shows it.
        """
        if key not in self.marks and len(self.marks) >= _MOST_MARKS:
            key = CONTAINERS
        now = asyncio.get_running_loop().time()
        number = next(self._numbers)
        mark = self.marks.get(key)
        if mark is None:
            mark = self.marks[key] = Mark(number, now)
            mark.only_listed = listed
        mark.number = number
        mark.only_listed &= listed
        if self._touched is not None:
            self._touched.add(key)
        self._schedule(key, mark, now + delay)
        return number

    def forget(self, key: str) -> None:
        """Remove the mark of an object that is gone."""
        if self.marks.pop(key, None) is not None:
            self._wake()

    @contextmanager
    def touched(self) -> Iterator[set[str]]:
        """Yield what is marked, and what is marked during the block; only one at a time."""
        touched = self._touched = set(self.marks)
        try:
            yield touched
        finally:
            if self._touched is touched:
                self._touched = None

    @property
    def oldest(self) -> float | None:
        """The time of the oldest change that the rows do not show, in the loop's time; None when there is none."""
        return min((mark.since for mark in self.marks.values()), default=None)

    async def shown(self, wanted: Mapping[str, int], seconds: float) -> bool:
        """Wait until what is put down answers for what happened at these numbers; return whether it does in time."""
        loop = asyncio.get_running_loop()
        deadline = None if seconds == math.inf else loop.time() + seconds
        while waiting := [key for key, number in wanted.items() if not self.shows(key, number)]:
            self._hurry(waiting)
            news = loop.create_future()
            self._waiting.add(news)
            try:
                async with asyncio.timeout_at(deadline):
                    await news
            except TimeoutError:
                return False
            finally:
                self._waiting.discard(news)
        return True

    def shows(self, key: str, number: int) -> bool:
        """Return whether what is put down answers for what happened at a number."""
        mark = self.marks.get(key)
        return mark is None or mark.shown >= number

    def _hurry(self, keys: Iterable[str]) -> None:
        """Request the marked ones of *keys* now, unless that has failed before."""
        now = asyncio.get_running_loop().time()
        for key in keys:
            mark = self.marks.get(key)
            if mark is not None and not mark.failures:
                self._schedule(key, mark, now)

    def _wake(self) -> None:
        """Wake all waiting tasks."""
        waiting, self._waiting = self._waiting, set()
        for news in waiting:
            if not news.done():
                news.set_result(None)

    def start(self) -> None:
        """Ask for what is marked, from now on."""
        self._started = True
        for key, mark in self.marks.items():
            mark.failures, mark.due = 0, float("inf")
            self._schedule(key, mark, 0.0)

    def stop(self) -> None:
        """Ask nothing any more.  What is marked stays so."""
        self._started = False
        self._containers.stop()
        self._lists.stop()

    def _schedule(self, key: str, mark: Mark, due: float) -> None:
        if mark.running or due >= mark.due:
            return
        mark.due = due
        if self._started:
            lane = self._lists if key in self._keys_of_lists else self._containers
            heappush(lane.due, (due, next(self._turns), key))
            self._pump(lane)

    def _pump(self, lane: _Lane) -> None:
        """Send the due requests, and set the timer for the next one."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while lane.due and len(lane.tasks) < lane.limit and lane.due[0][0] <= now:
            due, _, key = heappop(lane.due)
            mark = self.marks.get(key)
            if mark is not None and not mark.running and mark.due == due:
                mark.running = True
                task = asyncio.create_task(self._ask(key, mark))
                lane.tasks.add(task)
                task.add_done_callback(partial(self._asked, lane, key, mark))
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        if lane.due and len(lane.tasks) < lane.limit:
            lane.timer = loop.call_at(lane.due[0][0], self._pump, lane)

    def _asked(self, lane: _Lane, key: str, mark: Mark, task: asyncio.Task[None]) -> None:
        lane.tasks.discard(task)
        if task.cancelled():
            self._schedule(key, mark, 0.0)
        elif isinstance(error := task.exception(), Exception):
            report(error, "inventory")
            self._schedule(key, mark, asyncio.get_running_loop().time() + _AGAIN_SECONDS[1])
        if self._started:
            self._pump(lane)

    async def _ask(self, key: str, mark: Mark) -> None:
        loop = asyncio.get_running_loop()
        number, began = mark.number, loop.time()
        found = Found.NOTHING
        try:
            found = await self._look(key)
        finally:
            mark.running, mark.due = False, float("inf")
        if self.marks.get(key) is not mark:
            return
        if found is not Found.NOTHING:
            mark.since = began
        if found is Found.TRUTH:
            mark.shown, mark.failures = number, 0
            self._wake()
            if mark.number != number:
                self._schedule(key, mark, loop.time() + SOON_SECONDS)
                return
            del self.marks[key]
            if mark.only_listed:
                self.healed()
            return
        first, most = _AGAIN_SECONDS
        self._schedule(key, mark, loop.time() + min(first * 2**mark.failures, most))
        mark.failures = min(mark.failures + 1, 10)
