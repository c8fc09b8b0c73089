"""Every Prometheus metric of the gateway, declared once.

The gRPC server's have the names that the ecosystem's dashboards know (go-grpc-prometheus).  Labels come from
closed sets only: methods of the contract, status codes, configured hosts.  Never a container, image or user.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from dockfleet import __version__
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from gateway.fleet.hosts import Host, State

REGISTRY = CollectorRegistry()

BUILD = Info("dockfleet_build", "The version of this gateway.", registry=REGISTRY)
BUILD.info({"version": __version__})

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHOD = ("grpc_type", "grpc_service", "grpc_method")

STARTED = Counter("grpc_server_started", "RPCs started on the server.", _METHOD, registry=REGISTRY)
HANDLED = Counter(
    "grpc_server_handled", "RPCs completed on the server, by status.", (*_METHOD, "grpc_code"), registry=REGISTRY
)
HANDLING = Histogram(
    "grpc_server_handling_seconds",
    "Time until the server had handled an RPC.",
    _METHOD,
    buckets=_SECONDS,
    registry=REGISTRY,
)
RECEIVED = Counter("grpc_server_msg_received", "Messages received from clients.", _METHOD, registry=REGISTRY)
SENT = Counter("grpc_server_msg_sent", "Messages sent to clients.", _METHOD, registry=REGISTRY)

ENGINE_CALLS = Counter(
    "dockfleet_engine_calls",
    "Calls to engines, by kind (unary, stream) and outcome (the HTTP status, or error).",
    ("host", "kind", "outcome"),
    registry=REGISTRY,
)
ENGINE_SECONDS = Histogram(
    "dockfleet_engine_call_timeout_seconds",
    "Time until an engine's answer: its end for unary calls, its head for streams.",
    ("host", "kind"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
OPEN_STREAMS = Gauge("dockfleet_open_streams", "Streams and sessions open to a host.", ("host",), registry=REGISTRY)
RECONNECTS = Counter(
    "dockfleet_stream_reconnects",
    "Broken upstreams of streams that were opened again with nothing missing, by stream (logs).",
    ("host", "stream"),
    registry=REGISTRY,
)
GAPS = Counter(
    "dockfleet_stream_gaps",
    "Gaps that streams had to tell of, by stream (logs, events) and reason.",
    ("host", "stream", "reason"),
    registry=REGISTRY,
)
DROPPED = Counter(
    "dockfleet_dropped_output_bytes", "Output that was dropped for clients that did not read.", registry=REGISTRY
)
OPEN_CALLS = Gauge("dockfleet_open_calls", "Calls under way, by budget.", ("budget",), registry=REGISTRY)
CALLS_LIMIT = Gauge(
    "dockfleet_calls_limit", "Calls that may be under way at once, by budget.", ("budget",), registry=REGISTRY
)
HTTP_REFUSED = Counter(
    "dockfleet_http_connections_refused", "HTTP connections refused because too many were open.", registry=REGISTRY
)
HOST_UP = Gauge("dockfleet_host_up", "Whether a host answered its last probe.", ("host",), registry=REGISTRY)
HOST_LAST_CONTACT = Gauge(
    "dockfleet_host_last_contact_timestamp_seconds",
    "When a host answered last, in seconds since 1970.",
    ("host",),
    registry=REGISTRY,
)


class EngineObserver:
    """Counts the calls to engines; its call is an engine's `Observer`."""

    def __init__(self) -> None:
        # labels() costs more than the counting: the children are kept.
        self._calls: dict[tuple[str, str, str], Counter] = {}
        self._seconds: dict[tuple[str, str], Histogram] = {}

    def __call__(self, host: str, kind: str, outcome: str, seconds: float) -> None:
        """Count one call."""
        try:
            calls, histogram = self._calls[host, kind, outcome], self._seconds[host, kind]
        except KeyError:
            calls = self._calls[host, kind, outcome] = ENGINE_CALLS.labels(host, kind, outcome)
            histogram = self._seconds[host, kind] = ENGINE_SECONDS.labels(host, kind)
        calls.inc()
        histogram.observe(seconds)


class Budget(Protocol):
    """How many calls of a kind are open, of the most that may be."""

    open: int
    most: int


def observe_budgets(budgets: Mapping[str, Budget]) -> None:
    """Show how much of each budget is in use, as it is at each scrape."""
    for name, budget in budgets.items():
        OPEN_CALLS.labels(name).set_function(partial(getattr, budget, "open"))
        CALLS_LIMIT.labels(name).set(budget.most)


def observe_host(host: Host) -> None:
    """Show how *host* is, as it is at each scrape, and count the gaps in its events."""
    OPEN_STREAMS.labels(host.name).set_function(lambda: host.engine.open_streams)
    HOST_UP.labels(host.name).set_function(lambda: host.state is State.UP)
    HOST_LAST_CONTACT.labels(host.name).set_function(lambda: host.engine.last_contact or 0)
    host.events.gap_found = lambda gap: GAPS.labels(host.name, "events", gap.reason.name.lower()).inc()


def forget_host(name: str) -> None:
    """Show nothing more of a host that has left, and keep nothing of it alive."""
    for gauge in (OPEN_STREAMS, HOST_UP, HOST_LAST_CONTACT):
        gauge.remove(name)
