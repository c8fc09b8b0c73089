"""Messages of the contract from and to the Engine's JSON, driven only by the descriptors.

`json_name` is the Engine's spelling, and the option `json_form` marks what is not written in the usual way: a message
that is a bare array, or a list that is the keys of an object.  One rule for each of the rest, for all messages:

=====================  =============================================================================
in the contract        in the Engine's JSON
=====================  =============================================================================
any field, unset       left out
`Timestamp`            RFC 3339 text or seconds since 1970; the zero time and "" are unset
`Duration`             a number of nanoseconds
`Struct`               any object
`bytes`                base64
64-bit integers        numbers (json_format writes strings, which the Engine refuses)
=====================  =============================================================================

`null` and unknown properties are skipped.  Loading is the hot path of every list, so its functions are compiled, one
per message type, from source made of the descriptor: seven times as fast as json_format.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import Any

from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct

from gateway.engine.codec import grammar, options
from gateway.engine.errors import InvalidField
from gateway.engine.versions import Need

Json = Any
# What conversions raise for wrong values; the last two when an object is too deep for protobuf, or for Python.
_MISFITS = (TypeError, ValueError, AttributeError, OverflowError, DecodeError, RecursionError)


class NotEngineJson(Exception):
    """The document does not have the shape of the contract; the text names the property."""


# Loading


def loader(descriptor: Descriptor) -> Callable[[Json], Message]:
    """Return the function that makes a message of JSON.  It raises `NotEngineJson`."""
    arguments = _arguments(descriptor)
    message = GetMessageClass(descriptor)

    def load(document: Json) -> Message:
        try:
            return message(**arguments(document))
        except _MISFITS as error:
            raise NotEngineJson(_misfit(descriptor, document, "response")) from error

    return load


def _maker(descriptor: Descriptor) -> Callable[[Json], Message]:
    """Return the function that makes a message of JSON, without `NotEngineJson`."""
    arguments = _arguments(descriptor)
    message = GetMessageClass(descriptor)
    return lambda document: message(**arguments(document))


@cache
def _arguments(descriptor: Descriptor) -> Callable[[Json], dict[str, Any]]:
    """Compile the function that makes a message's constructor arguments of JSON."""
    names: dict[str, Any] = {"EMPTY": {}}
    lines = ["def load(document):", "    arguments = {}", "    get = document.get"]
    for number, field in enumerate(descriptor.fields):
        if options.of_field(field).gateway_only:
            continue  # an engine may send something else by that name
        convert = _conversion(field, f"c{number}", names)
        test = "value is not None" if field.has_presence and not field.message_type else "value"
        if field.message_type and not field.is_repeated:
            test = "value is not None"
        read = f"get({field.json_name!r})"
        if options.of_field(field).null_is_empty:
            read = f"({read} or []) if {field.json_name!r} in document else None"
        lines += [
            f"    value = {read}",
            f"    if {test}:",
            f"        arguments[{field.name!r}] = {convert}",
        ]
    form = options.of_message(descriptor).json_form
    if form == pb.JSON_FORM_ARRAY:
        names["items"] = names.pop("c0", None)
        convert = _conversion(descriptor.fields[0], "c0", names)
        lines = ["def load(value):", f"    return {{'items': {convert}}}"]
    elif form == pb.JSON_FORM_TUPLE:
        names["names"] = [field.name for field in descriptor.fields]
        lines = ["def load(value):", "    arguments = dict(zip(names, value, strict=True))"]
    source = "\n".join([*lines, "    return arguments"])
    exec(compile(source, f"<loader of {descriptor.full_name}>", "exec"), names)
    result: Callable[[Json], dict[str, Any]] = names["load"]
    return result


def _conversion(field: FieldDescriptor, name: str, names: dict[str, Any]) -> str:
    """Return the source of an expression that converts `value`; add what it refers to to *names*."""
    if is_map(field):
        kind = _map_value(field)
        if kind.message_type is None:
            return "value"
        names[name] = _maker(kind.message_type)
        return f"{{key: {name}(EMPTY if item is None else item) for key, item in value.items()}}"
    if options.of_field(field).json_form == pb.JSON_FORM_KEYS:
        return "list(value)"
    one = _one(field)
    if one is None:
        return "value"
    names[name] = one
    return f"[{name}(EMPTY if item is None else item) for item in value]" if field.is_repeated else f"{name}(value)"


