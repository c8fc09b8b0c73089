"""FleetService.StreamStats: the newest samples of many containers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.v1 import containers_pb2

from gateway.engine.client import APIError, NotFound
from gateway.engine.codec.wire import delimited, tag
from gateway.engine.errors import CallError, InvalidField
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.inventory.selecting import check_containers
from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS, Idle
from gateway.fleet.host import Host
from gateway.fleet.members import Members
from gateway.fleet.selector import select
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.fan_out.requests import settled
from gateway.rpc.host_messages import sources_response
from gateway.rpc.host_rpc import as_message
from gateway.rpc.markers import heartbeat
from gateway.rpc.services.fleet.streams import joined
from gateway.rpc.services.stats import encoded_sample

_METHOD = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name["StreamStats"]
_RECORDS = tag(pb.StreamStatsResponse.DESCRIPTOR, "records")
_STATS = tag(pb.StatsRecord.DESCRIPTOR, "stats")
_GATHER_SECONDS = 0.05  # in which samples of one second are sent together


class FleetStats:
    """Serves samples of all containers that are selected."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def StreamStats(self, request: pb.StreamStatsRequest, context: CallContext) -> AsyncGenerator[bytes, None]:
        """Stream the newest sample of each container."""
        _check(request)
        await settled(select(self._backend.hosts, request.hosts, "hosts"))
        stream = _Stream(follow=request.request.stream or not request.request.HasField("stream"))
        members = Members(
            self._backend.hosts, request.hosts, request.containers, stream, self._backend.timeouts.fan_out
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(stream.close)
            await stack.enter_async_context(members)
            await context.send_initial_metadata()
            if first := sources_response(pb.StreamStatsResponse, self._backend.hosts):
                yield first.SerializeToString()
            while not stream.ended:
                records = await stream.next()
                if records:
                    async with aclosing(joined((record, None) for record in records)) as responses:
                        async for response in responses:
                            yield response
                elif not stream.ended:
                    yield pb.StreamStatsResponse(heartbeat=heartbeat(HEARTBEAT_SECONDS)).SerializeToString()


def _check(request: pb.StreamStatsRequest) -> None:
    if not request.HasField("hosts"):
        raise InvalidField("hosts", "must select hosts; `all: true` selects every host")
    if not request.HasField("containers"):
        raise InvalidField("containers", "must select containers; `all: true` selects every container")
    check_containers(request.containers, "containers")
    for name in ("host", "id"):
        if getattr(request.request, name):
            raise InvalidField(f"request.{name}", "must be empty: it belongs to the call for one container")
    if request.request.one_shot and request.request.stream:
        raise InvalidField("request.one_shot", "must not be true unless `stream` is false")


class _Stream:
    """The newest sample of each member: a `Listener`."""

    def __init__(self, *, follow: bool) -> None:
        self._follow = follow
        self._newest: dict[tuple[Host, str], bytes] = {}  # a newer sample replaces one that was not sent
        self._news: list[bytes] = []
        self._tasks: dict[tuple[Host, str], asyncio.Task[None]] = {}
        self._broken: dict[Host, dict[str, ContainerRow]] = {}  # containers that are read again when their hosts are up
        self._changed = asyncio.Event()
        self._complete = False

    @property
    def ended(self) -> bool:
        """Whether no sample follows."""
        return self._complete and not (self._tasks or self._newest or self._news)

    async def next(self) -> list[bytes]:
        """Return the new samples, as fields of a response; nothing when a heartbeat is due."""
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return []
        if self._follow:
            await asyncio.sleep(_GATHER_SECONDS)
        self._changed.clear()
        records = [*self._news, *self._newest.values()]
        self._news.clear()
        self._newest.clear()
        return records

    async def close(self) -> None:
        """Stop reading."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # What the members do

    def host_joined(self, host: Host) -> None:
        """Wait for its containers."""

    def host_up(self, host: Host) -> None:
        """Read the samples again that a failure of the host has ended."""
        for row in self._broken.pop(host, {}).values():
            self.container_put(host, row, later=True)

    def host_down(self, host: Host, failure: CallError) -> None:
        """Report that."""
        self._report(pb.StatsRecord(host=host.name, failure=as_message(failure, host.name, _METHOD)))

    def host_changed(self, host: Host) -> None:
        """Do nothing: the stream shows no labels."""

    def host_left(self, host: Host, why: CallError) -> None:
        """Stop reading the host, and report that."""
        for key in [key for key in self._tasks if key[0] is host]:
            self._tasks[key].cancel()
            self._newest.pop(key, None)
        self._broken.pop(host, None)
        self._report(pb.StatsRecord(host=host.name, failure=as_message(why, host.name, _METHOD)))

    def container_put(self, host: Host, row: ContainerRow, *, later: bool) -> None:
        """Read its samples."""
        key = host, row.id
        if row.runs and key not in self._tasks:
            self._tasks[key] = asyncio.create_task(self._read(key, row))

    def container_gone(self, host: Host, id: str) -> None:
        """Do nothing: its samples end by themselves."""
        self._broken.get(host, {}).pop(id, None)

    def reported(self) -> None:
        """End with the last sample, if only one of each is wanted."""
        self._complete = not self._follow
        self._changed.set()

    async def _read(self, key: tuple[Host, str], row: ContainerRow) -> None:
        host = key[0]
        head = pb.StatsRecord(host=host.name, container_id=row.id, container_name=row.name)
        serialised = head.SerializeToString()
        try:
            if not self._follow:
                sample = await host.stats.one(row.id, host.engine.deadline(), alone=False)
                self._put(key, serialised, head, sample)
                return
            async with host.stats.samples(row.id) as samples:
                async for item in samples:
                    if isinstance(item, Idle):
                        continue
                    self._put(key, serialised, head, item[0])
                    if item[0].stats is None:
                        return
        except NotFound:
            head.not_running.CopyFrom(containers_pb2.ContainerNotRunning())
            self._report(head)
        except (CallError, APIError) as error:
            if self._follow and isinstance(error, CallError):
                self._broken.setdefault(host, {})[row.id] = row
            head.failure.CopyFrom(as_message(error, host.name, _METHOD))
            self._report(head)
        finally:
            del self._tasks[key]
            self._changed.set()

    def _put(self, key: tuple[Host, str], serialised: bytes, head: pb.StatsRecord, sample: Any) -> None:
        if sample.stats is None:
            self._newest.pop(key, None)
            head.not_running.CopyFrom(containers_pb2.ContainerNotRunning())
            self._report(head)
            return
        self._newest[key] = delimited(_RECORDS, serialised + delimited(_STATS, encoded_sample(sample)))
        self._changed.set()

    def _report(self, record: pb.StatsRecord) -> None:
        self._news.append(delimited(_RECORDS, record.SerializeToString()))
        self._changed.set()
