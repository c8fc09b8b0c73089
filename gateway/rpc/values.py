"""How many values the bytes of a message have: counted before it is parsed, because a parser cannot pause.

A value of two bytes takes fifty in memory, and more when it is sent on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from gateway.engine.pauses import Pauses
from gateway.rpc.size import LARGE_BYTES
from gateway.rpc.status import MalformedMessage

MOST_VALUES = 20_000
"""In one message."""

_STEPS = 500  # fields that are counted without a look at the clock
_VARINT, _EIGHT_BYTES, _DELIMITED, _FOUR_BYTES = 0, 1, 2, 5  # how fields are written; groups are obsolete
_MOST_VARINT_BYTES = 10
_OF_ENTRY = 2  # the key and the value of a map's entry, which count together as one value
_TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)

_Below: TypeAlias = "Mapping[int, Descriptor | None]"  # the fields with values in them; None for numbers


async def check_values(data: bytes, message: Descriptor) -> None:
    """Raise `MalformedMessage` when *data*, the bytes of a *message*, have too many values, or are none of it."""
    if len(data) <= LARGE_BYTES:
        return
    pauses = Pauses()
    try:
        for _ in _count(data, message):
            if pauses.due:
                await pauses.pause()
    except IndexError:
        raise _malformed(data, message) from None
    await pauses.pause()  # to receive the message took its time, and so does what follows


def _count(data: bytes, message: Descriptor) -> Iterator[None]:
    """Count, and yield now and then.  Raises `MalformedMessage`, and `IndexError` where a field has no end."""
    end, (fields, free) = len(data), _inside(message)
    outer: list[tuple[int, _Below, int]] = []  # where the messages around this one end
    place = count = steps = 0
    while True:
        while place == end:
            if not outer:
                return
            end, fields, free = outer.pop()
        if place > end:
            raise _malformed(data, message)
        steps += 1
        if not steps % _STEPS:
            yield
        if free:
            free -= 1
        else:
            count += 1
        key = data[place]
        place += 1
        if key > 0x7F:
            key, place = _varint(data, place - 1)
        kind = key & 7
        if kind == _DELIMITED:
            size = data[place]
            place += 1
            if size > 0x7F:
                size, place = _varint(data, place - 1)
            number = key >> 3
            if number not in fields:
                place += size
            elif (below := fields[number]) is None:
                count += size
                place += size
            elif place + size > end:
                raise _malformed(data, message)
            else:
                outer.append((end, fields, free))
                end, (fields, free) = place + size, _inside(below)
        elif kind == _VARINT:
            _, place = _varint(data, place)
        elif kind == _EIGHT_BYTES:
            place += 8
        elif kind == _FOUR_BYTES:
            place += 4
        else:
            raise _malformed(data, message)
        if count > MOST_VALUES:
            raise MalformedMessage(f"the message has more than {MOST_VALUES} values: send fewer at once")


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at *place*, and the place after it."""
    number = 0
    for index in range(_MOST_VARINT_BYTES):
        byte = data[place + index]
        number |= (byte & 0x7F) << 7 * index
        if byte <= 0x7F:
            return number, place + index + 1
    raise IndexError


@cache
def _inside(message: Descriptor) -> tuple[_Below, int]:
    """Return the fields with values in them, and how many fields count with the message itself.

    Several numbers can be written as one field; each takes a byte at least.
    """
    fields = {field.number: field.message_type for field in message.fields if field.message_type or _is_packed(field)}
    return fields, _OF_ENTRY if message.GetOptions().map_entry else 0


def _is_packed(field: FieldDescriptor) -> bool:
    return field.is_repeated and field.type not in _TEXTS


def _malformed(data: bytes, message: Descriptor) -> MalformedMessage:
    return MalformedMessage(f"{len(data)} bytes are no message of {message.full_name}")