def _one(field: FieldDescriptor) -> Callable[[Json], Any] | None:
    """Return the conversion of one value of *field*; None when none is necessary."""
    if field.message_type is not None:
        return _WELL_KNOWN.get(field.message_type.full_name) or _arguments(field.message_type)
    return base64.b64decode if field.type == FieldDescriptor.TYPE_BYTES else None


def _load_timestamp(value: str | int | float) -> dict[str, int] | None:
    if not isinstance(value, str):
        return {"seconds": int(value)} if value > 0 else None
    if not value or value.startswith("0001-01-01"):
        return None
    # The fraction is cut out first: datetime keeps microseconds, the Engine gives nanoseconds.
    head, dot, rest = value.partition(".")
    if not dot:
        return {"seconds": _seconds(value)}
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return {"seconds": _seconds(head + rest[digits:]), "nanos": int(rest[:digits][:9].ljust(9, "0"))}


@lru_cache(maxsize=4096)  # objects of a list often share their seconds
def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _load_duration(value: int) -> dict[str, int]:
    seconds, nanos = divmod(abs(value), 1_000_000_000)
    return {"seconds": seconds, "nanos": nanos} if value >= 0 else {"seconds": -seconds, "nanos": -nanos}


def _load_struct(value: dict[str, Json]) -> Struct:
    struct = Struct()
    struct.update(value)
    return struct


_WELL_KNOWN: dict[str, Callable[[Any], Any]] = {
    "google.protobuf.Timestamp": _load_timestamp,
    "google.protobuf.Duration": _load_duration,
    "google.protobuf.Struct": _load_struct,
}


def _misfit(descriptor: Descriptor, document: Json, path: str) -> str:
    """Return which part of *document* does not fit, by trying each alone."""
    if is_array(descriptor):
        document = {descriptor.fields[0].json_name: document}
    elif options.of_message(descriptor).json_form == pb.JSON_FORM_TUPLE:
        return f"{path} is {_kind(document)}, not an array of {len(descriptor.fields)} numbers"
    if not isinstance(document, dict):
        return f"{path} is {_kind(document)}, not an object"
    for field in descriptor.fields:
        where = path if is_array(descriptor) else f"{path}.{field.json_name}"
        for place, item, alone in _pieces(field, document.get(field.json_name)):
            if not _fits(descriptor, {field.json_name: alone}):
                kind = _map_value(field).message_type if is_map(field) else field.message_type
                if isinstance(item, dict) and kind is not None and kind.full_name not in _WELL_KNOWN:
                    return _misfit(kind, item, where + place)
                return f"{where}{place} is {_kind(item)}, which does not fit"
    return f"{path} does not fit"


def _pieces(field: FieldDescriptor, part: Json) -> Iterable[tuple[str, Json, Json]]:
    """Return what of *part* can be tried alone: its place, itself, and a property that consists of it alone."""
    if is_map(field) and isinstance(part, dict):
        return ((f"[{key!r}]", item, {key: item}) for key, item in part.items())
    if field.is_repeated and not is_map(field) and isinstance(part, list):
        return ((f"[{index}]", item, [item]) for index, item in enumerate(part))
    return (("", part, part),)


def _fits(descriptor: Descriptor, document: Json) -> bool:
    try:
        GetMessageClass(descriptor)(**_arguments(descriptor)(document["items"] if is_array(descriptor) else document))
    except _MISFITS:
        return False
    return True


def _kind(value: Json) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), f"the number {value}")


# Dumping


def dump(message: Message, needs: list[Need], path: str = "") -> Json:
    """Return the JSON of *message*, with all fields that are set; add to *needs* what not every API version has.

    Raises `InvalidField` when a field breaks one of its rules.
    """
    descriptor = message.DESCRIPTOR
    of_message = options.of_message(descriptor)
    if of_message.json_form == pb.JSON_FORM_TUPLE:
        return [getattr(message, field.name) for field in descriptor.fields]
    check_required(message, path)
    mark = of_message.answered_when
    answered = bool(mark) and is_set(message, descriptor.fields_by_name[mark])
    document: dict[str, Json] = {}
    for field, value in message.ListFields():
        rule = rule_of(field)
        document[rule.key] = rule.dump(value, needs, path, document if answered else None)
    return document.get("items", []) if is_array(descriptor) else document


