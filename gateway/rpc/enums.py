"""Checks the enums in requests.  protobuf accepts any number, and code would treat an unknown one as the default."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.engine.errors import InvalidField


class Enums:
    """The enum fields of a message type, at any depth.  It is true if there is one."""

    def __init__(self, message: Descriptor, above: frozenset[Descriptor] = frozenset()) -> None:
        above |= {message}
        self._fields = [(field, field.enum_type) for field in message.fields if field.enum_type]
        below = [(field, field.message_type) for field in message.fields if field.message_type]
        inner = [(field, Enums(kind, above)) for field, kind in below if kind not in above]
        self._inner = [(field, enums) for field, enums in inner if enums]

    def __bool__(self) -> bool:
        return bool(self._fields or self._inner)

    def check(self, message: Any, path: str = "") -> None:
        """Raise `InvalidField` for a value that its enum does not have."""
        for field, enum in self._fields:
            for where, value in _values(message, field, path):
                if value not in enum.values_by_number:
                    raise InvalidField(where, f"must be one of {enum.name}, such as {enum.values[1].name}")
        for field, enums in self._inner:
            for where, value in _values(message, field, path):
                enums.check(value, where)


def _values(message: Any, field: FieldDescriptor, path: str) -> list[tuple[str, Any]]:
    """Return the values of *field*, each with its path."""
    where = f"{path}.{field.name}" if path else field.name
    value = getattr(message, field.name)
    if field.is_repeated:
        return [(f"{where}[{number}]", each) for number, each in enumerate(value)]
    if field.has_presence and not message.HasField(field.name):
        return []
    return [(where, value)]
