"""All Prometheus metrics of the gateway itself.

The composition root makes `Metrics` and passes its parts to the code that counts.  Labels come from closed sets:
methods of the contract, status codes and hosts, never containers, images or users.
"""

from __future__ import annotations

from dockfleet import __version__
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from gateway.telemetry.buckets import SECONDS
from gateway.telemetry.certificates import ListenerCertificate
from gateway.telemetry.hosts import HostFamilies, HostMetrics
from gateway.telemetry.rpcs import RpcMetrics
from gateway.telemetry.sources import CatalogFamilies, SourceFamilies


class Metrics:
    """The metrics of one gateway, in a `registry` of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter and histogram, which says when it began
        self.registry = registry = CollectorRegistry()
        Info("dockfleet_build", "The version of this gateway.", registry=registry).info({"version": __version__})
        ProcessCollector(registry=registry)  # of memory, processor time and file descriptors
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.loop_lag = Histogram(
            "dockfleet_loop_lag_seconds",
            "Lag of the event loop, measured once a second.",
            buckets=SECONDS,
            registry=registry,
        )
        self.listener_certificate = ListenerCertificate(registry)
        self.rpcs = RpcMetrics(registry)
        self.hosts = HostFamilies(registry)
        self.sources = SourceFamilies(registry)
        self.catalogs = CatalogFamilies(registry)
        self.http_refused = Counter(
            "dockfleet_http_connections_refused",
            "HTTP connections refused because too many were open.",
            registry=registry,
        )

    def host(self, name: str) -> HostMetrics:
        """Return the metrics of the host called *name*."""
        return HostMetrics(self.hosts, name)
