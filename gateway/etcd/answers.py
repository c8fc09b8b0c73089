"""Parses what etcd sends, within bounds: a field of two bytes takes a hundred in memory."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

MOST_FIELDS = 100_000
"""Of one response, such as keys or changes of keys."""

_FIXED_BYTES = {1: 8, 5: 4}  # by wire type
_VARINT_BYTES = 10

Response = TypeVar("Response", bound=Message)


def parse(data: bytes, kind: type[Response]) -> Response:
    """Return *data* as a message.  Raises `ValueError`."""
    if _count(data) > MOST_FIELDS:
        raise ValueError(f"it has more than {MOST_FIELDS} keys or changes")
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise ValueError("it is no message of etcd") from error


def _count(data: bytes) -> int:
    """Return how many fields are in *data*, not counting those within fields; when they are too many, not all.

    Raises `ValueError` for what is no message.
    """
    count = place = 0
    while place < len(data) and count <= MOST_FIELDS:
        tag, place = _varint(data, place)
        match tag & 7:
            case 0:
                _, place = _varint(data, place)
            case 2:
                size, place = _varint(data, place)
                place += size
            case 1 | 5 as fixed:
                place += _FIXED_BYTES[fixed]
            case _:
                raise ValueError("it is no message of etcd")
        count += 1
    return count


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at *place*, and where it ends.  Raises `ValueError` when there is none."""
    number = 0
    for shift, byte in enumerate(data[place : place + _VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return number, place + shift + 1
    raise ValueError("it is no message of etcd")
