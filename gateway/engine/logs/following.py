"""Reads a container's log to its end, over broken connections and restarts of the container.

`plain_reader` and `follow_reader` read the engine's answers, `sender` makes records of them, and `states` says what the
end of an answer means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from math import inf

from gateway.engine.client import APIError, Engine, NotFound
from gateway.engine.errors import Disconnected
from gateway.engine.logs.answer import LogQuery, LogSource
from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.follow_reader import FollowReader, Next
from gateway.engine.logs.overlap import Position
from gateway.engine.logs.pace import Pace
from gateway.engine.logs.plain_reader import PlainReader
from gateway.engine.logs.records import EndReason, Gap, Reconnected
from gateway.engine.logs.runs import Run
from gateway.engine.logs.sender import Receive, Sender
from gateway.engine.logs.states import Action, Container, FollowState
from gateway.engine.resumable.retry import Retry
from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS

_POLL_SECONDS = 0.3  # between two inspections of a stopped container whose restarts are followed
_EXIT_SECONDS = 0.5  # within which the engine reports the exit of a container after the end of its log
_REMOVAL_SECONDS = 10.0  # that the removal of a container may take
_CONFLICT = 409


class Follower:
    """One reader of one container's log.

    A *live* reader waits for new entries.  A reader that is not live stops when it has sent the whole log.
    """

    def __init__(
        self,
        engine: Engine,
        container: str,
        query: LogQuery,
        run: Run,
        cursor: LogCursor | None = None,
        *,
        live: bool,
        current: Position | None = None,
        reconnect_timeout_seconds: float = 60.0,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        count: Callable[[Gap | Reconnected], None] = lambda record: None,
        ends_at: float = inf,
    ) -> None:
        """*container* is a full id, and *run* its latest run.

        The reader begins at *cursor*, or at *current* (the position of a reader that has just stopped), or as *query*
        says.  It calls *count* once for each gap and reconnect.  From *ends_at* on, the log has all that *query* wants.
        """
        position = current or Position(cursor, run.rotation, run.started)
        self._query = query
        self._live = live
        self._state = FollowState(follow_restarts=query.follow_restarts, was_running=run.running)
        self._sender = Sender(query, position, run, self._state, heartbeat_seconds, count, ends_at)
        self._clock = self._sender.clock
        self._source = LogSource(engine, container, query, Retry(reconnect_timeout_seconds, clock=self._clock))
        self._pace = Pace(run.rotation, self._clock)
        self._plain = PlainReader(self._source, query, self._sender, self._pace)
        self._follow = FollowReader(self._plain)
        self._is_current = current is not None  # the whole log was sent
        self._removal_ends = inf  # the time limit of a removal that has begun
        self._source.retry.began = self._is_current
        if query.follow and position.started != run.started:
            self._sender.expect(run)

    @property
    def position(self) -> Position:
        """The position after the entries that were sent."""
        return self._sender.position

    @property
    def cursor(self) -> LogCursor:
        """The position after the last record."""
        return self._sender.cursor

    @property
    def run(self) -> Run:
        """The container's run that is read."""
        return self._sender.run

    @property
    def ended(self) -> bool:
        """Whether the last record was an `End`."""
        return self._sender.ended

    @property
    def follows(self) -> bool:
        """Whether entries come as soon as they are written."""
        return self._follow.is_open and not self._pace.hurried

    async def read(self, receive: Receive) -> None:
        """Pass records to *receive*, up to an `End`.  A reader that is not live returns when it has sent the whole log.

        Raises `TransportError`, `APIError` or `OperationFailed` when retries do not help.
        """
        self._sender.receive = receive
        self._is_current &= self._live  # the log may have grown since the last call
        step: Callable[[], Awaitable[None]] = self._read_on
        while not (self._sender.ended or (self._is_current and not self._live)):
            try:
                await step()
                step = self._read_on
            except Exception as error:
                step = self._after(error)
            await self._sender.send()

    async def _read_on(self) -> None:
        """Send all entries of the log, and then new ones until an answer ends."""
        sender = self._sender
        is_over = sender.is_over
        if not self._is_current:
            await self._plain.catch_up()
        self._is_current = False
        if sender.ended:
            return
        if is_over and (sender.run.running or self._query.follow_restarts):
            sender.end(EndReason.COMPLETE)
        elif not sender.run.running and (self._live or not self._query.follow_restarts):
            await self._act(self._state.after(Container.STOPPED, whole=True, certain=True), sender.run)
        elif not self._live:
            sender.flush()
            self._is_current = True
        elif not self._pace.hurried and await self._follow.follow() is Next.INSPECTION:
            await self._inspect(whole=True)

    # The end of an answer

    async def _inspect(self, *, whole: bool) -> None:
        """Inspect the container, and act on its state.  *whole*: the answer ended properly."""
        run = await self._source.inspect()
        until = self._clock() + (_EXIT_SECONDS if whole and self._query.until is None else 0)
        # The log ends a little before the engine says that the container has stopped.
        while self._container(run) is Container.RUNNING and self._clock() < until:
            await asyncio.sleep(_EXIT_SECONDS / 10)
            run = await self._source.inspect()
        action = self._state.after(self._container(run), whole=whole, certain=False)
        await self._act(action, run)
        if action is Action.RETRY and whole:
            raise Disconnected("the host ends the log although the container runs", sent=True)

    async def _act(self, action: Action, run: Run | None) -> None:
        """Do *action*, with *run* as the latest run of the container."""
        sender = self._sender
        while action is Action.WAIT and run is not None and not sender.is_over:
            sender.run = run
            sender.flush()
            await sender.pause(_POLL_SECONDS)
            run = await self._source.inspect()
            action = self._state.after(self._container(run), whole=True, certain=True)
        if run is None:
            await self._end_removed()
        elif action is Action.NEXT_RUN:
            sender.expect(run)
        else:
            sender.run = run
            if action is Action.RETRY:
                self._follow.guard()
            elif isinstance(action.value, EndReason):
                sender.end(action.value, run.exit_code)

    def _container(self, run: Run | None) -> Container:
        return Container.of(run, self._sender.position.started)

    async def _end_removed(self) -> None:
        """End the log of a container that is gone, with its exit code if the engine knows it."""
        run, code = self._sender.run, None
        if self._query.follow and self._state.was_running:
            code = await self._source.exit_code(run) if run.running else run.exit_code
        self._sender.end(EndReason.REMOVED if code is None else EndReason.EXITED, code)

    # Failures

    def _after(self, error: Exception) -> Callable[[], Awaitable[None]]:
        """Return the action after a failure.  Raises *error* if there is none."""
        if isinstance(error, NotFound):
            return self._end_removed
        if isinstance(error, APIError) and error.status_code == _CONFLICT:
            self._removal_ends = min(self._removal_ends, self._clock() + _REMOVAL_SECONDS)
            if self._clock() < self._removal_ends:
                return self._await_removal
        self._sender.broken = True
        return partial(self._reconnect, self._source.retry.failed(error))

    async def _reconnect(self, pause: float) -> None:
        await self._sender.pause(pause)
        if self._query.follow:
            await self._inspect(whole=False)

    async def _await_removal(self) -> None:
        """Find out how a container that is being removed ends, because the engine no longer sends its log."""
        run = await self._source.inspect()
        if run is None or not self._query.follow:
            await self._end_removed()
        elif run.running:
            await self._sender.pause(_POLL_SECONDS / 3)  # the next request for the log shows what has changed
        else:
            await self._act(self._state.after(Container.STOPPED, whole=True, certain=True), run)
