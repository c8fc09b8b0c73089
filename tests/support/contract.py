"""The contract by its descriptors: what the tests of contract and mirror read, and how they call RPCs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import grpc
from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.rpc.services.archives import ArchiveService
from gateway.rpc.services.containers import ContainerService
from gateway.rpc.services.exec import ExecService
from gateway.rpc.services.fleet.containers import FleetContainers
from gateway.rpc.services.fleet.events import FleetEvents
from gateway.rpc.services.fleet.images import FleetImages
from gateway.rpc.services.fleet.logs import FleetLogs
from gateway.rpc.services.fleet.services import FleetServices
from gateway.rpc.services.fleet.stats import FleetStats
from gateway.rpc.services.fleet.watch import FleetWatch
from gateway.rpc.services.hosts import HostService
from gateway.rpc.services.logs import LogService
from gateway.rpc.services.stats import StatsService
from gateway.rpc.services.system import SystemService

ROOT = Path(__file__).resolve().parents[2]
PROTOS = sorted((ROOT / "protos").rglob("*.proto"))
BY_HAND: dict[str, tuple[type, ...]] = {
    "ContainerService": (ArchiveService, ContainerService, LogService, StatsService),
    "ExecService": (ExecService,),
    "FleetService": (FleetContainers, FleetEvents, FleetImages, FleetLogs, FleetServices, FleetStats, FleetWatch),
    "HostService": (HostService,),
    "SystemService": (SystemService,),
}


@cache
def files() -> list[FileDescriptor]:
    """The files of the contract."""
    modules = (path.relative_to(ROOT / "protos").with_suffix("") for path in PROTOS)
    return [import_module(".".join(module.parts) + "_pb2").DESCRIPTOR for module in modules]


def services() -> list[ServiceDescriptor]:
    """All services."""
    return [service for file in files() for service in file.services_by_name.values()]


def methods() -> list[MethodDescriptor]:
    """All RPCs."""
    return [method for service in services() for method in service.methods]


def methods_of(package: str) -> list[MethodDescriptor]:
    """The RPCs of one package, such as `dockfleet.v1`."""
    return [method for method in methods() if method.containing_service.file.package == package]


def mirrored() -> list[MethodDescriptor]:
    """The RPCs that are nothing but their endpoint."""
    return [method for method in methods() if endpoint(method) and not is_by_hand(method)]


def messages() -> list[Descriptor]:
    """All messages, without the entries of maps."""
    return [message for file in files() for message in _with_nested(file.message_types_by_name.values())]


def _with_nested(found: Any) -> Iterator[Descriptor]:
    for message in found:
        if not message.GetOptions().map_entry:
            yield message
            yield from _with_nested(message.nested_types)


def enums() -> list[EnumDescriptor]:
    """All enums."""
    return [enum for file in files() for enum in file.enum_types_by_name.values()]


@cache
def rules(described: Any) -> Any:
    """The contract's options of an RPC, a field or a message."""
    extensions = {MethodDescriptor: pb.rpc, FieldDescriptor: pb.field, Descriptor: pb.message}
    found = next(extension for kind, extension in extensions.items() if isinstance(described, kind))
    return described.GetOptions().Extensions[found]


def name_of(described: Any) -> str:
    """A short name for the ids of parameters: `ContainerService.ListContainers`."""
    return re.sub(r"^dockfleet\.(\w+\.)?v1\.", "", str(described.full_name))


def endpoint(method: MethodDescriptor) -> tuple[str, str] | None:
    """The verb and the path of an RPC's endpoint; None when it has none."""
    described = rules(method).engine
    verb = described.WhichOneof("request")
    return (verb.upper(), getattr(described, verb)) if verb else None


def placeholders(method: MethodDescriptor) -> list[str]:
    """The names in braces in an RPC's path."""
    found = endpoint(method)
    return re.findall(r"\{(\w+)\}", found[1]) if found else []


def asked(method: MethodDescriptor) -> Descriptor:
    """The message that holds what an RPC asks: the request, or the `start` of a client's stream."""
    return within(method.input_type.fields_by_name["start"]) if method.client_streaming else method.input_type


def is_by_hand(method: MethodDescriptor) -> bool:
    """Whether a service brings a method of its own for the RPC."""
    return any(hasattr(kind, method.name) for kind in BY_HAND.get(method.containing_service.name, ()))


def is_map(field: FieldDescriptor) -> bool:
    """Whether a field is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def below(field: FieldDescriptor) -> Descriptor | None:
    """The message that a field, each of its items or each of its values is; None for scalars."""
    return value_of(field).message_type if is_map(field) else field.message_type


def within(field: FieldDescriptor) -> Descriptor:
    """The message that a field is, which is no scalar."""
    assert field.message_type is not None
    return field.message_type


def value_of(field: FieldDescriptor) -> FieldDescriptor:
    """The value of a map."""
    return within(field).fields_by_name["value"]


async def call(
    channel: grpc.aio.Channel, method: MethodDescriptor, request: Message, upload: Sequence[bytes] = ()
) -> list[Message]:
    """Call an RPC to its end and return all that it answers; in a client's stream *request* is the `start`."""
    shape = (method.client_streaming, method.server_streaming)
    make: Any = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }[shape]
    frame = GetMessageClass(method.input_type)
    called = make(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=frame.SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )([frame(start=request), *(frame(data=data) for data in upload)] if method.client_streaming else request)
    return [reply async for reply in called] if method.server_streaming else [await called]
