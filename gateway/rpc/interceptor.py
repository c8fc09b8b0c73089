"""The interceptor around every RPC.  It admits calls within budgets, and can end the open ones."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, closing
from typing import Any, TypeAlias

import grpc

from gateway.config.settings import Limits
from gateway.engine.transport.turns import Traffic
from gateway.rpc.call import Call, Handler, Method, Shared
from gateway.rpc.context import CallContext, GrpcContext, StreamContext
from gateway.rpc.status import GoingAway
from gateway.telemetry.rpcs import RpcMetrics
from gateway.telemetry.traces import Traces

Behaviour: TypeAlias = Callable[[Any, GrpcContext], Awaitable[Any]]


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler.  The wrapper of a method is created once and kept.

    Every wrapper is a streaming handler for grpc.  For a unary handler, grpc reads and decodes the message before it
    calls the wrapper: it would wait for it without a bound, and answer a malformed message with a status of its own.
    """

    def __init__(self, metrics: RpcMetrics, limits: Limits, traces: Traces, traffic: Traffic) -> None:
        """Admit calls within *limits*; tell *traffic* of those that arrive."""
        self._traffic = traffic
        self._shared = Shared.within(limits, metrics, traces)
        self._stall_timeout_seconds = limits.reader_stall_timeout_seconds
        self._wrapped: dict[str, Handler] = {}

    @property
    def busy(self) -> bool:
        """Whether a call is open."""
        return any(budget.open for budget in self._shared.budgets.all)

    def listens_on(self, port: int) -> None:
        """Store the port on which clients connect."""
        self._shared.connections.port = port

    def end_endless(self) -> None:
        """End the streams that have no end of their own, because the gateway is stopping."""
        budgets = self._shared.budgets
        for budget in (budgets.stream, budgets.reflection):
            budget.end(GoingAway(), endless=True)

    def end_all(self) -> None:
        """End every call with a status that fits it; grpc alone would send UNAVAILABLE to all clients."""
        self._shared.first_messages.end_all(GoingAway())
        self._shared.large_messages.end_all(GoingAway())
        self._shared.entrance.end_all(GoingAway())
        for budget in self._shared.budgets.all:
            budget.end(GoingAway(), endless=False)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the wrapped handler of the method that is called; None makes grpc answer UNIMPLEMENTED."""
        self._traffic.arrived()
        path = handler_call_details.method
        wrapped = self._wrapped.get(path)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                self._shared.metrics.unknown_method()
                return None  # a client can call any name, so unknown names are not kept
            wrapped = self._wrapped[path] = self._wrap(path, handler)
        return wrapped

    def _wrap(self, path: str, handler: Handler) -> Handler:
        method = Method(path, handler, self._shared)
        inner = getattr(handler, _ATTRIBUTES[bool(handler.request_streaming), bool(handler.response_streaming)])
        if handler.response_streaming:
            stream = _stream(method, inner, self._stall_timeout_seconds)
            return grpc.stream_stream_rpc_method_handler(stream, None, handler.response_serializer)
        return grpc.stream_unary_rpc_method_handler(_unary(method, inner, handler.response_serializer or bytes))


_ATTRIBUTES = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, False): "stream_unary",
    (True, True): "stream_stream",
}


def _unary(method: Method, inner: Callable[[Any, Any], Awaitable[Any]], encode: Callable[[Any], bytes]) -> Behaviour:
    async def handle(_: Any, context: GrpcContext) -> Any:
        async with Call(method, context, CallContext(context, new_work=method.new_work)) as call:
            response = await inner(await call.receive(), call.handed)
            if response is None:
                return None
            method.sent.inc()
            # If grpc encoded it, the client would receive the text of an exception, and the call would count as OK.
            return encode(response)

    return handle


def _stream(
    method: Method, inner: Callable[[Any, Any], AsyncGenerator[Any, None]], stall_timeout_seconds: float | None
) -> Behaviour:
    async def handle(_: Any, context: GrpcContext) -> None:
        handed = StreamContext(context, stall_timeout_seconds, new_work=method.new_work)
        async with Call(method, context, handed) as call:
            # The responses close before the status is sent.  A client that does not read would delay the status, and an
            # open generator keeps its upstream connection.  The request has no name here: this frame outlives the call.
            with closing(handed.guard):
                async with aclosing(inner(await call.receive(), call.handed)) as responses:
                    async for response in responses:
                        method.sent.inc()
                        await handed.guard.send(response)

    return handle