def check_required(message: Message, path: str = "") -> None:
    """Raise `InvalidField` when *message* lacks a field that is required."""
    for field in options.required_of(message.DESCRIPTOR):
        if not is_set(message, field):
            raise InvalidField(f"{path}.{field.name}" if path else field.name, "must be set")


def is_set(message: Message, field: Any) -> bool:
    """Tell whether *message* sets *field*; one without presence is set when it is not zero or empty."""
    return message.HasField(field.name) if field.has_presence else bool(getattr(message, field.name))


class Rule:
    """How a field of a request is checked and written; made once per field."""

    __slots__ = (
        "_array",
        "_bounded",
        "_format",
        "_keys",
        "_map",
        "_no_effect",
        "_one",
        "_since",
        "_until",
        "header",
        "inline",
        "is_list",
        "key",
        "name",
    )

    def __init__(self, field: FieldDescriptor) -> None:
        of_field = options.of_field(field)
        self.key = "items" if is_array(field.containing_type) else field.json_name
        self.name = field.name
        self.header = of_field.header
        self.inline = of_field.inline
        self._format = of_field.format
        self._since = of_field.since
        self._until = of_field.until
        self._bounded = bool(self._since or self._until)
        self._no_effect = of_field.no_effect
        self._map = is_map(field)
        self._keys = of_field.json_form == pb.JSON_FORM_KEYS
        self._array = field.is_repeated
        self.is_list = field.is_repeated and not self._map
        kind = _map_value(field) if self._map else field
        self._one = _writer(kind)

    def dump(self, value: Any, needs: list[Need], path: str = "", into: dict[str, Json] | None = None) -> Json:
        """Return the JSON of *value*.  Raises `InvalidField`.

        When the message comes from a response (see `MessageRules.answered_when`), the value becomes a property of
        *into*, and is removed from it for a host that does not have the field.
        """
        where = f"{path}.{self.name}" if path else self.name
        if self._bounded:
            leave_out = None if into is None else partial(into.pop, self.key, None)
            needs.append(Need(where, self._since, self._until, leave_out))
        if self._no_effect:
            raise InvalidField(where, "must be absent: engines ignore it")
        if self._format:
            self.check(value, where)
        if self._keys:
            return {key: {} for key in value}
        if self._map:
            return {key: self._one(item, needs, f"{where}[{key!r}]") for key, item in value.items()}
        if self._array:
            return [self._one(item, needs, where) for item in value]
        return self._one(value, needs, where)

    def check(self, value: Any, where: str) -> None:
        """Check *value*, or each of its values, against the field's format."""
        for item in value if self._array else (value,):
            if remedy := grammar.violation(self._format, item):
                raise InvalidField(where, remedy)


@cache
def rule_of(field: FieldDescriptor) -> Rule:
    """Return the rule of *field*."""
    return Rule(field)


def _writer(field: FieldDescriptor) -> Callable[[Any, list[Need], str], Json]:
    if field.message_type is not None:
        return _WRITERS.get(field.message_type.full_name, dump)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value, needs, path: base64.b64encode(value).decode()
    return lambda value, needs, path: value


def _dump_struct(value: Struct, needs: list[Need], path: str) -> Json:
    from google.protobuf.json_format import MessageToDict  # the one place where its conversion is right

    return MessageToDict(value)


_WRITERS: dict[str, Callable[[Any, list[Need], str], Json]] = {
    "google.protobuf.Timestamp": lambda value, needs, path: value.ToJsonString(),
    "google.protobuf.Duration": lambda value, needs, path: value.seconds * 1_000_000_000 + value.nanos,
    "google.protobuf.Struct": _dump_struct,
}


def is_map(field: FieldDescriptor) -> bool:
    """Tell whether *field* is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _map_value(field: FieldDescriptor) -> FieldDescriptor:
    assert field.message_type is not None
    return field.message_type.fields_by_name["value"]


@cache
def is_array(descriptor: Descriptor) -> bool:
    """Tell whether messages of *descriptor* stand for a bare JSON array."""
    return options.of_message(descriptor).json_form == pb.JSON_FORM_ARRAY
