"""One host of the fleet, and all that its calls share."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Protocol

from gateway.engine.client import Engine
from gateway.engine.errors import CallError, Unreachable
from gateway.engine.events.broker import EventBroker
from gateway.engine.inventory.inventory import Inventory
from gateway.engine.logs.shared import SharedLogs
from gateway.engine.stats.feed import StatsFeeds
from gateway.telemetry.metrics import HostMetrics

_KILLS_AT_ONCE = 4  # each costs the host as much as an exec, and hundreds of clients may leave together


class HostRemoved(CallError):
    """The host has left the fleet, or another engine has its name."""

    status, reason, about_host = "FAILED_PRECONDITION", "HOST_REMOVED", False

    def __init__(self, name: str) -> None:
        super().__init__(f"the gateway no longer has the host {name!r}, or has another engine under its name")


class State(Enum):
    """Whether a host answers."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    INCOMPATIBLE = "incompatible"


class OpenCall(Protocol):
    """A call that uses a host."""

    def end(self, error: Exception) -> None:
        """End the call; its client gets *error*."""


class Host:
    """One host: its engine, its state, and what is shared of it.  `open` begins it, `close` ends it."""

    def __init__(
        self,
        engine: Engine,
        metrics: HostMetrics,
        labels: Mapping[str, str] | None = None,
        *,
        reconnect_timeout_seconds: float = 60.0,
        gate: asyncio.Semaphore | None = None,
    ) -> None:
        """Open nothing yet.

        Broken upstreams are opened again for *reconnect_timeout_seconds*.  *gate* bounds how many hosts are asked at
        once for what they have when they are new; without it, the inventory never begins.
        """
        self.engine = engine
        engine.skipped = metrics.values_skipped
        self.metrics = metrics
        self.labels = dict(labels or {})
        self.state = State.CONNECTING
        self.message = ""  # why it is in this state
        self.events = EventBroker(engine, reconnect_timeout_seconds=reconnect_timeout_seconds)
        self.events.gap_found = lambda gap: metrics.gap("events", gap.reason.name.lower())
        self.logs = SharedLogs(engine, reconnect_timeout_seconds)
        self.logs.gap_found = lambda gap: metrics.gap("logs", gap.reason.name.lower())
        self.logs.reconnected = lambda: metrics.reconnected("logs")
        self.stats = StatsFeeds(engine, reconnect_timeout_seconds)
        self._has_inventory = gate is not None
        self.inventory = Inventory(
            engine, self.events, gate, asked=metrics.inventory_asked, healed=metrics.inventory_healed
        )
        self.placing = 0  # containers that are about to run here, and not yet in the inventory
        self.kills = asyncio.Semaphore(_KILLS_AT_ONCE)
        self.calls: set[OpenCall] = set()  # that end at the latest with this host

    @contextmanager
    def one_more_container(self) -> Iterator[None]:
        """Count a container that is being placed on the host, until the end of the block."""
        self.placing += 1
        try:
            yield
        finally:
            self.placing -= 1

    @property
    def name(self) -> str:
        """The name by which requests choose it."""
        return self.engine.name

    @property
    def failure(self) -> CallError | None:
        """PENDING: the health part."""
        return None if self.state is State.UP else Unreachable(self.message or "the gateway has had no answer yet")

    draining = False  # PENDING: the sources part

    def open(self) -> None:
        """Show the host in the metrics."""
        self.metrics.show(
            up=lambda: self.state is State.UP,
            open_streams=lambda: self.engine.open_streams,
            last_contact=lambda: self.engine.last_contact or 0,
            inventory_age=lambda: math.nan if (age := self.inventory.age_seconds) is None else age,
        )

    def state_changed(self) -> None:
        """Tell what depends on it that the state is another one."""
        if self._has_inventory:
            self.inventory.host_is(up=self.state is State.UP)

    def close(self) -> None:
        """End all calls, streams and connections, and what the metrics show."""
        removed = HostRemoved(self.name)
        for call in list(self.calls):
            call.end(removed)
        self.inventory.close(removed)
        self.events.close(removed)
        self.logs.close(removed)
        self.stats.close(removed)
        self.engine.close()
        self.metrics.close()
