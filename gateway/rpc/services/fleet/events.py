"""FleetService.StreamEvents: the events of many hosts as one, in the order of their times."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2 as pb
from google.protobuf.duration_pb2 import Duration

from gateway.engine.client import APIError
from gateway.engine.codec.times import nanoseconds_of
from gateway.engine.codec.wire import delimited, tag
from gateway.engine.errors import CallError, InvalidField
from gateway.engine.events.event_buffer import EventCursor, EventTokenCodec, Record
from gateway.engine.events.filter import Filter
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.transport.turns import Turns
from gateway.fleet.host import Host
from gateway.fleet.members import Members
from gateway.fleet.merge import Part, Resumed, Source, Stalled
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.fan_out.requests import within_request
from gateway.rpc.host_messages import sources_response
from gateway.rpc.host_rpc import as_message
from gateway.rpc.markers import heartbeat
from gateway.rpc.services.fleet.ending import ending
from gateway.rpc.services.fleet.streams import Merged, max_wait
from gateway.rpc.services.fleet.tokens import PartsCodec
from gateway.rpc.services.system import gap_of

_METHOD = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name["StreamEvents"]
_TOKEN = tag(pb.StreamEventsResponse.DESCRIPTOR, "resume_token")
_RECORDS = tag(pb.StreamEventsResponse.DESCRIPTOR, "records")


class FleetEvents:
    """Serves merged events."""

    def __init__(self, backend: Backend, cursors: EventTokenCodec, tokens: PartsCodec) -> None:
        self._backend = backend
        self._cursors = cursors
        self._tokens = tokens

    async def StreamEvents(self, request: pb.StreamEventsRequest, context: CallContext) -> AsyncGenerator[bytes, None]:
        """Stream the events of all hosts that are selected."""
        _check(request)
        cursors: dict[str, EventCursor] = {}
        if request.resume_token:
            cursors = dict(map(self._cursors.unpack, self._tokens.parts(request.resume_token)))
        stream = _Stream(request, cursors)
        timeout = self._backend.timeouts.fan_out
        members = Members(self._backend.hosts, request.hosts, None, stream, timeout)
        async with stream.merged, members, ending(stream, timeout):
            await stream.listening(max_wait(request))
            await context.send_initial_metadata()
            if first := sources_response(pb.StreamEventsResponse, self._backend.hosts, request.resume_token):
                yield first.SerializeToString()
            async with aclosing(stream.merged.responses(stream.records)) as responses:
                async for records in responses:
                    parts = [self._cursors.pack(host, cursor) for host, cursor in stream.cursors.items()]
                    yield delimited(_TOKEN, self._tokens.token(parts)) + records


def _check(request: pb.StreamEventsRequest) -> None:
    if not request.HasField("hosts"):
        raise InvalidField("hosts", "must select hosts; `all: true` selects every host")
    for name in ("host", "resume_token"):
        if getattr(request.request, name):
            raise InvalidField(f"request.{name}", "must be empty: it belongs to the call for one host")
    if request.resume_token and request.request.HasField("since"):
        raise InvalidField("request.since", "must be absent with `resume_token`, which has the position")


class _Stream:
    """One merged stream: a `Listener` of its hosts."""

    def __init__(self, request: pb.StreamEventsRequest, cursors: dict[str, EventCursor]) -> None:
        """*cursors* are the positions in the events of hosts that a token holds."""
        self.merged: Merged[Record | pb.EventRecord] = Merged(max_wait(request))
        self.cursors = cursors
        asked = request.request
        try:
            self._wanted = Filter({name: values.items for name, values in asked.filters.items()})
        except InvalidField as wrong:
            raise within_request(wrong) from None
        self._since = nanoseconds_of(asked.since, "request.since") if asked.HasField("since") else None
        self.until = nanoseconds_of(asked.until, "request.until") if asked.HasField("until") else None
        if self._since is not None and self.until is not None and self.until < self._since:
            raise InvalidField("request.until", "must not be before `since`")
        self._sources: dict[Host, Source[Record | pb.EventRecord]] = {}
        self._down: set[str] = set()
        self._broken: set[Host] = set()  # hosts whose events are read again when they are up
        self._listening: dict[Host, asyncio.Event] = {}  # by host: whether its events are being read
        self._news: list[bytes] = []
        self._first = True

    # What the hosts do

    def host_joined(self, host: Host) -> None:
        """Read its events, from its cursor in the token on."""
        self._begin(host)
        if not self._first:
            self._report(host, joined=pb.SourceJoined())

    def _begin(self, host: Host) -> None:
        self._broken.discard(host)
        self._listening[host] = asyncio.Event()
        self._sources[host] = self.merged.read(host, lambda source: self._read(source, host))

    def host_up(self, host: Host) -> None:
        """Report that the host has resumed; read its events again if a failure of the host has ended that."""
        if host in self._broken:
            self._begin(host)
        if host.name in self._down:
            self._down.discard(host.name)
            self._report(host, resumed=pb.SourceResumed())

    def host_down(self, host: Host, failure: CallError) -> None:
        """Stall the host, so that no other waits for it, and report that."""
        self._down.add(host.name)
        self._listening[host].set()
        self.merged.stall(self._sources[host])
        self._report(host, stalled=pb.SourceStalled(failure=as_message(failure, host.name, _METHOD)))

    def host_changed(self, host: Host) -> None:
        """Do nothing: the stream shows no labels."""

    def host_left(self, host: Host, why: CallError) -> None:
        """Stop reading the host, and report that.  If the host comes back, its events continue after the last one
        sent.
        """
        self._down.discard(host.name)
        self._broken.discard(host)
        self._listening.pop(host).set()
        self.merged.stop(self._sources.pop(host))
        self._report(host, failure=as_message(why, host.name, _METHOD))

    def container_put(self, host: Host, row: ContainerRow, *, later: bool) -> None:
        """Do nothing: the stream has the events of all containers."""

    def container_gone(self, host: Host, id: str) -> None:
        """Do nothing: there is an event of it."""

    def reported(self) -> None:
        """Note that hosts that join from now on are new.  After `until`, none can join."""
        self._first = False
        if self.until is not None:
            self.merged.finish(self.until)

    # Reading

    async def listening(self, seconds: float) -> None:
        """Wait until the events of every host are followed, at most *seconds* for hosts that do not answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for listening in list(self._listening.values()):
                    await listening.wait()

    async def _read(self, source: Source[Record | pb.EventRecord], host: Host) -> None:
        cursor = self.cursors.get(host.name)
        since = self._since if cursor is None else None
        try:
            async with host.events.watch(self._wanted, since=since, until=self.until, cursor=cursor) as records:
                self._listening[host].set()
                async for record in records:
                    if host.engine.turns.spent:
                        await host.engine.turns.next()
                    times = [record.event.time_nano] if record.event is not None else []
                    await self.merged.put(source, record, times, 512)
                    if record.cursor.number + 1 >= host.events.journal.next:
                        self.merged.live(source)
        except (CallError, APIError) as error:
            self._listening[host].set()
            if isinstance(error, CallError):
                self._broken.add(host)
            await self.merged.put(source, _failed(host, error), [], 0)

    def host_of(self, source: Source[Record | pb.EventRecord]) -> Host:
        """Return the host of *source*."""
        host: Host = source.key
        return host

    def give_up(self, source: Source[Record | pb.EventRecord], why: CallError) -> None:
        """End the events of a host that does not answer with a failure."""
        self.merged.end(source, _failed(source.key, why))

    # Sending

    def records(self, items: list[Any]) -> Iterator[tuple[bytes, Turns | None]]:
        """Yield the records of *items*, or a heartbeat without any, each with the turns of its host if that sent it.

        After each of them, `cursors` are those of the token for the position after it.
        """
        empty = not self._news
        while self._news:
            yield self._news.pop(0), None
        for item in items:
            if (record := self._record(item)) is not None:
                empty = False
                yield _encoded(record), item.source.key.engine.turns
        if empty and (not items or self._only_heartbeats(items)):
            yield pb.StreamEventsResponse(heartbeat=heartbeat(0)).SerializeToString(), None

    @staticmethod
    def _only_heartbeats(items: list[Any]) -> bool:
        return all(isinstance(item, Part) for item in items)

    def _record(self, item: Any) -> pb.EventRecord | None:
        """Return *item* as a record; None when there is nothing to send of it."""
        host: Host = item.source.key
        match item:
            case Part(source) if source.dropped:
                return None  # the host has left since then
            case Part(_, Record() as record):
                self.cursors[host.name] = record.cursor
                if record.event is not None:
                    return pb.EventRecord(host=host.name, event=record.event)
                if record.gap is not None:
                    return pb.EventRecord(host=host.name, gap=gap_of(record.gap))
            case Part(_, pb.EventRecord() as failure):
                return failure
            case Stalled(_, idle):
                silent = Duration()
                silent.FromNanoseconds(int(idle * 1e9))
                return pb.EventRecord(host=host.name, stalled=pb.SourceStalled(idle=silent))
            case Resumed() if host.name not in self._down:
                return pb.EventRecord(host=host.name, resumed=pb.SourceResumed())
        return None

    def _report(self, host: Host, **what: Any) -> None:
        self._news.append(_encoded(pb.EventRecord(host=host.name, **what)))
        self.merged.wake()


def _failed(host: Host, error: CallError | APIError) -> pb.EventRecord:
    return pb.EventRecord(host=host.name, failure=as_message(error, host.name, _METHOD))


def _encoded(record: pb.EventRecord) -> bytes:
    return delimited(_RECORDS, record.SerializeToString())
