"""ContainerService.StreamStats."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from dockfleet.v1 import containers_pb2 as pb

from gateway.engine.binding import Binding
from gateway.engine.enginejson import InvalidField
from gateway.engine.stats.sampler import Sample, Samplers
from gateway.services.mirror import Context, Gate

_STATS = Binding(pb.DESCRIPTOR.services_by_name["ContainerService"].methods_by_name["StreamStats"])


class StatsService:
    """Serves samples of the use of containers."""

    def __init__(self, gate: Gate, samplers: Samplers) -> None:
        self._gate = gate
        self._samplers = samplers

    async def StreamStats(self, request: pb.StreamStatsRequest, context: Context) -> AsyncGenerator[bytes, None]:
        """Stream the newest samples of a container, or one."""
        engine = self._gate.engine(request)
        deadline = self._gate.patience.deadline(_STATS, context)
        _STATS.call(request)  # checks the id
        goes_on = request.stream or not request.HasField("stream")
        if not goes_on:
            yield _message(await self._samplers.one(engine, request.id, deadline, alone=request.one_shot), 0)
            return
        if request.one_shot:
            raise InvalidField("one_shot", "must not be true unless `stream` is false")
        async with self._samplers.samples(engine, request.id) as samples:
            async for sample, skipped in samples:
                yield _message(sample, skipped)


def _message(sample: Sample, skipped: int) -> bytes:
    if not sample.wire:
        message = pb.StreamStatsResponse(stats=sample.stats, summary=sample.summary, running=sample.stats is not None)
        sample.wire = message.SerializeToString()
    if not skipped:
        return sample.wire
    # A field of its own behind the others: the rest is the same for all readers.
    return sample.wire + pb.StreamStatsResponse(skipped=skipped).SerializeToString()
