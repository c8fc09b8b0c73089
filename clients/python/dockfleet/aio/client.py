"""The client of a gateway and its fleet, for asyncio."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Self

import grpc

from dockfleet.aio.host import HostView
from dockfleet.aio.stream import response_of
from dockfleet.calls import STUBS, check_timeout
from dockfleet.channels import Options, SplitChannel, options
from dockfleet.fleet.v1.hosts_pb2 import Host, ListHostsRequest, ListHostsResponse
from dockfleet.target import DEFAULT_TARGET, PathLike, address, credentials


def connect(
    target: str = DEFAULT_TARGET,
    *,
    tls: bool = False,
    tls_ca: PathLike | None = None,
    tls_cert: PathLike | None = None,
    tls_key: PathLike | None = None,
    channel_options: Options = (),
) -> Fleet:
    """Return the fleet of the gateway at *target*, as `dockfleet.connect` does.  A loop must be running."""
    target, secure = address(target), credentials(tls, tls_ca, tls_cert, tls_key)
    settings = options(channel_options)

    def dial() -> grpc.aio.Channel:
        if secure is None:
            return grpc.aio.insecure_channel(target, settings)
        return grpc.aio.secure_channel(target, secure, settings)

    return Fleet(SplitChannel(dial, blocking=False))


class Fleet:
    """All hosts of a gateway.  Everything raises `DockfleetError`.

    Stubs, which raise `grpc.RpcError`, take the channel: `ContainerServiceStub(fleet.channel)`.
    """

    def __init__(self, channel: SplitChannel[grpc.aio.Channel]) -> None:
        """Use *channel*, which closes with the fleet."""
        self.channel: Any = channel
        self._stubs = SimpleNamespace(**{name: stub(channel) for name, stub in STUBS.items()})

    def host(self, name: str) -> HostView:
        """Return the view of the host called *name*.  Nothing is sent; an unknown host fails the first call."""
        return HostView(self._stubs, name)

    async def list_hosts(self, *, timeout: float | None = None) -> Sequence[Host]:
        """Return all hosts of the gateway in the order of their names, also those that are down."""
        call = self._stubs.hosts.ListHosts(ListHostsRequest(), timeout=check_timeout(timeout))
        response: ListHostsResponse = await response_of(call)
        return response.hosts

    async def close(self) -> None:
        """End all connections and their calls."""
        for closing in self.channel.close():
            await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
