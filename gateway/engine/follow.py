"""Follows a container's log to an end that is a statement: through broken connections and restarts of the daemon.

After every end of the answer the container's state decides.  Exited, removed, restarted: the log has ended, and the
last item says so.  Running on as before: the connection broke, however clean it looked, and the log is read on from
the very place (see `resume`).  What the engine itself has lost is a `Gap`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from gateway.engine import logs
from gateway.engine.client import APIClient, APIError, Call, Engine, NotFound
from gateway.engine.connection import Busy, CredentialsRejected, IdentityMismatch, TransportError
from gateway.engine.logs import Entry
from gateway.engine.resume import Position, Replay
from gateway.engine.streams import is_terminal

_HEAL_SECONDS = 60.0  # how long a broken log is tried again before its reader is told
_QUIET_SECONDS = 1.0  # after which a replay that found nothing has shown all there is
_POLL_SECONDS = 0.5  # how often a stopped container is looked at, when its restarts are followed


class Ending(Enum):
    """Why a log ended."""

    COMPLETE = "complete"  # not followed: all there was
    EXITED = "exited"
    REMOVED = "removed"
    RESTARTED = "restarted"
    NOT_RUNNING = "not running"


@dataclass(frozen=True, slots=True)
class Resumed:
    """The connection broke and was healed: nothing is missing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Entries between two times (canonical; b"" when not known) are lost: the engine does not have them any more."""

    after: bytes
    before: bytes


@dataclass(frozen=True, slots=True)
class RunBoundary:
    """The container was started again, at this time as the engine writes it."""

    started: str


@dataclass(frozen=True, slots=True)
class End:
    """The log has ended."""

    ending: Ending
    exit_code: int | None = None


Item = list[Entry] | Resumed | Gap | RunBoundary | End
# Makes the call for the log: from a time on (canonical, or b"" for where the request begins), following or not.
MakeCall = Callable[[bytes, bool], Call]


@dataclass
class Follower:
    """One reader of one container's log.

    `position` is the place behind the last item that `items` has yielded; `container` and `started` are the
    container's id and when it was started, for whoever makes a token of it.
    """

    engine: Engine
    container: str
    make_call: MakeCall
    follow: bool
    restarts: bool = False
    position: Position | None = None
    started: str = ""

    async def items(self) -> AsyncGenerator[Item, None]:
        """Yield the log, and at the end an `End`.

        Raises `TransportError` or `APIError` when it is broken and can not be healed.
        """
        state = await self._state()
        if state is None:
            yield End(Ending.REMOVED)
            return
        resumed = self.position is not None
        self.position = self.position or Position()
        if resumed and self.started and state["StartedAt"] != self.started:
            yield RunBoundary(state["StartedAt"])
        self.started = state["StartedAt"]
        was_running = bool(state["Running"])
        broken_since: float | None = None
        while True:
            failure: Exception | None = None
            epoch = self.engine.epoch
            progressed = False
            try:
                async with aclosing(self._read(state, resumed)) as reads:
                    async for item in reads:
                        if resumed and broken_since is not None and not progressed:
                            yield Resumed()
                        progressed = True
                        yield item
            except (IdentityMismatch, CredentialsRejected, Busy):
                raise
            except NotFound:
                yield End(Ending.REMOVED)
                return
            except (TransportError, APIError) as error:
                if not self.follow:
                    raise
                failure = error
            resumed = True
            if not self.follow:
                yield End(Ending.COMPLETE)
                return
            if progressed:
                broken_since = None
            try:
                state = await self._state()
            except (TransportError, APIError) as error:
                failure = error
            if failure is None and state is None:
                yield End(Ending.REMOVED)
                return
            if failure is None and state is not None:
                if state["StartedAt"] != self.started:
                    if not self.restarts:
                        yield End(Ending.RESTARTED)
                        return
                    self.started = state["StartedAt"]
                    yield RunBoundary(self.started)
                    continue
                if not state["Running"] and epoch == self.engine.epoch:
                    if self.restarts:
                        await asyncio.sleep(_POLL_SECONDS)
                        continue
                    ending = Ending.EXITED if was_running else Ending.NOT_RUNNING
                    yield End(ending, state["ExitCode"])
                    return
            broken_since = broken_since or asyncio.get_running_loop().time()
            if asyncio.get_running_loop().time() - broken_since > _HEAL_SECONDS and failure is not None:
                raise failure
            await asyncio.sleep(0.2)
