"""The end of a merged stream with `until`: the stream does not wait for hosts that do not answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from gateway.engine.errors import CallError, TimedOut
from gateway.fleet.host import Host
from gateway.fleet.merge import Source
from gateway.fleet.merge import State as Progress
from gateway.fleet.state import State
from gateway.rpc.services.fleet.streams import Merged

T = TypeVar("T")

_LOOK_SECONDS = 0.1  # between two looks at the sources that are left


class Ending(Protocol[T]):
    """A merged stream that can have an `until`."""

    merged: Merged[T]
    until: int | None
    """In nanoseconds since 1970, by the clock of the engine; None: never."""

    def host_of(self, source: Source[T]) -> Host:
        """Return the host of *source*."""

    def give_up(self, source: Source[T], why: CallError) -> None:
        """End *source*, whose host does not answer, with a failure."""


@asynccontextmanager
async def ending(stream: Ending[T], timeout_seconds: float) -> AsyncIterator[None]:
    """In the block, from `until` on, give up each source whose host does not answer.

    The host of such a source is down, or the source has sent nothing for *timeout_seconds* since.
    """
    if stream.until is None:
        yield
        return
    task = asyncio.create_task(_look(stream, stream.until, timeout_seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _look(stream: Ending[T], until: int, timeout_seconds: float) -> None:
    # Looks are counted, not seconds: when the gateway itself is late, no host is to blame.
    looks: dict[tuple[Source[Any], float], int] = {}  # by source, and the time since which it is silent
    while True:
        for source in list(stream.merged.merge):
            host = stream.host_of(source)
            if source.state is Progress.ENDED or source.pending or not _is_past(until, host):
                continue  # what is pending waits for the client
            silent = source, source.quiet_since
            looks[silent] = looks.get(silent, -1) + 1
            if host.failure is not None and host.state in (State.DOWN, State.INCOMPATIBLE):
                stream.give_up(source, host.failure)
            elif looks[silent] * _LOOK_SECONDS >= timeout_seconds:
                why = f"the host did not respond within {timeout_seconds:g} s (limits.fan_out_timeout_seconds)"
                stream.give_up(source, TimedOut(why))
        await asyncio.sleep(_LOOK_SECONDS)


def _is_past(time_nano: int, host: Host) -> bool:
    return time.time() + (host.clock_offset_seconds or 0) >= time_nano / 1e9
