"""Follows a container's log to an end that is a statement: through broken connections and restarts of the daemon.

After every end of the engine's answer the container's state decides.  Exited, removed, restarted: the log has ended,
and the last item says so.  Running on as before: the connection broke, however clean it looked, and the log is read
on from the very place.  What the engine itself has lost is a `Gap`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import Enum, auto

from gateway.engine.client import APIClient, APIError, Engine, NotFound
from gateway.engine.errors import (
    BadResponse,
    CredentialsRejected,
    Disconnected,
    IdentityMismatch,
    OperationFailed,
    TornStream,
    TransportError,
)
from gateway.engine.logs.places import Position
from gateway.engine.logs.reading import Question, Reader
from gateway.engine.logs.runs import End, Ending, Item, Quiet, Run, RunBoundary
from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS

_POLL_SECONDS = 0.3  # between two looks at a stopped container whose restarts are followed
_SETTLE_SECONDS = 0.5  # within which the state of a container follows the end of its log
_GUARD_SECONDS = 30.0  # after a break, within which a restart may come without an end of the answer
_PAUSE_SECONDS = 0.05  # that a restart takes at least
_STRIKES = 3  # how often the same place may turn out to be unreadable
_LAST = (Ending.EXITED, Ending.NOT_RUNNING)  # after which nothing more is written
_LATER = (500, 502, 503, 504)  # what engines say while they start or stop


class _Then(Enum):
    """What to do after the end of an answer."""

    HEAL = auto()  # it was no end
    WAIT = auto()  # for the next run
    TURN = auto()  # to the next run, which has begun


class Follower:
    """One reader of one container's log.

    `position` is the place behind the last item that `items` has yielded, and `started` tells in which run that is.
    """

    def __init__(
        self,
        engine: Engine,
        container: str,
        question: Question,
        *,
        restarts: bool = False,
        position: Position | None = None,
        started: str = "",
        reconnect_timeout_seconds: float = 60.0,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        """Arguments: *container*, its full id; *restarts*, whether to follow them; the place to go on from, if any;
        how long a broken log is tried again before its reader is told; and after how long silence is news.
        """
        self.started = started
        self._engine = engine
        self._container = container
        self._span = question.span
        self._restarts = restarts
        self._reconnect_timeout_seconds = reconnect_timeout_seconds
        self._reader = Reader(engine, question, position, heartbeat_seconds)
        self._was_running = False

    @property
    def position(self) -> Position:
        """The place behind the last item."""
        return self._reader.position

    async def items(self, run: Run) -> AsyncGenerator[Item, None]:
        """Yield the log, and at the end an `End`.  *run* is what the engine says now.

        Raises `TransportError`, `APIError` or `OperationFailed` when it is broken and can not be healed.
        """
        healing = _Healing(self._reconnect_timeout_seconds)
        self._was_running = run.running
        coming = run if self._is_other(run) and self._span.follow else None  # what is left before it is read first
        self.started = self.started or run.started
        waiting, looked = False, 0
        while True:
            failure: Exception | None = None
            epoch = self._engine.epoch
            try:
                if not waiting:
                    until = self._span.until if coming is None else coming.begin()
                    follow = self._span.follow and coming is None
                    async with aclosing(self._reader.read(run, until, follow=follow)) as items:
                        async for item in items:
                            if isinstance(item, list | Quiet):
                                healing.over()
                            yield item
            except NotFound:
                yield End(Ending.REMOVED)
                return
            except Exception as error:
                if not self._reader.heard:
                    raise  # what has never begun is not broken
                failure = healing.judge(error)
            if failure is None and not self._span.follow:
                yield End(Ending.COMPLETE)
                return
            if failure is None and coming is not None:
                run, coming = coming, None
                self.started = run.started
                if not self._restarts:
                    yield End(Ending.RESTARTED)
                    return
                yield RunBoundary(run.started)
                continue
            sure = failure is None and not self._reader.doubtful
            try:
                now = await self._look(patiently=sure and not waiting)
            except Exception as error:
                failure = healing.judge(error, later=True)
                now = None
                then: End | _Then = _Then.HEAL
            else:
                then = self._judge(now, sure=sure and (waiting or epoch == self._engine.epoch))
            if isinstance(then, End):
                if then.ending not in _LAST or looked == _STRIKES or await self._has_all(run):
                    yield then
                    return
                looked += 1
                self._reader.broken = self._reader.doubtful = True
                coming = await self._next_run()  # what stands behind the end may be another run's
                continue
            if then is _Then.TURN:
                coming, waiting = now, False
                self._reader.broken |= failure is not None
                continue
            if then is _Then.WAIT:
                waiting = self._was_running = True
                healing.over()
                await asyncio.sleep(_POLL_SECONDS)
            else:
                self._reader.broken = not waiting
                self._watch()
                await healing.pause(failure)
            if (quiet := self._reader.overdue()) is not None:
                yield quiet

    def _watch(self) -> None:
        """Look for a new run, for a while, before entries are taken in that come after a pause.

        A daemon that was killed starts containers again when it is back; answers that have begun before go on.
        """
        loop = asyncio.get_running_loop()
        end, asked = loop.time() + _GUARD_SECONDS, 0.0

        async def guard() -> bool:
            nonlocal asked
            before, asked = asked, loop.time()
            if asked > end:
                self._reader.guard = None
            if asked > end or asked - before < _PAUSE_SECONDS:
                return False
            now = Run.of(await self._engine.call(APIClient.inspect_container, self._container))
            return self._is_other(now)

        self._reader.guard = guard

    def _is_other(self, run: Run) -> bool:
        return bool(self.started) and run.started != self.started

    async def _look(self, *, patiently: bool) -> Run | None:
        """Return the state of the container; None when it is gone.

        *patiently*: one that runs is looked at again for a moment, for its log ends a little before it is said to.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (_SETTLE_SECONDS if patiently and self._span.until is None else 0)
        while True:
            try:
                run = Run.of(await self._engine.call(APIClient.inspect_container, self._container))
            except NotFound:
                return None
            if not run.running or self._is_other(run) or loop.time() >= deadline:
                return run
            await asyncio.sleep(_SETTLE_SECONDS / 10)

    async def _has_all(self, run: Run) -> bool:
        """Tell whether nothing stands behind the end of what was read; not when the engine would not tell."""
        try:
            return self._span.until is not None or await self._reader.has_all(run)
        except NotFound:
            return True  # it was removed when it had ended
        except (APIError, TransportError, OperationFailed):
            return False

    async def _next_run(self) -> Run | None:
        """Return the run that has begun since, if one has."""
        try:
            now = await self._look(patiently=False)
        except (APIError, TransportError):
            return None  # whoever reads on will see
        return now if now is not None and self._is_other(now) else None

    def _judge(self, now: Run | None, *, sure: bool) -> End | _Then:
        """Say what the end of an answer means, given the state of the container after it.

        *sure*: the answer ended whole, and nothing hints at a break that looked like an end.
        """
        if now is None:
            return End(Ending.REMOVED)
        if self._is_other(now):
            return _Then.TURN
        if not sure:
            return _Then.HEAL  # also of one that has exited: what is left of its log was not read yet
        if now.running:
            return End(Ending.COMPLETE) if self._span.until is not None else _Then.HEAL
        if self._restarts:
            return _Then.WAIT
        return End(Ending.EXITED if self._was_running else Ending.NOT_RUNNING, now.exit_code)


