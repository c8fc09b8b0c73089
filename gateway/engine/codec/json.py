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

`null` and unknown properties are skipped.  A value that does not fit is left out without its neighbours: see
`_fitting`.  Loading is the hot path of every list, so its functions are compiled, one
per message type, from source made of the descriptor: seven times as fast as json_format.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import Any, Protocol

import orjson
from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine.codec import grammar, options
from gateway.engine.codec.times import nanoseconds_of, seconds_of
from gateway.engine.errors import InvalidField
from gateway.engine.versions import Need

Json = Any
# What conversions raise for wrong values; the last two when an object is too deep for protobuf, or for Python.
_MISFITS = (TypeError, ValueError, AttributeError, OverflowError, DecodeError, RecursionError)


_ZERO_TIME = _EARLIEST = -62_135_596_800  # Go's zero time, which stands for none: the first second of the year 1
_LATEST = 253_402_300_799
_DEEPEST = 24  # levels of an object of any properties: what is deeper, protobuf writes and cannot read


class NotEngineJson(Exception):
    """The document does not have the shape of the contract; the text names the property."""


# Loading

MOST_VALUES = 20_000
"""In one document, or one element of a list: stats of a host with hundreds of processors have 3,000."""

_COUNTED_BYTES = 64 << 10
_LONGEST_ODDITY = 1 << 20  # bytes of JSON that orjson refuses: what else reads it is slow


def parse(data: bytes | bytearray, most_values: int = MOST_VALUES) -> Json:
    """Return the JSON of an engine; a number that no double can be becomes a value that fits nothing.

    Raises `NotEngineJson`, also for JSON of more than so many values: a value of two bytes takes hundreds of memory.
    """
    if len(data) > most_values and has_more_values(data, most_values):
        raise NotEngineJson(f"it has more than {most_values} values")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if len(data) > _LONGEST_ODDITY:
            raise NotEngineJson(str(error)) from error
        try:
            document = json.loads(data, parse_constant=_no_json, parse_float=_number, parse_int=_number)
            orjson.dumps(document, default=str)  # refuses halves of characters
        except (TypeError, ValueError, RecursionError):
            raise NotEngineJson(str(error)) from error
        return document


def has_more_values(data: bytes | bytearray, most: int) -> bool:
    """Return whether JSON has more values than that, without a look at more of it than necessary."""
    count = 0
    for start in range(0, len(data), _COUNTED_BYTES):
        end = start + _COUNTED_BYTES
        count += data.count(b",", start, end) + data.count(b"[", start, end) + data.count(b"{", start, end)
        if count > most:
            return True
    return False


class TooLarge:
    """A number that no double can be."""


def _number(text: str) -> Json:
    number = float(text)
    if not math.isfinite(number):
        return TooLarge()
    return int(text) if text.lstrip("-").isdigit() and -(2**63) <= number < 2**64 else number


def _no_json(text: str) -> Json:
    raise ValueError(text)


class Loader(Protocol):
    """Makes a message of JSON."""

    def __call__(self, document: Json, skipped: list[str] | None = None) -> Message:
        """Return the message; the places of values that do not fit, and are left out, are added to *skipped*.

        Raises `NotEngineJson` when nothing fits, or what the call asks for does not.
        """


def loader(descriptor: Descriptor) -> Loader:
    """Return what makes messages of *descriptor*."""
    make = _maker(descriptor)

    def load(document: Json, skipped: list[str] | None = None) -> Message:
        try:
            return make(document)
        except _MISFITS:
            kept = _fitting(descriptor, document, "response", [] if skipped is None else skipped)
            return make(kept)

    return load


def _maker(descriptor: Descriptor) -> Callable[[Json], Message]:
    """Return the function that makes a message of JSON, without `NotEngineJson`."""
    arguments = _arguments(descriptor)
    message = GetMessageClass(descriptor)
    return lambda document: message(**arguments(document))


@cache
def _arguments(descriptor: Descriptor) -> Callable[[Json], dict[str, Any]]:
    """Compile the function that makes a message's constructor arguments of JSON."""
    names: dict[str, Any] = {"EMPTY": {}, "wrong": _wrong}
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
        lines = ["def load(value):", "    value = value or []", f"    return {{'items': {convert}}}"]
    elif form == pb.JSON_FORM_TUPLE:
        names["names"] = [field.name for field in descriptor.fields]
        lines = ["def load(value):", f"    arguments = dict(zip(names, {_OF_TYPE.format('list')}, strict=True))"]
    source = "\n".join([*lines, "    return arguments"])
    exec(compile(source, f"<loader of {descriptor.full_name}>", "exec"), names)
    result: Callable[[Json], dict[str, Any]] = names["load"]
    return result


