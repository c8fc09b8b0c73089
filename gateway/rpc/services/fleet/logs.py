"""FleetService.StreamLogs: the logs of many containers as one, in the order of their times."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2 as pb

from gateway.engine.codec.wire import delimited, tag
from gateway.engine.errors import CallError, InvalidField
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.inventory.selecting import check_containers
from gateway.engine.logs.cursor import LogTokenCodec
from gateway.engine.transport.turns import Turns
from gateway.fleet.host import Host
from gateway.fleet.members import Members
from gateway.fleet.merge import Part, Resumed, Source, Stalled
from gateway.fleet.selector import select
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.encoding import log_encoder
from gateway.rpc.fan_out.requests import settled, within_request
from gateway.rpc.host_messages import sources_response
from gateway.rpc.markers import heartbeat
from gateway.rpc.services.fleet.ending import ending
from gateway.rpc.services.fleet.log_places import UNDECIDED, Lines, Log, Place, Places
from gateway.rpc.services.fleet.log_reading import Reader
from gateway.rpc.services.fleet.log_records import RESUMED, Other, batch, failed, failure_of, of_host, of_log, stalled
from gateway.rpc.services.fleet.streams import Merged, max_wait
from gateway.rpc.services.fleet.tokens import PartsCodec
from gateway.rpc.services.logs import DETAILS, flags_of, query_of

_TOKEN = tag(pb.StreamLogsResponse.DESCRIPTOR, "resume_token")


class FleetLogs:
    """Serves merged logs."""

    def __init__(self, backend: Backend, points: LogTokenCodec, tokens: PartsCodec) -> None:
        self._backend = backend
        self._points = points
        self._tokens = tokens

    async def StreamLogs(self, request: pb.StreamLogsRequest, context: CallContext) -> AsyncGenerator[bytes, None]:
        """Stream the logs of all containers that are selected."""
        _check(request)
        await settled(select(self._backend.hosts, request.hosts, "hosts"))
        parts = self._tokens.parts(request.resume_token) if request.resume_token else None
        stream = _Stream(self._backend, request, self._points, parts)
        timeout = self._backend.timeouts.fan_out
        members = Members(self._backend.hosts, request.hosts, request.containers, stream, timeout)
        async with stream.merged, members, ending(stream, timeout):
            await context.send_initial_metadata()
            if first := sources_response(pb.StreamLogsResponse, self._backend.hosts, request.resume_token):
                yield first.SerializeToString()
            async with aclosing(stream.merged.responses(stream.records)) as responses:
                async for records in responses:
                    yield delimited(_TOKEN, self._tokens.token(stream.parts())) + records


def _check(request: pb.StreamLogsRequest) -> None:
    if not request.HasField("hosts"):
        raise InvalidField("hosts", "must select hosts; `all: true` selects every host")
    if not request.HasField("containers"):
        raise InvalidField("containers", "must select containers; `all: true` selects every container")
    check_containers(request.containers, "containers")
    for name in ("host", "id", "resume_token"):
        if getattr(request.request, name):
            raise InvalidField(f"request.{name}", "must be empty: it belongs to the call for one container")


class _Stream:
    """One merged stream: a `Listener` of its members, and the encoder of their logs."""

    def __init__(
        self, backend: Backend, request: pb.StreamLogsRequest, points: LogTokenCodec, parts: list[bytes] | None
    ) -> None:
        self.merged: Merged[Lines | Other] = Merged(max_wait(request))
        self._backend = backend
        asked = request.request
        try:
            flags = flags_of(asked)
            self._query = query_of(_for_any_container(asked), flags)
        except InvalidField as wrong:
            raise within_request(wrong) from None
        self.until = self._query.until
        self._encode = log_encoder(
            times=asked.timestamps or not asked.HasField("timestamps"), details=bool(flags & DETAILS)
        )
        self._logs: dict[tuple[str, str], Source[Lines | Other]] = {}
        self._of: dict[Source[Lines | Other], Log] = {}
        self._down: set[Host] = set()
        self._news: list[bytes] = []  # records of whole hosts
        self._places = Places(points, flags, parts or [])
        self._reader = Reader(self.merged, self._places, self._query, flags)

    # What the members do

    def host_joined(self, host: Host) -> None:
        """Continue the logs of a token, also of containers that are gone."""
        self._continue(host)

    def host_up(self, host: Host) -> None:
        """Report that the host has resumed; continue the logs that a failure of the host has ended."""
        self._continue(host)
        for log in self._of.values():
            log.again |= log.broken and log.host is host
        self._places.know(host)
        if host in self._down:
            self._down.discard(host)
            self._report(host, resumed=pb.SourceResumed())

    def host_down(self, host: Host, failure: CallError) -> None:
        """Stall the logs of the host, so that no others wait for them, and report that."""
        self._down.add(host)
        self._places.lose(host)
        self._report(host, stalled=pb.SourceStalled(failure=failure_of(host, failure)))
        for source, log in self._of.items():
            if log.host is host:
                self.merged.stall(source)

    def host_changed(self, host: Host) -> None:
        """Do nothing: the stream shows no labels."""

    def host_left(self, host: Host, why: CallError) -> None:
        """Stop reading the host, and report that.  If the host comes back, its logs continue after the last line
        sent.
        """
        self._down.discard(host)
        for source, log in list(self._of.items()):
            if log.host is host:
                self.merged.stop(source)
                self._forget(source, log)
                self._places.leave((host.name, log.id), log.sent)
        self._report(host, failure=failure_of(host, why))

    def container_put(self, host: Host, row: ContainerRow, *, later: bool) -> None:
        """Begin its log, unless it is read already or has ended before."""
        key = host.name, row.id
        if key in self._logs:
            log = self._of[self._logs[key]]
            if log.name != row.name:
                log.name, log.head = row.name, b""
        elif (place := self._places.take(key)) is not None:
            self._begin(host, row.id, row.name, place)
        elif not later and not self._places.knows(host):
            self._begin(host, row.id, row.name, Place())
        elif (place := self._places.of_row(key, row)) is not None:
            if place.since != UNDECIDED:
                self._report(host, id=row.id, name=row.name, joined=pb.SourceJoined())
            self._begin(host, row.id, row.name, place)

    def container_gone(self, host: Host, id: str) -> None:
        """Leave its log to end by itself."""

    def reported(self) -> None:
        """End with the last log, if no log can begin any more."""
        if not self._query.follow:
            self.merged.finish()
        elif self.until is not None:
            self.merged.finish(self.until)

    # Its logs

    def _continue(self, host: Host) -> None:
        for id, place in self._places.take_all(host.name):
            self._begin(host, id, "", place)

    def _begin(self, host: Host, id: str, name: str, place: Place) -> None:
        log = Log(host, id, name, place, read=replace(place))
        source = self.merged.read((host.name, id), lambda source: self._reader.read(source, log))
        self._logs[host.name, id] = source
        self._of[source] = log
        if host in self._down:
            self.merged.stall(source)

    def host_of(self, source: Source[Lines | Other]) -> Host:
        """Return the host of a log."""
        return self._of[source].host

    def give_up(self, source: Source[Lines | Other], why: CallError) -> None:
        """End a log whose host does not answer with a failure."""
        self.merged.end(source, failed(self.host_of(source), why))

    # Sending

    def records(self, items: list[Any]) -> Iterator[tuple[bytes, Turns | None]]:
        """Yield the records of *items*, or a heartbeat without any, each with the turns of its host if that sent it.

        After each of them, `parts` are those of the token for the position after it.
        """
        if not items and not self._news:
            yield pb.StreamLogsResponse(heartbeat=heartbeat(0)).SerializeToString(), None
        while self._news:
            yield self._news.pop(0), None
        for item in items:
            match item:
                case Part(source) | Stalled(source) | Resumed(source) if source.dropped:
                    pass  # the host has left since then
                case Part(source, Lines() as lines, start, stop):
                    log = self._of[source]
                    record = of_log(log, batch(self._encode(lines.lines[start:stop])))
                    log.sent, log.packed = lines.place(stop, log.sent.since), b""
                    yield record, log.host.engine.turns
                case Part(source, Other(body, after)):
                    log = self._of[source]
                    if after is not None:
                        log.sent, log.packed = after, b""
                    yield of_log(log, body), log.host.engine.turns
                case Stalled(source, idle):
                    yield of_log(self._of[source], stalled(idle)), None
                case Resumed(source):
                    if self._of[source].host not in self._down:
                        yield of_log(self._of[source], RESUMED), None
        self._forget_ended()

    def _report(self, host: Host, *, id: str = "", name: str = "", **what: Any) -> None:
        self._news.append(of_host(host, id=id, name=name, **what))
        self.merged.wake()

    def _forget_ended(self) -> None:
        """Forget the logs that were sent to their end."""
        left = set(self.merged.merge)
        for source, log in list(self._of.items()):
            if source not in left:
                self._forget(source, log)
                if log.again:
                    self._begin(log.host, log.id, log.name, log.sent)
                elif log.broken:
                    self._places.keep((log.host.name, log.id), log.sent)
                else:
                    self._places.done(log.host, log.id, up=log.host not in self._down)

    def parts(self) -> Iterator[bytes]:
        """Yield the parts of a token now."""
        up = (host for host in self._backend.hosts if host not in self._down)
        return self._places.parts(self._of.values(), up)

    def _forget(self, source: Source[Lines | Other], log: Log) -> None:
        del self._of[source]
        del self._logs[log.host.name, log.id]


def _for_any_container(asked: Any) -> Any:
    """Return *asked* as a request for one container, to check it; the id is arbitrary."""
    one = type(asked)()
    one.CopyFrom(asked)
    one.id = "0" * 64
    return one
