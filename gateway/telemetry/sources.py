"""The metrics of the sources of hosts and of the catalogs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge


class SourceFamilies:
    """The metrics of the sources of hosts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._up = Gauge(
            "dockfleet_host_source_up", "Whether a source of hosts answers.", ("source",), registry=registry
        )
        self._last_success = Gauge(
            "dockfleet_host_source_last_success_timestamp_seconds",
            "When a source of hosts answered last, in seconds since 1970.",
            ("source",),
            registry=registry,
        )
        self._hosts = Gauge("dockfleet_host_source_hosts", "Hosts that a source has.", ("source",), registry=registry)
        self._refused = Gauge(
            "dockfleet_host_source_refused_entries",
            "Invalid entries of a source of hosts.",
            ("source",),
            registry=registry,
        )

    def show(
        self,
        source: str,
        *,
        up: Callable[[], float],
        last_success: Callable[[], float],
        hosts: Callable[[], float],
        refused: Callable[[], float],
    ) -> None:
        """Show at each scrape what these functions return then, until `hide`."""
        self._up.labels(source).set_function(up)
        self._last_success.labels(source).set_function(last_success)
        self._hosts.labels(source).set_function(hosts)
        self._refused.labels(source).set_function(refused)

    def hide(self, source: str) -> None:
        """Show nothing of a source any more."""
        for family in (self._up, self._last_success, self._hosts, self._refused):
            family.remove(source)


class CatalogState(Protocol):
    """The state of a catalog: why it is not up to date, its entries, and its pending writes."""

    @property
    def failure(self) -> str:
        """Empty when it is up to date."""

    @property
    def entries(self) -> int:
        """The number of entries that the catalog may have."""

    @property
    def pending(self) -> int:
        """The number of entries that must still be written or deleted."""


class CatalogFamilies:
    """The metrics of the catalogs that endpoints are written to."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._up = Gauge(
            "dockfleet_catalog_up",
            "Whether a catalog of endpoints (etcd, consul) accepts writes.",
            ("catalog",),
            registry=registry,
        )
        self._entries = Gauge(
            "dockfleet_catalog_entries",
            "Endpoints that this gateway keeps in a catalog.",
            ("catalog",),
            registry=registry,
        )
        self._pending = Gauge(
            "dockfleet_catalog_pending_entries",
            "Endpoints that this gateway has yet to write to a catalog, or to delete there.",
            ("catalog",),
            registry=registry,
        )

    def show(self, catalog: str, of: CatalogState) -> None:
        """Show at each scrape how a catalog is then, until `hide`."""
        self._up.labels(catalog).set_function(lambda: not of.failure)
        self._entries.labels(catalog).set_function(lambda: of.entries)
        self._pending.labels(catalog).set_function(lambda: of.pending)

    def hide(self, catalog: str) -> None:
        """Show nothing of a catalog any more."""
        for family in (self._up, self._entries, self._pending):
            family.remove(catalog)
