"""The interceptor around every RPC: admit, count, time, log, fail.

Nothing of an exception leaves the gateway unless `errors` has turned it into a status: grpc would send its text
to the caller.  The wrapper of a method is made once and kept.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import re
import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias, cast

import grpc
from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

from gateway.engine.codec import options
from gateway.engine.errors import OutcomeUnknown
from gateway.rpc.status import ClientDeadline, Failure, GatewayBusy, GoingAway, failure
from gateway.rpc.write_timeout import Writer
from gateway.telemetry import metrics

log = logging.getLogger("gateway.rpc")

_HEALTH = "/grpc.health.v1."
_HEALTH_CALLS = 256
_QUIET = (pb.ACCESS_LEVEL_LIST, pb.ACCESS_LEVEL_INSPECT, pb.ACCESS_LEVEL_LOGS)  # calls that are not worth a log line
_MARGIN, _MARGIN_SECONDS = 0.1, (0.02, 0.25)  # how long before a client's deadline its call ends: a share, and bounds
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler."""

    def __init__(self, *, calls: int = 1000, streams: int = 2000, stall_timeout_seconds: float | None = None) -> None:
        """Admit so many single calls, and so many streams, at once; the health service has room of its own.

        Streams wait *stall_timeout_seconds* for a client that does not read, where they do not say otherwise.
        """
        self.budgets = {
            "call": Budget(calls, "calls"),
            "stream": Budget(streams, "streams"),
            "health": Budget(_HEALTH_CALLS, "calls of the health service"),
        }
        self._wrapped: dict[str, Handler] = {}
        self._open = _Open()
        self._stall_timeout_seconds = stall_timeout_seconds

    def end(self, task: asyncio.Task[Any], error: Exception) -> None:
        """End the call whose task is *task*; its client gets *error*."""
        self._open.end({task}, error)

    def end_endless(self) -> None:
        """End the streams that have no end of their own: the gateway is stopping."""
        self._open.end(self._open.endless, GoingAway())

    def end_all(self) -> None:
        """End every call, so that its client learns what it means; grpc would say UNAVAILABLE to all alike."""
        self._open.end(self._open.endless | self._open.others, GoingAway())

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Return the wrapped handler of the method that is called; None makes grpc answer UNIMPLEMENTED."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None  # nothing is kept of names that do not exist
            wrapped = self._wrapped[method] = self._wrap(method, handler)
        return wrapped

    def _wrap(self, method: str, handler: Handler) -> Handler:
        kind = "stream" if handler.request_streaming or handler.response_streaming else "call"
        rpc = _Rpc(method, handler, self.budgets["health" if method.startswith(_HEALTH) else kind])
        make, attribute = _SHAPES[handler.request_streaming, handler.response_streaming]
        inner = cast("Callable[[Any, Context], Any]", getattr(handler, attribute))
        # A handler that streams by `context.write` is awaited like a unary one; ours are generators, written for here.
        if inspect.isasyncgenfunction(inner):
            wrap: Callable[[Any, Context], Awaitable[Any]] = _stream(
                rpc, inner, self._open, self._stall_timeout_seconds
            )
        else:
            wrap = _unary(rpc, inner, self._open)
        return cast("Handler", make(wrap, handler.request_deserializer, handler.response_serializer))


class Budget:
    """How many calls of a kind are `open`, of the `most` that may be."""

    def __init__(self, most: int, what: str) -> None:
        self.open = 0
        self.most = most
        self._what = what

    def __enter__(self) -> None:
        """Take a place.  Raises `GatewayBusy`."""
        if self.open >= self.most:
            raise GatewayBusy(f"the gateway serves {self.open} {self._what} already, as many as allowed")
        self.open += 1

    def __exit__(self, *exc: object) -> None:
        self.open -= 1


