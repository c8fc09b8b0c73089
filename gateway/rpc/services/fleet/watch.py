"""FleetService.WatchContainers: the containers of many hosts, and every change of them."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from typing import Any, NamedTuple

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2

from gateway.engine.codec.wire import delimited, tag
from gateway.engine.errors import CallError, InvalidField
from gateway.engine.inventory.changes import NOWHERE, Change, Forget, Put, Removed, Stale, Synced
from gateway.engine.inventory.selecting import check_containers
from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS
from gateway.fleet.host import Host
from gateway.fleet.selector import fits, select, selecting
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.fan_out.requests import settled
from gateway.rpc.host_messages import sources_response
from gateway.rpc.host_rpc import as_message
from gateway.rpc.markers import heartbeat
from gateway.rpc.services.fleet.streams import MOST_BYTES
from gateway.rpc.services.fleet.tokens import PartsCodec

_METHOD = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name["WatchContainers"]
_TOKEN = tag(pb.WatchContainersResponse.DESCRIPTOR, "resume_token")
_CHANGES = tag(pb.WatchContainersResponse.DESCRIPTOR, "changes")
_PUT = tag(pb.ContainerChange.DESCRIPTOR, "put")
_PLACE = struct.Struct(">8sq")  # the epoch of an inventory, and the number of a change in it
_WAITING = 256  # changes that were read and not sent; more changes wait in the inventories


class FleetWatch:
    """Serves the changes of containers."""

    def __init__(self, backend: Backend, tokens: PartsCodec) -> None:
        self._backend = backend
        self._tokens = tokens

    async def WatchContainers(
        self, request: pb.WatchContainersRequest, context: CallContext
    ) -> AsyncGenerator[bytes, None]:
        """Stream all containers that are selected, and their changes."""
        places: dict[str, tuple[bytes, int]] = {}
        if request.resume_token:
            for part in self._tokens.parts(request.resume_token):
                epoch, number = _PLACE.unpack_from(part)
                places[part[_PLACE.size :].decode()] = epoch, number
        watch = _Watch(self._backend, request, places)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(watch.close)
            await watch.open()
            await context.send_initial_metadata()
            if first := sources_response(pb.WatchContainersResponse, self._backend.hosts, request.resume_token):
                yield first.SerializeToString()
            while True:
                pieces = await watch.next()
                body = b"".join(pieces) or pb.WatchContainersResponse(heartbeat=heartbeat(0)).SerializeToString()
                parts = (_PLACE.pack(*place) + name.encode() for name, place in watch.places.items())
                yield delimited(_TOKEN, self._tokens.token(parts)) + body


class _Entry(NamedTuple):
    """A change that `reader` has read from a host, and the position after it."""

    host: Host
    reader: asyncio.Task[None] | None
    piece: bytes
    place: tuple[bytes, int] | None


class _Watch:
    """One stream: a `HostWatcher` that reads the inventory of each host that is selected.

    `places` are the positions in the inventories after what `next` has returned.
    """

    def __init__(
        self, backend: Backend, request: pb.WatchContainersRequest, places: dict[str, tuple[bytes, int]]
    ) -> None:
        if not request.HasField("hosts"):
            raise InvalidField("hosts", "must select hosts; `all: true` selects every host")
        if not request.HasField("containers"):
            raise InvalidField("containers", "must select containers; `all: true` selects every container")
        check_containers(request.containers, "containers")
        self.places = places
        self._registry = backend.hosts
        self._request = request
        self._tasks: dict[Host, asyncio.Task[None]] = {}
        self._changes: asyncio.Queue[_Entry] = asyncio.Queue(_WAITING)
        self._left: list[str] = []
        self._woken = asyncio.Event()

    async def open(self) -> None:
        """Begin.  Raises `InvalidField` and `UnknownHost`."""
        await settled(select(self._registry, self._request.hosts, "hosts"))
        hosts = select(self._registry, self._request.hosts, "hosts")
        names = {host.name for host in hosts}
        self._left += [name for name in self.places if name not in names]
        for host in hosts:
            self.host_added(host)
        self._registry.watchers.append(self)

    async def close(self) -> None:
        """Stop reading."""
        if self in self._registry.watchers:
            self._registry.watchers.remove(self)
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def next(self) -> list[bytes]:
        """Return the next changes, as fields of a response; nothing when a heartbeat is due."""
        pieces: list[bytes] = []
        if not self._left and self._changes.empty():
            self._woken.clear()
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                return pieces
        while self._left:
            name = self._left.pop(0)
            self.places.pop(name, None)
            pieces.append(_change(host=name, left=pb.HostLeft()))
        size = 0
        while not self._changes.empty() and size < MOST_BYTES:
            entry = self._changes.get_nowait()
            if self._tasks.get(entry.host) is not entry.reader:
                continue  # the host has left since then, and the client knows that
            if entry.place is not None:
                self.places[entry.host.name] = entry.place
            pieces.append(entry.piece)
            size += len(entry.piece)
        return pieces

    # What the registry says

    def host_added(self, host: Host) -> None:
        """Read its inventory, if it is selected."""
        if fits(host, self._request.hosts):
            self._tasks[host] = asyncio.create_task(self._read(host))

    def host_changed(self, host: Host) -> None:
        """Begin or stop to read the inventory of the host, if its labels have changed."""
        if fits(host, self._request.hosts) != (host in self._tasks):
            (self.host_removed if host in self._tasks else self.host_added)(host)

    def host_removed(self, host: Host) -> None:
        """Report that it has left."""
        task = self._tasks.pop(host, None)
        if task is not None:
            task.cancel()
            self._left.append(host.name)
            self._woken.set()

    async def _read(self, host: Host) -> None:
        inventory = host.inventory
        known = host.name in self.places and host.name not in self._left
        epoch, number = self.places[host.name] if known else (b"", NOWHERE)
        after: int | None = number
        if not inventory.keeps(number, epoch):
            after = None
            if known:
                await self._put(host, _change(host=host.name, forget=pb.HostForgotten()), None)
        pieces = _Pieces(host, self._request.containers, continues=after is not None)
        try:
            async with aclosing(inventory.subscribe(after)) as changes:
                async for change in changes:
                    if (piece := pieces.of(change)) is not None:
                        place = None if change.number == NOWHERE else (inventory.epoch, change.number)
                        await self._put(host, piece, place)
        except CallError:
            pass  # the host was removed: the registry reports that, too

    async def _put(self, host: Host, piece: bytes, place: tuple[bytes, int] | None) -> None:
        await self._changes.put(_Entry(host, asyncio.current_task(), piece, place))
        self._woken.set()


class _Pieces:
    """Reduces the changes of one host to the containers that a client has selected."""

    def __init__(self, host: Host, selector: selectors_pb2.ContainerSelector, *, continues: bool) -> None:
        """*continues*: the client already has containers, but the gateway does not know which."""
        self._host = host.name
        self._head = pb.ContainerChange(host=host.name).SerializeToString()
        self._selects = selecting(host, selector)
        self._has: set[str] | None = None if continues else set()

    def of(self, change: Change) -> bytes | None:
        """Return *change* for the client, serialised; None for a container that the client does not have."""
        match change:
            case Put(_, row) if self._selects(row):
                if self._has is not None:
                    self._has.add(row.id)
                return delimited(_CHANGES, self._head + delimited(_PUT, row.serialised()))
            case Put(_, row):
                return self._removed(row.id)
            case Removed(_, id):
                return self._removed(id)
            case Synced():
                return _change(host=self._host, synced=pb.HostSynced())
            case Stale(_, failure):
                return _change(host=self._host, stale=as_message(failure, self._host, _METHOD))
            case Forget():
                self._has = set()
                return _change(host=self._host, forget=pb.HostForgotten())

    def _removed(self, id: str) -> bytes | None:
        if self._has is not None:
            if id not in self._has:
                return None
            self._has.remove(id)
        return _change(host=self._host, removed=id)


def _change(**fields: Any) -> bytes:
    return delimited(_CHANGES, pb.ContainerChange(**fields).SerializeToString())
