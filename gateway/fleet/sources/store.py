"""The store of the hosts that calls have added, and of the names of drained hosts."""

from __future__ import annotations

from typing import Protocol

from gateway.engine.errors import CallError
from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry


class HostNameInUse(CallError):
    """Another host has the name."""

    status, reason, about_host = "ALREADY_EXISTS", "NAME_IN_USE", False

    def __init__(self, name: str, source: str = "calls") -> None:
        change = "call UpdateHost" if source == "calls" else "change it there"
        super().__init__(
            f"there is a host {name!r} already, from the source {source}: choose another name, or {change}"
        )


class HostReadOnly(CallError):
    """The host comes from a source that calls cannot change."""

    status, reason, about_host = "FAILED_PRECONDITION", "HOST_READ_ONLY", False

    def __init__(self, host: Host) -> None:
        super().__init__(f"the host {host.name!r} comes from the source {host.source}: change it there")


class HostStoreUnavailable(CallError):
    """A change of hosts cannot be stored; nothing has changed."""

    status, reason, retry_safe, about_host = "UNAVAILABLE", "HOST_STORE_UNAVAILABLE", True, False


class HostStore(Protocol):
    """A source of hosts that takes changes.

    When a method returns, the change is stored and the registry has it.  Methods raise `HostStoreUnavailable`, and
    `OutcomeUnknown` when the change may have been stored.
    """

    async def add(self, name: str, document: str) -> None:
        """Store a host as its *document*, see `config.hosts`.  Raises `HostNameInUse`."""

    async def replace(self, name: str, document: str) -> None:
        """Store another document of a host."""

    async def remove(self, name: str) -> None:
        """Forget a host, and that it is drained."""

    async def drain(self, name: str, *, drained: bool) -> None:
        """Store whether a host is drained."""


class HostChanges:
    """Changes of hosts by calls, with the checks whether they are allowed."""

    def __init__(self, hosts: HostRegistry, store: HostStore) -> None:
        self._hosts = hosts
        self._store = store

    async def add(self, name: str, document: str) -> Host:
        """Add a host.  Raises `HostNameInUse` and like the store."""
        if name in self._hosts:
            raise HostNameInUse(name, self._hosts[name].source)
        await self._store.add(name, document)
        return self._hosts[name]

    async def update(self, name: str, document: str) -> Host:
        """Replace a host that was added.  Raises `UnknownHost`, `HostReadOnly` and like the store."""
        self._check(name)
        await self._store.replace(name, document)
        return self._hosts[name]

    async def remove(self, name: str) -> None:
        """Remove a host that was added.  Raises `UnknownHost`, `HostReadOnly` and like the store."""
        self._check(name)
        await self._store.remove(name)

    async def drain(self, name: str, *, drained: bool) -> Host:
        """Drain or undrain a host.  Raises `UnknownHost` and like the store."""
        host = self._hosts[name]
        await self._store.drain(name, drained=drained)
        return host

    def _check(self, name: str) -> None:
        host = self._hosts[name]
        if host.source != "calls":
            raise HostReadOnly(host)
