"""The messages that clients send: the time limit of the first one, and the decoding of all."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import grpc

from gateway.config.settings import Limits
from gateway.rpc.connections import Connections
from gateway.rpc.context import GrpcContext
from gateway.rpc.status import GatewayBusy, NoRequest
from gateway.telemetry.rpcs import RpcMetrics

if TYPE_CHECKING:
    from gateway.rpc.call import Call, Method

_KEY = "limits.request_timeout_seconds"
_LOOK_SECONDS = 0.025  # short: in 0.1 s, a client can begin 4,000 calls, and grpc takes 15 KiB for each
_MOMENT = 8  # checks; a message that arrives with its call never waits for this many
_MANY = 8  # calls of one connection

_Slow = dict[str, dict[str, list["Call"]]]  # calls by address and connection, those that began first before the others


class FirstMessages:
    """The calls whose first message has not arrived.

    They have no place in a budget, because silent clients could fill it.  But they use memory: grpc buffers a message
    of up to 4 MiB until it is complete.  So the number of calls that wait longer than a moment is bounded.

    Time is counted in periodic checks.  While the event loop is blocked, no check runs, and no call times out.
    """

    def __init__(self, limits: Limits, connections: Connections, metrics: RpcMetrics) -> None:
        self._seconds, self._most_slow = limits.request_timeout_seconds, limits.max_slow_requests
        self._last_look = max(_MOMENT, math.ceil(self._seconds / _LOOK_SECONDS))
        self._looks: dict[Call, int] = {}  # how many checks each call has waited
        self._timer: asyncio.TimerHandle | None = None
        self._connections = connections
        self._refused = metrics.refused.labels("request", "gateway")
        metrics.open.labels("request").set_function(lambda: len(self._looks))
        metrics.limit.labels("request").set(self._most_slow)

    async def read(self, call: Call, context: GrpcContext) -> Any:
        """Return the bytes of the first message; `grpc.aio.EOF` when the client has closed its side without one."""
        self._looks[call] = 0
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)
        try:
            return await context.read()
        finally:
            del self._looks[call]

    def end_all(self, error: Exception) -> None:
        """End all of them with *error*."""
        for call in self._looks:
            call.context.end(error)

    def _look(self) -> None:
        self._timer = None
        slow: _Slow = defaultdict(lambda: defaultdict(list))
        for call in self._looks:
            self._looks[call] += 1
            if self._looks[call] > self._last_look:
                call.context.end(NoRequest(f"no message has come within {self._seconds:g} s ({_KEY})"))
            elif self._looks[call] > _MOMENT:
                slow[call.address][call.peer].append(call)
        self._bound(slow)
        if self._looks:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _bound(self, slow: _Slow) -> None:
        """End slow calls until the bound holds, first those of the address and the connection that have the most.

        A connection with many slow calls is closed, because that costs less than a status for each call.
        """
        counts = {address: sum(map(len, connections.values())) for address, connections in slow.items()}
        excess = sum(counts.values()) - self._most_slow
        silent: list[str] = []
        for address in sorted(slow, key=counts.__getitem__, reverse=True):
            for peer, calls in sorted(slow[address].items(), key=lambda item: len(item[1]), reverse=True):
                if excess <= 0:
                    break
                if len(calls) >= _MANY and self._connections.may_close(peer):
                    silent.append(peer)
                else:
                    calls = calls[:excess]
                    self._refuse(calls)
                excess -= len(calls)
        self._connections.close(silent, "silent")

    def _refuse(self, calls: list[Call]) -> None:
        most = f"{self._most_slow} calls, as many as limits.max_slow_requests allows"
        for call in calls:
            self._refused.inc()
            call.context.end(GatewayBusy(f"the gateway waits for the first message of {most}"))


class Requests:
    """The messages of a client's stream.  `host` is that of the `start` among them."""

    def __init__(self, first: Any, pause_seconds: float, method: Method, context: GrpcContext) -> None:
        """Begin with the message *first*, None when the client has sent none.

        The next message is read *pause_seconds* after the first one was taken.
        """
        self.host = ""
        self._method = method
        self._context = context
        self._ended = first is None
        self._first: Any = first
        self._pause_seconds = pause_seconds
        self._note_host(first)

    def __aiter__(self) -> Requests:
        return self

    async def __anext__(self) -> Any:
        """Return the next message.  Raises `MalformedMessage` and `InvalidField`."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._pause_seconds:
            await asyncio.sleep(self._pause_seconds)
        data: Any = grpc.aio.EOF if self._ended else await self._context.read()
        if data is grpc.aio.EOF:
            self._ended = True
            raise StopAsyncIteration
        self._pause_seconds = self._method.shared.large_messages.came(self._context.peer(), len(data))
        request = await self._method.decode(data)
        self._note_host(request)
        return request

    def _note_host(self, request: Any) -> None:
        if not self.host and hasattr(request, "start"):
            self.host = request.start.host
