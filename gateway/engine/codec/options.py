"""The contract's options, read from descriptors: protos/dockfleet/options/v1/options.proto."""

from __future__ import annotations

from functools import cache

from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from gateway.engine.kinds import Kind

_BY_DEADLINE = {
    pb.DEADLINE_CLASS_LONG: Kind.HEAVY,
    pb.DEADLINE_CLASS_NONE: Kind.STREAM,
}
_BY_SHAPE = {
    pb.ANSWER_SHAPE_JSON_LINES: Kind.HEAVY,  # with a deadline: a pull, a push
    pb.ANSWER_SHAPE_SESSION: Kind.STREAM,
}


@cache
def of_rpc(method: MethodDescriptor) -> pb.RpcRules:
    """Return the rules of an RPC."""
    return method.GetOptions().Extensions[pb.rpc]


@cache
def of_field(field: FieldDescriptor) -> pb.FieldRules:
    """Return the rules of a field."""
    return field.GetOptions().Extensions[pb.field]


@cache
def of_message(message: Descriptor) -> pb.MessageRules:
    """Return the rules of a message."""
    return message.GetOptions().Extensions[pb.message]


def changes(method: MethodDescriptor) -> bool:
    """Return whether an RPC does more than read."""
    level: int = method.GetOptions().idempotency_level
    return level == MethodOptions.IDEMPOTENCY_UNKNOWN


def kind_of(method: MethodDescriptor) -> Kind:
    """Return the kind of the calls of an RPC."""
    rules = of_rpc(method)
    kind = _BY_DEADLINE.get(rules.engine.deadline) or _BY_SHAPE.get(rules.engine.shape, Kind.UNARY)
    # A stop may take long, but the engine only waits for the process.
    return Kind.STREAM if kind is Kind.HEAVY and rules.access == pb.ACCESS_LEVEL_OPERATE else kind


@cache
def required_of(message: Descriptor) -> tuple[FieldDescriptor, ...]:
    """Return the fields that a message must set."""
    return tuple(field for field in message.fields if of_field(field).required)
