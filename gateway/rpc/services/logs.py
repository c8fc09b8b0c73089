"""ContainerService.StreamLogs: a container's log, with all there is to say about where it begins, breaks and ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from dockfleet.v1 import common_pb2
from dockfleet.v1 import containers_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine import queries
from gateway.engine.client import APIClient, Call, Engine, NotFound
from gateway.engine.codec.binding import Binding
from gateway.engine.codec.timestamps import canonical, nanoseconds
from gateway.engine.errors import InvalidField, LogGap
from gateway.engine.logs.following import Follower
from gateway.engine.logs.hub import Encoder, Read, Source, Start, message_of
from gateway.engine.logs.places import LogTokenCodec, Place
from gateway.engine.logs.reading import Question, Span
from gateway.engine.logs.runs import End, Ending, Gap, Item, Lost, Quiet, Resumed, Run, RunBoundary
from gateway.fleet.host import Host
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.encoding import log_encoder, tag, varint
from gateway.rpc.markers import gap, heartbeat

_METHOD = pb.DESCRIPTOR.services_by_name["ContainerService"].methods_by_name["StreamLogs"]
_LOGS = Binding(_METHOD)
_STDOUT, _STDERR, _DETAILS = 1, 2, 4  # of a place's flags
_TOKEN = tag(pb.StreamLogsResponse.DESCRIPTOR, "resume_token")
_ID = tag(pb.StreamLogsResponse.DESCRIPTOR, "container_id")
_BATCH = tag(pb.StreamLogsResponse.DESCRIPTOR, "batch")
_ENDINGS = {
    Ending.COMPLETE: pb.LOG_END_REASON_COMPLETE,
    Ending.EXITED: pb.LOG_END_REASON_EXITED,
    Ending.REMOVED: pb.LOG_END_REASON_REMOVED,
    Ending.RESTARTED: pb.LOG_END_REASON_RESTARTED,
    Ending.NOT_RUNNING: pb.LOG_END_REASON_NOT_RUNNING,
}
_UNKNOWN = {  # why an end has no exit code
    Ending.COMPLETE: "the call did not wait for the container's end",
    Ending.EXITED: "the engine does not know it",
    Ending.REMOVED: "the container was removed",
    Ending.RESTARTED: "the container was started again",
    Ending.NOT_RUNNING: "the container was never started",
}
_REASONS = {
    Lost.ROTATED: common_pb2.GAP_REASON_ROTATED,
    Lost.REPLACED: common_pb2.GAP_REASON_REPLACED,
    Lost.CLOCK_STEP: common_pb2.GAP_REASON_CLOCK_STEP,
}


class LogService:
    """Streams logs; those who follow the same one share what can be shared."""

    def __init__(self, backend: Backend, seal: LogTokenCodec) -> None:
        self._backend = backend
        self._seal = seal

    async def StreamLogs(self, request: pb.StreamLogsRequest, context: CallContext) -> AsyncGenerator[Any, None]:
        """Stream a container's log in batches."""
        host = self._backend.host(request, context)
        engine = host.engine
        if request.HasField("since") and request.HasField("until") and _number(request.since) > _number(request.until):
            raise InvalidField("until", "must not be before `since`")
        flags = _flags(request)
        _caller(request.id, flags, 0)(_span(request))  # refuses what must not be sent
        place = self._place(request, flags)
        try:
            container = await self._container(engine, request.id, place)
        except NotFound:
            if place is None:
                raise
            yield message_of(_Encoder(request, place.container), End(Ending.REMOVED), request.resume_token)
            return
        if place is not None and place.container != container:
            raise InvalidField("id", f"is not the container of `resume_token`, which is {place.container[:12]}")
        source = self._source(host, container, request, flags)
        encoder = _Encoder(request, container)
        if request.follow and not request.HasField("until"):
            times = request.timestamps or not request.HasField("timestamps")
            key = (container, flags, times, request.follow_restarts, request.strict)
            since = _number(request.since) if request.HasField("since") else None
            start = Start(since, request.tail if request.HasField("tail") else None, request.resume_token)
            messages = host.logs.follow(key, start, source, encoder)
        else:
            messages = _alone(source(request.resume_token), encoder)
        async with aclosing(messages):
            async for message in messages:
                yield message

    async def _container(self, engine: Engine, id: str, place: Place | None) -> str:
        """Return the full id of a container; of that of *place*, when nothing is called *id* any more."""
        try:
            return (await queries.inspect(engine, id)).id
        except NotFound:
            if place is None:
                raise
            return (await queries.inspect(engine, place.container)).id

    def _place(self, request: pb.StreamLogsRequest, flags: int) -> Place | None:
        """Return the place that the request's token holds.  Raises `InvalidToken` and `InvalidField`."""
        if not request.resume_token:
            return None
        place = self._seal.place(request.resume_token)
        for name in ("since", "tail"):
            if request.HasField(name):
                raise InvalidField(name, "must be absent where `resume_token` tells the place")
        if place.host != request.host:
            raise InvalidField("host", f"is not the host of `resume_token`, which is {place.host}")
        different = place.flags ^ flags
        for flag, name in ((_STDOUT, "stdout"), (_STDERR, "stderr"), (_DETAILS, "details")):
            if different & flag:
                raise InvalidField(name, "must be as in the call that gave `resume_token`")
        return place

    def _source(self, host: Host, container: str, request: pb.StreamLogsRequest, flags: int) -> Source:
        engine = host.engine
        call = _caller(container, flags, self._backend.timeouts.read)
        question = Question(_span(request), call, details=bool(flags & _DETAILS))

        async def read(token: bytes) -> AsyncGenerator[Read, None]:
            place = self._seal.place(token) if token else None
            try:
                run = Run.of(await engine.call(APIClient.inspect_container, container))
            except NotFound:
                yield Read(End(Ending.REMOVED), token, False)
                return
            follower = Follower(
                engine,
                container,
                question,
                restarts=request.follow_restarts,
                position=place.position if place else None,
                started=place.started if place else "",
                reconnect_timeout_seconds=self._backend.timeouts.reconnect,
            )
            async with aclosing(follower.items(run)) as items:
                async for item in items:
                    if isinstance(item, Resumed):
                        host.metrics.reconnected("logs")
                    elif isinstance(item, Gap):
                        host.metrics.gap("logs", item.reason.name.lower())
                        if request.strict:
                            raise LogGap(item.message)
                    position = follower.position
                    here = self._seal.token(Place(engine.name, container, follower.started, flags, position))
                    yield Read(item, here, position.fresh)

        return read


