"""Traces: what a collector gets, what engines get, and that all of it is off by default."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway.config.traces import Traces
from gateway.engine.client import Endpoint, Engine
from gateway.engine.sdk import APIClient
from gateway.telemetry.traces import OpenTelemetry
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.gateway import gateway_of
from tests.support.upstream import address_of

TRACE, CLIENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
METADATA = (("traceparent", f"00-{TRACE}-{CLIENT}-01"),)
INSPECT = containers_pb2.InspectContainerRequest(host="h1", id="web")


class Collector:
    """Takes OTLP over HTTP; with *silent*, it takes and does not answer."""

    def __init__(self) -> None:
        self.silent = False
        self.url = ""
        self.gone = asyncio.Event()  # what it has not answered is given up
        self._bodies: list[bytes] = []
        self._open: set[asyncio.Task[Any]] = set()

    @property
    def spans(self) -> dict[str, Any]:
        """The spans that came, by name."""
        return {
            span.name: span
            for body in self._bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a request."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        head = (await reader.readuntil(b"\r\n\r\n")).lower().decode()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        self._bodies.append(await reader.readexactly(length))
        if self.silent:
            await self.gone.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def end(self) -> None:
        """Let nothing of it be left."""
        self.gone.set()
        await asyncio.gather(*self._open)


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """A collector of traces."""
    collector = Collector()
    async with await asyncio.start_server(collector.serve, "127.0.0.1", 0) as server:
        collector.url = "http://127.0.0.1:{}/v1/traces".format(*server.sockets[0].getsockname()[1:])
        yield collector
        await collector.end()


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """An engine with a container."""
    async with FakeEngine() as engine:
        engine.on("GET", "/containers/{id}/json", json={"Id": "c" * 64, "Name": "/web"})
        yield engine


def attributes(span: Any) -> dict[str, str]:
    """The attributes of a span, as texts."""
    return {each.key: each.value.string_value or str(each.value.int_value) for each in span.attributes}


async def test_the_trace_of_a_client_continues_through_the_gateway_to_the_engine(
    collector: Collector, engine: FakeEngine
) -> None:
    """One trace: the client's span, the gateway's for the call, and one for the request, which the engine is told.

    The probes, which are for nobody's call, are in no trace.
    """
    async with gateway_of(engine.address, traces=Traces(endpoint=collector.url)) as client:
        await client.containers.InspectContainer(INSPECT, metadata=METADATA)

    served = collector.spans["dockfleet.v1.ContainerService/InspectContainer"]
    asked = collector.spans["GET InspectContainer"]
    assert {span.trace_id.hex() for span in collector.spans.values()} == {TRACE}
    assert served.parent_span_id.hex() == CLIENT
    assert asked.parent_span_id == served.span_id
    assert len(collector.spans) == 2
    assert attributes(served)["rpc.response.status_code"] == "OK"
    assert attributes(asked) == {
        "dockfleet.host": "h1",
        "dockfleet.kind": "unary",
        "http.request.method": "GET",
        "url.path": "/containers/web/json",
        "http.response.status_code": "200",
    }
    told = [request.headers["traceparent"] for request in engine.requests if "traceparent" in request.headers]
    assert told == [f"00-{TRACE}-{asked.span_id.hex()}-01"]


async def test_a_failed_call_has_its_reason_in_the_trace(collector: Collector, engine: FakeEngine) -> None:
    """The reason is the contract's; a refusal that is no fault of the gateway is no error of its span."""
    engine.on("GET", "/containers/{id}/json", error="No such container: web", status=404)

    async with gateway_of(engine.address, traces=Traces(endpoint=collector.url)) as client:
        with pytest.raises(grpc.aio.AioRpcError):
            await client.containers.InspectContainer(INSPECT, metadata=METADATA)

    served = collector.spans["dockfleet.v1.ContainerService/InspectContainer"]
    assert attributes(served)["rpc.response.status_code"] == "NOT_FOUND"
    assert attributes(served)["dockfleet.reason"] == "NOT_FOUND"
    assert served.status.code == 0
    assert attributes(collector.spans["GET InspectContainer"])["error.type"] == "404"


async def test_clients_without_a_trace_are_traced_by_share(collector: Collector, engine: FakeEngine) -> None:
    """A share of none leaves those that have a trace of their own."""
    async with gateway_of(engine.address, traces=Traces(endpoint=collector.url, sample_ratio=0)) as client:
        await client.containers.InspectContainer(INSPECT)
        await client.containers.InspectContainer(INSPECT, metadata=METADATA)

    assert {span.trace_id.hex() for span in collector.spans.values()} == {TRACE}


async def test_a_collector_that_does_not_answer_keeps_no_gateway_from_its_end(
    collector: Collector, engine: FakeEngine
) -> None:
    """The end waits for a moment, and not for the collector."""
    collector.silent = True

    async with gateway_of(engine.address, traces=Traces(endpoint=collector.url)) as client:
        await client.containers.InspectContainer(INSPECT)

    assert collector.silent


async def test_a_trace_passes_the_blocking_code_of_the_sdk(engine: FakeEngine) -> None:
    """Two methods of the SDK at the same time: each request is in the trace of its own caller."""
    waiting = asyncio.Barrier(2)

    async def answer(exchange: ResponseParser) -> None:
        await waiting.wait()
        await exchange.answer(json={"ID": "e" * 64})

    engine.on("GET", "/exec/{id}/json", answer)
    provider, kept = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    traces = OpenTelemetry(provider)
    host = Engine("h1", Endpoint(engine.address, address_of(engine.address)), tracer=traces)

    async def call(name: str) -> None:
        span = traces.serve(name, lambda: None)
        await host.call(APIClient.exec_inspect, name)
        span.end("OK")

    try:
        await asyncio.gather(call("a"), call("b"))
    finally:
        host.close()
        provider.shutdown()

    spans = kept.get_finished_spans()
    callers = {span.name: span.context.span_id for span in spans if span.name in ("a", "b")}
    found = {
        span.attributes["url.path"]: span.parent.span_id
        for span in spans
        if span.name == "GET" and span.attributes is not None and span.parent is not None
    }
    assert found == {"/v1.41/exec/a/json": callers["a"], "/v1.41/exec/b/json": callers["b"]}


async def test_without_a_collector_nothing_is_traced(engine: FakeEngine) -> None:
    """An engine gets no header of a trace, whatever the client sends."""
    async with gateway_of(engine.address) as client:
        await client.containers.InspectContainer(INSPECT, metadata=METADATA)

    assert [request for request in engine.requests if "traceparent" in request.headers] == []


@pytest.mark.parametrize(
    "endpoint", ["collector:4317", "grpc://collector:4317", "http://user:word@collector/v1/traces"]
)
def test_an_endpoint_that_is_no_url_is_refused(endpoint: str) -> None:
    """A password has its place in a header, which is not shown."""
    with pytest.raises(ValueError, match="must be http://host:port/path"):
        Traces(endpoint=endpoint)
