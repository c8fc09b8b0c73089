"""Converts messages to the Engine's own JSON: with its names and forms, and with numbers as numbers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from dockfleet.arguments import is_repeated
from dockfleet.cli.template import Values
from dockfleet.options.v1 import options_pb2


def engine_time(time: Timestamp) -> str:
    """Return *time* as Go writes it: without zeros at the end of the fraction."""
    text = time.ToJsonString()
    return f"{text[:-1].rstrip('0')}Z" if "." in text else text


WELL_KNOWN: Mapping[str, Callable[[Any], Any]] = {
    "google.protobuf.Timestamp": engine_time,
    "google.protobuf.Duration": lambda time: time.ToNanoseconds(),
    "google.protobuf.Struct": json_format.MessageToDict,
}


def docker_json(message: Message) -> Any:
    """Return *message* as JSON.  Empty fields are there, but not those that the message would tell from absent ones."""
    name = message.DESCRIPTOR.full_name
    if name in WELL_KNOWN:
        return WELL_KNOWN[name](message)
    form = message.DESCRIPTOR.GetOptions().Extensions[options_pb2.message].json_form
    values = {field.json_name: _content(field, getattr(message, field.name)) for field in _shown(message)}
    if form == options_pb2.JSON_FORM_ARRAY:
        return next(iter(values.values()), [])
    if form == options_pb2.JSON_FORM_TUPLE:
        return list(values.values())
    return Values(values, [field.json_name for field in message.DESCRIPTOR.fields if field.json_name not in values])


def _shown(message: Message) -> list[Any]:
    return [field for field in message.DESCRIPTOR.fields if not field.has_presence or message.HasField(field.name)]


def _content(field: Any, value: Any) -> Any:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        inner = kind.fields_by_name["value"]
        return {str(key): _single(inner, value[key]) for key in sorted(value)}
    if not is_repeated(field):
        return _single(field, value)
    items = [_single(field, each) for each in value]
    keys = field.GetOptions().Extensions[options_pb2.field].json_form == options_pb2.JSON_FORM_KEYS
    return {item: {} for item in items} if keys else items


def _single(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        return docker_json(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number
        return known[value].name if value in known else value
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
