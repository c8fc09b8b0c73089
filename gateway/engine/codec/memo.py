"""A cache of converted list items: only items that have changed since the last list are converted."""

from __future__ import annotations

import asyncio
from io import BytesIO

from gateway.engine.client import Skipped
from gateway.engine.codec import json as enginejson
from gateway.engine.codec import pieces, split
from gateway.engine.codec.binding import Binding
from gateway.engine.codec.json import NotEngineJson
from gateway.engine.codec.wire import appendable, delimited, tag
from gateway.engine.errors import BadResponse
from gateway.engine.transport.http import Response
from gateway.engine.transport.turns import Turns

_KEPT_SECONDS = 60.0  # an item is kept for as long after its last use, and for at most twice as long
_MOST_KEPT_BYTES = 8 << 20  # of a response whose items are kept
_SPARE = 64  # items beyond those of one response


class ListMemo:
    """The items of the last responses to one RPC, serialised, by the hashes of their JSON, which is twice as long.

    Nobody can make two items with one hash: it is keyed with a secret of the process.
    """

    def __init__(self, binding: Binding) -> None:
        """Serve an RPC whose response is a list, or has one, of messages."""
        self._binding = binding
        field = next(field for field in binding.reply.fields if field.is_repeated and field.message_type is not None)
        assert field.message_type is not None
        self._load = enginejson.loader(field.message_type)
        self._tag = tag(binding.reply, field.name)
        self._is_array = binding.answer == field.name  # else it is an object: of volumes, and warnings
        self._load_rest = enginejson.loader(binding.reply)
        self._young: dict[int, bytes] = {}
        self._old: dict[int, bytes] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def serialised(self, response: Response, turns: Turns, skipped: Skipped) -> BytesIO:
        """Return the message of a whole response, serialised: further fields can be added.  Raises `BadResponse`.

        *turns* are the host's; *skipped* gets the number of values that do not fit the contract and are left out.
        """
        try:
            return await self._joined(response.body, turns, skipped)
        except (BadResponse, NotEngineJson):  # it may have another form: convert it as a whole
            return appendable(self._binding.response(response, skipped).SerializeToString())

    def close(self) -> None:
        """Forget all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._young, self._old = {}, {}

    async def _joined(self, body: bytes, turns: Turns, skipped: Skipped) -> BytesIO:
        places: list[str] = []
        made, count, keeps = BytesIO(), 0, len(body) <= _MOST_KEPT_BYTES
        if not self._is_array:
            found = split.volumes(body)
            body = bytes(found.items)
            rest = {"Warnings": enginejson.parse(bytes(found.warnings))}
            made.write(self._load_rest(rest, places).SerializeToString())
        for items in pieces.items(body):
            if turns.spent:
                await turns.next()
            made.writelines([self._piece(item, places, keeps=keeps) for item in items])
            count += len(items)
        if places:
            skipped(self._binding.name, len(places))
        self._forget(count)
        return made

    def _piece(self, item: bytes, places: list[str], *, keeps: bool) -> bytes:
        key = hash(item)
        piece = self._young.get(key)
        if piece is None:
            piece = self._old.get(key)
            if piece is None:
                before = len(places)
                piece = delimited(self._tag, self._load(enginejson.parse(item), places).SerializeToString())
                if not keeps or len(places) > before:
                    return piece  # not cached, because skipped values must be counted each time
            self._young[key] = piece
        return piece

    def _forget(self, used: int) -> None:
        """Drop items that were not used for some time."""
        if len(self._young) > 2 * used + _SPARE:
            self._old, self._young = self._young, {}
        if self._timer is None and self._young:
            self._timer = asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._age)

    def _age(self) -> None:
        self._timer = None
        self._old, self._young = self._young, {}
        if self._old:
            self._timer = asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._age)
