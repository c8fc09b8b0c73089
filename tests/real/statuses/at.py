"""What rows of real engines have: a host, what makes objects on it, and what takes them away."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dockfleet.v1 import containers_pb2, images_pb2, networks_pb2, volumes_pb2
from google.protobuf.message import Message

from tests.real.support import Containers, import_image, tar
from tests.support.gateway import Client
from tests.support.statuses import Asked, Status

if TYPE_CHECKING:
    from deploy.private_engines.registry import Registry

OLD, NEW = "one", "new"  # Docker 20.10 and 26.1
Prepare = Callable[["At"], Awaitable[Message | Asked]]


@dataclass
class At:
    """Where a row runs."""

    client: Client
    host: str
    containers: Containers
    registry: Registry
    guarded_registry: Registry
    undo: AsyncExitStack
    name: str = field(default_factory=lambda: f"df-{uuid.uuid4().hex[:12]}")  # that nothing has yet

    async def running(self, **config: Any) -> str:
        """Start a container that stays."""
        return await self.containers.start("sleep", "600", **config)

    async def paused(self) -> str:
        """Start a container and pause it."""
        container = await self.running()
        await self.client.containers.PauseContainer(containers_pb2.PauseContainerRequest(host=self.host, id=container))
        return container

    async def network(self, name: str = "", **request: Any) -> str:
        """Create a network, and return its id."""
        create = networks_pb2.CreateNetworkRequest(host=self.host, name=name or self.name, **request)
        id = (await self.client.networks.CreateNetwork(create)).id
        remove = networks_pb2.RemoveNetworkRequest(host=self.host, id=id)
        self.undo.push_async_callback(lambda: self.client.networks.RemoveNetwork(remove))
        return id

    async def volume(self, name: str = "", **request: Any) -> str:
        """Create a volume, and return its name."""
        create = volumes_pb2.CreateVolumeRequest(host=self.host, name=name or self.name, **request)
        name = (await self.client.volumes.CreateVolume(create)).volume.name
        remove = volumes_pb2.RemoveVolumeRequest(host=self.host, name=name, force=True)
        self.undo.push_async_callback(lambda: self.client.volumes.RemoveVolume(remove))
        return name

    async def image(self, reference: str) -> str:
        """Make an image of that reference, and return its id."""
        id = await import_image(self.client, self.host, tar({"file": reference.encode()}), reference)
        remove = images_pb2.RemoveImageRequest(host=self.host, name=reference, force=True)
        self.undo.push_async_callback(lambda: self.client.images.RemoveImage(remove))
        return id


@dataclass(frozen=True)
class Row:
    """An RPC, a status, and what makes the request that ends with it.  `why` tells it from others of the status."""

    rpc: str
    status: Status
    prepare: Prepare
    hosts: tuple[str, ...]

    @property
    def why(self) -> str:
        return self.prepare.__name__

    def __str__(self) -> str:
        return f"{self.rpc}-{self.status.code}-{self.status.reason}-{self.why}"


class Rows:
    """The rows of one service; called, it is a decorator that adds one."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._rows: list[Row] = []

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __call__(self, rpc: str, status: str, *, hosts: tuple[str, ...] = (OLD, NEW)) -> Callable[[Prepare], Prepare]:
        """Let the decorated function make the request that ends with *status*, on *hosts*."""

        def add(prepare: Prepare) -> Prepare:
            self._rows.append(Row(f"{self._service}.{rpc}", Status.of(status), prepare, hosts))
            return prepare

        return add
