"""Bounds on the open calls of each kind: in total, from one address, and on one connection.

Clients have no identities yet, so a client is its address.  Clients on a unix socket have no address: only the total
bounds apply to them.
"""

from __future__ import annotations

import ipaddress
import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from gateway.config.settings import Limits
from gateway.engine.kinds import Kind
from gateway.rpc.status import GatewayBusy
from gateway.telemetry.rpcs import RpcMetrics

if TYPE_CHECKING:
    from gateway.rpc.call import Call, Method


@lru_cache(maxsize=1024)
def address_of(peer: str) -> str:
    """Return the address that identifies a client; *peer* is the other end of the connection as grpc writes it.

    For IPv6 it is the first half, because one client usually has a whole /64 network.  It is "" on a unix socket.
    """
    kind, _, rest = unquote(peer).partition(":")
    host = rest.rpartition(":")[0]
    if kind == "ipv6":
        return str(ipaddress.ip_network((host.strip("[]").partition("%")[0], 64), strict=False))
    return host if kind == "ipv4" else ""


class Budgets:
    """The budgets of a gateway."""

    def __init__(self, limits: Limits, metrics: RpcMetrics) -> None:
        connections = _Counts()

        def budget(name: str, what: str, key: str, *, lasts: bool = True) -> Budget:
            limit = getattr(limits, key)
            bounds = _Bounds(limit, math.ceil(limit * limits.max_address_share))
            if lasts:
                bounds = bounds._replace(connection=limits.max_streams_per_connection)
            return Budget(name, what, f"limits.{key}", bounds, connections, metrics)

        self.call = budget("call", "calls", "max_concurrent_calls", lasts=False)
        self.stream = budget("stream", "streams", "max_concurrent_streams")
        self.heavy = budget("heavy", "heavy calls", "max_concurrent_heavy_calls")
        self.watch = budget("watch", "watches of health", "max_health_watches")
        self.reflection = budget("reflection", "reflection streams", "max_reflection_streams")
        # A health check ends in the loop iteration in which its request arrives, so it needs no bound.
        self.check = Budget("check", "health checks", "", _Bounds(), connections, metrics)
        self._of_kinds = {Kind.UNARY: self.call, Kind.STREAM: self.stream, Kind.HEAVY: self.heavy}
        self.all = (self.call, self.stream, self.heavy, self.watch, self.reflection, self.check)

    def of(self, method: Method) -> Budget:
        """Return the budget of the calls of *method*."""
        if method.of_health:
            return self.watch if method.streams else self.check
        if method.of_reflection:
            return self.reflection
        return self._of_kinds[method.kind]


class _Bounds(NamedTuple):
    """The largest numbers of open calls.  One bound per connection covers all kinds of calls but unary ones."""

    total: float = math.inf
    address: float = math.inf
    connection: float = math.inf


class _Counts(dict[str, int]):
    """Counters by name.  A name whose count is zero is removed."""

    def add(self, name: str, count: int) -> None:
        self[name] = self.get(name, 0) + count
        if not self[name]:
            del self[name]


class Budget:
    """The open calls of one kind."""

    def __init__(
        self, name: str, what: str, key: str, bounds: _Bounds, of_connections: _Counts, metrics: RpcMetrics
    ) -> None:
        """Store.  *what* describes the calls in error texts; *key* is the configuration key of the total bound."""
        self._name, self._what, self._key, self._bounds = name, what, key, bounds
        self._calls: set[Call] = set()
        self._of_connections = of_connections
        self._lasting = bounds.connection < math.inf
        self._refused = metrics.refused
        metrics.open.labels(name).set_function(lambda: self.open)
        if bounds.total < math.inf:
            metrics.limit.labels(name).set(bounds.total)

    @property
    def open(self) -> int:
        """How many calls are open."""
        return len(self._calls)

    def take(self, call: Call) -> None:
        """Admit *call*.  Raises `GatewayBusy`, which names the bound that is reached."""
        total, of_address, of_connection = self._bounds
        if len(self._calls) >= total:
            raise self._busy("gateway", f"the gateway serves {total} {self._what}, as many as {self._key} allows")
        if len(self._calls) >= of_address and self._open_from(call.address) >= of_address:
            share = f"limits.max_address_share of {self._key}"
            raise self._busy("address", f"this address has {of_address} {self._what}, as many as {share} allows")
        if self._lasting:
            if call.address and self._of_connections.get(call.peer, 0) >= of_connection:
                key = "limits.max_streams_per_connection"
                why = f"this connection has {of_connection} streams, as many as {key} allows: use another connection"
                raise self._busy("connection", why)
            self._of_connections.add(call.peer, 1)
        self._calls.add(call)

    def give_back(self, call: Call) -> None:
        """Release the place of *call*, if it was admitted."""
        if call in self._calls:
            self._calls.remove(call)
            if self._lasting:
                self._of_connections.add(call.peer, -1)

    def end(self, error: Exception, *, endless: bool) -> None:
        """End all calls with *error*; with *endless*, only the streams that have no end of their own."""
        for call in list(self._calls):
            if call.method.endless or not endless:
                call.context.end(error)

    def _open_from(self, address: str) -> int:
        return sum(call.address == address for call in self._calls) if address else 0

    def _busy(self, whose: str, why: str) -> GatewayBusy:
        self._refused.labels(self._name, whose).inc()
        return GatewayBusy(why)
