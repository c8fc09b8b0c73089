"""The contract as the typed layers of the clients need it, read from its descriptors.

Names are those of the contract; a language's own spelling is the business of its backend.  Comments are those of the
protos, without the leading spaces.  Types are full names without a leading dot, such as `dockfleet.v1.LogEntry`.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from dockfleet.options.v1 import options_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    MethodOptions,
)

DESCRIPTORS = Path(__file__).resolve().parents[2] / "gateway/rpc/contract.binpb.gz"
REASONS = "dockfleet.v1.ErrorReason"

_F = FieldDescriptorProto


class Shape(Enum):
    """The shape of an RPC, which says what its method in a client looks like."""

    UNARY = "one request, one response"
    STREAM = "one request, many responses"
    RESUMING = "one request, many responses; the client calls again after a failure, and continues"
    DOWNLOAD = "one request, many responses with `data`"
    UPLOAD = "a `start`, then `data`; one response"
    UPLOAD_STREAM = "a `start`, then `data`; many responses"
    SESSION = "a `start`, then `stdin`, `resize` and `close_stdin`; many responses"


class Reach(Enum):
    """What a service is about."""

    HOST = "one host, which its requests name: the layer fills in `host`"
    FLEET = "many hosts, which its requests select"
    HOSTS = "the hosts themselves, and their administration"


@dataclass(frozen=True)
class Field:
    """A field of a message."""

    name: str
    json_name: str
    number: int
    type: str
    """`string`, `int64` and so on, or the full name of a message or an enum."""
    is_message: bool
    is_enum: bool
    repeated: bool
    """Whether it is a list.  A map is none."""
    map: tuple[Field, Field] | None
    """The fields `key` and `value` of a map."""
    has_presence: bool
    """Whether unset differs from the default: `optional`, a message or a member of a oneof."""
    oneof: str
    """The name of the oneof that it is in, or empty."""
    required: bool
    gateway_only: bool
    comment: str


@dataclass(frozen=True)
class Message:
    """A message."""

    name: str
    full_name: str
    file: str
    fields: Sequence[Field]
    is_array: bool
    """Whether it stands for a bare array: its one field is `items`."""
    comment: str

    def field(self, name: str) -> Field | None:
        """Return the field called *name*; None when there is none."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True)
class Value:
    """A value of an enum."""

    name: str
    number: int
    comment: str


@dataclass(frozen=True)
class EnumType:
    """An enum."""

    name: str
    full_name: str
    file: str
    values: Sequence[Value]
    comment: str


@dataclass(frozen=True)
class Method:
    """An RPC."""

    name: str
    path: str
    """Its name in gRPC: `/dockfleet.v1.ContainerService/StopContainer`."""
    comment: str
    shape: Shape
    request: str
    response: str
    start: str
    """The message with the arguments: the request, or the `start` of an upload or a session."""
    fields: Sequence[Field]
    """The arguments: the fields of `start` without `host` of a host-bound RPC."""
    answer: str
    """The field of a unary response that holds the whole answer of the engine; empty when its fields are the answer."""
    reads: bool
    """Whether it only reads, so that it may be repeated."""
    fan_out: str
    """The full name of the RPC of one host that it stands for, or empty."""


@dataclass(frozen=True)
class Service:
    """A service."""

    name: str
    full_name: str
    file: str
    reach: Reach
    comment: str
    methods: Sequence[Method]


@dataclass(frozen=True)
class Contract:
    """All of it."""

    services: Sequence[Service]
    messages: Mapping[str, Message]
    enums: Mapping[str, EnumType]

    @property
    def reasons(self) -> Sequence[Value]:
        """The reasons of failures, without `UNSPECIFIED` and without their prefix: `UNKNOWN_HOST`."""
        values = self.enums[REASONS].values
        return [Value(each.name.removeprefix("ERROR_REASON_"), each.number, each.comment) for each in values[1:]]


def read(descriptors: Path = DESCRIPTORS) -> Contract:
    """Return the contract that *descriptors* describes, a set of files with comments."""
    files = FileDescriptorSet.FromString(gzip.decompress(descriptors.read_bytes())).file
    messages: dict[str, Message] = {}
    enums: dict[str, EnumType] = {}
    entries = {name: kind for file in files for name, kind in _entries(file)}
    for file in files:
        if file.package == "dockfleet.options.v1":
            continue
        comments = _comments(file)
        for index, kind in enumerate(file.message_type):
            for message in _messages(kind, file, (4, index), file.package, comments, entries):
                messages[message.full_name] = message
        for index, enum in enumerate(file.enum_type):
            enums[f"{file.package}.{enum.name}"] = _enum(enum, file, (5, index), comments)
    services = [service for file in files for service in _services(file, messages)]
    return Contract(sorted(services, key=lambda each: each.full_name), messages, enums)


_Path = tuple[int, ...]


def _comments(file: FileDescriptorProto) -> Mapping[_Path, str]:
    return {tuple(each.path): _text(each.leading_comments) for each in file.source_code_info.location}