class _Healing:
    """How long, and how often, a broken log is tried again."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.over()

    def over(self) -> None:
        """Take note that all is well."""
        self._since: float | None = None
        self._pause = 0.05
        self._strikes = 0

    def judge(self, error: Exception, *, later: bool = False) -> Exception:
        """Return *error* if trying again may help, else raise it.

        *later* tells that an engine that fails may be starting, or stopping.
        """
        if isinstance(error, TornStream | OperationFailed):
            self._strikes += 1
            helps = self._strikes < _STRIKES
        elif isinstance(error, APIError):
            helps = error.status_code in _LATER and (later or self._since is not None)
        else:
            hopeless = IdentityMismatch | CredentialsRejected | BadResponse
            helps = isinstance(error, TransportError) and not isinstance(error, hopeless)
        if not helps:
            raise error
        return error

    async def pause(self, failure: Exception | None) -> None:
        """Wait a moment.  Raises *failure* when it has lasted for too long."""
        now = asyncio.get_running_loop().time()
        self._since = self._since or now
        if now - self._since >= self._seconds:
            raise failure or Disconnected("the host ends the log although the container runs on", sent=True)
        await asyncio.sleep(self._pause * random.uniform(0.8, 1.2))
        self._pause = min(self._pause * 2, 2.0)
