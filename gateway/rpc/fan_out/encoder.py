"""The responses of calls to many hosts, as bytes: each holds what is there, of several hosts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, cast

from dockfleet.fleet.v1 import fleet_pb2 as pb
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.engine.codec.wire import delimited, tag, varint
from gateway.fleet.batch import Target
from gateway.rpc.encoding import serialize
from gateway.rpc.markers import heartbeat

_MOST_BYTES = 256 << 10
_MOST_ITEMS = 64  # hosts whose inventories are read without a pause, and the most of one response
_MOST_SECONDS = 0.002  # for the items of one response: filters and hostile inventories take their time


class Item(NamedTuple):
    """An answer or a result, serialised, of *size* bytes.

    Lists of many hosts are megabytes long; pieces avoid copies.
    """

    pieces: list[bytes]
    size: int


class Encoder:
    """Encodes the responses of one RPC as bytes; the responses of hosts are not parsed again."""

    def __init__(self, method: MethodDescriptor, several: str) -> None:
        """*several* is the field of the answers of hosts, or of the results of targets."""
        self._reply = GetMessageClass(method.output_type)
        item = cast("Any", method.output_type.fields_by_name[several].message_type)
        self._item = GetMessageClass(item)
        self._several = tag(method.output_type, several)
        self._response = tag(item, "response")

    def reply(self, **fields: Any) -> bytes:
        """Return a response with *fields*."""
        return self._reply(**fields).SerializeToString()

    def answer(self, host: str, response: Sequence[bytes] | None, failure: Message | None) -> Item:
        """Return the answer of *host*; its *response* is serialised, in pieces."""
        body: bytes = self._item(host=host, failure=failure).SerializeToString()
        if response is None:
            return Item([body], len(body))
        size = sum(map(len, response))
        head = self._response + varint(size)
        return Item([body, head, *response], len(body) + len(head) + size)

    def result(self, target: Target, *, response: Message | bytes | None = None, last: bool = True, **why: Any) -> Item:
        """Return the result of *target*; *why* is its `failure`, or that it was `skipped`."""
        changed = pb.BatchTarget(
            host=target.host.name, container_id=target.container_id, container_name=target.container_name
        )
        body: bytes = self._item(target=changed, last=last, **why).SerializeToString()
        if response is not None:
            body += delimited(self._response, serialize(response))
        return Item([body], len(body))

    def responses(self, items: Iterable[Item]) -> Iterator[bytes]:
        """Yield responses that hold *items*, about 256 KiB at most; a heartbeat when there are none."""
        if not items:
            yield self.reply(heartbeat=heartbeat(0))
        pieces: list[bytes] = []
        count = size = 0
        began = time.monotonic()
        for item in items:
            late = time.monotonic() - began > _MOST_SECONDS
            if count == _MOST_ITEMS or (count and (late or size + item.size > _MOST_BYTES)):
                yield b"".join(pieces)
                pieces, count, size = [], 0, 0
                began = time.monotonic()
            pieces += (self._several, varint(item.size), *item.pieces)
            count += 1
            size += item.size
        if pieces:
            yield b"".join(pieces)
