"""What the contract tells of how to call its RPCs.  No I/O: descriptors and arguments in, messages out.

There are five shapes of RPC, and the descriptor of each shows which it has: a unary call, a call with many
answers, an upload (a `start` and then `data`) with one answer or with many, and a session (a `start`, then
`stdin`, `resize` and `close_stdin`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, BinaryIO, get_type_hints

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

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
        """Build the message that holds the arguments, for *host*.

        Raises `ValueError` for a field that does not exist, and `TypeError` for a value of the wrong type.
        """
        message: Any = self.first.DESCRIPTOR
        values = _wrapped(message, fields)
        if "host" in message.fields_by_name:
            values.setdefault("host", host)
        return self.first(**values)


def _methods(stub: type[Any]) -> Mapping[str, Method]:
    pool = descriptor_pool.Default()
    package = stub.__module__.rpartition(".")[0]
    service = pool.FindServiceByName(f"{package}.{stub.__name__.removesuffix('Stub')}")
    return {method.name: Method(method) for method in service.methods}


METHODS: Mapping[str, Mapping[str, Method]] = {name: _methods(stub) for name, stub in STUBS.items()}
"""The RPCs by name, for each attribute of `Services`."""


def chunks(source: Source) -> Iterator[bytes]:
    """Yield the bytes of *source* in pieces of at most `CHUNK`, none of them empty."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        pieces: Iterable[bytes] = (memoryview(source).cast("B"),)  # type: ignore[assignment]  # sliced without a copy
    elif hasattr(source, "read"):
        pieces = iter(lambda: source.read(CHUNK), b"")
    else:
        pieces = source
    for piece in pieces:
        for start in range(0, len(piece), CHUNK):
            yield bytes(piece[start : start + CHUNK])


def _wrapped(message: Descriptor, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Let plain lists stand for messages such as `StringList`, at any depth of *fields*."""
    known = message.fields_by_name
    return {name: _value(known[name], value) if name in known else value for name, value in fields.items()}


def _value(field: FieldDescriptor, value: Any) -> Any:
    kind = field.message_type
    if kind is None or isinstance(value, Message):
        return value
    if kind.GetOptions().map_entry:
        entry = kind.fields_by_name["value"]
        return {key: _value(entry, _one_as_list(each)) for key, each in value.items()} if _is_map(value) else value
    if field.is_repeated:
        return [_one(kind, each) for each in value] if isinstance(value, (list, tuple)) else value
    return _one(kind, value)


def _one(kind: Descriptor, value: Any) -> Any:
    if isinstance(value, (list, tuple)) and _is_list(kind):
        return {"items": _value(kind.fields_by_name["items"], value)}
    return _wrapped(kind, value) if _is_map(value) else value


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_list(kind: Descriptor) -> bool:
    return bool(kind.GetOptions().Extensions[options_pb2.message].json_form == options_pb2.JSON_FORM_ARRAY)


def _one_as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value  # as in `filters={"name": "web"}`
