"""Python arguments as messages of the contract.

A value that docker-py accepts has the same meaning here.  Every other value is an error before anything is sent.  The
message names the field and what it must be.  It does not show the value, which may be a secret.

`build` follows the descriptors, so a new RPC needs no code.
"""

from __future__ import annotations

import difflib
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from dockfleet.docker_forms import DOCKER_PY_NAMES, FORMS, KEYS_HINTS, OTHER_SPELLINGS, Form, is_list, type_name
from dockfleet.options.v1 import options_pb2

NANOSECONDS = 1_000_000_000
UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
SIZE = re.compile(r"(-?\d+(?:\.\d+)?) *([bkmg]?)b?", re.IGNORECASE)

_F = FieldDescriptor
INTEGERS: Mapping[int, tuple[int, int]] = {
    **dict.fromkeys((_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32), (-(1 << 31), (1 << 31) - 1)),
    **dict.fromkeys((_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64), (-(1 << 63), (1 << 63) - 1)),
    **dict.fromkeys((_F.TYPE_UINT32, _F.TYPE_FIXED32), (0, (1 << 32) - 1)),
    **dict.fromkeys((_F.TYPE_UINT64, _F.TYPE_FIXED64), (0, (1 << 64) - 1)),
}
"""The least and the greatest value of each type."""


