"""SystemService: events.  The mirror serves the rest."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from dockfleet.v1 import common_pb2
from dockfleet.v1 import system_pb2 as pb

from gateway.engine.codec.times import nanoseconds_of
from gateway.engine.errors import InvalidField
from gateway.engine.events.event_buffer import EventTokenCodec, Gap, GapReason, Record
from gateway.engine.events.filter import Filter
from gateway.engine.kinds import Kind
from gateway.rpc import markers
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.encoding import EncodedOnce
from gateway.rpc.markers import heartbeat

_REASONS = {
    GapReason.ENGINE_RESTARTED: common_pb2.GAP_REASON_ENGINE_RESTARTED,
    GapReason.OVERRUN: common_pb2.GAP_REASON_OVERRUN,
    GapReason.SLOW_READER: common_pb2.GAP_REASON_SLOW_READER,
}


class SystemService:
    """Streams the events of hosts."""

    def __init__(self, backend: Backend, tokens: EventTokenCodec) -> None:
        self._backend = backend
        self._tokens = tokens
        self._encoded = EncodedOnce[Record](self._encode)

    async def StreamEvents(self, request: pb.StreamEventsRequest, context: CallContext) -> AsyncGenerator[bytes, None]:
        """Stream a host's events, as the gateway receives them."""
        host = self._backend.host(request, context)
        wanted = Filter({name: values.items for name, values in request.filters.items()})
        since = nanoseconds_of(request.since, "since") if request.HasField("since") else None
        until = nanoseconds_of(request.until, "until") if request.HasField("until") else None
        cursor = self._tokens.cursor(request.host, request.resume_token) if request.resume_token else None
        if cursor is not None and since is not None:
            raise InvalidField("since", "must not be given together with `resume_token`, which says where to continue")
        if since is not None and until is not None and until < since:
            raise InvalidField("until", "must not be before `since`")
        host.health.admit(Kind.STREAM)  # the shared subscription makes no call that would check
        async with host.events.watch(wanted, since=since, until=until, cursor=cursor) as records:
            await context.send_initial_metadata()  # from here on, no event is missed
            turns = host.engine.turns
            async for record in records:
                if turns.spent:
                    await turns.next()
                yield self._encoded(record, host.name)

    def _encode(self, record: Record, host: str) -> bytes:
        return pb.StreamEventsResponse(
            event=record.event,
            resume_token=self._tokens.token(host, record.cursor),
            gap=None if record.gap is None else gap_of(record.gap),
            heartbeat=None if record.idle is None else heartbeat(record.idle),
        ).SerializeToString()


def gap_of(gap: Gap) -> common_pb2.Gap:
    """Return *gap* as a message."""
    return markers.gap(_REASONS[gap.reason], gap.after, gap.before, gap.count)
