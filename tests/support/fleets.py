"""The fleet as the clients of a gateway see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from dockfleet.fleet.v1 import hosts_pb2 as pb

from tests.support.gateway import Client, gateway_of, receive


def gateway(*hosts: Any, **sources: Any) -> AbstractAsyncContextManager[Client]:
    """A gateway with such *sources*; hosts that are missing stay, where they do not say how long."""
    return gateway_of(
        *hosts,
        health_check_interval_seconds=3600,
        sources={"absence_timeout_seconds": 3600, "poll_interval_seconds": 0.05} | sources,
    )


async def fleet_of(client: Client) -> dict[str, str]:
    """The addresses of the hosts by name."""
    return {host.name: host.address for host in (await client.hosts.ListHosts(pb.ListHostsRequest())).hosts}


class Fleet:
    """A client's view of the fleet, as WatchHosts gives it."""

    def __init__(self, client: Client) -> None:
        self._stream = client.hosts.WatchHosts(pb.WatchHostsRequest())
        self.hosts: dict[str, pb.Host] = {}

    async def until(self, condition: Callable[[dict[str, pb.Host]], bool]) -> dict[str, pb.Host]:
        """Follow the hosts until *condition* holds of them."""
        while not condition(self.hosts):
            response = await receive(self._stream)
            self.hosts |= {host.name: host for host in response.hosts}
            for name in response.removed_names:
                self.hosts.pop(name)
        return dict(self.hosts)

    def leave(self) -> None:
        """Follow the hosts no more."""
        self._stream.cancel()

    async def until_named(self, *names: str) -> dict[str, pb.Host]:
        """Follow the hosts until there are those of these names, and no others."""
        return await self.until(lambda hosts: hosts.keys() == set(names))


async def source(client: Client, name: str) -> pb.HostSource:
    """What the gateway says of a source."""
    return next(each for each in (await client.hosts.ListHosts(pb.ListHostsRequest())).sources if each.name == name)


async def until_source(client: Client, name: str, *, up: bool) -> pb.HostSource:
    """Wait until a source answers, or does not."""

    while True:
        found = await source(client, name)
        if found.up is up:
            return found
        await asyncio.sleep(0.02)
