"""Every Prometheus metric of the gateway, declared once.

`Metrics` is made by the composition root and handed to whatever counts.  The gRPC server's metrics have the names that
the ecosystem's dashboards know (go-grpc-prometheus).  Labels come from closed sets only: methods of the contract,
status codes, hosts.  Never a container, image or user.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dockfleet import __version__
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHOD = ("grpc_type", "grpc_service", "grpc_method")


class Metrics:
    """The metrics of one gateway, in a `registry` of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        Info("dockfleet_build", "The version of this gateway.", registry=registry).info({"version": __version__})
        self.rpcs = RpcMetrics(registry)
        self.hosts = HostFamilies(registry)
        self.http_refused = Counter(
            "dockfleet_http_connections_refused",
            "HTTP connections refused because too many were open.",
            registry=registry,
        )

    def host(self, name: str) -> HostMetrics:
        """Return what counts for the host called *name*, until it is closed."""
        return HostMetrics(self.hosts, name)


class RpcMetrics:
    """The metrics of the gRPC server."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.started = Counter("grpc_server_started", "RPCs started on the server.", _METHOD, registry=registry)
        self.handled = Counter(
            "grpc_server_handled",
            "RPCs completed on the server, by status.",
            (*_METHOD, "grpc_code"),
            registry=registry,
        )
        self.handling = Histogram(
            "grpc_server_handling_seconds",
            "Time until the server had handled an RPC.",
            _METHOD,
            buckets=_SECONDS,
            registry=registry,
        )
        self.received = Counter(
            "grpc_server_msg_received", "Messages received from clients.", _METHOD, registry=registry
        )
        self.sent = Counter("grpc_server_msg_sent", "Messages sent to clients.", _METHOD, registry=registry)
        self.open = Gauge("dockfleet_open_calls", "Calls under way, by budget.", ("budget",), registry=registry)
        self.limit = Gauge(
            "dockfleet_calls_limit", "Calls that may be under way at once, by budget.", ("budget",), registry=registry
        )


class HostFamilies:
    """The metrics of hosts, each with a series for every host."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter(
            "dockfleet_engine_calls",
            "Calls to engines, by kind (unary, stream) and outcome (the HTTP status, or error).",
            ("host", "kind", "outcome"),
            registry=registry,
        )
        self.seconds = Histogram(
            "dockfleet_engine_call_seconds",
            "Time until an engine's answer: its end for unary calls, its head for streams.",
            ("host", "kind"),
            buckets=_SECONDS,
            registry=registry,
        )
        self.reconnects = Counter(
            "dockfleet_stream_reconnects",
            "Broken upstreams of streams that were opened again with nothing missing, by stream (logs).",
            ("host", "stream"),
            registry=registry,
        )
        self.gaps = Counter(
            "dockfleet_stream_gaps",
            "Gaps that streams had to tell of, by stream (logs, events) and reason.",
            ("host", "stream", "reason"),
            registry=registry,
        )
        self.values_skipped = Counter(
            "dockfleet_engine_values_skipped",
            "Values of engines that do not fit the contract and were left out, by the RPC that was answered.",
            ("host", "grpc_method"),
            registry=registry,
        )
        self.inventory_age = Gauge(
            "dockfleet_inventory_age_seconds",
            "How old what the gateway knows of a host's objects can be; NaN as long as it knows nothing.",
            ("host",),
            registry=registry,
        )
        self.inventory_questions = Counter(
            "dockfleet_inventory_questions",
            "Questions to engines for the inventory, by question (inspect, list_one, list_all).",
            ("host", "question"),
            registry=registry,
        )
        self.inventory_healed = Counter(
            "dockfleet_inventory_healed",
            "Containers that had changed without an event, which the regular lists have shown.",
            ("host",),
            registry=registry,
        )
        self.open_streams = Gauge(
            "dockfleet_open_streams", "Streams and sessions open to a host.", ("host",), registry=registry
        )
        self.up = Gauge("dockfleet_host_up", "Whether a host answered its last probe.", ("host",), registry=registry)
        self.last_contact = Gauge(
            "dockfleet_host_last_contact_timestamp_seconds",
            "When a host answered last, in seconds since 1970.",
            ("host",),
            registry=registry,
        )
        # Not by host: it is about clients.
        self.dropped_bytes = Counter(
            "dockfleet_dropped_output_bytes",
            "Output that was dropped for clients that did not read.",
            registry=registry,
        )


class HostMetrics:
    """Counts for one host.  Its series vanish with `close`, after which nothing is counted.

    A series is made when it first has a value.  So one that replaces another of the same name must not count before
    that is closed.
    """

    def __init__(self, families: HostFamilies, host: str) -> None:
        self._families = families
        self._host = host
        self._series: dict[tuple[Any, ...], Any] = {}  # by family and labels; labels() costs more than the counting
        self._closed = False

    def show(
        self,
        *,
        up: Callable[[], float],
        open_streams: Callable[[], float],
        last_contact: Callable[[], float],
        inventory_age: Callable[[], float],
    ) -> None:
        """Show at each scrape what these functions return then."""
        self._of(self._families.up).set_function(up)
        self._of(self._families.open_streams).set_function(open_streams)
        self._of(self._families.last_contact).set_function(last_contact)
        self._of(self._families.inventory_age).set_function(inventory_age)

    def called(self, kind: str, outcome: str, seconds: float) -> None:
        """Count a call to the engine."""
        if not self._closed:
            self._of(self._families.calls, kind, outcome).inc()
            self._of(self._families.seconds, kind).observe(seconds)

    def reconnected(self, stream: str) -> None:
        """Count a broken upstream that was opened again."""
        if not self._closed:
            self._of(self._families.reconnects, stream).inc()

    def gap(self, stream: str, reason: str) -> None:
        """Count a gap in a stream."""
        if not self._closed:
            self._of(self._families.gaps, stream, reason).inc()

    def values_skipped(self, method: str, count: int) -> None:
        """Count values that were left out of an engine's response for an RPC."""
        if not self._closed:
            self._of(self._families.values_skipped, method).inc(count)

    def inventory_asked(self, question: str) -> None:
        """Count a question that the inventory asks."""
        if not self._closed:
            self._of(self._families.inventory_questions, question).inc()

    def inventory_healed(self) -> None:
        """Count a change that had no event."""
        if not self._closed:
            self._of(self._families.inventory_healed).inc()

    def dropped(self, bytes: int) -> None:
        """Count output that was dropped."""
        self._families.dropped_bytes.inc(bytes)

    def close(self) -> None:
        """Remove the host's series."""
        self._closed = True
        for family, *labels in self._series:
            family.remove(self._host, *labels)
        self._series.clear()

    def _of(self, family: Any, *labels: str) -> Any:
        series = self._series.get((family, *labels))
        if series is None:
            series = self._series[family, *labels] = family.labels(self._host, *labels)
        return series