class _Handled(dict[grpc.StatusCode, Any]):
    """The counters of one method by status; each comes to be with the first call that ends so."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        super().__init__()
        self._labels = labels

    def __missing__(self, code: grpc.StatusCode) -> Any:
        counter = self[code] = metrics.HANDLED.labels(*self._labels, _camel(code))
        return counter


class _Rpc:
    """One method: its counters, and how a call of it ends."""

    def __init__(self, path: str, handler: Handler, budget: Budget) -> None:
        _, self.service, self.method = path.split("/")
        self.budget = budget
        kind = {(False, False): "unary", (False, True): "server_stream", (True, False): "client_stream"}.get(
            (handler.request_streaming, handler.response_streaming), "bidi_stream"
        )
        labels = (kind, self.service, self.method)
        self.started = metrics.STARTED.labels(*labels)
        self.handling = metrics.HANDLING.labels(*labels)
        self.received = metrics.RECEIVED.labels(*labels)
        self.sent = metrics.SENT.labels(*labels)
        self.handled = _Handled(labels)
        method = _described(self.service, self.method)
        self.changes = method is not None and options.changes(method)
        self._logged = method is not None and options.of_rpc(method).access not in _QUIET
        # Streams that wait for something to happen have no end of their own.
        self.endless = method is None or options.of_rpc(method).engine.deadline == pb.DEADLINE_CLASS_NONE

    def end(
        self, context: Context, started: float, code: grpc.StatusCode, host: str, error: Failure | None = None
    ) -> None:
        """Count, time and log a call that has ended."""
        seconds = time.perf_counter() - started
        self.handled[code].inc()
        self.handling.observe(seconds)
        level = logging.INFO if self._logged or error else logging.DEBUG
        if log.isEnabledFor(level):
            fields = {"method": f"{self.service}/{self.method}", "host": host, "code": code.name, "seconds": seconds}
            if error is None:
                fields["request_id"] = _request_id(context)
            else:
                fields |= {"request_id": error.metadata["request_id"], "reason": error.reason, "error": error.message}
            log.log(level, "call", extra={"fields": fields})

    def early_end(self, cause: Exception) -> Exception:
        """Return what a call that was ended early, because of *cause*, fails with."""
        if self.changes and not isinstance(cause, ClientDeadline):
            return OutcomeUnknown(f"{cause}; whether the request took effect is not known", sent=True)
        return cause

    def failure(self, context: Context, error: Exception, host: str) -> Failure:
        """Return what the caller gets to see of *error*."""
        request_id = _request_id(context)
        found = failure(error, host, changes=self.changes, operation=self.method)
        if found is None:
            fields = {"method": f"{self.service}/{self.method}", "host": host, "request_id": request_id}
            log.error("defect", exc_info=error, extra={"fields": fields})
            found = Failure(grpc.StatusCode.INTERNAL, "INTERNAL", f"internal error; its log id is {request_id}")
        found.metadata["request_id"] = request_id
        return found


_SHAPES: dict[tuple[bool, bool], tuple[Callable[..., Any], str]] = {
    (False, False): (grpc.unary_unary_rpc_method_handler, "unary_unary"),
    (False, True): (grpc.unary_stream_rpc_method_handler, "unary_stream"),
    (True, False): (grpc.stream_unary_rpc_method_handler, "stream_unary"),
    (True, True): (grpc.stream_stream_rpc_method_handler, "stream_stream"),
}


def _unary(
    rpc: _Rpc, inner: Callable[[Any, Context], Awaitable[Any]], calls: _Open
) -> Callable[[Any, Context], Awaitable[Any]]:
    async def handle(request: Any, context: Context) -> Any:
        started = time.perf_counter()
        rpc.started.inc()
        code, refused, host = grpc.StatusCode.OK, None, ""
        task = calls.begin(context, rpc, endless=False)
        try:
            if isinstance(request, AsyncIterator):
                request = _Counted(request, rpc)
            else:
                rpc.received.inc()
                host = getattr(request, "host", "")
            with rpc.budget:
                reply = await inner(request, context)
            if reply is not None:
                rpc.sent.inc()
            return reply
        except asyncio.CancelledError:
            if task not in calls.ended:
                code = grpc.StatusCode.CANCELLED
                raise
            early = rpc.early_end(calls.ended[task])
            refused = rpc.failure(context, early, host or getattr(request, "host", ""))
            code = refused.code
            await _abort(context, refused)
        except grpc.aio.AbortError:
            code = context.code() or grpc.StatusCode.UNKNOWN  # of a handler that is not ours
            raise
        except Exception as error:
            host = host or getattr(request, "host", "")
            refused = rpc.failure(context, error, host)
            code = refused.code
            await _abort(context, refused)
        finally:
            calls.forget(task)
            rpc.end(context, started, code, host or getattr(request, "host", ""), refused)

    return handle


def _stream(
    rpc: _Rpc,
    inner: Callable[[Any, Context], AsyncGenerator[Any, None]],
    calls: _Open,
    stall_timeout_seconds: float | None,
) -> Callable[[Any, Context], Awaitable[None]]:
    async def handle(request: Any, context: Context) -> None:
        started = time.perf_counter()
        rpc.started.inc()
        code, refused = grpc.StatusCode.OK, None
        if isinstance(request, AsyncIterator):
            request = _Counted(request, rpc)
        else:
            rpc.received.inc()
        replies = inner(request, context)
        writer = Writer(context.write, stall_timeout_seconds)
        task = calls.begin(context, rpc, endless=rpc.endless)
        try:
            with rpc.budget:
                async for reply in replies:
                    rpc.sent.inc()
                    await writer.send(reply)
        except asyncio.CancelledError:
            if task not in calls.ended:
                code = grpc.StatusCode.CANCELLED
                raise
            early = rpc.early_end(calls.ended[task])
            refused = rpc.failure(context, early, getattr(request, "host", ""))
            code = refused.code
            await replies.aclose()
            await _abort(context, refused)
        except grpc.aio.InternalError:  # in the midst of a message: the client has left
            code = grpc.StatusCode.CANCELLED
            raise asyncio.CancelledError from None
        except grpc.aio.AbortError:
            code = context.code() or grpc.StatusCode.UNKNOWN
            raise
        except Exception as error:
            refused = rpc.failure(context, error, getattr(request, "host", ""))
            code = refused.code
            await replies.aclose()  # a client that does not read does not read the status either
            await _abort(context, refused)
        finally:
            writer.close()
            await replies.aclose()  # now, not when the garbage collector comes by: the upstream connection hangs on it
            calls.forget(task)
            rpc.end(context, started, code, getattr(request, "host", ""), refused)

    return handle


class _Open:
    """The tasks of the calls that are open: `endless` streams, and others; and why some were `ended` early."""

    def __init__(self) -> None:
        self.endless: set[asyncio.Task[Any]] = set()
        self.others: set[asyncio.Task[Any]] = set()
        self.ended: dict[asyncio.Task[Any], Exception] = {}
        self._timers: dict[asyncio.Task[Any], asyncio.TimerHandle] = {}

    def begin(self, context: Context, rpc: _Rpc, *, endless: bool) -> asyncio.Task[Any]:
        """Add the present task, and return it.

        It is ended a little before its client's deadline, so that the client learns more than its own clock tells it.
        """
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        (self.endless if endless else self.others).add(task)
        if (remaining := context.time_remaining()) is not None:
            margin = min(max(remaining * _MARGIN, _MARGIN_SECONDS[0]), _MARGIN_SECONDS[1], remaining / 2)
            cause = ClientDeadline(changes=rpc.changes)
            self._timers[task] = task.get_loop().call_later(remaining - margin, self.end, {task}, cause)
        return task

    def end(self, tasks: set[asyncio.Task[Any]], cause: Exception) -> None:
        for task in tasks & (self.endless | self.others) - self.ended.keys():
            self.ended[task] = cause
            task.cancel()

    def forget(self, task: asyncio.Task[Any]) -> None:
        for tasks in (self.endless, self.others):
            tasks.discard(task)
        self.ended.pop(task, None)
        if timer := self._timers.pop(task, None):
            timer.cancel()


class _Counted:
    """The messages of a client, counted; `host` is that of the `start` among them."""

    def __init__(self, requests: AsyncIterator[Any], rpc: _Rpc) -> None:
        self._requests = requests
        self._received = rpc.received
        self.host = ""

    def __aiter__(self) -> _Counted:
        return self

    async def __anext__(self) -> Any:
        request = await self._requests.__anext__()
        self._received.inc()
        if not self.host and hasattr(request, "start"):
            self.host = request.start.host
        return request


async def _abort(context: Context, refused: Failure) -> None:
    context.set_trailing_metadata((("grpc-status-details-bin", refused.status().SerializeToString()),))
    await context.abort(refused.code, refused.message)


def _described(service: str, method: str) -> MethodDescriptor | None:
    """Return the contract's RPC; None for one of another service, such as health."""
    try:
        found: MethodDescriptor = descriptor_pool.Default().FindMethodByName(f"{service}.{method}")
    except KeyError:
        return None
    return found if options.of_rpc(found).access else None


def _request_id(context: Context) -> str:
    """Return the client's own id of the call, its `x-request-id`, or a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == "x-request-id" and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return secrets.token_hex(8)


def _camel(code: grpc.StatusCode) -> str:
    """Return the status code as go-grpc-prometheus writes it: `NotFound`, and `OK`."""
    return "OK" if code is grpc.StatusCode.OK else code.name.title().replace("_", "")
