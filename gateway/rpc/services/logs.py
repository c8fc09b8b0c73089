"""ContainerService.StreamLogs: the log of a container, with its gaps, reconnects, restarts and end."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from dockfleet.v1 import common_pb2
from dockfleet.v1 import containers_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine import queries
from gateway.engine.client import Engine, NotFound
from gateway.engine.codec.binding import Binding
from gateway.engine.codec.timestamps import canonical, nanoseconds
from gateway.engine.codec.wire import tag, varint
from gateway.engine.errors import InvalidField, LogGap
from gateway.engine.logs.answer import LogQuery
from gateway.engine.logs.cursor import LogTokenCodec, ResumePoint
from gateway.engine.logs.records import Batch, End, EndReason, Gap, GapReason, Heartbeat, Reconnected, Record, Restarted
from gateway.engine.logs.runs import Run
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.encoding import EncodedOnce, log_encoder
from gateway.rpc.markers import gap, heartbeat

_METHOD = pb.DESCRIPTOR.services_by_name["ContainerService"].methods_by_name["StreamLogs"]
_LARGE_BYTES = 4096  # of a batch; to send a smaller one takes too little time to be worth a check of the turn

_LOGS = Binding(_METHOD)
STDOUT, STDERR, DETAILS = 1, 2, 4  # flags of a resume point
_TOKEN = tag(pb.StreamLogsResponse.DESCRIPTOR, "resume_token")
_ID = tag(pb.StreamLogsResponse.DESCRIPTOR, "container_id")
_BATCH = tag(pb.StreamLogsResponse.DESCRIPTOR, "batch")
_UNKNOWN = {  # why an end has no exit code
    EndReason.COMPLETE: "the call did not wait for the container's end",
    EndReason.EXITED: "the engine does not know it",
    EndReason.REMOVED: "the container was removed",
    EndReason.RESTARTED: "the container was started again",
    EndReason.NOT_RUNNING: "the container was never started",
}


class LogService:
    """Streams logs.  Followers of one log share its upstream and its encoded records."""

    def __init__(self, backend: Backend, codec: LogTokenCodec) -> None:
        self._backend = backend
        self._codec = codec
        self._encoders: dict[tuple[int, bool], EncodedOnce[Record]] = {}

    async def StreamLogs(self, request: pb.StreamLogsRequest, context: CallContext) -> AsyncGenerator[Any, None]:
        """Stream a container's log in batches."""
        host = self._backend.host(request, context)
        flags = flags_of(request)
        query = query_of(request, flags)
        point = self._point(request, flags)
        try:
            container, run = await self._inspect(host.engine, request.id, point)
        except NotFound:
            if point is None:
                raise
            yield self._encoder(request, flags)(End(point.cursor, EndReason.REMOVED), host.name, point.container)
            return
        if point is not None and point.container != container:
            raise InvalidField("id", f"is not the container of `resume_token`, which is {point.container[:12]}")
        encode, name, strict = self._encoder(request, flags), host.name, request.strict
        records = host.logs.read(container, query, run, None if point is None else point.cursor)
        turns = host.engine.turns
        async with aclosing(records):
            async for record in records:
                if isinstance(record, Batch) and record.size > _LARGE_BYTES and turns.spent:
                    await turns.next()
                if strict and isinstance(record, Gap):
                    raise LogGap(record.message)
                yield encode(record, name, container)

    def _encoder(self, request: pb.StreamLogsRequest, flags: int) -> EncodedOnce[Record]:
        """Return the encoder that all calls with the same options share."""
        times = request.timestamps or not request.HasField("timestamps")
        if (flags, times) not in self._encoders:
            self._encoders[flags, times] = _encoder(self._codec, flags, times=times)
        return self._encoders[flags, times]

    async def _inspect(self, engine: Engine, id: str, point: ResumePoint | None) -> tuple[str, Run]:
        """Return the full id and the run of a container.  If no container has *id* any more, use the container of
        *point*.
        """
        try:
            inspected = await queries.inspect(engine, id)
        except NotFound:
            if point is None:
                raise
            inspected = await queries.inspect(engine, point.container)
        return inspected.id, Run.of(inspected)

    def _point(self, request: pb.StreamLogsRequest, flags: int) -> ResumePoint | None:
        """Return the resume point in the request's token; None without a token.  Raises `InvalidToken` and
        `InvalidField`.
        """
        if not request.resume_token:
            return None
        point = self._codec.point(request.resume_token)
        for name in ("since", "tail"):
            if request.HasField(name):
                raise InvalidField(name, "must be absent with `resume_token`, which has the position")
        if point.host != request.host:
            raise InvalidField("host", f"is not the host of `resume_token`, which is {point.host}")
        different = point.flags ^ flags
        for flag, name in ((STDOUT, "stdout"), (STDERR, "stderr"), (DETAILS, "details")):
            if different & flag:
                raise InvalidField(name, "must be as in the call that gave `resume_token`")
        return point


