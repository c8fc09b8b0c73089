"""The size of requests: how many values one may have, and how many bytes the open calls keep of large ones.

A value of two bytes takes fifty in memory, and more when it is sent on.  A call keeps its request until it ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.config.settings import Limits
from gateway.rpc.status import GatewayBusy, MalformedMessage
from gateway.telemetry.rpcs import RpcMetrics

if TYPE_CHECKING:
    from gateway.rpc.call import Call

LARGE_BYTES = 64 << 10
"""The largest request that is not counted."""
MOST_VALUES = 20_000
"""In one request."""

_KEY = "limits.max_large_request_bytes"


def check_values(message: Any, size: int) -> None:
    """Raise `MalformedMessage` when *message*, of *size* bytes, has too many values."""
    if size > LARGE_BYTES and _count(message, 0) > MOST_VALUES:
        raise MalformedMessage(f"the message has more than {MOST_VALUES} values: send fewer at once")


def _count(message: Any, count: int) -> int:
    """Return *count* and the values in *message*; when they are too many, not all."""
    for field, value in message.ListFields():
        count += len(value) if field.is_repeated else 1
        if count > MOST_VALUES:
            break
        if field.message_type:
            for below in _messages(field, value):
                count = _count(below, count)
                if count > MOST_VALUES:
                    return count
    return count


def _messages(field: Any, value: Any) -> Any:
    if not field.is_repeated:
        return (value,)
    if field.message_type.GetOptions().map_entry:
        return value.values() if field.message_type.fields_by_name["value"].message_type else ()
    return value


class LargeRequests:
    """The bytes of the large requests of open calls: in total, and from one address."""

    def __init__(self, limits: Limits, metrics: RpcMetrics) -> None:
        self._most = limits.max_large_request_bytes
        self._most_of_address = max(self._most * limits.max_address_share, 1)
        self._sizes: dict[Call, int] = {}
        self._refused = metrics.refused

    def take(self, call: Call, size: int) -> None:
        """Count the request of *call*, if it is large.  Raises `GatewayBusy`."""
        if size <= LARGE_BYTES:
            return
        if sum(self._sizes.values()) + size > self._most:
            raise self._busy("gateway", f"the gateway keeps large requests of {self._most} bytes, as many as {_KEY}")
        same = sum(size for other, size in self._sizes.items() if other.address == call.address) if call.address else 0
        if same + size > self._most_of_address:
            why = f"this address has large requests of {same} bytes, as many as limits.max_address_share of {_KEY}"
            raise self._busy("address", why)
        self._sizes[call] = size

    def give_back(self, call: Call) -> None:
        """Release what *call* has taken, if it has."""
        self._sizes.pop(call, None)

    def _busy(self, whose: str, why: str) -> GatewayBusy:
        self._refused.labels("large_request", whose).inc()
        return GatewayBusy(f"{why} allows")
