"""RPCs that list the objects of a host.  The host answers, or its inventory if the request allows an older answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dockfleet.v1 import common_pb2
from google.protobuf.descriptor import MethodDescriptor

from gateway.engine.codec.binding import Binding
from gateway.engine.errors import CallError, InvalidField, TransportError
from gateway.engine.inventory.answers import freshness_field
from gateway.fleet.host import Host
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext


def may_be_old(method: MethodDescriptor) -> bool:
    """Return whether the requests of an RPC have `max_age`, the largest allowed age of the answer."""
    return "max_age" in method.input_type.fields_by_name


def listing(binding: Binding, backend: Backend) -> Callable[..., Any]:
    """Return the behaviour of an RPC that lists objects; it returns serialised responses."""

    async def call(request: Any, context: CallContext) -> bytes:
        host = backend.host(request, context)
        asked = binding.call(request, backend.timeouts.deadline(binding, context))
        max_age = _max_age(request)
        settled = await host.inventory.settled(binding.objects, request)
        if max_age is not None and settled and (answer := host.inventory.answer(request, max_age)) is not None:
            return b"".join(answer)
        if request.filters:
            host.inventory.check(request)
        sent = time.monotonic()
        try:
            response = await host.engine.fetch(asked)
        except TransportError:
            if max_age is None or (answer := host.inventory.answer(request, max_age)) is None:
                raise
            return b"".join(answer)  # a change that it does not show yet counts in its age
        freshness = common_pb2.Freshness(source=common_pb2.ANSWER_SOURCE_ENGINE)
        freshness.max_age.FromNanoseconds(int((time.monotonic() - sent) * 1e9))
        serialised = await host.memo(binding).serialised(response, host.engine.turns, host.engine.skipped)
        serialised.write(freshness_field(freshness))
        return serialised.getvalue()

    return call


def remembered(kind: str, request: Any, host: Host) -> list[bytes] | None:
    """Return the response of *host* to a request that lists objects of *kind*, serialised, in pieces.

    None when the inventory is not up to date, or when the call must wait or fail.
    """
    if host.outdated is not None or not host.inventory.shows_changes(kind, request):
        return None
    try:
        max_age = _max_age(request)
        return None if max_age is None else host.inventory.answer(request, max_age)
    except CallError:
        return None


def _max_age(request: Any) -> float | None:
    """Return the largest allowed age of an answer, in seconds; None when the host must be asked.  Raises
    `InvalidField`.
    """
    if not request.HasField("max_age"):
        return None
    seconds = request.max_age.seconds + request.max_age.nanos / 1e9
    if seconds < 0:
        raise InvalidField("max_age", "must not be negative")
    return float(seconds)
