"""One host of the fleet, and everything that its calls share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from gateway.config.container_metrics import ContainerMetrics
from gateway.config.settings import HostSettings
from gateway.engine.client import Engine
from gateway.engine.codec.binding import Binding
from gateway.engine.codec.memo import ListMemo
from gateway.engine.errors import CallError
from gateway.engine.events.broker import EventBroker
from gateway.engine.inventory.gate import Gate
from gateway.engine.inventory.inventory import Inventory
from gateway.engine.kinds import OF_CLIENTS, Kind
from gateway.engine.logs.shared import SharedLogs
from gateway.engine.process.kill import Kills
from gateway.engine.stats.feed import StatsFeeds
from gateway.fleet.container_metrics import ContainerPages
from gateway.fleet.health import Health
from gateway.fleet.state import ANSWERING, State
from gateway.telemetry.events import HostEvents
from gateway.telemetry.hosts import HostMetrics, Shown


class HostRemoved(CallError):
    """The host has left the fleet, or another engine has its name."""

    status, reason, about_host = "FAILED_PRECONDITION", "HOST_REMOVED", False

    def __init__(self, name: str) -> None:
        super().__init__(f"the gateway no longer has the host {name!r}, or has another engine under its name")


class HostDraining(CallError):
    """The host takes no new work."""

    status, reason, about_host = "FAILED_PRECONDITION", "HOST_DRAINING", False

    def __init__(self, name: str) -> None:
        super().__init__(f"the host {name!r} is drained and takes no new work: choose another, or call UndrainHost")


class OpenCall(Protocol):
    """A call that uses a host."""

    def end(self, error: Exception) -> None:
        """End the call; its client gets *error*."""


class Host:
    """One host: its engine, its health, and its shared streams.  Call `open` first and `close` last."""

    def __init__(
        self,
        engine: Engine,
        metrics: HostMetrics,
        settings: HostSettings,
        *,
        reconnect_timeout_seconds: float = 60.0,
        gate: Gate | None = None,
        container_metrics: ContainerMetrics | None = None,
    ) -> None:
        """Open nothing yet.

        Broken upstreams are opened again for *reconnect_timeout_seconds*.  *gate* bounds how many hosts are asked at
        once for what they have when they are new; without it, the inventory never begins.  *container_metrics* says
        what is sampled of containers; nothing without it.
        """
        self.engine = engine
        engine.skipped = metrics.values_skipped
        self.metrics = metrics
        self.settings = settings
        self.source = ""  # the name of the source that it comes from
        self.ignored_sources: tuple[str, ...] = ()  # of other hosts of this name
        self.health = engine.observer = Health(engine, metrics)
        self._counts = HostEvents(lambda: self.clock_offset_seconds)
        self.events = EventBroker(engine, reconnect_timeout_seconds=reconnect_timeout_seconds, counter=self._counts)
        self.events.gap_found = lambda gap: metrics.gap("events", gap.reason.name.lower())
        self.logs = SharedLogs(engine, reconnect_timeout_seconds)
        self.logs.gap_found = lambda gap: metrics.gap("logs", gap.reason.name.lower())
        self.logs.clock_offset_seconds = lambda: self.clock_offset_seconds
        self.logs.reconnected = lambda: metrics.reconnected("logs")
        self.stats = StatsFeeds(engine, reconnect_timeout_seconds)
        self._has_inventory = gate is not None
        self.inventory = Inventory(
            engine, self.events, gate, asked=metrics.inventory_asked, healed=metrics.inventory_healed
        )
        self.pages: ContainerPages | None = None  # without it, no samples are taken
        if gate is not None and container_metrics is not None:
            self.pages = ContainerPages(engine, self.inventory, self.stats, container_metrics, lambda: self.outdated)
        self.placing = 0  # containers that are about to run here, and not yet in the inventory
        self._memos: dict[str, ListMemo] = {}  # by RPC
        self.kills = Kills(engine)
        self.calls: set[OpenCall] = set()  # open calls, which end when this host is closed
        self.removed: HostRemoved | None = None  # set when this host is closed

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
    def state(self) -> State:
        """The state of the host."""
        return self.health.state

    @property
    def state_time(self) -> float:
        """The time since which it is in its state, in seconds since 1970."""
        return self.health.state_time

    @property
    def message(self) -> str:
        """The reason of its state in words; empty when it is up."""
        return self.health.message

    @property
    def failure(self) -> CallError | None:
        """Why it does not answer, or has not answered yet; None when it does."""
        return self.health.failure

    @property
    def outdated(self) -> CallError | None:
        """Why the inventory is not up to date; None when it is."""
        return self.failure or self.inventory.failure

    @property
    def draining(self) -> bool:
        """Whether it takes no new work; its state shows that only while it is up."""
        return self.health.draining

    @draining.setter
    def draining(self, draining: bool) -> None:
        self.health.draining = draining

    @property
    def engine_id(self) -> str:
        """The id of its engine; empty when it is not known, or there is none."""
        return self.health.identity.id if self.health.identity is not None else ""

    @property
    def engine_version(self) -> str:
        """The version of its engine; empty when it is not known."""
        return self.health.identity.version if self.health.identity is not None else ""

    @property
    def clock_offset_seconds(self) -> float | None:
        """The engine's clock minus the gateway's; None when it is not known."""
        return self.health.identity.clock_offset_seconds if self.health.identity is not None else None

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels from the configuration."""
        return self.settings.labels

    def open(self) -> None:
        """Show the host in the metrics."""
        self.metrics.show(self._shown, self._counts)

    def state_changed(self) -> None:
        """Notify the host's parts that its state has changed."""
        if self._has_inventory:
            self.inventory.host_is(self.failure)

    def memo(self, binding: Binding) -> ListMemo:
        """Return the memo of an RPC that lists objects."""
        memo = self._memos.get(binding.name)
        if memo is None:
            memo = self._memos[binding.name] = ListMemo(binding)
        return memo

    def close(self) -> None:
        """End all calls, streams and connections, and remove the metrics."""
        self.health.changed = lambda: None  # the results of its last calls no longer count
        self.removed = removed = HostRemoved(self.name)
        for call in list(self.calls):
            call.end(removed)
        for memo in self._memos.values():
            memo.close()
        if self.pages is not None:
            self.pages.close()
        self.inventory.close(removed)
        self.events.close(removed)
        self.logs.close(removed)
        self.stats.close(removed)
        self.engine.close()
        self.metrics.close()

    def _shown(self) -> Shown:
        """Return the values that a scrape shows now."""
        health, budgets = self.health, self.engine.budgets
        return Shown(
            up=self.state in ANSWERING,
            state=self.state.value,
            reason=health.reason,
            state_time=self.state_time,
            last_contact=self.engine.last_contact or 0,
            open_streams=self.engine.open_streams,
            open_breakers=[kind.value for kind in OF_CLIENTS if health.breakers[kind].open_since is not None],
            in_use={kind.value: budgets[kind].in_use for kind in OF_CLIENTS},
            queued={kind.value: budgets[kind].queued for kind in (Kind.UNARY, Kind.HEAVY)},
            api_version=self.engine.negotiated or "",
            engine_version=self.engine_version,
            clock_offset=self.clock_offset_seconds,
            inventory_age=self.inventory.age_seconds,
            certificates=self.engine.certificates,
        )
