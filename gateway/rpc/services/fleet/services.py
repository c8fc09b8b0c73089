"""FleetService.DiscoverServices and WatchServices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2

from gateway.engine.codec.wire import delimited, tag
from gateway.engine.pauses import Pauses
from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS
from gateway.fleet.discovery import Endpoints, Place, Wanted, place_of
from gateway.fleet.members import Members
from gateway.fleet.selector import select_some
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.fan_out.requests import settled
from gateway.rpc.host_messages import incomplete_sources, sources_response
from gateway.rpc.host_rpc import as_message
from gateway.rpc.markers import heartbeat

_METHODS = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name
_ALL = selectors_pb2.ContainerSelector(all=True)
_ENDPOINT = tag(pb.DiscoverServicesResponse.DESCRIPTOR, "endpoints")
_TOGETHER = 256  # changes of one response


class FleetServices:
    """Finds the endpoints of services in the inventories."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def DiscoverServices(self, request: pb.DiscoverServicesRequest, context: CallContext) -> bytes:
        """Return the endpoints there are now."""
        wanted = Wanted(request)
        response = pb.DiscoverServicesResponse(incomplete_sources=incomplete_sources(self._backend.hosts))
        pauses = Pauses()
        found: list[tuple[Place, bytes]] = []  # endpoints are encoded at once: as messages, all would be copied
        hosts = select_some(self._backend.hosts, wanted.hosts, "hosts")
        await settled(hosts)
        for host in hosts:
            failure = host.outdated
            if failure is not None:
                why = as_message(failure, host.name, _METHODS["DiscoverServices"])
                response.failures.add(host=host.name, failure=why)
                continue
            for row in host.inventory.containers():
                if pauses.due:
                    await pauses.pause()
                found += [(place_of(each), each.SerializeToString()) for each in wanted.find(host, row).values()]
        found.sort()
        return b"".join((*(delimited(_ENDPOINT, endpoint) for _, endpoint in found), response.SerializeToString()))

    async def WatchServices(
        self, request: pb.WatchServicesRequest, context: CallContext
    ) -> AsyncGenerator[pb.WatchServicesResponse, None]:
        """Stream the endpoints, and their changes."""
        wanted = Wanted(request.services, "services.")
        endpoints, changed = Endpoints(wanted.find), asyncio.Event()
        endpoints.changed = changed.set
        synced = False
        async with Members(self._backend.hosts, wanted.hosts, _ALL, endpoints, self._backend.timeouts.fan_out):
            await context.send_initial_metadata()
            if first := sources_response(pb.WatchServicesResponse, self._backend.hosts):
                yield first
            while True:
                changed.clear()
                response = pb.WatchServicesResponse()
                for key in list(endpoints.changes)[:_TOGETHER]:
                    change = endpoints.changes.pop(key)
                    of = "put" if change.there else "removed"
                    response.changes.add(**{of: change.endpoint})
                if endpoints.complete and not endpoints.changes and not synced:
                    synced = response.synced = True
                if response.changes or response.synced:
                    yield response
                    continue
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await changed.wait()
                except TimeoutError:
                    yield pb.WatchServicesResponse(heartbeat=heartbeat(0))
