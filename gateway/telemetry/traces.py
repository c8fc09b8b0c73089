"""Traces by OpenTelemetry: a span for each call of a client, and below it one for each request to an engine.

The span of a call is the current one of its context (OpenTelemetry's own), which tasks and the greenlets of the SDK
inherit, so requests to engines find it everywhere.  The gateway's own requests are part of no trace.
OpenTelemetry is imported only when traces are configured; it comes with the extra `otel`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from dockfleet import __version__

from gateway.config.traces import Traces as Keys
from gateway.engine.call import Call
from gateway.engine.kinds import OF_CLIENTS, Kind
from gateway.engine.tracing import NoTracer, Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan

log = logging.getLogger("gateway.traces")

_FLUSH_SECONDS = 0.2  # that the stop of the gateway waits for a collector
_EXPORT_SECONDS = 10.0
# Statuses that are the server's fault, by OpenTelemetry's conventions for RPCs.
_FAULTS = ("UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS")


Metadata = Callable[[], Iterable[tuple[str, str | bytes]] | None]
"""Returns the metadata of a call."""


class Served(Protocol):
    """The span of a client's call."""

    trace_id: str
    """Of its trace, in hexadecimal digits; empty without one."""

    def end(self, code: str, **attributes: str) -> None:
        """The call has ended with the gRPC status *code*; empty *attributes* are left out."""


class Traces(Tracer, Protocol):
    """Follows calls of clients and requests to engines."""

    def serve(self, method: str, metadata: Metadata) -> Served | None:
        """Begin the span of a call of *method* (service/name), as the current one of this task."""


class NoTraces(NoTracer):
    """Traces nothing."""

    def serve(self, method: str, metadata: Metadata) -> None:
        """Return that there is no span."""


@asynccontextmanager
async def traces_of(keys: Keys) -> AsyncIterator[Traces]:
    """Yield the configured tracer; send the last spans at the end."""
    if keys.endpoint is None:
        yield NoTraces()
        return
    # The import takes half a second of CPU, so it happens only when traces are configured.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    ca = str(keys.ca) if keys.ca else None
    exporter = OTLPSpanExporter(keys.endpoint, certificate_file=ca, timeout=_EXPORT_SECONDS)
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(keys.sample_ratio)),
        resource=Resource.create({"service.name": "dockfleet-gateway", "service.version": __version__}),
        shutdown_on_exit=False,  # it would wait for a collector that does not answer
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield OpenTelemetry(provider)
    finally:
        await _close(provider)


async def _close(provider: TracerProvider) -> None:
    """Send the remaining spans within a bounded time."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def close() -> None:
        provider.shutdown()
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=close, daemon=True).start()  # the end of the process must not wait for it
    try:
        async with asyncio.timeout(_FLUSH_SECONDS):
            await done.wait()
    except TimeoutError:
        log.warning("the last traces were not sent: the collector does not answer")


class OpenTelemetry:
    """Traces by the spans of a provider."""

    def __init__(self, provider: TracerProvider) -> None:
        """Make spans of *provider*, which its owner ends."""
        from opentelemetry import context, trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._tracer = provider.get_tracer("dockfleet-gateway", __version__)
        self._w3c = TraceContextTextMapPropagator()
        self._api, self._contexts = trace, context

    def serve(self, method: str, metadata: Metadata) -> Served:
        """Begin the span of a call, below the client's own when *metadata* names it (W3C)."""
        parent = self._w3c.extract({key: value for key, value in metadata() or () if isinstance(value, str)})
        attributes = {"rpc.system.name": "grpc", "rpc.method": method}
        span = self._tracer.start_span(method, parent, self._api.SpanKind.SERVER, attributes)
        return _Served(self, span)

    def call(self, host: str, call: Call, kind: Kind) -> _Called | None:
        """Begin the span of a request to an engine, below the current span."""
        if kind not in OF_CLIENTS or not self._api.get_current_span().get_span_context().is_valid:
            return None
        request = call.request
        attributes = {
            "dockfleet.host": host,
            "dockfleet.kind": kind.value,
            "http.request.method": request.method,
            "url.path": request.target.partition("?")[0],
        }
        name = f"{request.method} {call.operation}".rstrip()
        return _Called(self, self._tracer.start_span(name, None, self._api.SpanKind.CLIENT, attributes))

    def headers(self, span: OtelSpan) -> dict[str, str]:
        """Return the W3C headers that name *span*."""
        headers: dict[str, str] = {}
        self._w3c.inject(headers, self._api.set_span_in_context(span))
        return headers

    def enter(self, span: OtelSpan) -> Any:
        """Make *span* the current one; return what `leave` takes."""
        return self._contexts.attach(self._api.set_span_in_context(span))

    def leave(self, entered: Any) -> None:
        """Make the span before it the current one."""
        self._contexts.detach(entered)

    def fail(self, span: OtelSpan, why: str) -> None:
        """Mark *span* as failed."""
        span.set_attribute("error.type", why)
        span.set_status(self._api.Status(self._api.StatusCode.ERROR))


class _Served:
    """The span of a client's call; the current one until it ends."""

    def __init__(self, traces: OpenTelemetry, span: OtelSpan) -> None:
        self._traces, self._span = traces, span
        self.trace_id = f"{span.get_span_context().trace_id:032x}"
        self._entered = traces.enter(span)

    def end(self, code: str, **attributes: str) -> None:
        self._span.set_attribute("rpc.response.status_code", code)
        for name, value in attributes.items():
            if value:
                self._span.set_attribute(f"dockfleet.{name}", value)
        if code in _FAULTS:
            self._traces.fail(self._span, attributes.get("reason") or code)
        self._traces.leave(self._entered)
        self._span.end()


class _Called:
    """The span of a request to an engine."""

    def __init__(self, traces: OpenTelemetry, span: OtelSpan) -> None:
        self._traces, self._span = traces, span

    def on(self, call: Call) -> Call:
        headers = {**call.request.headers, **self._traces.headers(self._span)}
        return call._replace(request=call.request._replace(headers=headers))

    def answered(self, status: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= 400:
            self._traces.fail(self._span, str(status))

    def end(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):  # a caller that has left is no failure
            self._traces.fail(self._span, type(error).__name__)
        self._span.end()
