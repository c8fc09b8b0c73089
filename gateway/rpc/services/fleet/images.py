"""FleetService.CopyImage."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from dockfleet.fleet.v1 import fleet_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.engine.transport.timeouts import Timeout
from gateway.fleet.fan_out import Put, together
from gateway.fleet.host import Host, HostDraining
from gateway.fleet.image_copy import Copied, Failed, ImageCopy, Progress, Result
from gateway.fleet.selector import select_some
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.host_rpc import as_message
from gateway.rpc.markers import heartbeat

_METHOD = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name["CopyImage"]
_MOST_AT_ONCE = 64


class FleetImages:
    """Serves copies of images."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def CopyImage(
        self, request: pb.CopyImageRequest, context: CallContext
    ) -> AsyncGenerator[pb.CopyImageResponse, None]:
        """Copy an image from one host to others."""
        source = self._backend.host(request, context)
        if not request.HasField("to"):
            raise InvalidField("to", "must select hosts; `all: true` selects every host")
        at_once = request.parallelism if request.HasField("parallelism") else 8
        if not 1 <= at_once <= _MOST_AT_ONCE:
            raise InvalidField("parallelism", f"must be from 1 to {_MOST_AT_ONCE}")
        hosts = [host for host in select_some(self._backend.hosts, request.to, "to") if host is not source]
        stall = Timeout.of(self._backend.timeouts.progress_idle, "limits.progress_idle_timeout_seconds")
        timeout = Timeout.of(self._backend.timeouts.fan_out, "limits.fan_out_timeout_seconds")
        copy = ImageCopy(source, request.image, host_timeout=timeout, stall_timeout=stall)
        try:
            await copy.begin()
        except InvalidField as wrong:
            raise InvalidField("image", wrong.remedy) from None
        summary = pb.BatchSummary()

        async def work(put: Put[Result]) -> None:
            for start in range(0, len(hosts), at_once):
                await _copy(copy, hosts[start : start + at_once], put)

        async with aclosing(together([work])) as batches:
            async for batch in batches:
                yield _response(batch, summary)
        yield pb.CopyImageResponse(summary=summary)


async def _copy(copy: ImageCopy, hosts: Sequence[Host], put: Put[Result]) -> None:
    """Copy to the *hosts* that are still there and not draining."""
    able = []
    for host in hosts:
        if host.removed is not None:
            await put(Failed(host, host.removed))
        elif host.draining:
            await put(Failed(host, HostDraining(host.name)))
        else:
            able.append(host)
    await copy.to(able, put)


def _response(results: Sequence[Result], summary: pb.BatchSummary) -> pb.CopyImageResponse:
    if not results:
        return pb.CopyImageResponse(heartbeat=heartbeat(0))
    response = pb.CopyImageResponse()
    for result in results:
        message = response.results.add(host=result.host.name)
        match result:
            case Progress(_, sent, total):
                message.progress.sent_bytes, message.progress.total_bytes = sent, total
            case Copied(_, image_id, 0):
                message.present.image_id = image_id
                summary.succeeded += 1
            case Copied(_, image_id, sent):
                message.copied.image_id, message.copied.sent_bytes = image_id, sent
                summary.succeeded += 1
            case Failed(host, error):
                message.failure.CopyFrom(as_message(error, host.name, _METHOD))
                summary.failed += 1
    return response