async def _alone(reads: AsyncGenerator[Read, None], encoder: Encoder) -> AsyncGenerator[bytes, None]:
    async with aclosing(reads):
        async for item, token, _ in reads:
            yield message_of(encoder, item, token)


def _flags(request: pb.StreamLogsRequest) -> int:
    # One output asked for alone comes alone, one refused leaves the other.
    stdout = request.stdout if request.HasField("stdout") else not request.stderr
    stderr = request.stderr if request.HasField("stderr") else not request.stdout
    if not stdout and not stderr:
        raise InvalidField("stdout", "or `stderr` must be true, or absent")
    return _STDOUT * stdout | _STDERR * stderr | _DETAILS * request.details


def _span(request: pb.StreamLogsRequest) -> Span:
    return Span(
        _number(request.since) if request.HasField("since") else None,
        _number(request.until) if request.HasField("until") else None,
        request.tail if request.HasField("tail") else None,
        request.follow,
    )


def _caller(container: str, flags: int, seconds: float) -> Callable[[Span], Call]:
    def call(span: Span) -> Call:
        asked = pb.StreamLogsRequest(
            id=container,
            follow=span.follow,
            stdout=bool(flags & _STDOUT),
            stderr=bool(flags & _STDERR),
            timestamps=True,  # whatever the client wants to see: they are where it stands
            details=bool(flags & _DETAILS),
        )
        if span.since is not None:
            asked.since.FromNanoseconds(span.since)
        if span.until is not None:
            asked.until.FromNanoseconds(span.until)
        if span.tail is not None:
            asked.tail = span.tail
        return _LOGS.call(asked, asyncio.get_running_loop().time() + seconds)

    return call


class _Encoder:
    """Makes responses: the container and the resume token around a record."""

    def __init__(self, request: pb.StreamLogsRequest, container: str) -> None:
        times = request.timestamps or not request.HasField("timestamps")
        self._entries = log_encoder(times=times, details=request.details)
        self._container = _ID + varint(len(container)) + container.encode()

    def encode(self, item: Item) -> bytes:
        """Return the entries of a batch, or the record of another item, encoded."""
        return self._entries(item) if isinstance(item, list) else _record(item).SerializeToString()

    def message(self, encoded: bytes, token: bytes, *, entries: bool) -> bytes:
        """Return the response with what `encode` returned."""
        batch = _BATCH + varint(len(encoded)) if entries else b""
        return b"".join((_TOKEN, varint(len(token)), token, self._container, batch, encoded))


def _record(item: Item) -> pb.StreamLogsResponse:
    message = pb.StreamLogsResponse()
    match item:
        case Resumed():
            message.reconnected.SetInParent()
        case Gap(after, before, reason):
            times = (nanoseconds(time) if time else 0 for time in (after, before))
            message.gap.CopyFrom(gap(_REASONS[reason], *times))
        case RunBoundary(started):
            message.restarted.start_time.FromNanoseconds(nanoseconds(canonical(started.encode())))
        case Quiet(seconds):
            message.heartbeat.CopyFrom(heartbeat(seconds))
        case End(ending, exit_code):
            message.end.reason = _ENDINGS[ending]
            if exit_code is not None:
                message.end.exit_code = exit_code
            else:
                message.end.unknown_reason = _UNKNOWN[ending]
    return message


def _number(time: Timestamp) -> int:
    return time.ToNanoseconds()
