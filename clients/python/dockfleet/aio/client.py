"""The fleet of hosts behind one gateway, for asyncio."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Self

import grpc

from dockfleet.aio.host import HostView
from dockfleet.aio.stream import answer_of
from dockfleet.calls import STUBS
from dockfleet.channels import Options, PathLike, Security, SplitChannel, options
from dockfleet.client import DEFAULT_TARGET
from dockfleet.fleet.v1.hosts_pb2 import Host, ListHostsRequest, ListHostsResponse


def connect(
    target: str = DEFAULT_TARGET,
    *,
    tls: bool = False,
    tls_ca: PathLike | None = None,
    tls_cert: PathLike | None = None,
    tls_key: PathLike | None = None,
    token: str | None = None,
    channel_options: Options = (),
) -> Fleet:
    """Return the fleet behind the gateway at *target*, as `dockfleet.connect` does; call it within a running loop."""
    credentials = Security(target, tls, tls_ca, tls_cert, tls_key, token).credentials()
    settings = options(channel_options)

    def dial() -> grpc.aio.Channel:
        if credentials is None:
            return grpc.aio.insecure_channel(target, settings)
        return grpc.aio.secure_channel(target, credentials, settings)

    return Fleet(SplitChannel(dial, blocking=False))


class Fleet:
    """All hosts of a gateway.  Everything raises `DockfleetError`.

    For the bare stubs, which raise `grpc.RpcError`: `ContainerServiceStub(fleet.channel)`.
    """

    def __init__(self, channel: SplitChannel[grpc.aio.Channel]) -> None:
        """Speak over *channel*, which closes with the fleet."""
        self.channel: Any = channel
        self._stubs = SimpleNamespace(**{name: stub(channel) for name, stub in STUBS.items()})

    def host(self, name: str) -> HostView:
        """Return the view of the host called *name*.  Nothing is sent; that it exists shows with the first call."""
        return HostView(self._stubs, name)

    async def list_hosts(self, *, timeout: float | None = None) -> Sequence[Host]:
        """Return all hosts that the gateway knows, reachable or not, by name."""
        answer: ListHostsResponse = await answer_of(self._stubs.hosts.ListHosts(ListHostsRequest(), timeout=timeout))
        return answer.hosts

    async def close(self) -> None:
        """End all connections and the calls on them."""
        for closing in self.channel.close():
            await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
