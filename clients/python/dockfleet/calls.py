"""The RPCs of the contract, read from its descriptors.  No I/O.

An RPC has one of five shapes, which its descriptor shows: a call, a stream, an upload (a `start`, then `data`) with one
response or with many, and a session (a `start`, then `stdin`, `resize` and `close_stdin`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_type_hints

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from dockfleet.arguments import build
from dockfleet.docker_forms import type_name
from dockfleet.fleet.v1.fleet_pb2_grpc import FleetServiceStub
from dockfleet.fleet.v1.hosts_pb2_grpc import HostServiceStub
from dockfleet.options.v1 import options_pb2
from dockfleet.v1.containers_pb2_grpc import ContainerServiceStub
from dockfleet.v1.distribution_pb2_grpc import DistributionServiceStub
from dockfleet.v1.exec_pb2_grpc import ExecServiceStub
from dockfleet.v1.images_pb2_grpc import ImageServiceStub
from dockfleet.v1.networks_pb2_grpc import NetworkServiceStub
from dockfleet.v1.system_pb2_grpc import SystemServiceStub
from dockfleet.v1.volumes_pb2_grpc import VolumeServiceStub

if TYPE_CHECKING:
    from dockfleet.fleet.v1.fleet_pb2_grpc import FleetServiceAsyncStub
    from dockfleet.fleet.v1.hosts_pb2_grpc import HostServiceAsyncStub
    from dockfleet.v1.containers_pb2_grpc import ContainerServiceAsyncStub
    from dockfleet.v1.distribution_pb2_grpc import DistributionServiceAsyncStub
    from dockfleet.v1.exec_pb2_grpc import ExecServiceAsyncStub
    from dockfleet.v1.images_pb2_grpc import ImageServiceAsyncStub
    from dockfleet.v1.networks_pb2_grpc import NetworkServiceAsyncStub
    from dockfleet.v1.system_pb2_grpc import SystemServiceAsyncStub
    from dockfleet.v1.volumes_pb2_grpc import VolumeServiceAsyncStub


class Stubs:
    """The stubs of all services, as gRPC generates them; they raise `grpc.RpcError`.  The only list of services."""

    containers: ContainerServiceStub
    distribution: DistributionServiceStub
    exec: ExecServiceStub
    fleet: FleetServiceStub
    hosts: HostServiceStub
    images: ImageServiceStub
    networks: NetworkServiceStub
    system: SystemServiceStub
    volumes: VolumeServiceStub

    def __init__(self, channel: Any) -> None:
        """Call over *channel*."""
        for name, stub in STUBS.items():
            setattr(self, name, stub(channel))


STUBS: Mapping[str, type[Any]] = get_type_hints(Stubs)


class AsyncStubs(Stubs):
    """The same over a channel of asyncio.  For type checkers only: gRPC has one class for both."""

    containers: ContainerServiceAsyncStub
    distribution: DistributionServiceAsyncStub
    exec: ExecServiceAsyncStub
    fleet: FleetServiceAsyncStub
    hosts: HostServiceAsyncStub
    images: ImageServiceAsyncStub
    networks: NetworkServiceAsyncStub
    system: SystemServiceAsyncStub
    volumes: VolumeServiceAsyncStub


class Shape(Enum):
    """The shape of an RPC."""

    UNARY = "one request, one response"
    STREAM = "one request, many responses"
    UPLOAD = "bytes up, one response"
    UPLOAD_STREAM = "bytes up, many responses"
    SESSION = "input up and output down at the same time"


@dataclass(frozen=True)
class Method:
    """An RPC."""

    descriptor: MethodDescriptor

    @cached_property
    def shape(self) -> Shape:
        """Its shape."""
        if not self.descriptor.client_streaming:
            return Shape.STREAM if self.descriptor.server_streaming else Shape.UNARY
        if "stdin" in self.descriptor.input_type.fields_by_name:
            return Shape.SESSION
        return Shape.UPLOAD_STREAM if self.descriptor.server_streaming else Shape.UPLOAD

    @property
    def path(self) -> str:
        """Its name in gRPC."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that it may be repeated."""
        changes = self.descriptor.GetOptions().idempotency_level == MethodOptions.IDEMPOTENCY_UNKNOWN
        return not changes and not self.descriptor.client_streaming

    @property
    def is_long(self) -> bool:
        """Whether a call may last long: as a stream, or because the engine may take long."""
        if self.shape is not Shape.UNARY:
            return True
        endpoint = self.descriptor.GetOptions().Extensions[options_pb2.rpc].engine
        return endpoint.deadline in (options_pb2.DEADLINE_CLASS_LONG, options_pb2.DEADLINE_CLASS_NONE)

    @cached_property
    def frame(self) -> type[Message]:
        """The class of its requests."""
        return GetMessageClass(self.descriptor.input_type)

    @cached_property
    def first(self) -> type[Message]:
        """The class of the message with the arguments: the request, or the `start` of an upload or a session."""
        if not self.descriptor.client_streaming:
            return self.frame
        start = self.descriptor.input_type.fields_by_name["start"].message_type
        assert start is not None
        return GetMessageClass(start)

    def arguments(self, host: str, fields: Mapping[str, Any]) -> Message:
        """Return the message with *fields*, for *host*.  Raises `TypeError` and `ValueError` as `arguments.build`."""
        kind: Any = self.first.DESCRIPTOR
        named = {"host": host} if "host" in kind.fields_by_name else {}
        return build(kind, {**named, **fields})


def _methods(stub: type[Any]) -> Mapping[str, Method]:
    pool = descriptor_pool.Default()
    package = stub.__module__.rpartition(".")[0]
    service = pool.FindServiceByName(f"{package}.{stub.__name__.removesuffix('Stub')}")
    return {method.name: Method(method) for method in service.methods}


METHODS: Mapping[str, Mapping[str, Method]] = {name: _methods(stub) for name, stub in STUBS.items()}
"""The RPCs by name, for each attribute of `Stubs`."""


def check_deadline(seconds: float | None) -> float | None:
    """Return *seconds*.  Raises `TypeError` when it is no number, and `ValueError` when it is not above 0."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"deadline must be a number of seconds or None, not {type_name(seconds)}")
    if not 0 < seconds < math.inf:
        raise ValueError("deadline is in seconds and must be above 0; None means no deadline")
    return seconds
