"""HostService: which hosts there are and how they are, from memory."""

from __future__ import annotations

from typing import Any

from dockfleet.fleet.v1 import hosts_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine.errors import InvalidField
from gateway.fleet.host import Host, State
from gateway.fleet.registry import HostRegistry
from gateway.fleet.selector import select
from gateway.rpc.status import safe

_STATES = {
    State.CONNECTING: pb.HOST_STATE_CONNECTING,
    State.UP: pb.HOST_STATE_UP,
    State.DOWN: pb.HOST_STATE_DOWN,
    State.INCOMPATIBLE: pb.HOST_STATE_INCOMPATIBLE,
}


class HostService:
    """Answers from the gateway's memory."""

    def __init__(self, hosts: HostRegistry) -> None:
        self._hosts = hosts

    async def ListHosts(self, request: pb.ListHostsRequest, context: Any) -> pb.ListHostsResponse:
        """List hosts."""
        hosts = select(self._hosts, request.selector) if request.HasField("selector") else self._hosts
        return pb.ListHostsResponse(hosts=[_host(host) for host in hosts])

    async def GetHost(self, request: pb.GetHostRequest, context: Any) -> pb.GetHostResponse:
        """Return one host."""
        if not request.host:
            raise InvalidField("host", "must name a host")
        return pb.GetHostResponse(host=_host(self._hosts[request.host]))


def _host(host: Host) -> pb.Host:
    contact = host.engine.last_contact
    return pb.Host(
        name=host.name,
        address=host.engine.endpoint.url,
        labels=dict(host.labels),
        state=_STATES[host.state],
        message=safe(host.message),
        api_version=host.engine.negotiated or "",
        last_contact_time=None if contact is None else Timestamp(seconds=int(contact), nanos=int(contact % 1 * 1e9)),
    )