def build(kind: Descriptor, values: Mapping[str, Any], path: str = "") -> Message:
    """Return the message of *kind* with *values* in its fields; *path* is its place in the request.

    A field goes by its name in the contract or by the Engine's name, such as `Image`.  None leaves it unset.  Raises
    `TypeError` for an unknown field and a value of the wrong type, and `ValueError` for a wrong value.
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        if value is None and isinstance(name, str) and name[:1].isupper():
            continue  # docker-py's objects have None for what is unset, also for keys that the Engine does not know
        field = _field(kind, name, path)
        place = f"{path}.{field.name}" if path else field.name
        value = _from_docker_py(field, name, value, place)
        if value is None:
            continue
        if field.name in found:
            raise TypeError(f"{place} is given twice: as {field.name!r} and as {field.json_name!r}")
        found[field.name] = _content(field, value, place)
    return GetMessageClass(kind)(**found)


def _content(field: FieldDescriptor, value: Any, place: str) -> Any:
    """Return what the constructor of a message takes for *field*."""
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        if not isinstance(value, Mapping):
            raise _wrong(field, value, place)
        key_field, value_field = kind.fields_by_name["key"], kind.fields_by_name["value"]
        return {
            _single(key_field, key, f"a key of {place}"): _single(value_field, each, f"{place}[{key!r}]")
            for key, each in value.items()
        }
    if not is_repeated(field):
        return _single(field, value, place)
    if _json_form(field) == options_pb2.JSON_FORM_KEYS and isinstance(value, Mapping):
        value = _keys(field, value, place)
    if not is_list(value):
        raise _wrong(field, value, place)
    return [_single(field, each, f"{place}[{index}]") for index, each in enumerate(value)]


def _single(field: FieldDescriptor, value: Any, place: str) -> Any:
    if field.message_type is not None:
        return _message(field.message_type, value, place)
    if field.enum_type is not None:
        return _enum(field.enum_type, value, place)
    if field.type in INTEGERS:
        return _integer(field, value, place)
    accepted, result = SCALARS[field.type]
    if not isinstance(value, accepted) or (isinstance(value, bool) and field.type != _F.TYPE_BOOL):
        hint = f": use its {name}" if (name := _identity(value)) else ""
        raise TypeError(f"{place} must be {_one(field)}{_also(field)}, not {type_name(value)}{hint}")
    try:
        return result(value)
    except UnicodeEncodeError:
        raise ValueError(f"{place} must be text that UTF-8 can encode") from None


def _identity(value: Any) -> str:
    """Return which attribute of an object names it: docker-py takes the objects themselves."""
    return next((name for name in ("id", "name") if isinstance(getattr(value, name, None), str)), "")


def _message(kind: Descriptor, value: Any, place: str) -> Message:
    if isinstance(value, Message) and value.DESCRIPTOR.full_name == kind.full_name:
        return value
    if kind.full_name in TIMES:
        convert, wanted = TIMES[kind.full_name]
        try:
            if (time := convert(value)) is not None:
                return time
        except (ValueError, OverflowError, OSError) as error:
            raise ValueError(f"{place} is not a time that the contract can hold: {error}") from None
        if not isinstance(value, Mapping):
            raise TypeError(f"{place} must be {wanted}, not {type_name(value)}")
    form = kind.GetOptions().Extensions[options_pb2.message].json_form
    if is_list(value) and form == options_pb2.JSON_FORM_ARRAY:
        return build(kind, {"items": value}, place)
    if is_list(value) and form == options_pb2.JSON_FORM_TUPLE and len(value) == len(kind.fields):
        return build(kind, {field.name: each for field, each in zip(kind.fields, value, strict=True)}, place)
    if isinstance(value, Mapping):
        return build(kind, value, place)
    raise TypeError(f"{place} must be {_one_message(kind)}, not {type_name(value)}")


def _enum(kind: EnumDescriptor, value: Any, place: str) -> int:
    if isinstance(value, str) and value in kind.values_by_name:
        return int(kind.values_by_name[value].number)
    if isinstance(value, int) and not isinstance(value, bool) and value in kind.values_by_number:
        return int(value)
    error = ValueError if isinstance(value, (str, int)) and not isinstance(value, bool) else TypeError
    raise error(f"{place} must be one of {', '.join(kind.values_by_name)}")


def _integer(field: FieldDescriptor, value: Any, place: str) -> int:
    if isinstance(value, str) and field.name.endswith("_bytes"):
        value = _size(value, place)
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{place} must be {_one(field)}{_also(field)}, not {type_name(value)}")
    least, greatest = INTEGERS[field.type]
    if not least <= number <= greatest:
        raise ValueError(f"{place} must be from {least} to {greatest}")
    return number


def _size(text: str, place: str) -> int:
    """Return the number of bytes, as `docker.utils.parse_bytes` does."""
    match = SIZE.fullmatch(text.strip())
    if match is None and text:
        raise ValueError(f"{place} must be a number of bytes, or a text such as '512m' or '1.5g'")
    return int(float(match[1]) * UNITS[match[2].lower()]) if match else 0


def _timestamp(value: Any) -> Timestamp | None:
    """Return the time of a `datetime` or of a number of seconds; None for anything else."""
    time = Timestamp()
    if isinstance(value, datetime):
        time.FromDatetime(value.astimezone(UTC))  # a naive one is local time, as for docker-py and `timestamp()`
        return time
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not math.isfinite(value) or value < 0:
        raise ValueError("seconds since 1970 must be 0 or more")
    time.FromNanoseconds(int(Decimal(str(value)) * NANOSECONDS))  # a float times 10**9 is not exact
    return time


def _duration(value: Any) -> Duration | None:
    if not isinstance(value, timedelta):
        return None
    duration = Duration()
    duration.FromTimedelta(value)
    return duration


TIMES: Mapping[str, tuple[Callable[[Any], Message | None], str]] = {
    Timestamp.DESCRIPTOR.full_name: (_timestamp, "a datetime or seconds since 1970"),
    Duration.DESCRIPTOR.full_name: (_duration, "a timedelta"),
}

SCALARS: Mapping[int, tuple[Any, Callable[[Any], Any]]] = {
    _F.TYPE_STRING: (str, lambda text: text.encode().decode()),  # refuses lone surrogates
    _F.TYPE_BYTES: ((bytes, bytearray, memoryview), bytes),
    _F.TYPE_BOOL: (bool, bool),
    _F.TYPE_FLOAT: ((int, float), float),
    _F.TYPE_DOUBLE: ((int, float), float),
}
"""Which types of Python a type of the contract accepts, and the value to send."""


def _from_docker_py(field: FieldDescriptor, name: str, value: Any, place: str) -> Any:
    form = _form(field)
    if form is None or value is None or (form.own_name_only and name != field.name):
        return value
    try:
        return form.convert(value)
    except TypeError as error:
        raise TypeError(f"{place}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _form(field: FieldDescriptor) -> Form | None:
    message: Any = field.containing_type
    return FORMS.get(f"{message.name}.{field.name}", FORMS.get(field.name))


def _field(kind: Descriptor, name: Any, path: str) -> FieldDescriptor:
    if not isinstance(name, str):
        raise TypeError(f"{path or kind.name}: a key must be a str, not {type_name(name)}")
    if (field := kind.fields_by_name.get(name)) is not None:
        return field
    engine_name = OTHER_SPELLINGS.get(name, name)
    for field in kind.fields:
        if field.json_name == engine_name:
            return field
    place = f"{path}: " if path else ""
    raise TypeError(f'{place}{kind.name} has no "{name}" field{_hint(kind, name)}')


def path_of(kind: Descriptor, name: str) -> str | None:
    """Return where *kind* has the field with docker-py's *name*, such as `host_config.dns`."""
    return next(_paths(kind, DOCKER_PY_NAMES.get(name, name)), None)


