"""The hosts that the gateway knows, by name.  They come, are replaced and leave while calls are open."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from gateway.engine.background import keep_running
from gateway.engine.errors import CallError
from gateway.fleet import prober
from gateway.fleet.host import Host
from gateway.fleet.sources.feed import Feed

_LONGEST_NAME = 63  # characters; a requested name may have megabytes
_FIRST_PROBES_PER_SECOND = 500  # hosts that are added without a pause
_FEW_HOSTS = 64  # hosts that are probed at the start; few enough not to delay it
_STANDSTILL_SECONDS = 3.0


class UnknownHost(CallError, LookupError):
    """No host has this name."""

    status, reason, about_host = "NOT_FOUND", "UNKNOWN_HOST", False

    def __init__(self, name: str) -> None:
        self.name = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"
        super().__init__(f"there is no host {self.name!r}; HostService.ListHosts tells which there are")

    @property
    def missing(self) -> tuple[str, str] | None:
        """The host."""
        return "host", self.name


class HostNotKnownYet(UnknownHost):
    """No host has this name, as far as the sources have answered."""

    status, retry_safe = "UNAVAILABLE", True

    def __init__(self, name: str, why: str) -> None:
        super().__init__(name)
        self.args = (f"there is no host {name!r} so far: {why}",)

    @property
    def missing(self) -> None:
        """None: the host may exist."""


class NoHostKnownYet(CallError):
    """A selector selects no host, as far as the sources have answered."""

    status, reason, retry_safe, about_host = "UNAVAILABLE", "UNKNOWN_HOST", True, False

    def __init__(self, why: str) -> None:
        super().__init__(f"no host is selected so far: {why}")


class HostWatcher(Protocol):
    """Receives the changes of the hosts in a registry."""

    def host_added(self, host: Host) -> None:
        """*host* is new, and open."""

    def host_changed(self, host: Host) -> None:
        """*host* has another state, other breakers, another engine or other labels."""

    def host_removed(self, host: Host) -> None:
        """*host* is not of the fleet any more, and closed."""


class HostRegistry:
    """All hosts, in the order of their names.  The end of the block closes all of them.

    Each host is probed while it is in the registry.  If there are many hosts, most are probed only after `begin`, so
    that a gateway with many hosts serves before it has probed them all.
    """

    def __init__(self, health_check_interval_seconds: float, health_check_timeout_seconds: float = 5.0) -> None:
        self.watchers: list[HostWatcher] = []  # called in this order
        self.incomplete: Callable[[], str] = lambda: ""  # why hosts may be missing from the registry
        self.feeds: Sequence[Feed] = ()  # of the sources that the hosts come from
        self._health_check_interval_seconds = health_check_interval_seconds
        self._health_check_timeout_seconds = health_check_timeout_seconds
        self._hosts: dict[str, Host] = {}
        self._names: list[str] = []  # in order
        self._begun = False
        self._probes: dict[Host, asyncio.Task[None]] = {}
        self._standstills: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._standstills = asyncio.create_task(self._watch_standstills())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._standstills is not None
        self._standstills.cancel()
        probes = [*self._probes.values(), self._standstills]
        for host in self:
            self.remove(host.name)
        await asyncio.gather(*probes, return_exceptions=True)

    def begin(self) -> None:
        """Probe all hosts from now on, also those that are added later."""
        self._begun = True
        for host in self:
            if host not in self._probes:
                self._watch(host)

    def __getitem__(self, name: str) -> Host:
        """Return the host called *name*.  Raises `UnknownHost`."""
        try:
            return self._hosts[name]
        except KeyError:
            raise self.unknown(name) from None

    def __contains__(self, name: str) -> bool:
        return name in self._hosts

    def __iter__(self) -> Iterator[Host]:
        return iter([self._hosts[name] for name in self._names])

    def __len__(self) -> int:
        return len(self._hosts)

    def unknown(self, name: str) -> UnknownHost:
        """Return the error for a *name* that no host has."""
        why = self.incomplete()
        return HostNotKnownYet(name, why) if why else UnknownHost(name)

    def put(self, host: Host) -> None:
        """Add *host*.  One of the same name is removed before."""
        self.remove(host.name)
        self._hosts[host.name] = host
        self._names.insert(bisect_left(self._names, host.name), host.name)
        host.open()
        if self._begun or len(self._hosts) <= _FEW_HOSTS:
            self._watch(host)
        for watcher in self.watchers:
            watcher.host_added(host)

    def _watch(self, host: Host) -> None:
        probe = partial(
            prober.watch,
            host,
            self._health_check_interval_seconds,
            self.changed,
            timeout_seconds=self._health_check_timeout_seconds,
            spread_seconds=len(self._hosts) / _FIRST_PROBES_PER_SECOND,
        )
        self._probes[host] = asyncio.create_task(keep_running(probe, "probes", host.name))

    def changed(self, host: Host) -> None:
        """Notify *host* and the watchers that it has changed."""
        host.state_changed()
        for watcher in self.watchers:
            watcher.host_changed(host)

    async def probe(self, host: Host, timeout_seconds: float) -> None:
        """Probe *host* now."""
        await prober.probe(host, timeout_seconds)

    async def _watch_standstills(self) -> None:
        """Request lost events whenever this process was suspended, because engines may have dropped some."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(1)
            if loop.time() - before > 1 + _STANDSTILL_SECONDS:
                await asyncio.sleep(1)  # until the data that arrived in that time is read
                for host in self:
                    host.events.doubt()

    def remove(self, name: str) -> None:
        """Take the host called *name* out, if there is one; its calls end with `HostRemoved`."""
        host = self._hosts.pop(name, None)
        if host is not None:
            del self._names[bisect_left(self._names, name)]
            if (probes := self._probes.pop(host, None)) is not None:
                probes.cancel()
            host.close()
            for watcher in self.watchers:
                watcher.host_removed(host)
