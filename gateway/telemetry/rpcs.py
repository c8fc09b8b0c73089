"""The metrics of the gRPC server, in the names that common dashboards use (go-grpc-prometheus)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from gateway.telemetry.buckets import SECONDS

_METHOD = ("grpc_type", "grpc_service", "grpc_method")


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
            "Time until an RPC was handled.",
            _METHOD,
            buckets=SECONDS,
            registry=registry,
        )
        self.received = Counter(
            "grpc_server_msg_received", "Messages received from clients.", _METHOD, registry=registry
        )
        self.sent = Counter("grpc_server_msg_sent", "Messages sent to clients.", _METHOD, registry=registry)
        self.open = Gauge("dockfleet_open_calls", "Open calls, by budget.", ("budget",), registry=registry)
        self.limit = Gauge("dockfleet_calls_limit", "Limit of open calls, by budget.", ("budget",), registry=registry)
        self.refused = Counter(
            "dockfleet_calls_refused",
            "Calls refused, by budget and by the bound that was reached (gateway, address, connection).",
            ("budget", "bound"),
            registry=registry,
        )
        self.failures = Counter(
            "dockfleet_call_failures", "Calls that failed, by the contract's reason.", ("reason",), registry=registry
        )
        self.connections_closed = Counter(
            "dockfleet_client_connections_closed",
            "Connections of abusive clients that were closed, by reason (resets, silent).",
            ("reason",),
            registry=registry,
        )

    def unknown_method(self) -> None:
        """Count a call of a method that does not exist.  All are in one series, because the client chooses the name."""
        labels = ("unary", "unknown", "unknown")
        self.started.labels(*labels).inc()
        self.handled.labels(*labels, "Unimplemented").inc()