def flags_of(request: pb.StreamLogsRequest) -> int:
    """Return the outputs and details that *request* asks for, as a resume point has them.  Raises `InvalidField`."""
    # `stdout: true` alone means only stdout; `stdout: false` alone means only stderr.
    stdout = request.stdout if request.HasField("stdout") else not request.stderr
    stderr = request.stderr if request.HasField("stderr") else not request.stdout
    if not stdout and not stderr:
        raise InvalidField("stdout", "or `stderr` must be true, or absent")
    return STDOUT * stdout | STDERR * stderr | DETAILS * request.details


def query_of(request: pb.StreamLogsRequest, flags: int) -> LogQuery:
    """Return *request* as a query.  Raises `InvalidField` for values that must not be sent to an engine."""
    _LOGS.call(request, None)
    since = _number(request.since) if request.HasField("since") else None
    until = _number(request.until) if request.HasField("until") else None
    if since is not None and until is not None and since > until:
        raise InvalidField("until", "must not be before `since`")
    return LogQuery(
        since=since,
        until=until,
        tail=request.tail if request.HasField("tail") else None,
        follow=request.follow,
        follow_restarts=request.follow_restarts,
        details=request.details,
        streams=frozenset(stream for stream in (STDOUT, STDERR) if flags & stream),
    )


def _encoder(tokens: LogTokenCodec, flags: int, *, times: bool) -> EncodedOnce[Record]:
    """Return the function that encodes records as responses, with the container and the resume token."""
    encode_lines = log_encoder(times=times, details=bool(flags & DETAILS))
    streams = flags & (STDOUT | STDERR)

    def encode(record: Record, host: str, container: str) -> bytes:
        token = tokens.token(ResumePoint(host, container, flags, record.cursor))
        head = b"".join((_TOKEN, varint(len(token)), token, _ID, varint(len(container)), container.encode()))
        if not isinstance(record, Batch):
            return head + message_of(record).SerializeToString()
        lines = record.lines
        if streams != STDOUT | STDERR:
            lines = [line for line in lines if line.stream == streams]
        encoded = encode_lines(lines)
        return b"".join((head, _BATCH, varint(len(encoded)), encoded))

    return EncodedOnce(encode)


def message_of(record: Record) -> pb.StreamLogsResponse:
    """Return a record other than a batch as a field of a response."""
    message = pb.StreamLogsResponse()
    match record:
        case Reconnected():
            message.reconnected.SetInParent()
        case Gap(_, after, before, reason):
            message.gap.CopyFrom(gap(_GAPS[reason], *(nanoseconds(time) if time else 0 for time in (after, before))))
        case Restarted(_, started):
            message.restarted.start_time.FromNanoseconds(nanoseconds(canonical(started.encode())))
        case Heartbeat(_, seconds):
            message.heartbeat.CopyFrom(heartbeat(seconds))
        case End(_, reason, exit_code):
            message.end.reason = pb.LogEndReason.Value(f"LOG_END_REASON_{reason.name}")
            if exit_code is not None:
                message.end.exit_code = exit_code
            else:
                message.end.unknown_reason = _UNKNOWN[reason]
    return message


_GAPS = {
    GapReason.ROTATED: common_pb2.GAP_REASON_ROTATED,
    GapReason.REPLACED: common_pb2.GAP_REASON_REPLACED,
}


def _number(time: Timestamp) -> int:
    return time.ToNanoseconds()
