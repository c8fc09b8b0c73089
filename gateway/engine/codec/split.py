"""Splits the JSON of a list into the JSON of its items, without parsing them: see `pieces`."""

from __future__ import annotations

import msgspec

from gateway.engine.codec import pieces
from gateway.engine.codec.json import NotEngineJson
from gateway.engine.errors import BadResponse
from gateway.engine.transport.turns import Turns

_MOST_ITEMS = 100_000


class Volumes(msgspec.Struct):
    """The answer to a list of volumes, as JSON that is not read."""

    items: msgspec.Raw = msgspec.field(name="Volumes", default=msgspec.Raw(b"null"))
    warnings: msgspec.Raw = msgspec.field(name="Warnings", default=msgspec.Raw(b"null"))


_volumes = msgspec.json.Decoder(Volumes).decode


async def items(body: bytes | msgspec.Raw, turns: Turns) -> list[bytes]:
    """Return the JSON of each item of an array, or of null.  Raises `BadResponse`."""
    found: list[bytes] = []
    try:
        for some in pieces.items(bytes(body)):
            if turns.spent:
                await turns.next()
            found += some
            if len(found) > _MOST_ITEMS:
                raise BadResponse(f"the host's list has more than {_MOST_ITEMS} items", sent=True)
    except NotEngineJson as error:
        raise BadResponse(f"the host's response does not fit the Engine API: {error}", sent=True) from error
    return found


def volumes(body: bytes) -> Volumes:
    """Return the parts of a list of volumes.  Raises `BadResponse`."""
    try:
        return _volumes(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadResponse(f"the host's response does not fit the Engine API: {error}", sent=True) from error
