"""Messages of any type: one with everything set, and a strategy for arbitrary ones."""

from __future__ import annotations

from typing import Any

from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct
from hypothesis import strategies as st

from tests.support.contract import is_map, rules, value_of

# A string that fits, for each grammar.
FITTING = {
    pb.NAME_FORMAT_CONTAINER: "web-1",
    pb.NAME_FORMAT_EXEC: "e" * 64,
    pb.NAME_FORMAT_IMAGE: "registry.example.com:5000/team/app:1.2",
    pb.NAME_FORMAT_NETWORK: "lan_0",
    pb.NAME_FORMAT_VOLUME: "data.old",
    pb.NAME_FORMAT_NEW_NAME: "new-web",
    pb.NAME_FORMAT_TAG: "1.2",
    pb.NAME_FORMAT_REPOSITORY: "registry.example.com:5000/team/app",
}
# Strings with a form that no option names.
_FORMED = {"dockfleet.v1.AuthConfig.auth": "YWRhOnNlY3JldA=="}
_RANGES = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
}


def full(descriptor: Descriptor, *, filled: bool = True) -> Message:
    """A message with every field set, and every field of its parts; an empty one unless *filled*."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields if filled else ():
        if not rules(field).no_effect:
            _put(message, field, _filled(field))
    return message


def without_own(message: Any) -> Any:
    """The message without the fields that are the gateway's own."""
    for field in message.DESCRIPTOR.fields:
        if rules(field).gateway_only:
            message.ClearField(field.name)
    return message


def set_required(message: Any, *also: str) -> None:
    """Set the fields that are required, those named in *also*, and those that are required below them."""
    for field in message.DESCRIPTOR.fields:
        if not rules(field).required and field.name not in also:
            continue
        if field.message_type is None:
            _put(message, field, _filled(field))
        else:
            below = getattr(message, field.name)
            below.SetInParent()
            set_required(below)


def set_one(message: Message, *fields: FieldDescriptor) -> None:
    """Set the field that the others lead to, and nothing else, also where a list or a map is on the way."""
    field, below = fields[0], fields[1:]
    if not below:
        _put(message, field, _filled(field))
        return
    there = getattr(message, field.name)
    if is_map(field):
        there = there[f"key of {field.name}"]
    elif field.is_repeated:
        there = there.add()
    set_one(there, *below)


def _filled(field: FieldDescriptor) -> Any:
    if is_map(field):
        return {f"key of {field.name}": _one(value_of(field))}
    return [_one(field)] if field.is_repeated else _one(field)


def _one(field: FieldDescriptor) -> Any:
    if field.message_type is not None:
        kind = GetMessageClass(field.message_type)
        match field.message_type.full_name:
            case "google.protobuf.Timestamp":
                return kind(seconds=1_700_000_000 + field.number, nanos=field.number)
            case "google.protobuf.Duration":
                return kind(seconds=field.number, nanos=field.number)
            case "google.protobuf.Struct":
                return _struct({field.name: [None, True, 1.5, {"deep": "value"}]})
        return full(field.message_type)
    if field.type == FieldDescriptor.TYPE_STRING:
        return _FORMED.get(field.full_name) or FITTING.get(rules(field).format, f"text of {field.name}")
    if field.type == FieldDescriptor.TYPE_BYTES:
        return f"bytes of {field.name}".encode()
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return field.number / 2
    return True if field.type == FieldDescriptor.TYPE_BOOL else _RANGES[field.type][1] - field.number


def _put(message: Message, field: FieldDescriptor, value: Any) -> None:
    if is_map(field) and value_of(field).message_type is not None:
        for key, item in value.items():
            getattr(message, field.name)[key].CopyFrom(item)
    elif is_map(field):
        getattr(message, field.name).update(value)
    elif field.is_repeated:
        getattr(message, field.name).extend(value)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _struct(value: dict[str, Any]) -> Struct:
    struct = Struct()
    struct.update(value)
    return struct


def messages_of(descriptor: Descriptor, depth: int = 0) -> st.SearchStrategy[Message]:
    """Messages of a type with a few of the fields that engines know set to arbitrary values."""

    @st.composite
    def build(draw: st.DrawFn) -> Message:
        message = GetMessageClass(descriptor)()
        set_required(message)
        fields = [each for each in descriptor.fields if not (rules(each).gateway_only or rules(each).no_effect)]
        if fields and depth < 5:
            for field in draw(st.lists(st.sampled_from(fields), max_size=3, unique_by=lambda field: field.number)):
                _put(message, field, draw(_values(field, depth)))
        return message

    return build()


def _values(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if is_map(field):
        return st.dictionaries(st.text(), _items(value_of(field), depth), max_size=3)
    if field.is_repeated:
        unique = rules(field).json_form == pb.JSON_FORM_KEYS  # the keys of an object
        return st.lists(_items(field, depth), max_size=3, unique=unique)
    return _items(field, depth)


def _items(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return _parts(field.message_type, depth)
    if field.type == FieldDescriptor.TYPE_STRING:
        fitting = _FORMED.get(field.full_name) or FITTING.get(rules(field).format)
        return st.just(fitting) if fitting else st.text()
    return st.booleans() if field.type == FieldDescriptor.TYPE_BOOL else st.integers(*_RANGES[field.type])


def _parts(descriptor: Descriptor, depth: int) -> st.SearchStrategy[Message]:
    kind = GetMessageClass(descriptor)
    nanos = st.integers(0, 999_999_999)
    match descriptor.full_name:
        case "google.protobuf.Timestamp":  # the zero time of Go is absence
            return st.builds(kind, seconds=st.integers(-62135596799 + 366 * 86400, 253402300799), nanos=nanos)
        case "google.protobuf.Duration":
            return st.builds(kind, seconds=st.integers(0, 2**33), nanos=nanos)
        case "google.protobuf.Struct":
            scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
            return st.dictionaries(st.text(), scalars | st.lists(scalars, max_size=2), max_size=3).map(_struct)
    return messages_of(descriptor, depth + 1)