_OF_TYPE = "(value if type(value) is {} else wrong(value))"  # protobuf takes letters for a list, and pairs for a map


def _wrong(value: Json) -> Any:
    raise TypeError(_kind(value))


def _conversion(field: FieldDescriptor, name: str, names: dict[str, Any]) -> str:
    """Return the source of an expression that converts `value`; what it needs is put into *names*."""
    if is_map(field):
        kind = _map_value(field)
        if kind.message_type is None:
            return _OF_TYPE.format("dict")
        names[name] = _maker(kind.message_type)
        return f"{{key: {name}(EMPTY if item is None else item) for key, item in value.items()}}"
    if options.of_field(field).json_form == pb.JSON_FORM_KEYS:
        return f"list({_OF_TYPE.format('dict')})"
    value = _OF_TYPE.format("list") if field.is_repeated else "value"
    one = _one(field)
    if one is None:
        return value
    names[name] = one
    return f"[{name}(EMPTY if item is None else item) for item in {value}]" if field.is_repeated else f"{name}(value)"


def _one(field: FieldDescriptor) -> Callable[[Json], Any] | None:
    """Return the conversion of one value of *field*; None when none is necessary."""
    if field.message_type is not None:
        return _WELL_KNOWN.get(field.message_type.full_name) or _arguments(field.message_type)
    return base64.b64decode if field.type == FieldDescriptor.TYPE_BYTES else None


def _load_timestamp(value: str | int | float) -> dict[str, int] | None:
    if isinstance(value, str):
        if not value or value.startswith("0001-01-01"):
            return None
        return _parse_time(value)
    if type(value) is bool:
        _wrong(value)
    return _bounded({"seconds": int(value)}) if value != _ZERO_TIME else None


def _bounded(time: dict[str, int]) -> dict[str, int]:
    if not _EARLIEST <= time["seconds"] <= _LATEST:
        raise OverflowError("Timestamp has the years 1 to 9999")
    return time


def _parse_time(text: str) -> dict[str, int]:
    # The fraction is cut out first: datetime keeps microseconds, the Engine gives nanoseconds.
    head, dot, rest = text.partition(".")
    if not dot:
        return _bounded({"seconds": _seconds(text)})
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return _bounded({"seconds": _seconds(head + rest[digits:]), "nanos": int(rest[:digits][:9].ljust(9, "0"))})


@lru_cache(maxsize=4096)  # objects of a list often share their seconds
def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def _load_duration(value: int) -> dict[str, int]:
    seconds, nanos = divmod(abs(value), 1_000_000_000)
    return {"seconds": seconds, "nanos": nanos} if value >= 0 else {"seconds": -seconds, "nanos": -nanos}


def _load_struct(value: dict[str, Json]) -> Struct:
    if _is_deeper(value, _DEEPEST):
        raise ValueError("too deep")
    struct = Struct()
    struct.update(value)
    return struct


_WELL_KNOWN: dict[str, Callable[[Any], Any]] = {
    "google.protobuf.Timestamp": _load_timestamp,
    "google.protobuf.Duration": _load_duration,
    "google.protobuf.Struct": _load_struct,
}


def _is_deeper(value: Json, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in items)


# What of a document fits, where not all of it does


def _fitting(descriptor: Descriptor, document: Json, path: str, skipped: list[str]) -> Json:
    """Return *document* without what does not fit; the places of that are added to *skipped*.

    Raises `NotEngineJson` when nothing fits, or what the call asks for does not.
    """
    if options.of_message(descriptor).json_form == pb.JSON_FORM_TUPLE:
        raise NotEngineJson(f"{path} is {_kind(document)}, not an array of {len(descriptor.fields)} numbers")
    if is_array(descriptor):
        document = {descriptor.fields[0].json_name: document}
    if not isinstance(document, dict):
        raise NotEngineJson(f"{path} is {_kind(document)}, not an object")
    kept = dict(document)
    for field in descriptor.fields:
        name = field.json_name
        where = path if is_array(descriptor) else f"{path}.{name}"
        if kept.get(name) is None or _fits(descriptor, {name: kept[name]}):
            continue
        try:
            kept[name] = _fitting_field(descriptor, field, kept[name], where, skipped)
        except NotEngineJson:
            if options.of_field(field).essential or is_array(descriptor):
                raise
            skipped.append(where)
            del kept[name]
    return kept[descriptor.fields[0].json_name] if is_array(descriptor) else kept


