"""Requests for the log and the state of a container, and their answers."""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from gateway.engine import queries
from gateway.engine.client import APIError, Call, Engine, NotFound
from gateway.engine.codec.frames import FrameError
from gateway.engine.codec.streams import is_terminal, lines
from gateway.engine.codec.timestamps import all_canonical, canonical, nanoseconds
from gateway.engine.errors import CallError, Disconnected, OperationFailed, TornStream
from gateway.engine.logs.entries import Entry, FramedLog, TerminalLog
from gateway.engine.logs.records import BATCH_LINES
from gateway.engine.logs.runs import Run
from gateway.engine.logs.states import Container
from gateway.engine.resumable.retry import Retry
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request

OPERATION = "StreamLogs"
_MANY = 32  # a read with this many entries suggests that more follow
# The pause after such a read, because few large messages cost less than many small ones.  It is short because a unix
# socket holds only two hundred lines, and then the engine waits.
_GATHER_SECONDS = 0.001
_TOGETHER_BYTES = 64 << 10  # bytes that are cut into entries at once: these take three times the memory
_PIECE_BYTES = 8 << 10  # bytes that are cut into entries without a pause: they may hold 1,000 empty frames
_NOTHING = memoryview(b"")
_REMEMBERED_SECONDS = 1.0  # within which an engine sends the events that it remembers


@dataclass(frozen=True, slots=True)
class LogQuery:
    """The part of a log that a reader wants.  Times are in nanoseconds since 1970.

    `streams` are the outputs to send.  The gateway always asks for both, because a position is one in both.  `details`
    asks for the attributes that the log driver adds to each line.
    """

    since: int | None = None
    until: int | None = None
    tail: int | None = None
    follow: bool = False
    follow_restarts: bool = False
    details: bool = False
    streams: frozenset[int] = frozenset((1, 2))


class LogSource:
    """Sends the requests of one reader; *container* is a full id.

    `retry` decides whether the reader sends a request again after a failure.
    """

    def __init__(self, engine: Engine, container: str, query: LogQuery, retry: Retry) -> None:
        self.retry = retry
        self._engine = engine
        self._container = container
        self._details = query.details

    @asynccontextmanager
    async def open(
        self,
        run: Run,
        *,
        follow: bool = False,
        tail: int | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> AsyncIterator[Answer]:
        """Ask for the log of the container whose latest run is *run*.  Raises like `Engine.open`."""
        if self._engine.turns.spent:
            await self._engine.turns.next()
        epoch = self._engine.epoch
        query = [f"follow={str(follow).lower()}", "stdout=true", "stderr=true", "timestamps=true"]
        query += ["details=true"] if self._details else []
        query += [f"since={_seconds(since)}"] if since is not None else []
        query += [f"until={_seconds(until)}"] if until is not None else []
        query += [f"tail={tail}"] if tail is not None else []
        request = Request("GET", f"/containers/{self._container}/logs?{'&'.join(query)}")
        async with self._engine.open(_call(self._engine, request)) as (head, connection):
            self.retry.began = True
            log = TerminalLog(details=self._details) if is_terminal(head, run.terminal) else FramedLog()
            yield Answer(connection, log, self._engine, epoch)

    async def inspect(self) -> Run | None:
        """Return the container's latest run; None when there is no such container.  Raises like `Engine.fetch`."""
        try:
            return Run.of(await queries.inspect(self._engine, self._container))
        except NotFound:
            return None

    async def next_run(self, started: str) -> Run | None:
        """Return the container's latest run, unless it is the one that *started* at that time."""
        run = await self.inspect()
        return run if Container.of(run, started) is Container.OTHER_RUN else None

    async def exit_code(self, run: Run) -> int | None:
        """Return the exit code of *run* after the removal of the container; None when the engine does not keep it."""
        filters = orjson.dumps({"type": ["container"], "container": [self._container], "event": ["die"]}).decode()
        try:
            since = nanoseconds(canonical(run.started.encode())) // 1_000_000_000
            request = Request("GET", f"/events?since={since}&filters={quote(filters)}")
            async with (
                self._engine.open(_call(self._engine, request)) as (_, connection),
                aclosing(lines(connection, _REMEMBERED_SECONDS)) as events,
            ):
                async for event in events:  # the first one is that of this run
                    return int(event["Actor"]["Attributes"]["exitCode"])
        except (APIError, CallError, KeyError, TypeError, ValueError):
            pass
        return None


class Answer:
    """A response with a log, read piece by piece.  `ended` says whether it was read to its end."""

    def __init__(self, connection: Connection, log: FramedLog | TerminalLog, engine: Engine, epoch: int) -> None:
        """*epoch* is that of the engine at the time of the request."""
        self.ended = False
        self._connection = connection
        self._log = log
        self._engine = engine
        self._epoch = epoch
        self._resume_at = 0.0
        self._uncut = _NOTHING  # what was read of the connection and not cut into entries yet
        self._surplus: list[Entry] = []  # entries that wait for those after them

    async def read(self, seconds: float = math.inf) -> list[Entry] | None:
        """Return the entries that came, possibly none; or None when no data came for *seconds*.

        Raises `OperationFailed`, `TornStream` and `TransportError`.
        """
        if not self._uncut:
            if await self._is_silent(seconds):
                return None
            self._uncut = memoryview(await self._connection.read())
        data, rest = bytes(self._uncut[:_TOGETHER_BYTES]), self._uncut[_TOGETHER_BYTES:]
        self._uncut = rest or _NOTHING  # an empty view would keep all bytes alive
        entries = self._surplus + await self._cut(data)
        surplus = len(entries) % BATCH_LINES if self._uncut else 0  # a small batch costs as much as a large one
        self._surplus, entries = entries[len(entries) - surplus :], entries[: len(entries) - surplus]
        self.ended = not data
        if len(entries) >= _MANY and not self._uncut:
            self._resume_at = time.monotonic() + _GATHER_SECONDS
        return entries

    async def _is_silent(self, seconds: float) -> bool:
        """Return whether no data comes for *seconds*."""
        connection = self._connection
        if self._resume_at:
            await connection.pause_until(self._resume_at)
            self._resume_at = 0.0
        return seconds < math.inf and await connection.silent_for(max(seconds, 0.001))

    async def _cut(self, data: bytes) -> list[Entry]:
        """Return the entries that *data* completes, with canonical times.  Empty *data* is the end of the log."""
        turns = self._connection.turns
        try:
            entries = [] if data else self._log.finish()
            for start in range(0, len(data), _PIECE_BYTES):
                if turns.spent:
                    await turns.next()
                entries += self._log.feed(data[start : start + _PIECE_BYTES])
            times = [entry[1] for entry in entries]
            if (canonical := all_canonical(times)) is not times:
                entries = [entry._replace(time=time) for entry, time in zip(entries, canonical, strict=True)]
        except OperationFailed as error:
            error.operation = OPERATION
            raise
        except FrameError as error:
            raise TornStream(str(error), sent=True) from error
        except ValueError as error:
            raise TornStream(f"a log entry has an invalid time: {error}", sent=True) from error
        return entries

    def check_whole(self) -> None:
        """Raise `Disconnected` if a connection to the engine has broken since the request: the end can be early."""
        if self._epoch != self._engine.epoch:
            raise Disconnected("the host ended the log early", sent=True)


def _seconds(time: int) -> str:
    """Return a time in nanoseconds as the Engine API writes it."""
    return "{}.{:09d}".format(*divmod(time, 1_000_000_000))


def _call(engine: Engine, request: Request) -> Call:
    return Call(request, changes=False, deadline=engine.deadline(), operation=OPERATION)
