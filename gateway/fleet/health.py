"""Whether a host lives: the question, and who asks it at an interval."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

import docker.errors

from gateway.engine.errors import Busy, Incompatible, TransportError
from gateway.fleet.host import Host, State

log = logging.getLogger("gateway.fleet")

_PROBE_TIMEOUT_SECONDS = 5.0


async def watch(host: Host, interval_seconds: float, changed: Callable[[Host], None]) -> None:
    """Probe *host*, at once and then every *interval_seconds*; call *changed* when its state has changed."""
    while True:
        before = host.state
        await probe(host)
        if host.state is not before:
            level = logging.INFO if host.state is State.UP else logging.WARNING
            why = {"why": host.message} if host.message else {}
            log.log(level, "host", extra={"fields": {"host": host.name, "state": host.state.value} | why})
            changed(host)
        # Spread out, so that a thousand hosts are not asked in the same moment.
        await asyncio.sleep(interval_seconds * random.uniform(0.8, 1.2))


async def probe(host: Host) -> None:
    """Ask the engine of *host* whether it lives, and write down its state."""
    try:
        await host.engine.probe(asyncio.get_running_loop().time() + _PROBE_TIMEOUT_SECONDS)
    except Busy:
        return  # our own calls are in the way, which says nothing about the engine
    except Incompatible as error:
        host.state, host.message = State.INCOMPATIBLE, str(error)
    except (TransportError, docker.errors.APIError) as error:
        host.state, host.message = State.DOWN, str(error)
    else:
        host.state, host.message = State.UP, ""
