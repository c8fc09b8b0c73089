"""One answer of the engine to a request for a container's log."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from urllib.parse import quote

import orjson

from gateway.engine.client import APIError, Call, Engine
from gateway.engine.codec.frames import FrameError
from gateway.engine.codec.streams import is_terminal, lines
from gateway.engine.codec.timestamps import all_canonical, canonical, nanoseconds
from gateway.engine.errors import CallError, OperationFailed, TornStream
from gateway.engine.logs.entries import Entry, FramedLog, TerminalLog
from gateway.engine.logs.runs import Run
from gateway.engine.transport.connection import Connection
from gateway.engine.transport.http import Request

OPERATION = "StreamLogs"
_MANY = 32  # entries of one read, after which more are on their way
# The time from one read to the next then, for few large messages cost less than many small ones.  No longer: a unix
# socket holds two hundred lines, and then the engine waits.
_GATHER_SECONDS = 0.001
_REMEMBERED_SECONDS = 1.0  # in which an engine tells the events that it remembers


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What a reader wants of a log.  Times in nanoseconds since 1970.

    `streams` are the outputs to send; the engine is always asked for both, for a position is one in both.
    `details` asks for what the log driver adds to each line.
    """

    since: int | None = None
    until: int | None = None
    tail: int | None = None
    follow: bool = False
    follow_restarts: bool = False
    details: bool = False
    streams: frozenset[int] = frozenset((1, 2))


def log_request(container: str, *, follow: bool, details: bool, **numbers: int | None) -> Request:
    """Return the request for a log; *container* is a full id, and *numbers* are `since`, `until` and `tail`."""
    query = [f"follow={str(follow).lower()}", "stdout=true", "stderr=true", "timestamps=true"]
    query += ["details=true"] if details else []
    for name, number in numbers.items():
        if number is not None:
            seconds, nanos = divmod(number, 1_000_000_000)
            query.append(f"tail={number}" if name == "tail" else f"{name}={seconds}.{nanos:09d}")
    return Request("GET", f"/containers/{container}/logs?{'&'.join(query)}")


class Answer:
    """An answer that is read piece by piece; `ended` tells that it was read to its end.  `close` gives it up."""

    def __init__(self, stack: AsyncExitStack, connection: Connection, log: FramedLog | TerminalLog) -> None:
        self.ended = False
        self._stack = stack
        self._connection = connection
        self._log = log
        self._rest_until = 0.0

    @classmethod
    async def open(cls, engine: Engine, request: Request, *, terminal: bool, details: bool) -> Answer:
        """Send *request*, for the log of a container that has a *terminal* or not.  Raises like `Engine.open`."""
        async with AsyncExitStack() as stack:
            head, connection = await stack.enter_async_context(engine.open(_call(engine, request)))
            log = TerminalLog(details=details) if is_terminal(head, terminal) else FramedLog()
            return cls(stack.pop_all(), connection, log)

    async def read(self, seconds: float | None = None) -> list[Entry] | None:
        """Return the entries that came, perhaps none; or None when for *seconds* nothing came.

        Raises `OperationFailed`, `TornStream` and `TransportError`.
        """
        connection = self._connection
        if self._rest_until:
            await connection.pause_until(self._rest_until)
            self._rest_until = 0.0
        if seconds is not None and await connection.silent_for(seconds):
            return None
        data = await connection.read()
        try:
            entries = self._log.feed(data) if data else self._log.finish()
            times = [entry[1] for entry in entries]
            if (canonical := all_canonical(times)) is not times:
                entries = [entry._replace(time=time) for entry, time in zip(entries, canonical, strict=True)]
        except OperationFailed as error:
            error.operation = OPERATION
            raise
        except FrameError as error:
            raise TornStream(str(error), sent=True) from error
        except ValueError as error:
            raise TornStream(f"a log entry has a time that is none: {error}", sent=True) from error
        self.ended = not data
        if len(entries) >= _MANY:
            self._rest_until = time.monotonic() + _GATHER_SECONDS
        return entries

    async def close(self) -> None:
        """Close the connection."""
        await self._stack.aclose()


async def exit_code_of(engine: Engine, container: str, run: Run) -> int | None:
    """Return the exit code of a container's *run* that the engine remembers after its removal, if it does."""
    filters = orjson.dumps({"type": ["container"], "container": [container], "event": ["die"]}).decode()
    try:
        since = nanoseconds(canonical(run.started.encode())) // 1_000_000_000
        request = Request("GET", f"/events?since={since}&filters={quote(filters)}")
        async with (
            engine.open(_call(engine, request)) as (_, connection),
            aclosing(lines(connection, _REMEMBERED_SECONDS)) as events,
        ):
            async for event in events:  # the first one: the run ended once
                return int(event["Actor"]["Attributes"]["exitCode"])
    except (APIError, CallError, KeyError, TypeError, ValueError):
        pass
    return None


def _call(engine: Engine, request: Request) -> Call:
    return Call(request, changes=False, deadline=engine.deadline(), operation=OPERATION)
