"""ContainerService.StreamStats."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from dockfleet.v1 import containers_pb2 as pb

from gateway.engine.codec.binding import Binding
from gateway.engine.codec.wire import tag, varint
from gateway.engine.errors import InvalidField
from gateway.engine.resumable.subscription import Idle
from gateway.engine.stats.feed import Sample
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.encoding import EncodedOnce
from gateway.rpc.markers import heartbeat

_STATS = Binding(pb.DESCRIPTOR.services_by_name["ContainerService"].methods_by_name["StreamStats"])
_STATS_TAG = tag(pb.StreamStatsResponse.DESCRIPTOR, "stats")
_NOT_RUNNING = pb.StreamStatsResponse(not_running=pb.ContainerNotRunning()).SerializeToString()


class StatsService:
    """Serves samples of the resource usage of containers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def StreamStats(self, request: pb.StreamStatsRequest, context: CallContext) -> AsyncGenerator[bytes, None]:
        """Stream the newest samples of a container, or one."""
        feeds = self._backend.host(request, context).stats
        deadline = self._backend.timeouts.deadline(_STATS, context)
        _STATS.call(request)  # checks the id
        goes_on = request.stream or not request.HasField("stream")
        if not goes_on:
            yield self._response(await feeds.one(request.id, deadline, alone=request.one_shot), 0)
            return
        if request.one_shot:
            raise InvalidField("one_shot", "must not be true unless `stream` is false")
        async with feeds.samples(request.id) as samples:
            async for item in samples:
                yield _heartbeat(item) if isinstance(item, Idle) else self._response(*item)

    def _response(self, sample: Sample, skipped: int) -> bytes:
        if sample.stats is None:
            return _NOT_RUNNING
        # Only `skipped` differs between readers.  The concatenation of encoded messages is their merged message.
        encoded = encoded_sample(sample)
        missed = pb.ContainerStats(skipped=skipped).SerializeToString() if skipped else b""
        return b"".join((_STATS_TAG, varint(len(encoded) + len(missed)), encoded, missed))


def _encode(sample: Sample) -> bytes:
    assert sample.stats is not None
    return sample.stats.SerializeToString() + pb.ContainerStats(summary=sample.summary).SerializeToString()


encoded_sample = EncodedOnce[Sample](_encode)
"""Returns the ContainerStats of a sample, serialised; all streams that send it share the bytes."""


def _heartbeat(idle: Idle) -> bytes:
    return pb.StreamStatsResponse(heartbeat=heartbeat(idle.seconds)).SerializeToString()
