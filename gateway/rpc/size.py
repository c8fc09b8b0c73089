"""How many bytes the open calls keep of large requests: a call keeps its request until it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.config.settings import Limits
from gateway.rpc.status import GatewayBusy
from gateway.telemetry.rpcs import RpcMetrics

if TYPE_CHECKING:
    from gateway.rpc.call import Call

LARGE_BYTES = 64 << 10
"""The largest request that is not counted."""
_KEY = "limits.max_large_request_bytes"


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
