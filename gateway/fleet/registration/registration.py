"""Follows the endpoints of the fleet, and writes them to the catalogs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from dockfleet.fleet.v1 import selectors_pb2

from gateway.config.discovery import Discovery
from gateway.fleet.discovery import Endpoints
from gateway.fleet.members import Members
from gateway.fleet.registration.catalog import Catalog
from gateway.fleet.registration.entries import Entry, finder, hosts_of
from gateway.fleet.registration.registrar import Registrar
from gateway.fleet.registry import HostRegistry
from gateway.telemetry.sources import CatalogFamilies

_ALL = selectors_pb2.ContainerSelector(all=True)


class Registration:
    """Keeps catalogs up to date during its block.

    An entry exists while its container runs and is healthy, and its host answers.  The end of the block deletes
    nothing, so that the restart of a gateway does not remove the endpoints of the fleet.
    """

    def __init__(
        self,
        hosts: HostRegistry,
        settings: Discovery,
        catalogs: Iterable[Catalog],
        metrics: CatalogFamilies,
        first_timeout_seconds: float,
    ) -> None:
        """*first_timeout_seconds* is that of `Members`."""
        self._wanted: dict[str, Entry] = {}
        self._registrars = [Registrar(each, self._wanted, settings.absence_timeout_seconds) for each in catalogs]
        self._metrics = metrics
        self._endpoints = Endpoints(finder(settings))
        self._endpoints.changed = self._take
        self._members = Members(
            hosts, hosts_of(settings), _ALL, self._endpoints, first_timeout_seconds, hosts_may_come=True
        )
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._members)
        for registrar in self._registrars:
            self._metrics.show(registrar.catalog.name, registrar)
            self._tasks.append(asyncio.create_task(registrar.run()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        for registrar in self._registrars:
            self._metrics.hide(registrar.catalog.name)

    def _take(self) -> None:
        """Pass the changes to the catalogs."""
        changes = dict(self._endpoints.changes)
        self._endpoints.changes.clear()
        for id, change in changes.items():
            if change.there:
                self._wanted[id] = change.endpoint
            else:
                self._wanted.pop(id, None)
        for registrar in self._registrars:
            registrar.touch(changes)
