"""One call from start to end: its metrics, its log line, its trace, and the status that its client receives.

Every exception passes through `status` before it leaves the gateway: grpc would send its raw text to the client.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from traceback import clear_frames
from types import TracebackType
from typing import Any, Self, TypeAlias

import grpc
from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError

from gateway.config.settings import Limits
from gateway.engine.codec import options
from gateway.engine.errors import OutcomeUnknown
from gateway.engine.kinds import Kind
from gateway.rpc.budgets import Budgets, address_of
from gateway.rpc.connections import Connections, UselessCalls
from gateway.rpc.context import CallContext, GrpcContext
from gateway.rpc.entrance import Entrance
from gateway.rpc.enums import Enums
from gateway.rpc.large_messages import LargeMessages
from gateway.rpc.messages import FirstMessages, Requests
from gateway.rpc.size import LARGE_BYTES, LargeRequests
from gateway.rpc.status import ClientDeadline, EmptyCall, Failure, MalformedMessage, failure
from gateway.rpc.values import check_values
from gateway.telemetry.logging import RateLimitedLines
from gateway.telemetry.rpcs import RpcMetrics
from gateway.telemetry.traces import Served, Traces

log = logging.getLogger("gateway.rpc")

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_QUIET = (pb.ACCESS_LEVEL_LIST, pb.ACCESS_LEVEL_INSPECT, pb.ACCESS_LEVEL_LOGS)  # calls that are not worth a log line
_MARGIN, _MARGIN_SECONDS = 0.1, (0.02, 0.25)  # a call ends this long before its deadline: a share, and bounds
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_HEALTH, _REFLECTION = "grpc.health.v1.", "grpc.reflection."
_NAMES = {grpc.StatusCode.OK: "OK", grpc.StatusCode.CANCELLED: "Canceled"}  # where Go has its own spelling
_LONGEST_HOST = 64  # characters of a host's name in logs and statuses: a client may send megabytes
_KINDS = {(False, False): "unary", (False, True): "server_stream", (True, False): "client_stream"}


@dataclass(frozen=True, slots=True)
class Shared:
    """What all calls of a gateway share."""

    metrics: RpcMetrics
    budgets: Budgets
    large_requests: LargeRequests
    first_messages: FirstMessages
    large_messages: LargeMessages
    entrance: Entrance
    connections: Connections
    useless_calls: UselessCalls
    lines: RateLimitedLines
    traces: Traces

    @classmethod
    def within(cls, limits: Limits, metrics: RpcMetrics, traces: Traces) -> Shared:
        """Return the shared parts for calls within *limits*."""
        lines = RateLimitedLines()
        connections = Connections(metrics, lines, closes=limits.close_flooding_connections)
        first_messages = FirstMessages(limits, connections, metrics)
        budgets, useless_calls = Budgets(limits, metrics), UselessCalls(connections)
        return cls(
            metrics=metrics,
            budgets=budgets,
            large_requests=LargeRequests(limits, metrics),
            first_messages=first_messages,
            large_messages=LargeMessages(),
            entrance=Entrance(),
            connections=connections,
            useless_calls=useless_calls,
            lines=lines,
            traces=traces,
        )


class Method:
    """What all calls of one RPC have in common."""

    def __init__(self, path: str, handler: Handler, shared: Shared) -> None:
        _, self.service, self.name = path.split("/")
        self.full_name = f"{self.service}/{self.name}"
        self.of_health = self.service.startswith(_HEALTH)
        self.of_reflection = self.service.startswith(_REFLECTION)
        self.streams_requests = bool(handler.request_streaming)
        self.streams = self.streams_requests or bool(handler.response_streaming)
        self._parse: Callable[[bytes], Any] = handler.request_deserializer or bytes
        self._count(handler, shared.metrics)
        described = _described(self.service, self.name)
        self.ours = described is not None  # of the contract
        self.changes = described is not None and options.changes(described)
        self.logged = described is not None and options.of_rpc(described).access not in _QUIET
        self.new_work = described is not None and options.of_rpc(described).new_work
        kind = options.kind_of(described) if described is not None else Kind.UNARY
        self.kind = Kind.STREAM if kind is Kind.UNARY and self.streams else kind
        # A stream that waits for events, such as a followed log, has no end of its own.
        waits = described is None or _waits(options.of_rpc(described))
        self.endless = bool(handler.response_streaming) and waits
        self._request = _request_type(self.service, self.name)
        self._enums = Enums(described.input_type) if described is not None else None
        self.shared = shared
        self.budget = shared.budgets.of(self)

    async def decode(self, data: bytes) -> Any:
        """Return the message in *data*.  Raises `MalformedMessage` and `InvalidField`."""
        if len(data) > LARGE_BYTES and self._request:
            await check_values(data, self._request)
        try:
            message = self._parse(data)
        except DecodeError:
            raise MalformedMessage(f"{len(data)} bytes are no message of {self.full_name}") from None
        self.received.inc()
        if self._enums:
            self._enums.check(message)
        return message

    def _count(self, handler: Handler, metrics: RpcMetrics) -> None:
        kind = _KINDS.get((self.streams_requests, bool(handler.response_streaming)), "bidi_stream")
        labels = (kind, self.service, self.name)
        self.started = metrics.started.labels(*labels)
        self.handling = metrics.handling.labels(*labels)
        self.received = metrics.received.labels(*labels)
        self.sent = metrics.sent.labels(*labels)
        self.handled = _Handled(metrics, labels)


def _waits(rules: pb.RpcRules) -> bool:
    return rules.endless or rules.engine.deadline == pb.DEADLINE_CLASS_NONE


class _Handled(dict[grpc.StatusCode, Any]):
    """The counters of one method by status.  A counter is created when the first call ends with its status."""

    def __init__(self, metrics: RpcMetrics, labels: tuple[str, ...]) -> None:
        super().__init__()
        self._metrics = metrics
        self._labels = labels

    def __missing__(self, code: grpc.StatusCode) -> Any:
        counter = self[code] = self._metrics.handled.labels(*self._labels, _camel(code))
        return counter


class Call:
    """One call, as an async context manager.  An exception of the block becomes the status of the call.

    The call ends a little before the client's deadline, so that the client still receives a status with a reason.
    """

    def __init__(self, method: Method, grpc_context: GrpcContext, context: CallContext) -> None:
        """Store the arguments.  The handlers of the contract receive *context*; other handlers receive
        *grpc_context*.
        """
        self.method = method
        self.request: Any = None
        self.context = context
        self.handed: Any = context if method.ours else grpc_context
        self.peer = grpc_context.peer()
        self._grpc = grpc_context
        self._started = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._span: Served | None = None

    @property
    def address(self) -> str:
        """The address that identifies the client: see `address_of`."""
        return address_of(self.peer)

    async def receive(self) -> Any:
        """Return the request, a message or a stream of messages; the call then has a place in its budget until it ends.

        Raises `NoRequest`, `EmptyCall`, `MalformedMessage`, `InvalidField` and `GatewayBusy`.
        """
        method = self.method
        if method.of_health:
            return await self._receive()
        await method.shared.entrance.enter(self)
        async with method.shared.large_messages.place(self):
            return await self._receive()

    async def _receive(self) -> Any:
        method = self.method
        data = await method.shared.first_messages.read(self, self._grpc)
        if data is grpc.aio.EOF:
            await self.context.check_client()
            if not method.streams_requests:
                raise EmptyCall("the call has no message")
        pause_seconds = 0.0
        if data is not grpc.aio.EOF:
            pause_seconds = method.shared.large_messages.came(self.peer, len(data))
            method.shared.large_requests.take(self, len(data))
        if not method.streams_requests:
            self.request = await method.decode(data)
        else:
            first = None if data is grpc.aio.EOF else await method.decode(data)
            self.request = Requests(first, pause_seconds, method, self._grpc)
        method.budget.take(self)
        return self.request

    async def __aenter__(self) -> Self:
        self._started = time.perf_counter()
        self.method.started.inc()
        if self.method.ours:
            self._span = self.method.shared.traces.serve(self.method.full_name, self._grpc.invocation_metadata)
        if (remaining := self.context.time_remaining()) is not None:
            margin = min(max(remaining * _MARGIN, _MARGIN_SECONDS[0]), _MARGIN_SECONDS[1], remaining / 2)
            self._timer = asyncio.get_running_loop().call_later(remaining - margin, self._expire)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        code, refused = grpc.StatusCode.UNKNOWN, None
        try:
            code, refused = self._outcome(error)
            if refused is not None:
                details = refused.status().SerializeToString()
                self._grpc.set_trailing_metadata((("grpc-status-details-bin", details),))
                await self._grpc.abort(refused.code, refused.message)
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self.method.budget.give_back(self)
            self.method.shared.large_requests.give_back(self)
            self.context.close()
            self._report(code, refused)
            if self._span is not None:
                self._span.end(code.name, host=self._host, reason=refused.reason if refused else "")
            self._release(error)

    def _release(self, error: BaseException | None) -> None:
        """Free the request.  grpc keeps the exception of an aborted call in a reference cycle with its stack frames."""
        self.request = None
        if error is not None:
            clear_frames(error.__traceback__)

    def _expire(self) -> None:
        self.context.end(ClientDeadline(changes=self.method.changes))

    def _outcome(self, error: BaseException | None) -> tuple[grpc.StatusCode, Failure | None]:
        """Return the status of a call whose block ended with *error*, and the failure to send to the client, if any."""
        early = self.context.ended_by
        match error:
            case None:
                return grpc.StatusCode.OK, None
            case grpc.aio.AbortError():  # raised by a handler that is not of the contract
                return self._grpc.code() or grpc.StatusCode.UNKNOWN, None
            case asyncio.CancelledError() if early is None:
                return grpc.StatusCode.CANCELLED, None  # the client has left
            case asyncio.CancelledError() if early is not None:
                refused = self._failure(self._early_end(early))
            case Exception():
                refused = self._failure(error)
            case _:
                return grpc.StatusCode.UNKNOWN, None
        return refused.code, refused

    def _early_end(self, cause: Exception) -> Exception:
        """Return the error of a call that was ended early because of *cause*."""
        if self.request is not None and self.method.changes and not isinstance(cause, ClientDeadline):
            return OutcomeUnknown(f"{cause}; whether the request took effect is not known", sent=True)
        return cause

    def _failure(self, error: Exception) -> Failure:
        """Return *error* as the failure to send to the client."""
        method, host, request_id = self.method, self._host, _request_id(self._grpc)
        found = failure(error, host, changes=method.changes, operation=method.name)
        if found is None:
            fields = {"method": method.full_name, "host": host, "request_id": request_id}
            log.error("defect", exc_info=error, extra={"fields": fields})
            found = Failure(grpc.StatusCode.INTERNAL, "INTERNAL", f"internal error; its log id is {request_id}")
        found.metadata["request_id"] = request_id
        method.shared.metrics.failures.labels(found.reason).inc()
        return found

    def _report(self, code: grpc.StatusCode, refused: Failure | None) -> None:
        """Count, time and log the call."""
        method, shared = self.method, self.method.shared
        seconds = time.perf_counter() - self._started
        method.handled[code].inc()
        method.handling.observe(seconds)
        empty = refused is not None and refused.reason == EmptyCall.reason
        why = "resets" if code is grpc.StatusCode.CANCELLED else "silent" if empty else ""
        shared.useless_calls.ended(self.peer, seconds, why)
        level = logging.INFO if method.logged or refused else logging.DEBUG
        if not log.isEnabledFor(level):
            return
        fields = {"method": method.full_name, "host": self._host, "code": code.name, "seconds": seconds}
        if self._span is not None:
            fields["trace_id"] = self._span.trace_id
        if refused is None:
            log.log(level, "call", extra={"fields": {**fields, "request_id": _request_id(self._grpc)}})
            return
        failure = {"request_id": refused.metadata["request_id"], "reason": refused.reason, "error": refused.message}
        if self.context.asks_a_host:
            log.log(level, "call", extra={"fields": fields | failure})
        else:  # a client can cause any number of such failures at no cost, so their lines are rate-limited
            shared.lines.write(log, level, "call", fields | failure, kind=refused.reason)

    @property
    def _host(self) -> str:
        name: str = getattr(self.request, "host", "")
        return name[:_LONGEST_HOST]


def show_at_zero(service: ServiceDescriptor, metrics: RpcMetrics) -> None:
    """Create the series of all RPCs of *service* at zero, so that `increase()` sees the first call."""
    for method in service.methods:
        kind = _KINDS.get((method.client_streaming, method.server_streaming), "bidi_stream")
        metrics.started.labels(kind, service.full_name, method.name)
        metrics.handled.labels(kind, service.full_name, method.name, _camel(grpc.StatusCode.OK))


def _described(service: str, method: str) -> MethodDescriptor | None:
    """Return the contract's RPC; None for one of another service, such as health."""
    try:
        found: MethodDescriptor = descriptor_pool.Default().FindMethodByName(f"{service}.{method}")
    except KeyError:
        return None
    return found if options.of_rpc(found).access else None


def _request_type(service: str, method: str) -> Descriptor | None:
    """Return the type of the requests of an RPC, if its file is known."""
    try:
        found: MethodDescriptor = descriptor_pool.Default().FindMethodByName(f"{service}.{method}")
    except KeyError:
        return None
    return found.input_type


def _request_id(context: GrpcContext) -> str:
    """Return the call's `x-request-id` metadata, or a new id."""
    for key, value in context.invocation_metadata() or ():
        if key == "x-request-id" and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return secrets.token_hex(8)


def _camel(code: grpc.StatusCode) -> str:
    """Return the status code as Go, and common rules and dashboards, write it: `NotFound`."""
    return _NAMES.get(code) or code.name.title().replace("_", "")