def _fitting_field(descriptor: Descriptor, field: FieldDescriptor, value: Json, where: str, skipped: list[str]) -> Json:
    if is_map(field) and isinstance(value, dict):
        keep = partial(_fitting_one, _map_value(field))
        return _kept(value, keep, where, skipped, lambda key, item: _fits(descriptor, {field.json_name: {key: item}}))
    if field.is_repeated and not is_map(field) and isinstance(value, list):
        keep = partial(_fitting_one, field)
        return _kept(value, keep, where, skipped, lambda key, item: _fits(descriptor, {field.json_name: [item]}))
    if field.is_repeated:
        raise _misfit(where, value)
    return _fitting_one(field, value, where, skipped)


def _fitting_one(field: FieldDescriptor, value: Json, where: str, skipped: list[str]) -> Json:
    kind = field.message_type
    if kind is not None and kind.full_name == "google.protobuf.Struct" and isinstance(value, dict):
        return _fitting_free(value, where, skipped)
    if kind is None or kind.full_name in _WELL_KNOWN:
        raise _misfit(where, value)
    return _fitting(kind, value, where, skipped)


def _fitting_free(value: Json, where: str, skipped: list[str], depth: int = 1) -> Json:
    """Return what of an object of any properties a `Struct` can hold."""
    if depth > _DEEPEST:
        raise _misfit(where, value)
    keep = partial(_fitting_free, depth=depth + 1)
    return _kept(value, keep, where, skipped, lambda key, item: item is None or type(item) in (str, bool, int, float))


def _kept(
    value: Json,
    keep: Callable[[Json, str, list[str]], Json],
    where: str,
    skipped: list[str],
    fits: Callable[[Any, Json], bool],
) -> Json:
    """Return an object or an array with those of its items that fit, or with what *keep* returns of them."""
    if not isinstance(value, dict | list):
        raise _misfit(where, value)
    kept = {}
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        place = f"{where}[{key!r}]"
        try:
            kept[key] = item if fits(key, item) else keep(item, place, skipped)
        except NotEngineJson:
            skipped.append(place)
    return kept if isinstance(value, dict) else list(kept.values())


def _fits(descriptor: Descriptor, document: Json) -> bool:
    try:
        GetMessageClass(descriptor)(**_arguments(descriptor)(document["items"] if is_array(descriptor) else document))
    except _MISFITS:
        return False
    return True


def _misfit(where: str, value: Json) -> NotEngineJson:
    return NotEngineJson(f"{where} is {_kind(value)}, which does not fit")


def _kind(value: Json) -> str:
    if isinstance(value, TooLarge):
        return "a number too large"
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value)) or f"the number {str(value)[:40]}"


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
    """Return whether *message* sets *field*; one without presence is set when it is not zero or empty."""
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


def _dump_timestamp(value: Timestamp, needs: list[Need], path: str) -> Json:
    nanoseconds_of(value, path)
    return value.ToJsonString()


def _dump_duration(value: Duration, needs: list[Need], path: str) -> Json:
    seconds_of(value, path)
    return value.seconds * 1_000_000_000 + value.nanos


def _dump_auth(value: Any, needs: list[Need], path: str) -> Json:
    """Return credentials as engines read them: they pass over `auth`, which is what configuration files have."""
    document = dump(value, needs, path)
    if not {"username", "password"} <= document.keys() and (text := document.pop("auth", "")):
        try:
            username, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
        except ValueError:
            username = colon = ""
        if not username or not colon:
            raise InvalidField(f"{path}.auth", "must be `username:password` in base64")
        document = {"username": username, "password": password.rstrip("\0")} | document
    return document


_WRITERS: dict[str, Callable[[Any, list[Need], str], Json]] = {
    "dockfleet.v1.AuthConfig": _dump_auth,
    "google.protobuf.Timestamp": _dump_timestamp,
    "google.protobuf.Duration": _dump_duration,
    "google.protobuf.Struct": _dump_struct,
}


def is_map(field: FieldDescriptor) -> bool:
    """Return whether *field* is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _map_value(field: FieldDescriptor) -> FieldDescriptor:
    assert field.message_type is not None
    return field.message_type.fields_by_name["value"]


@cache
def is_array(descriptor: Descriptor) -> bool:
    """Return whether messages of *descriptor* stand for a bare JSON array."""
    return options.of_message(descriptor).json_form == pb.JSON_FORM_ARRAY
