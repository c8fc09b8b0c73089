"""HostService: the hosts and their states, from memory, and the RPCs that change hosts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

from dockfleet.fleet.v1 import hosts_pb2 as pb
from dockfleet.fleet.v1.selectors_pb2 import HostSelector

from gateway.engine.codec.times import seconds_of
from gateway.engine.errors import InvalidField
from gateway.engine.resumable import subscription
from gateway.fleet.host import Host
from gateway.fleet.selector import check_hosts, fitting, select
from gateway.fleet.sources.feed import Feed
from gateway.fleet.sources.store import HostChanges
from gateway.fleet.twins import Twins
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.host_messages import document_of, host_message, incomplete_sources, source_messages
from gateway.rpc.host_watch import HostWatch
from gateway.rpc.markers import heartbeat

_PROBE_SECONDS = 5.0
_LONGEST_PROBE_SECONDS = 60.0


class HostService:
    """Answers from the gateway's memory."""

    def __init__(self, backend: Backend, changes: HostChanges, feeds: Sequence[Feed], twins: Twins) -> None:
        """*feeds* are those of the sources of hosts."""
        self._backend = backend
        self._hosts = backend.hosts
        self._changes = changes
        self._feeds = feeds
        self._twins = twins

    async def ListHosts(self, request: pb.ListHostsRequest, context: CallContext) -> pb.ListHostsResponse:
        """List hosts."""
        hosts = select(self._hosts, request.selector) if request.HasField("selector") else self._hosts
        return pb.ListHostsResponse(hosts=map(self._message, hosts), sources=source_messages(self._feeds))

    async def GetHost(self, request: pb.GetHostRequest, context: CallContext) -> pb.GetHostResponse:
        """Return one host."""
        return pb.GetHostResponse(host=self._message(self._host(request, context)))

    async def WatchHosts(
        self, request: pb.WatchHostsRequest, context: CallContext
    ) -> AsyncGenerator[pb.WatchHostsResponse, None]:
        """Stream the hosts, and then every change."""
        selected = request.selector if request.HasField("selector") else HostSelector(all=True)
        check_hosts(selected)
        with HostWatch(self._hosts, fitting(selected), self._message) as watch:
            silent = 0.0
            news, synced = True, False
            while True:
                if news:
                    for response in watch.responses():
                        if response.synced and not synced:
                            synced = True
                            response.incomplete_sources.extend(incomplete_sources(self._hosts))
                        yield response
                silent = 0.0 if news else silent + subscription.HEARTBEAT_SECONDS
                if silent:
                    yield pb.WatchHostsResponse(heartbeat=heartbeat(silent))
                news = await watch.wait(subscription.HEARTBEAT_SECONDS)

    async def AddHost(self, request: pb.AddHostRequest, context: CallContext) -> pb.AddHostResponse:
        """Store a host, and add it."""
        document = document_of(request.spec)
        return pb.AddHostResponse(host=self._message(await self._changes.add(request.spec.name, document)))

    async def UpdateHost(self, request: pb.UpdateHostRequest, context: CallContext) -> pb.UpdateHostResponse:
        """Replace the stored settings of a host."""
        document = document_of(request.spec)
        return pb.UpdateHostResponse(host=self._message(await self._changes.update(request.spec.name, document)))

    async def RemoveHost(self, request: pb.RemoveHostRequest, context: CallContext) -> pb.RemoveHostResponse:
        """Remove a host that was added."""
        await self._changes.remove(_named(request))
        return pb.RemoveHostResponse()

    async def DrainHost(self, request: pb.DrainHostRequest, context: CallContext) -> pb.DrainHostResponse:
        """Let a host take no new work."""
        return pb.DrainHostResponse(host=self._message(await self._changes.drain(_named(request), drained=True)))

    async def UndrainHost(self, request: pb.UndrainHostRequest, context: CallContext) -> pb.UndrainHostResponse:
        """Let a host take new work again."""
        return pb.UndrainHostResponse(host=self._message(await self._changes.drain(_named(request), drained=False)))

    async def ProbeHost(self, request: pb.ProbeHostRequest, context: CallContext) -> pb.ProbeHostResponse:
        """Probe a host now."""
        seconds = _PROBE_SECONDS
        if request.HasField("host_timeout"):
            seconds = seconds_of(request.host_timeout, "host_timeout")
        if not 0 < seconds <= _LONGEST_PROBE_SECONDS:
            raise InvalidField("host_timeout", f"must be more than 0 s, and at most {_LONGEST_PROBE_SECONDS:g} s")
        host = self._host(request, context)
        await self._hosts.probe(host, seconds)
        return pb.ProbeHostResponse(host=self._message(host))

    def _message(self, host: Host) -> pb.Host:
        return host_message(host, self._twins)

    def _host(self, request: Any, context: CallContext) -> Host:
        return self._backend.host(request, context)


def _named(request: Any) -> str:
    if not request.host:
        raise InvalidField("host", "must name a host")
    name: str = request.host
    return name
