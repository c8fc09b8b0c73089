"""What the contract tells of how to call its RPCs.  No I/O: descriptors and arguments in, messages out.

There are five shapes of RPC, and the descriptor of each shows which it has: a unary call, a call with many
answers, an upload (a `start` and then `data`) with one answer or with many, and a session (a `start`, then
`stdin`, `resize` and `close_stdin`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from io import TextIOBase
from typing import Any, BinaryIO, get_type_hints

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from dockfleet.arguments import build
from dockfleet.docker_forms import type_name
from dockfleet.fleet.v1.hosts_pb2_grpc import HostServiceStub
from dockfleet.options.v1 import options_pb2
from dockfleet.v1.containers_pb2_grpc import ContainerServiceStub
from dockfleet.v1.distribution_pb2_grpc import DistributionServiceStub
from dockfleet.v1.exec_pb2_grpc import ExecServiceStub
from dockfleet.v1.images_pb2_grpc import ImageServiceStub
from dockfleet.v1.networks_pb2_grpc import NetworkServiceStub
from dockfleet.v1.system_pb2_grpc import SystemServiceStub
from dockfleet.v1.volumes_pb2_grpc import VolumeServiceStub

CHUNK = 256 << 10
"""The most bytes that one message carries; the gateway refuses messages of more than 4 MiB."""

Source = bytes | bytearray | memoryview | BinaryIO | Iterable[bytes]
"""Where the bytes of an upload come from: all at once, a file open for reading, or piece by piece."""


class Services:
    """The stubs of all services, as attributes.  This list is the only one."""

    containers: ContainerServiceStub
    distribution: DistributionServiceStub
    exec: ExecServiceStub
    hosts: HostServiceStub
    images: ImageServiceStub
    networks: NetworkServiceStub
    system: SystemServiceStub
    volumes: VolumeServiceStub


STUBS: Mapping[str, type[Any]] = get_type_hints(Services)


class Shape(Enum):
    """How an RPC is spoken."""

    UNARY = "one request, one answer"
    STREAM = "one request, many answers"
    UPLOAD = "bytes up, one answer"
    UPLOAD_STREAM = "bytes up, many answers"
    SESSION = "input up and output down at the same time"


@dataclass(frozen=True)
class Method:
    """An RPC."""

    descriptor: MethodDescriptor

    @cached_property
    def shape(self) -> Shape:
        """How it is spoken."""
        if not self.descriptor.client_streaming:
            return Shape.STREAM if self.descriptor.server_streaming else Shape.UNARY
        if "stdin" in self.descriptor.input_type.fields_by_name:
            return Shape.SESSION
        return Shape.UPLOAD_STREAM if self.descriptor.server_streaming else Shape.UPLOAD

    @property
    def path(self) -> str:
        """What gRPC calls it."""
        return f"/{self.descriptor.containing_service.full_name}/{self.descriptor.name}"

    @property
    def reads(self) -> bool:
        """Whether it changes nothing, so that repeating it is harmless."""
        changes = self.descriptor.GetOptions().idempotency_level == MethodOptions.IDEMPOTENCY_UNKNOWN
        return not changes and not self.descriptor.client_streaming

    @property
    def stays_open(self) -> bool:
        """Whether a call of it may last longer than a look at the engine's records takes."""
        if self.shape is not Shape.UNARY:
            return True
        endpoint = self.descriptor.GetOptions().Extensions[options_pb2.rpc].engine
        return endpoint.deadline in (options_pb2.DEADLINE_CLASS_LONG, options_pb2.DEADLINE_CLASS_NONE)

    @cached_property
    def frame(self) -> type[Message]:
        """The class of what is sent."""
        return GetMessageClass(self.descriptor.input_type)

    @cached_property
    def first(self) -> type[Message]:
        """The class of the message that holds the arguments: the request itself, or the `start` of a stream."""
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
"""The RPCs by name, for each attribute of `Services`."""


def chunks(source: Source) -> Iterator[bytes]:
    """Return the bytes of *source* in pieces of at most `CHUNK`, none of them empty.

    Raises `TypeError` at once for a text or another source without bytes, and later for a piece without.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _cut((memoryview(source).cast("B"),))  # sliced without a copy
    check_source(source, (Iterable,))
    if hasattr(source, "read"):
        return _cut(iter(lambda: source.read(CHUNK), b""))
    return _cut(source)


def check_source(source: Any, kinds: tuple[type, ...]) -> None:
    """Raise `TypeError` when *source* is neither bytes, a file open in binary mode, nor one of *kinds* of bytes."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return
    text = isinstance(source, (str, Mapping, TextIOBase))
    if text or not (hasattr(source, "read") or isinstance(source, kinds)):
        raise TypeError(
            f"the source must be bytes, a file open in binary mode or pieces of bytes, not {type_name(source)}"
        )


def check_timeout(seconds: float | None) -> float | None:
    """Return *seconds*.  Raises `TypeError` when it is no number, and `ValueError` when it is not above 0."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"timeout must be a number of seconds or None, not {type_name(seconds)}")
    if not 0 < seconds < math.inf:
        raise ValueError("timeout is the deadline of the call in seconds and must be above 0; None means no deadline")
    return seconds


def _cut(pieces: Iterable[Any]) -> Iterator[bytes]:
    for piece in pieces:
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"a piece of the source must be bytes, not {type_name(piece)}")
        for start in range(0, len(piece), CHUNK):
            yield bytes(piece[start : start + CHUNK])
