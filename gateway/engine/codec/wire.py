"""Encodes parts of messages as bytes, where creating message objects would cost more than the rest of the call.

(Protocol Buffers, "Encoding": a field is its tag, and for bytes and messages the length, before the value.)
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

from google.protobuf.descriptor import Descriptor

_VARINT, _LENGTH_DELIMITED = 0, 2


@lru_cache(maxsize=1 << 16)
def varint(number: int) -> bytes:
    """Return *number*, not negative, as a varint."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def appendable(data: bytes) -> BytesIO:
    """Return a buffer that begins with *data*.

    To take the bytes of such a buffer copies nothing, however many they are.
    """
    buffer = BytesIO()
    buffer.write(data)
    return buffer


def tag(message: Descriptor, field: str) -> bytes:
    """Return the tag of *field*, for bytes, strings and messages."""
    return varint(message.fields_by_name[field].number << 3 | _LENGTH_DELIMITED)


def number_field(message: Descriptor, field: str, value: int) -> bytes:
    """Return *field* with a number that is not negative."""
    return varint(message.fields_by_name[field].number << 3 | _VARINT) + varint(value)


def delimited(tag: bytes, data: bytes) -> bytes:
    """Return a field of bytes, a string or a message."""
    return b"".join((tag, varint(len(data)), data))
