"""Cuts the JSON of a list into that of its items, without reading them."""

from __future__ import annotations

import msgspec

from gateway.engine.errors import BadResponse

_items = msgspec.json.Decoder(list[msgspec.Raw] | None).decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def items(body: bytes | msgspec.Raw) -> list[bytes]:
    """Return the JSON of each item of an array, or of null.  Raises `BadResponse`."""
    try:
        return [bytes(item) for item in _items(body) or ()]
    except msgspec.DecodeError as error:
        raise BadResponse(f"the host's response does not fit the Engine API: {error}", sent=True) from error


def properties(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the JSON of each property of an object.  Raises `BadResponse`."""
    try:
        return _object(body)
    except msgspec.DecodeError as error:
        raise BadResponse(f"the host's response does not fit the Engine API: {error}", sent=True) from error
