"""The hosts that the gateway knows: by name, with their engines and how they are."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import docker.errors

from gateway.engine.client import Engine, Incompatible
from gateway.engine.http import Busy, TransportError

_PROBE_DEADLINE_SECONDS = 5.0


class UnknownHost(LookupError):
    """No host has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no host {name!r}; HostService.ListHosts tells which there are")


class State(Enum):
    """Whether a host answers."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    INCOMPATIBLE = "incompatible"


@dataclass
class Host:
    """One host of the fleet."""

    engine: Engine
    labels: Mapping[str, str] = field(default_factory=dict)
    state: State = State.CONNECTING
    message: str = ""

    @property
    def name(self) -> str:
        """The name by which requests choose it."""
        return self.engine.name

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

    def __init__(self, hosts: list[Host], changed: Callable[[Host], None] = lambda host: None) -> None:
        """Store; *changed* is told whenever a host's state has changed."""
        self._hosts = {host.name: host for host in sorted(hosts, key=lambda host: host.name)}
        self._changed = changed
        self._tasks: list[asyncio.Task[None]] = []

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

    @contextlib.asynccontextmanager
    async def watched(self, probe_seconds: float) -> AsyncIterator[None]:
        """Probe every host, at once and then every *probe_seconds*, until the end of the block."""
        self._tasks = [asyncio.create_task(self._watch(host, probe_seconds)) for host in self]
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for host in self:
                host.engine.shut()

    async def _watch(self, host: Host, probe_seconds: float) -> None:
        while True:
            before = host.state
            await host.probe()
            if host.state is not before:
                self._changed(host)
            # Spread out, so that a thousand hosts are not asked in the same moment.
            await asyncio.sleep(probe_seconds * random.uniform(0.8, 1.2))
