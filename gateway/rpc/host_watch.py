"""One subscriber of WatchHosts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from dockfleet.fleet.v1 import hosts_pb2 as pb

from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry

_BYTES = 256 << 10  # of a message, at most, but for a single host that is larger


class HostWatch:
    """Collects which hosts have changed since the last response.

    It keeps only names, each once.  A host that changes often while the client does not read is sent once.
    """

    def __init__(
        self, hosts: HostRegistry, selects: Callable[[Host], bool], message: Callable[[Host], pb.Host]
    ) -> None:
        self._hosts = hosts
        self._selects = selects
        self._message = message
        self._changed = {host.name for host in hosts}
        self._sent: set[str] = set()
        self._news = asyncio.Event()
        self._synced = False

    def __enter__(self) -> Self:
        self._hosts.watchers.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._hosts.watchers.remove(self)

    def host_added(self, host: Host) -> None:
        """Note that *host* is new."""
        self.host_changed(host)

    def host_changed(self, host: Host) -> None:
        """Note that *host* has changed."""
        self._changed.add(host.name)
        self._news.set()

    def host_removed(self, host: Host) -> None:
        """Note that *host* has left, or was replaced by another host of its name."""
        self.host_changed(host)

    async def wait(self, seconds: float) -> bool:
        """Wait for changes.  Return whether there are any."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def responses(self) -> Iterator[pb.WatchHostsResponse]:
        """Yield the changes.  The last response has `synced`."""
        self._news.clear()
        changed, self._changed = sorted(self._changed), set()
        response, size = pb.WatchHostsResponse(), 0
        for name in changed:
            if name in self._hosts and self._selects(self._hosts[name]):
                message = self._message(self._hosts[name])
                self._sent.add(name)
                if size and size + message.ByteSize() > _BYTES:
                    yield response
                    response, size = pb.WatchHostsResponse(), 0
                response.hosts.append(message)
                size += message.ByteSize()
            elif name in self._sent:
                self._sent.discard(name)
                response.removed_names.append(name)
        if not self._synced or response.hosts or response.removed_names:
            self._synced = response.synced = True
            yield response
