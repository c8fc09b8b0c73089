"""The members of a merged stream: its hosts and containers, as they join and leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from types import TracebackType
from typing import Protocol, Self

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.background import report
from gateway.engine.errors import CallError
from gateway.engine.inventory.changes import Forget, Put, Removed, Stale, Synced
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.inventory.selecting import check_containers
from gateway.fleet.host import Host, HostRemoved
from gateway.fleet.registry import HostRegistry
from gateway.fleet.selector import fits, fitting, select, selecting


class HostNotSelected(CallError):
    """The host is no longer selected: its labels have changed."""

    status, reason, about_host = "FAILED_PRECONDITION", "HOST_REMOVED", False

    def __init__(self, name: str) -> None:
        super().__init__(f"the host {name!r} has other labels now, and is not selected any more")


class Listener(Protocol):
    """Receives the changes of the members."""

    def host_joined(self, host: Host) -> None:
        """*host* is selected."""

    def host_up(self, host: Host) -> None:
        """All containers of *host* were reported."""

    def host_down(self, host: Host, failure: CallError) -> None:
        """*host* does not answer, or its containers are not known yet."""

    def host_changed(self, host: Host) -> None:
        """*host*, which is selected, may have other labels."""

    def host_left(self, host: Host, why: CallError) -> None:
        """*host* is not of the fleet any more, or not selected any more; another of its name may join."""

    def container_put(self, host: Host, row: ContainerRow, *, later: bool) -> None:
        """A container that is selected is new, or has changed.

        *later*: it is not one of those that are reported first of a host.
        """

    def container_gone(self, host: Host, id: str) -> None:
        """A container was removed, or is not selected any more; it may not have been reported."""

    def reported(self) -> None:
        """Each host that was there at the beginning is up or down."""


class Members:
    """Reports the members to a listener during its block."""

    def __init__(
        self,
        registry: HostRegistry,
        hosts: pb.HostSelector,
        containers: pb.ContainerSelector | None,
        listener: Listener,
        first_timeout_seconds: float,
        *,
        hosts_may_come: bool = False,
    ) -> None:
        """Report hosts, and with *containers* the containers that it selects.

        A host whose containers are not known after *first_timeout_seconds* is reported as down.  With *hosts_may_come*,
        *hosts* may name hosts that are not there yet.
        """
        self._registry = registry
        self._hosts = hosts
        self._containers = containers
        self._listener = listener
        self._first_timeout_seconds = first_timeout_seconds
        self._hosts_may_come = hosts_may_come
        self._tasks: dict[Host, asyncio.Task[None]] = {}
        self._down: set[Host] = set()
        self._not_reported: set[Host] = set()
        self._complete = False

    async def __aenter__(self) -> Self:
        """Raises `InvalidField` for malformed selectors, and `UnknownHost`."""
        if self._hosts_may_come:
            selected = list(filter(fitting(self._hosts), self._registry))
        else:
            selected = select(self._registry, self._hosts, "hosts")
        if self._containers is not None:
            check_containers(self._containers, "containers")
        for host in selected:
            self._add(host)
        self._registry.watchers.append(self)
        self._look_whether_complete()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._registry.watchers.remove(self)
        tasks = list(self._tasks.values())
        self._tasks.clear()  # a cancelled task refers to its frames, and these to this object
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What the registry says

    def host_added(self, host: Host) -> None:
        """Report it, if it is selected."""
        if fits(host, self._hosts):
            self._add(host)

    def host_changed(self, host: Host) -> None:
        """Report whether it is selected now, and whether it answers."""
        if fits(host, self._hosts) != (host in self._tasks):
            if host in self._tasks:
                self._left(host, HostNotSelected(host.name))
            else:
                self._add(host)
        elif host in self._tasks:
            self._listener.host_changed(host)
            if host.failure is not None:
                self._is_down(host, host.failure)

    def host_removed(self, host: Host) -> None:
        """Report that it has left."""
        self._left(host, HostRemoved(host.name))

    def _left(self, host: Host, why: CallError) -> None:
        task = self._tasks.pop(host, None)
        if task is not None:
            task.cancel()
            self._down.discard(host)
            self._listener.host_left(host, why)
            self._was_reported(host)

    # One host

    def _add(self, host: Host) -> None:
        self._listener.host_joined(host)
        self._not_reported.add(host)
        self._tasks[host] = asyncio.create_task(self._follow(host))

    async def _follow(self, host: Host) -> None:
        failure = host.outdated
        if not host.inventory.known and host.failure is not None:
            self._is_down(host, host.failure)
        timer = asyncio.get_running_loop().call_later(self._first_timeout_seconds, self._is_late, host, failure)
        try:
            selects = self._selects(host)
            async with aclosing(host.inventory.subscribe()) as changes:
                first = True
                async for change in changes:
                    match change:
                        case Put(_, row) if selects(row):
                            self._listener.container_put(host, row, later=not first)
                        case Put(_, row):
                            self._listener.container_gone(host, row.id)
                        case Removed(_, id):
                            self._listener.container_gone(host, id)
                        case Synced():
                            timer.cancel()
                            first = False
                            self._is_up(host)
                        case Stale(_, error):
                            self._is_down(host, error)
                        case Forget():
                            pass  # everything follows: containers that are known are reported again
        except CallError:
            pass  # the host was removed: the registry reports that, too
        except Exception as error:
            report(error, "members", host.name)
        finally:
            timer.cancel()

    def _selects(self, host: Host) -> Callable[[ContainerRow], bool]:
        if self._containers is None:
            return lambda row: False
        return selecting(host, self._containers)

    def _is_late(self, host: Host, failure: CallError | None) -> None:
        if host in self._not_reported and failure is not None:
            self._is_down(host, failure)

    def _is_down(self, host: Host, failure: CallError) -> None:
        if host not in self._down:
            self._down.add(host)
            self._listener.host_down(host, failure)
        self._was_reported(host)

    def _is_up(self, host: Host) -> None:
        self._down.discard(host)
        self._listener.host_up(host)
        self._was_reported(host)

    def _was_reported(self, host: Host) -> None:
        self._not_reported.discard(host)
        self._look_whether_complete()

    def _look_whether_complete(self) -> None:
        if not self._complete and not self._not_reported:
            self._complete = True
            self._listener.reported()
