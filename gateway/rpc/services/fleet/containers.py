"""FleetService: FindContainers and RunContainer.  `rpc/fan_out/` serves the RPCs that call one host each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.v1 import containers_pb2, system_pb2

from gateway.engine.codec.wire import delimited, tag
from gateway.engine.errors import InvalidField
from gateway.engine.inventory.selecting import check_containers
from gateway.engine.pauses import Pauses
from gateway.engine.transport.timeouts import Timeout
from gateway.fleet import placement
from gateway.fleet.fan_out import Put, together
from gateway.fleet.host import Host
from gateway.fleet.placement import Candidate, NoHostFits, Size
from gateway.fleet.selector import unmatched
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.encoding import serialize
from gateway.rpc.fan_out.requests import addressed, chosen_hosts, settled, unaddressed, within_request
from gateway.rpc.host_messages import incomplete_sources
from gateway.rpc.host_rpc import Behaviour, HostRpc, as_message
from gateway.rpc.run_request import has_tag
from gateway.rpc.status import failure

_METHODS = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name
_RUN = containers_pb2.DESCRIPTOR.services_by_name["ContainerService"].methods_by_name["RunContainer"]
_INFO = system_pb2.DESCRIPTOR.services_by_name["SystemService"].methods_by_name["GetInfo"]
_RESPONSE = tag(pb.RunContainerResponse.DESCRIPTOR, "response")
_ANSWER = tag(pb.FindContainersResponse.DESCRIPTOR, "answers")
_FOUND = tag(pb.FindContainersAnswer.DESCRIPTOR, "containers")
_MOST_CONTAINERS = 256  # of one response


class FleetContainers:
    """Answers from the inventories of the hosts, and calls the RPCs of one host."""

    def __init__(self, backend: Backend, served: Mapping[str, Behaviour]) -> None:
        """*served* has the behaviours of the RPCs of one host, by full name, before the first call arrives."""
        self._backend = backend
        self._served = served

    async def FindContainers(
        self, request: pb.FindContainersRequest, context: CallContext
    ) -> AsyncGenerator[pb.FindContainersResponse | bytes, None]:
        """Find containers in the inventories."""
        hosts = chosen_hosts(request, self._backend)
        check_containers(request.containers, "containers")
        await settled(hosts)
        summary = pb.FanOutSummary(selected=len(hosts), incomplete_sources=incomplete_sources(self._backend.hosts))
        found, pauses = [], Pauses()
        for host in hosts:
            error = host.outdated
            why = None if error is None else as_message(error, host.name, _METHODS["FindContainers"])
            if why is None:
                summary.answered += 1
            else:
                summary.failures.add(host=host.name, failure=why)
            rows = await host.inventory.select(request.containers, "containers", pauses)
            found += rows
            for start in range(0, max(len(rows), 1 if why else 0), _MOST_CONTAINERS):
                head = pb.FindContainersAnswer(host=host.name, freshness=host.inventory.freshness(), failure=why)
                some = [delimited(_FOUND, row.serialised()) for row in rows[start : start + _MOST_CONTAINERS]]
                yield delimited(_ANSWER, b"".join((head.SerializeToString(), *some)))
        summary.unmatched_names.extend(await unmatched(request.containers.names, found, pauses))
        yield pb.FindContainersResponse(summary=summary)

    async def RunContainer(
        self, request: pb.RunContainerRequest, context: CallContext
    ) -> AsyncGenerator[pb.RunContainerResponse | bytes, None]:
        """Run a container on the best host, or on the next best host if the best one cannot be reached."""
        asked = unaddressed(request, "host")
        placement.check(request.placement, "placement")
        candidates = await self._candidates(chosen_hosts(request, self._backend), request)
        fitting = [each for each in candidates if not each.excluded]
        if not fitting:
            raise NoHostFits(candidates)
        for number, chosen in enumerate(fitting, 1):
            decision = _decision(chosen, candidates, request.placement)
            decision.incomplete_sources.extend(incomplete_sources(self._backend.hosts))
            yield pb.RunContainerResponse(placed=decision)
            begun = False
            try:
                async with aclosing(self._run(addressed(asked, chosen.host), chosen.host)) as responses:
                    async for response in responses:
                        begun = True
                        yield delimited(_RESPONSE, serialize(response))
                return
            except InvalidField as wrong:
                raise within_request(wrong) from None
            except Exception as error:
                refused = failure(error, chosen.host.name, changes=True, operation=_RUN.name)
                if refused is None or begun or number == len(fitting) or not refused.retry_safe:
                    raise refused or error from None

    async def _run(self, request: Any, host: Host) -> AsyncGenerator[Any, None]:
        rpc = HostRpc(_RUN, self._served[_RUN.full_name])

        async def run(put: Put[Any]) -> None:
            await rpc.call(host, request, None, put)

        with host.one_more_container():
            async with aclosing(together([run])) as batches:
                async for batch in batches:
                    for response in batch:
                        yield response

    async def _candidates(self, hosts: Sequence[Host], request: pb.RunContainerRequest) -> list[Candidate]:
        config = request.request.config
        limits = config.host_config
        wanted = Size(memory=limits.memory_bytes, nano_cpus=limits.nano_cpus)
        await settled(hosts)
        sizes: dict[Host, Size] = {}
        if request.placement.resource in (pb.PLACEMENT_RESOURCE_MEMORY, pb.PLACEMENT_RESOURCE_CPU):
            sizes = await self._sizes(hosts)
        image = config.image if has_tag(config.image) else f"{config.image}:latest"
        measured = [placement.measure(host, request.placement, wanted, image, sizes.get(host)) for host in hosts]
        return placement.rank(measured, request.placement)

    async def _sizes(self, hosts: Sequence[Host]) -> dict[Host, Size]:
        """Return the memory and the CPUs of hosts, without the hosts that do not answer."""
        rpc = HostRpc(_INFO, self._served[_INFO.full_name])
        timeout = Timeout.of(self._backend.timeouts.fan_out, "limits.fan_out_timeout_seconds")
        sizes: dict[Host, Size] = {}

        async def ask(host: Host) -> None:
            async def put(response: Any) -> None:
                sizes[host] = Size(response.info.memory_total_bytes, response.info.cpus * 1_000_000_000)

            try:
                await rpc.call(host, system_pb2.GetInfoRequest(host=host.name), timeout, put)
            except Exception as error:
                as_message(error, host.name, _INFO)  # logs a defect; the host is excluded

        await asyncio.gather(*(asyncio.create_task(ask(host)) for host in hosts if host.failure is None))
        return sizes


def _decision(chosen: Candidate, candidates: Sequence[Candidate], how: pb.Placement) -> pb.PlacementDecision:
    fitting = sum(not each.excluded for each in candidates)
    decision = pb.PlacementDecision(host=chosen.host.name, explanation=placement.explain(chosen, how, fitting))
    for each in candidates:
        decision.candidates.add(
            host=each.host.name, in_use=each.in_use, has_image=each.has_image, excluded=each.excluded
        )
    return decision
