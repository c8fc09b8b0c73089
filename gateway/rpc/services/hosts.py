"""HostService: which hosts there are and how they are, from memory."""

from __future__ import annotations

from typing import Any

from dockfleet.fleet.v1 import hosts_pb2 as pb
from dockfleet.v1 import common_pb2
from dockfleet.v1.common_pb2 import ErrorReason
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine.errors import CallError, InvalidField
from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry
from gateway.fleet.selector import select
from gateway.fleet.state import State
from gateway.rpc.status import failure, safe

_STATES = {
    State.CONNECTING: pb.HOST_STATE_CONNECTING,
    State.UP: pb.HOST_STATE_UP,
    State.DEGRADED: pb.HOST_STATE_DEGRADED,
    State.DOWN: pb.HOST_STATE_DOWN,
    State.INCOMPATIBLE: pb.HOST_STATE_INCOMPATIBLE,
    State.DRAINING: pb.HOST_STATE_DRAINING,
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
    health, contact = host.health, host.engine.last_contact
    return pb.Host(
        name=host.name,
        address=host.engine.endpoint.url,
        labels=dict(host.labels),
        state=_STATES[host.state],
        state_time=_timestamp(host.state_time),
        reason=_reason(host),
        message=safe(host.message),
        api_version=host.engine.negotiated or "",
        engine_id=safe(host.engine_id),
        engine_version=safe(host.engine_version),
        last_contact_time=None if contact is None else _timestamp(contact),
        breakers=[
            pb.Breaker(
                kind=kind.value,
                open_time=_timestamp(breaker.open_since),
                failure=_failure(breaker.failure, host),
            )
            for kind, breaker in health.breakers.items()
            if breaker.open_since is not None and breaker.failure is not None
        ],
        draining=host.draining,
    )


def _reason(host: Host) -> ErrorReason.ValueType:
    """Return why it is in its state; an engine's own refusal means what it means to a call."""
    if host.health.cause is not None:
        return _failure(host.health.cause, host).reason
    return ErrorReason.Value(f"ERROR_REASON_{host.health.reason or 'UNSPECIFIED'}")


def _failure(error: CallError, host: Host) -> common_pb2.Failure:
    found = failure(error, host.name, changes=False)
    assert found is not None
    return found.message_of(host.name)


def _timestamp(seconds: float) -> Timestamp:
    return Timestamp(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