def _hint(kind: Descriptor, name: str) -> str:
    if (path := path_of(kind, name)) is not None:
        return f"; use {path}"
    names = {each.casefold(): field.name for field in kind.fields for each in (field.name, field.json_name)}
    close = difflib.get_close_matches(name.casefold(), names, 1)
    return f"; did you mean {names[close[0]]}?" if close else f"; it has {', '.join(kind.fields_by_name)}"


def _paths(kind: Descriptor, name: str, path: str = "", depth: int = 3) -> Iterator[str]:
    """Yield where *kind* has a field called *name*."""
    if name in kind.fields_by_name:
        yield path + name
    for field in kind.fields if depth else ():
        kind_of_field = field.message_type
        if kind_of_field is not None and not is_repeated(field) and kind_of_field.full_name not in TIMES:
            yield from _paths(kind_of_field, name, f"{path}{field.name}.", depth - 1)


def is_repeated(field: FieldDescriptor) -> bool:
    """Return whether *field* is a list or a map: older versions of protobuf have the label, newer ones warn of it."""
    known: Any = field
    return bool(known.is_repeated if hasattr(known, "is_repeated") else known.label == known.LABEL_REPEATED)


def _keys(field: FieldDescriptor, value: Mapping[Any, Any], place: str) -> list[Any]:
    if any(each not in ({}, None) for each in value.values()):
        raise TypeError(f"{place}: the values of a dict must be empty: {KEYS_HINTS.get(field.name, 'its keys count')}")
    return list(value)


def _json_form(field: FieldDescriptor) -> int:
    return int(field.GetOptions().Extensions[options_pb2.field].json_form)


def _wrong(field: FieldDescriptor, value: Any, place: str) -> TypeError:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        wanted = f"a dict of str to {_one(kind.fields_by_name['value'])}"
    else:
        wanted = f"a list of {_one(field)}"
    return TypeError(f"{place} must be {wanted}{_also(field, whole=True)}, not {type_name(value)}")


def _also(field: FieldDescriptor, whole: bool = False) -> str:
    """Return what docker-py allows for the *whole* of a list or dict, or for a single value."""
    form = _form(field)
    return f" or {form.also}" if form and form.also and whole == is_repeated(field) else ""


def _one(field: FieldDescriptor) -> str:
    if field.message_type is not None:
        return _one_message(field.message_type)
    if field.type in INTEGERS:
        return "an int, or a text such as '512m'" if field.name.endswith("_bytes") else "an int"
    return {_F.TYPE_STRING: "str", _F.TYPE_BYTES: "bytes", _F.TYPE_BOOL: "True or False"}.get(field.type, "a number")


def _one_message(kind: Descriptor) -> str:
    form = kind.GetOptions().Extensions[options_pb2.message].json_form
    return "a list" if form == options_pb2.JSON_FORM_ARRAY else f"a {kind.name} or a dict of its fields"
