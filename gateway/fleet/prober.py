"""Asks hosts at an interval how they are.

A probe is a ping; where calls have failed, it also reads something, and after a break it asks who the engine is.  No
call waits for a probe, and no probe waits for a call: they have budgets of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable

from docker.errors import APIError

from gateway.engine import queries
from gateway.engine.errors import Busy, Incompatible, Refused, TimedOut, TransportError
from gateway.engine.identity import identify, read_little
from gateway.engine.transport.timeouts import Deadline, Timeout
from gateway.fleet.host import Host
from gateway.fleet.state import Event, State

_CLOCK_SECONDS = 2.0  # by which a host's `Date`, in whole seconds, may differ from the clock that is known


async def watch(
    host: Host,
    interval_seconds: float,
    changed: Callable[[Host], None],
    *,
    timeout_seconds: float = 5.0,
    spread_seconds: float = 0.0,
) -> None:
    """Probe *host* every *interval_seconds*, for the first time within *spread_seconds*.

    Calls *changed* when its state, its breakers or its engine have changed.
    """
    schedule, failures = host.health.schedule, 0
    host.health.changed = lambda: changed(host)
    await asyncio.sleep(random.uniform(0, spread_seconds))
    while True:
        schedule.begin(timeout_seconds)
        event = await probe(host, timeout_seconds)
        failures = 0 if event is Event.ANSWERED else failures + 1
        if event is Event.SILENT and host.state is State.DEGRADED:
            schedule.hurry()  # a second one decides whether it was for a moment
        await schedule.pause(interval_seconds, failures)


async def probe(host: Host, timeout_seconds: float = 5.0) -> Event | None:
    """Find out how *host* is, and return what was learnt of it; None when too many want to know at once.

    Each question to it takes *timeout_seconds* at the most.
    """
    began = asyncio.get_running_loop().time()
    timeout = Timeout.of(timeout_seconds, "health_check_timeout_seconds")
    try:
        pong = await host.engine.probe(Deadline.after(timeout))
    except Busy:
        return None
    except Incompatible as error:
        return host.health.probed(Event.TOO_OLD, error, began)
    except (TransportError, Refused) as error:
        silent = isinstance(error, TimedOut) or isinstance(error.__cause__, TimeoutError)
        return host.health.probed(Event.SILENT if silent else Event.REFUSED, error, began)
    if (stuck := await _stuck(host, timeout)) is not None:
        return host.health.probed(Event.PARTLY_ANSWERED, stuck, began)
    host.health.probed(Event.ANSWERED, None, began)
    if not _is_known(host, pong.headers):
        with contextlib.suppress(TransportError, APIError):  # the next probe asks again
            host.health.identified(await identify(host.engine, timeout))
    return Event.ANSWERED


async def _stuck(host: Host, timeout: Timeout) -> TransportError | None:
    """Return why an engine that answers pings does nothing else; None when it does, or nothing speaks against it."""
    if not host.health.suspected and host.state is not State.DEGRADED:
        return None
    try:
        await read_little(host.engine, timeout)
    except TransportError as error:
        return type(error)(f"the engine answers pings, but not what containers it has: {error}", sent=error.sent)
    except APIError:
        return None  # it answers
    return None


def _is_known(host: Host, headers: dict[str, str]) -> bool:
    """Return whether the engine is the one that was asked who it is, and its clock is as it was then."""
    identity = host.health.identity
    if identity is None or identity.epoch != host.engine.epoch:
        return False
    date = queries.date(headers)
    if date is None or identity.clock_offset_seconds is None:
        return True
    return abs(date / 1e9 - time.time() - identity.clock_offset_seconds) < _CLOCK_SECONDS
