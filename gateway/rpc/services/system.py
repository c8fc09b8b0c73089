"""SystemService: events.  The rest is mirrored."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from dockfleet.v1 import common_pb2
from dockfleet.v1 import system_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.engine.events.event_buffer import EventTokenCodec, Gap, Item, Reason
from gateway.engine.events.filter import Filter
from gateway.rpc import markers
from gateway.rpc.markers import heartbeat
from gateway.rpc.mirror import Backend, Context
from gateway.telemetry import metrics

_REASONS = {
    Reason.ENGINE_RESTARTED: common_pb2.GAP_REASON_ENGINE_RESTARTED,
    Reason.OVERRUN: common_pb2.GAP_REASON_OVERRUN,
    Reason.SLOW_READER: common_pb2.GAP_REASON_SLOW_READER,
}


class SystemService:
    """Watches hosts."""

    def __init__(self, backend: Backend, seal: EventTokenCodec) -> None:
        self._backend = backend
        self._seal = seal

    async def StreamEvents(self, request: pb.StreamEventsRequest, context: Context) -> AsyncGenerator[bytes, None]:
        """Stream a host's events, as the gateway hears them."""
        host = self._backend.host(request)
        wanted = Filter({name: values.items for name, values in request.filters.items()})
        since = request.since.ToNanoseconds() if request.HasField("since") else None
        until = request.until.ToNanoseconds() if request.HasField("until") else None
        place = self._seal.place(request.host, request.resume_token) if request.resume_token else None
        if place is not None and since is not None:
            raise InvalidField("since", "must not be given together with `resume_token`, which says where to go on")
        if since is not None and until is not None and until < since:
            raise InvalidField("until", "must not be before `since`")
        async with host.events.watch(wanted, since=since, until=until, place=place) as items:
            await context.send_initial_metadata(())  # from here on, no event is missed
            async for item in items:
                if item.wire is None:
                    if item.gap is not None:
                        metrics.GAPS.labels(host.name, "events", item.gap.reason.name.lower()).inc()
                    item.wire = self._message(request.host, item).SerializeToString()
                yield item.wire

    def _message(self, host: str, item: Item) -> pb.StreamEventsResponse:
        return pb.StreamEventsResponse(
            event=item.event,
            resume_token=self._seal.token(host, item.place),
            gap=None if item.gap is None else _gap(item.gap),
            heartbeat=None if item.idle is None else heartbeat(item.idle),
        )


def _gap(gap: Gap) -> common_pb2.Gap:
    return markers.gap(_REASONS[gap.reason], gap.after, gap.before, gap.count)
