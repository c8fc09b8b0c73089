"""One call from its start to its end: what is counted, timed and logged of it, and what its client gets to see.

Nothing of an exception leaves the gateway unless `status` has turned it into a failure: grpc would send its text to the
caller.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self, TypeAlias

import grpc
from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

from gateway.engine.codec import options
from gateway.engine.errors import OutcomeUnknown
from gateway.rpc.context import CallContext, GrpcContext
from gateway.rpc.status import ClientDeadline, Failure, GatewayBusy, failure
from gateway.telemetry.metrics import RpcMetrics

log = logging.getLogger("gateway.rpc")

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

_QUIET = (pb.ACCESS_LEVEL_LIST, pb.ACCESS_LEVEL_INSPECT, pb.ACCESS_LEVEL_LOGS)  # calls that are not worth a log line
_MARGIN, _MARGIN_SECONDS = 0.1, (0.02, 0.25)  # how long before a client's deadline its call ends: a share, and bounds
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_HEALTH = "grpc.health.v1."
_KINDS = {(False, False): "unary", (False, True): "server_stream", (True, False): "client_stream"}


class Method:
    """What all calls of one RPC have in common."""

    def __init__(self, path: str, handler: Handler, metrics: RpcMetrics) -> None:
        _, self.service, self.name = path.split("/")
        self.full_name = f"{self.service}/{self.name}"
        self.of_health = self.service.startswith(_HEALTH)
        self.streams_requests = bool(handler.request_streaming)
        kind = _KINDS.get((self.streams_requests, bool(handler.response_streaming)), "bidi_stream")
        labels = (kind, self.service, self.name)
        self.started = metrics.started.labels(*labels)
        self.handling = metrics.handling.labels(*labels)
        self.received = metrics.received.labels(*labels)
        self.sent = metrics.sent.labels(*labels)
        self.handled = _Handled(metrics, labels)
        described = _described(self.service, self.name)
        self.ours = described is not None  # of the contract
        self.changes = described is not None and options.changes(described)
        self.logged = described is not None and options.of_rpc(described).access not in _QUIET
        self.new_work = described is not None and options.of_rpc(described).new_work
        # Streams that wait for something to happen have no end of their own.
        waits = described is None or _waits(options.of_rpc(described))
        self.endless = bool(handler.response_streaming) and waits


def _waits(rules: pb.RpcRules) -> bool:
    return rules.endless or rules.engine.deadline == pb.DEADLINE_CLASS_NONE


class _Handled(dict[grpc.StatusCode, Any]):
    """The counters of one method by status; each is made with the first call that ends so."""

    def __init__(self, metrics: RpcMetrics, labels: tuple[str, ...]) -> None:
        super().__init__()
        self._metrics = metrics
        self._labels = labels

    def __missing__(self, code: grpc.StatusCode) -> Any:
        counter = self[code] = self._metrics.handled.labels(*self._labels, _camel(code))
        return counter


class Budget:
    """The open calls of a kind, at most so many."""

    def __init__(self, name: str, limit: int, what: str, metrics: RpcMetrics) -> None:
        self._calls: set[Call] = set()
        self._limit = limit
        self._what = what
        metrics.open.labels(name).set_function(lambda: self.open)
        metrics.limit.labels(name).set(limit)

    @property
    def open(self) -> int:
        """How many calls are open."""
        return len(self._calls)

    def take(self, call: Call) -> None:
        """Give *call* a place.  Raises `GatewayBusy`."""
        if len(self._calls) >= self._limit:
            raise GatewayBusy(f"the gateway serves {self._limit} {self._what} already, as many as allowed")
        self._calls.add(call)

    def give_back(self, call: Call) -> None:
        """Free the place of *call*, if it has one."""
        self._calls.discard(call)

    def end(self, error: Exception, *, endless: bool) -> None:
        """End the calls that have no end of their own, or else all; their clients get *error*."""
        for call in list(self._calls):
            if call.method.endless or not endless:
                call.context.end(error)


class Call:
    """One call.  Its block is what serves it; what the block raises becomes the call's status.

    It ends a little before its client's deadline, so that the client learns more than its own clock tells it.
    """

    def __init__(
        self, method: Method, budget: Budget, request: Any, grpc_context: GrpcContext, context: CallContext
    ) -> None:
        """Store.  *context* is for the handler; one that is not of the contract gets grpc's own."""
        self.method = method
        self.request = _Requests(request, method) if method.streams_requests else request
        self.context = context
        self.handed: Any = context if method.ours else grpc_context
        self._budget = budget
        self._grpc = grpc_context
        self._started = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def admit(self) -> None:
        """Take a place in the budget, until the end of the block.  Raises `GatewayBusy`."""
        self._budget.take(self)

    async def __aenter__(self) -> Self:
        self._started = time.perf_counter()
        self.method.started.inc()
        if not self.method.streams_requests:
            self.method.received.inc()
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
            self._budget.give_back(self)
            self.context.close()
            self._report(code, refused)

    def _expire(self) -> None:
        self.context.end(ClientDeadline(changes=self.method.changes))

    def _outcome(self, error: BaseException | None) -> tuple[grpc.StatusCode, Failure | None]:
        """Return the status of a call whose block has ended with *error*, and what its client gets to see of that."""
        early = self.context.ended_by
        match error:
            case None:
                return grpc.StatusCode.OK, None
            case grpc.aio.AbortError():  # of a handler that is not ours
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
        """Return what the call fails with that was ended early because of *cause*."""
        if self.method.changes and not isinstance(cause, ClientDeadline):
            return OutcomeUnknown(f"{cause}; whether the request took effect is not known", sent=True)
        return cause

    def _failure(self, error: Exception) -> Failure:
        """Return what the client gets to see of *error*."""
        method, host, request_id = self.method, self._host, _request_id(self._grpc)
        found = failure(error, host, changes=method.changes, operation=method.name)
        if found is None:
            fields = {"method": method.full_name, "host": host, "request_id": request_id}
            log.error("defect", exc_info=error, extra={"fields": fields})
            found = Failure(grpc.StatusCode.INTERNAL, "INTERNAL", f"internal error; its log id is {request_id}")
        found.metadata["request_id"] = request_id
        return found

    def _report(self, code: grpc.StatusCode, refused: Failure | None) -> None:
        """Count, time and log the call."""
        seconds = time.perf_counter() - self._started
        self.method.handled[code].inc()
        self.method.handling.observe(seconds)
        level = logging.INFO if self.method.logged or refused else logging.DEBUG
        if log.isEnabledFor(level):
            fields = {"method": self.method.full_name, "host": self._host, "code": code.name, "seconds": seconds}
            if refused is None:
                fields["request_id"] = _request_id(self._grpc)
            else:
                told = {"request_id": refused.metadata["request_id"], "reason": refused.reason}
                fields |= told | {"error": refused.message}
            log.log(level, "call", extra={"fields": fields})

    @property
    def _host(self) -> str:
        return getattr(self.request, "host", "")


class _Requests:
    """The messages of a client, counted; `host` is that of the `start` among them."""

    def __init__(self, requests: AsyncIterator[Any], method: Method) -> None:
        self.host = ""
        self._requests = requests
        self._received = method.received

    def __aiter__(self) -> _Requests:
        return self

    async def __anext__(self) -> Any:
        request = await self._requests.__anext__()
        self._received.inc()
        if not self.host and hasattr(request, "start"):
            self.host = request.start.host
        return request


def _described(service: str, method: str) -> MethodDescriptor | None:
    """Return the contract's RPC; None for one of another service, such as health."""
    try:
        found: MethodDescriptor = descriptor_pool.Default().FindMethodByName(f"{service}.{method}")
    except KeyError:
        return None
    return found if options.of_rpc(found).access else None


def _request_id(context: GrpcContext) -> str:
    """Return the client's own id of the call, its `x-request-id`, or a new one."""
    for key, value in context.invocation_metadata() or ():
        if key == "x-request-id" and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return secrets.token_hex(8)


def _camel(code: grpc.StatusCode) -> str:
    """Return the status code as go-grpc-prometheus writes it: `NotFound`, and `OK`."""
    return "OK" if code is grpc.StatusCode.OK else code.name.title().replace("_", "")
