"""The interceptor around every RPC: it admits calls within budgets, and can end those that are open."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, closing
from typing import Any, TypeAlias, cast

import grpc

from gateway.rpc.call import Budget, Call, Handler, Method
from gateway.rpc.context import CallContext, GrpcContext, StreamContext
from gateway.rpc.status import GoingAway
from gateway.rpc.write_timeout import StallGuard
from gateway.telemetry.metrics import RpcMetrics

_HEALTH_CALLS = 256

Behaviour: TypeAlias = Callable[[Any, GrpcContext], Awaitable[Any]]


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler.  The wrapper of a method is made once and kept."""

    def __init__(
        self,
        metrics: RpcMetrics,
        *,
        calls: int = 1000,
        streams: int = 2000,
        stall_timeout_seconds: float | None = None,
    ) -> None:
        """Admit so many single calls, and so many streams, at once; the health service has room of its own.

        Streams wait *stall_timeout_seconds* for a client that does not read, where they do not say otherwise.
        """
        self._metrics = metrics
        self._calls = Budget("call", calls, "calls", metrics)
        self._streams = Budget("stream", streams, "streams", metrics)
        self._health = Budget("health", _HEALTH_CALLS, "calls of the health service", metrics)
        self._budgets = (self._calls, self._streams, self._health)
        self._stall_timeout_seconds = stall_timeout_seconds
        self._wrapped: dict[str, Handler] = {}

    @property
    def busy(self) -> bool:
        """Whether a call is open."""
        return any(budget.open for budget in self._budgets)

    def end_endless(self) -> None:
        """End the streams that have no end of their own: the gateway is stopping."""
        self._streams.end(GoingAway(), endless=True)

    def end_all(self) -> None:
        """End every call, so that its client learns what it means; grpc would say UNAVAILABLE to all alike."""
        for budget in self._budgets:
            budget.end(GoingAway(), endless=False)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the wrapped handler of the method that is called; None makes grpc answer UNIMPLEMENTED."""
        path = handler_call_details.method
        wrapped = self._wrapped.get(path)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None  # nothing is kept of names that do not exist
            wrapped = self._wrapped[path] = self._wrap(path, handler)
        return wrapped

    def _wrap(self, path: str, handler: Handler) -> Handler:
        method = Method(path, handler, self._metrics)
        budget = self._streams if handler.request_streaming or handler.response_streaming else self._calls
        if method.of_health:
            budget = self._health
        make, attribute = _SHAPES[handler.request_streaming, handler.response_streaming]
        inner = getattr(handler, attribute)
        # A handler that streams by `context.write` is awaited like a unary one; ours are generators, written for here.
        if inspect.isasyncgenfunction(inner):
            wrap = _stream(method, budget, inner, self._stall_timeout_seconds)
        else:
            wrap = _unary(method, budget, inner)
        return cast("Handler", make(wrap, handler.request_deserializer, handler.response_serializer))


_SHAPES: dict[tuple[bool, bool], tuple[Callable[..., Any], str]] = {
    (False, False): (grpc.unary_unary_rpc_method_handler, "unary_unary"),
    (False, True): (grpc.unary_stream_rpc_method_handler, "unary_stream"),
    (True, False): (grpc.stream_unary_rpc_method_handler, "stream_unary"),
    (True, True): (grpc.stream_stream_rpc_method_handler, "stream_stream"),
}


def _unary(method: Method, budget: Budget, inner: Callable[[Any, Any], Awaitable[Any]]) -> Behaviour:
    async def handle(request: Any, context: GrpcContext) -> Any:
        async with Call(method, budget, request, context, CallContext(context, new_work=method.new_work)) as call:
            call.admit()
            response = await inner(call.request, call.handed)
            if response is not None:
                method.sent.inc()
            return response

    return handle


def _stream(
    method: Method,
    budget: Budget,
    inner: Callable[[Any, Any], AsyncGenerator[Any, None]],
    stall_timeout_seconds: float | None,
) -> Behaviour:
    async def handle(request: Any, context: GrpcContext) -> None:
        guard = StallGuard(context.write, stall_timeout_seconds)
        handed = StreamContext(context, guard, new_work=method.new_work)
        async with Call(method, budget, request, context, handed) as call:
            call.admit()
            # The responses close before the client learns how they ended: it may not read that either, and the
            # upstream connection hangs on them.
            with closing(guard):
                async with aclosing(inner(call.request, call.handed)) as responses:
                    async for response in responses:
                        method.sent.inc()
                        await guard.send(response)

    return handle
