"""The kind of the objects of an RPC, and the objects that a request names, for errors and for the inventory."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from gateway.engine.client import Named
from gateway.engine.codec import options

KINDS = {
    pb.NAME_FORMAT_CONTAINER: "container",
    pb.NAME_FORMAT_EXEC: "exec",
    pb.NAME_FORMAT_IMAGE: "image",
    pb.NAME_FORMAT_NETWORK: "network",
    pb.NAME_FORMAT_VOLUME: "volume",
}
_LISTED = ("container", "image", "network", "volume")


def objects_of(method: MethodDescriptor) -> str:
    """Return the kind of the objects that the service of an RPC is about; "" when it is about none."""
    assert method.containing_service is not None
    kind = method.containing_service.name.removesuffix("Service").lower()
    return kind if kind in _LISTED else ""


def named_by(request: Message) -> Named:
    """Return the objects that *request* names."""
    return tuple((kind, name) for kind, path in _paths(request.DESCRIPTOR) for name in _at(request, path))


@cache
def _paths(message: Descriptor) -> tuple[tuple[str, tuple[FieldDescriptor, ...]], ...]:
    """Return the fields that name an object, by what leads to them, and its kind."""
    found: list[tuple[str, tuple[FieldDescriptor, ...]]] = []
    for field in message.fields:
        rules = options.of_field(field)
        if kind := KINDS.get(rules.format):
            found.append((kind, (field,)))
        elif field.name == "path" and rules.required:  # in a container
            found.append(("path", (field,)))
        elif field.message_type is not None and not field.is_repeated:
            found += [(kind, (field, *path)) for kind, path in _paths(field.message_type)]
    return tuple(found)


def _at(message: Any, path: tuple[FieldDescriptor, ...]) -> Iterator[str]:
    field, below = path[0], path[1:]
    if field.has_presence and not message.HasField(field.name):
        return
    value = getattr(message, field.name)
    if below:
        yield from _at(value, below)
    else:
        yield from value if field.is_repeated else (value,)
