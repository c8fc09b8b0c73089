"""Lists of an engine, of which only the items are converted that have changed since they were converted last."""

from __future__ import annotations

import asyncio

from gateway.engine.client import Skipped
from gateway.engine.codec import json as enginejson
from gateway.engine.codec import split
from gateway.engine.codec.binding import Binding
from gateway.engine.codec.json import NotEngineJson
from gateway.engine.codec.wire import delimited, tag
from gateway.engine.errors import BadResponse
from gateway.engine.transport.http import Response

_KEPT_SECONDS = 60.0  # an item is kept for as long after its last use, and for at most twice as long
_SPARE = 64  # items beyond those of one response


class ListMemo:
    """The items of the last responses to one RPC, serialised, by their JSON."""

    def __init__(self, binding: Binding) -> None:
        """Serve an RPC whose response is a list, or has one, of messages."""
        self._binding = binding
        field = next(field for field in binding.reply.fields if field.is_repeated and field.message_type is not None)
        assert field.message_type is not None
        self._load = enginejson.loader(field.message_type)
        self._tag = tag(binding.reply, field.name)
        self._property = "" if binding.answer == field.name else field.json_name
        self._load_rest = enginejson.loader(binding.reply)
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._timer: asyncio.TimerHandle | None = None

    def serialised(self, response: Response, skipped: Skipped) -> bytes:
        """Return the message of a whole response, serialised.  Raises `BadResponse`.

        *skipped* is told how many values do not fit the contract and are left out.
        """
        try:
            return self._joined(response.body, skipped)
        except (BadResponse, NotEngineJson):  # or it has another form: then its items are not told apart
            return self._binding.response(response, skipped).SerializeToString()

    def close(self) -> None:
        """Forget all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._young, self._old = {}, {}

    def _joined(self, body: bytes, skipped: Skipped) -> bytes:
        places: list[str] = []
        rest = b""
        if self._property:
            properties = split.properties(body)
            items = split.items(properties.pop(self._property, b"null"))
            document = {name: enginejson.parse(bytes(value)) for name, value in properties.items()}
            rest = self._load_rest(document, places).SerializeToString()
        else:
            items = split.items(body)
        pieces = [self._piece(item, places) for item in items]
        if places:
            skipped(self._binding.name, len(places))
        self._forget(len(items))
        return b"".join((*pieces, rest))

    def _piece(self, item: bytes, places: list[str]) -> bytes:
        piece = self._young.get(item)
        if piece is None:
            piece = self._old.get(item)
            if piece is None:
                before = len(places)
                piece = delimited(self._tag, self._load(enginejson.parse(item), places).SerializeToString())
                if len(places) > before:
                    return piece  # to be counted each time
            self._young[item] = piece
        return piece

    def _forget(self, used: int) -> None:
        """Forget soon what is not used."""
        if len(self._young) > 2 * used + _SPARE:
            self._old, self._young = self._young, {}
        if self._timer is None and self._young:
            self._timer = asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._age)

    def _age(self) -> None:
        self._timer = None
        self._old, self._young = self._young, {}
        if self._old:
            self._timer = asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._age)
