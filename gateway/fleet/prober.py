"""Probes hosts at an interval.

A probe is a ping.  After failed calls it also makes a small read, and after a broken connection it asks for the
identity of the engine.  Probes have a budget of their own: no call waits for a probe, and no probe waits for a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from traceback import clear_frames

from docker.errors import APIError

from gateway.engine import queries
from gateway.engine.errors import Busy, Incompatible, Refused, TimedOut, TransportError
from gateway.engine.identity import identify, small_read
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
            schedule.hurry()  # a second probe shows whether the failure lasts
        await schedule.pause(interval_seconds, failures)


async def probe(host: Host, timeout_seconds: float = 5.0) -> Event | None:
    """Probe *host* and return the event; None when too many probes run already.

    Each request takes *timeout_seconds* at most.
    """
    began = asyncio.get_running_loop().time()
    timeout = Timeout.of(timeout_seconds, "health_check_timeout_seconds")
    try:
        pong = await host.engine.probe(Deadline.after(timeout))
    except Incompatible as error:
        return host.health.probed(Event.TOO_OLD, error, began)
    except (TransportError, Refused) as error:
        if isinstance(error, Busy) and not error.sent:
            return None
        clear_frames(error.__traceback__)  # the error is kept, and the response in them can be large
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
    """Return why an engine that answers pings does nothing else; None when there is no such sign."""
    if not host.health.suspected and host.state is not State.DEGRADED:
        return None
    try:
        await small_read(host.engine, timeout)
    except TransportError as error:
        return type(error)(f"the engine answers pings, but not what containers it has: {error}", sent=error.sent)
    except APIError:
        return None  # it answers
    return None


def _is_known(host: Host, headers: dict[str, str]) -> bool:
    """Return whether the identity and the clock offset of the engine are known and unchanged."""
    identity = host.health.identity
    if identity is None or identity.epoch != host.engine.epoch:
        return False
    date = queries.date(headers)
    if date is None or identity.clock_offset_seconds is None:
        return True
    return abs(date / 1e9 - time.time() - identity.clock_offset_seconds) < _CLOCK_SECONDS
