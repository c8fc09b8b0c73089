"""The hosts that the gateway knows: by name, with their engines and how they are."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from enum import Enum
from typing import Any

import docker.errors

from gateway.engine.client import Engine
from gateway.engine.errors import Busy, CallError, Incompatible, TransportError
from gateway.engine.events.broker import EventBroker
from gateway.engine.logs.hub import Hubs
from gateway.engine.stats.feed import StatsFeeds

_PROBE_DEADLINE_SECONDS = 5.0
_KILLS_AT_ONCE = 4  # each costs the host as much as an exec, and hundreds of clients may leave together

EndCall = Callable[[asyncio.Task[Any], Exception], None]
"""Ends the call of a task; its client gets the error."""


class UnknownHost(CallError, LookupError):
    """No host has this name."""

    status, reason, about_host = "NOT_FOUND", "UNKNOWN_HOST", False

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no host {name!r}; HostService.ListHosts tells which there are")


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


class Host:
    """One host of the fleet, and all that its calls share.  `close` ends it."""

    def __init__(
        self, engine: Engine, labels: Mapping[str, str] | None = None, *, reconnect_timeout_seconds: float = 60.0
    ) -> None:
        """Open nothing yet.  Broken upstreams are opened again for *reconnect_timeout_seconds*."""
        self.engine = engine
        self.labels = dict(labels or {})
        self.state = State.CONNECTING
        self.message = ""
        self.events = EventBroker(engine, reconnect_timeout_seconds=reconnect_timeout_seconds)
        self.logs = Hubs()
        self.stats = StatsFeeds(engine, reconnect_timeout_seconds)
        self.kills = asyncio.Semaphore(_KILLS_AT_ONCE)
        self._calls: set[asyncio.Task[Any]] = set()

    @property
    def name(self) -> str:
        """The name by which requests choose it."""
        return self.engine.name

    def began(self, call: asyncio.Task[Any] | None) -> None:
        """Take note of the task of a call, which ends at the latest with this host."""
        if call is not None and call not in self._calls:
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    def close(self, end_call: EndCall) -> None:
        """End all calls, streams and connections."""
        removed = HostRemoved(self.name)
        for call in set(self._calls):
            end_call(call, removed)
        self.events.close(removed)
        self.stats.close(removed)
        self.engine.close()

    async def probe(self) -> None:
        """Ask the engine whether it lives, and remember what it said."""
        try:
            await self.engine.probe(asyncio.get_running_loop().time() + _PROBE_DEADLINE_SECONDS)
        except Busy:
            return  # our own calls are in the way, which says nothing about the engine
        except Incompatible as error:
            self.state, self.message = State.INCOMPATIBLE, str(error)
        except (TransportError, docker.errors.APIError) as error:
            self.state, self.message = State.DOWN, str(error)
        else:
            self.state, self.message = State.UP, ""


class Hosts:
    """All hosts, by name."""

    def __init__(
        self,
        hosts: list[Host],
        changed: Callable[[Host], None] = lambda host: None,
        end_call: EndCall = lambda call, error: None,
    ) -> None:
        """Store; *changed* is called when the state of a host changes, *end_call* to end a call of one that leaves."""
        self._hosts = {host.name: host for host in sorted(hosts, key=lambda host: host.name)}
        self._changed = changed
        self._end_call = end_call
        self._health_check_interval_seconds: float | None = None  # while hosts are watched
        self._watches: dict[Host, asyncio.Task[None]] = {}

    def __getitem__(self, name: str) -> Host:
        """Return the host called *name*.  Raises `UnknownHost`."""
        try:
            return self._hosts[name]
        except KeyError:
            raise UnknownHost(name) from None

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts.values())

    def __len__(self) -> int:
        return len(self._hosts)

    def put(self, host: Host) -> None:
        """Add *host*.  One of the same name leaves, and its calls end with `HostRemoved`."""
        self.remove(host.name)
        self._hosts = {each.name: each for each in sorted([*self, host], key=lambda each: each.name)}
        self._watch(host)

    def remove(self, name: str) -> None:
        """Take the host called *name* out, if there is one; its calls end with `HostRemoved`."""
        host = self._hosts.pop(name, None)
        if host is not None:
            if watch := self._watches.pop(host, None):
                watch.cancel()
            host.close(self._end_call)

    @contextlib.asynccontextmanager
    async def watched(self, health_check_interval_seconds: float) -> AsyncIterator[None]:
        """Probe every host, at once and then every *health_check_interval_seconds*, until the end of the block."""
        self._health_check_interval_seconds = health_check_interval_seconds
        for host in self:
            self._watch(host)
        try:
            yield
        finally:
            self._health_check_interval_seconds = None
            watches = list(self._watches.values())
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
            for host in self:
                host.close(self._end_call)

    def _watch(self, host: Host) -> None:
        if self._health_check_interval_seconds is not None:
            self._watches[host] = asyncio.create_task(self._probe(host, self._health_check_interval_seconds))

    async def _probe(self, host: Host, health_check_interval_seconds: float) -> None:
        while True:
            before = host.state
            await host.probe()
            if host.state is not before:
                self._changed(host)
            # Spread out, so that a thousand hosts are not asked in the same moment.
            await asyncio.sleep(health_check_interval_seconds * random.uniform(0.8, 1.2))