def _text(comment: str) -> str:
    return "\n".join(line.removeprefix(" ").rstrip() for line in comment.strip("\n").splitlines()).strip()


def _entries(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    """Yield the messages in messages that hold the entries of maps, by full name."""
    for kind in file.message_type:
        for nested in kind.nested_type:
            if nested.options.map_entry:
                yield f"{file.package}.{kind.name}.{nested.name}", nested


def _messages(
    kind: DescriptorProto,
    file: FileDescriptorProto,
    path: _Path,
    scope: str,
    comments: Mapping[_Path, str],
    entries: Mapping[str, DescriptorProto],
) -> Iterator[Message]:
    full_name = f"{scope}.{kind.name}"
    fields = [
        _field(field, kind, comments.get((*path, 2, index), ""), entries) for index, field in enumerate(kind.field)
    ]
    form = kind.options.Extensions[options_pb2.message].json_form
    is_array = form == options_pb2.JSON_FORM_ARRAY
    yield Message(kind.name, full_name, file.name, fields, is_array, comments.get(path, ""))
    for index, nested in enumerate(kind.nested_type):
        if not nested.options.map_entry:
            yield from _messages(nested, file, (*path, 3, index), full_name, comments, entries)


def _field(
    field: FieldDescriptorProto, kind: DescriptorProto, comment: str, entries: Mapping[str, DescriptorProto]
) -> Field:
    named = field.type_name.removeprefix(".")
    rules = field.options.Extensions[options_pb2.field]
    entry = entries.get(named)
    in_oneof = field.HasField("oneof_index") and not field.proto3_optional
    return Field(
        name=field.name,
        json_name=field.json_name,
        number=field.number,
        type=named or _F.Type.Name(field.type).removeprefix("TYPE_").lower(),
        is_message=field.type == _F.TYPE_MESSAGE,
        is_enum=field.type == _F.TYPE_ENUM,
        repeated=field.label == _F.LABEL_REPEATED and entry is None,
        map=entry and (_field(entry.field[0], entry, "", entries), _field(entry.field[1], entry, "", entries)),
        has_presence=field.label != _F.LABEL_REPEATED
        and (field.proto3_optional or field.type == _F.TYPE_MESSAGE or in_oneof),
        oneof=kind.oneof_decl[field.oneof_index].name if in_oneof else "",
        required=rules.required,
        gateway_only=rules.gateway_only,
        comment=comment,
    )


def _enum(enum: EnumDescriptorProto, file: FileDescriptorProto, path: _Path, comments: Mapping[_Path, str]) -> EnumType:
    values = [
        Value(value.name, value.number, comments.get((*path, 2, index), "")) for index, value in enumerate(enum.value)
    ]
    return EnumType(enum.name, f"{file.package}.{enum.name}", file.name, values, comments.get(path, ""))


def _services(file: FileDescriptorProto, messages: Mapping[str, Message]) -> Iterator[Service]:
    comments = _comments(file)
    for index, service in enumerate(file.service):
        path = (6, index)
        full_name = f"{file.package}.{service.name}"
        if file.package == "dockfleet.v1":
            reach = Reach.HOST
        else:
            reach = Reach.FLEET if service.name == "FleetService" else Reach.HOSTS
        methods = [
            _method(method, full_name, comments.get((*path, 2, number), ""), reach, messages)
            for number, method in enumerate(service.method)
        ]
        yield Service(service.name, full_name, file.name, reach, comments.get(path, ""), methods)


def _method(
    method: MethodDescriptorProto, service: str, comment: str, reach: Reach, messages: Mapping[str, Message]
) -> Method:
    rules = method.options.Extensions[options_pb2.rpc]
    request, response = (messages[name.removeprefix(".")] for name in (method.input_type, method.output_type))
    start = request
    if method.client_streaming and (frame := request.field("start")):
        start = messages[frame.type]
    return Method(
        name=method.name,
        path=f"/{service}/{method.name}",
        comment=comment,
        shape=_shape(method, request, response),
        request=request.full_name,
        response=response.full_name,
        start=start.full_name,
        fields=[field for field in start.fields if field.name != "host" or reach is not Reach.HOST],
        answer="" if method.server_streaming else rules.engine.answer,
        reads=method.options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN,
        fan_out=rules.fan_out,
    )


def _shape(method: MethodDescriptorProto, request: Message, response: Message) -> Shape:
    if method.client_streaming:
        if request.field("stdin"):
            return Shape.SESSION
        return Shape.UPLOAD_STREAM if method.server_streaming else Shape.UPLOAD
    if not method.server_streaming:
        return Shape.UNARY
    if response.field("data"):
        return Shape.DOWNLOAD
    if method.name in RESUMING:
        return Shape.RESUMING
    return Shape.STREAM


RESUMING = ("StreamLogs", "StreamEvents", "StreamStats", "WatchContainers", "WatchHosts", "WatchServices")
"""The streams without an end of their own.  Those with a `resume_token` continue where they broke; the others begin
anew, with what there is then."""
