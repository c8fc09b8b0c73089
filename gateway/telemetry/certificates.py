"""When the certificate that the gateway presents to clients expires."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class ListenerCertificate(Collector):
    """A metric that has a series after `show`, when the listener has a certificate."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._expires: Callable[[], float | None] = lambda: None
        registry.register(self)

    def show(self, expires: Callable[[], float | None]) -> None:
        """Show the value of *expires*, in seconds since 1970, at each scrape."""
        self._expires = expires

    def collect(self) -> Iterator[Metric]:
        """Yield the family."""
        family = GaugeMetricFamily(
            "dockfleet_listener_certificate_expiry_timestamp_seconds",
            "When the certificate of the gRPC listener expires, in seconds since 1970.",
        )
        if (expires := self._expires()) is not None:
            family.add_metric((), expires)
        yield family
