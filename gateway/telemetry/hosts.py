"""The metrics of hosts, each with a series for every host."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.telemetry.buckets import SECONDS
from gateway.telemetry.events import EventCollector, HostEvents

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,63}")  # what an engine may call its version in a label


class HostFamilies:
    """The counters by host."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter(
            "dockfleet_engine_calls",
            "Calls to engines, by kind (unary, stream, heavy, own) and outcome (HTTP status, error, busy, cancelled).",
            ("host", "kind", "outcome"),
            registry=registry,
        )
        self.seconds = Histogram(
            "dockfleet_engine_call_seconds",
            "Time until an engine's answer: its end for unary calls, its head for streams.",
            ("host", "kind"),
            buckets=SECONDS,
            registry=registry,
        )
        self.reconnects = Counter(
            "dockfleet_stream_reconnects",
            "Broken upstreams that were opened again with nothing missing, by stream (logs).",
            ("host", "stream"),
            registry=registry,
        )
        self.gaps = Counter(
            "dockfleet_stream_gaps",
            "Gaps in streams, by stream (logs, events) and reason.",
            ("host", "stream", "reason"),
            registry=registry,
        )
        self.values_skipped = Counter(
            "dockfleet_engine_values_skipped",
            "Values of engines that do not fit the contract and were left out, by RPC.",
            ("host", "grpc_method"),
            registry=registry,
        )
        self.inventory_questions = Counter(
            "dockfleet_inventory_questions",
            "Requests to engines for the inventory, by question (inspect, list_one, list_all).",
            ("host", "question"),
            registry=registry,
        )
        self.inventory_healed = Counter(
            "dockfleet_inventory_healed",
            "Changes of containers that had no event; the regular lists have found them.",
            ("host",),
            registry=registry,
        )
        self.queue_seconds = Histogram(
            "dockfleet_host_queue_seconds",
            "Time that calls have waited because their budget was in use, by kind (unary, heavy).",
            ("host", "kind"),
            buckets=SECONDS,
            registry=registry,
        )
        self.shown: set[HostMetrics] = set()
        registry.register(_Shown(self.shown))
        registry.register(EventCollector(self._events))
        # Not by host: it is about clients.
        self.dropped_bytes = Counter(
            "dockfleet_dropped_output_bytes",
            "Output that was dropped for clients that did not read.",
            registry=registry,
        )

    def _events(self) -> list[tuple[str, HostEvents]]:
        return [(host.host, host.events) for host in list(self.shown) if host.events is not None]


class HostMetrics:
    """Counts for one host, until `close` removes its series.

    The first value creates a series.  So the object of a host that replaces another of the same name must not count
    before the other one is closed.
    """

    def __init__(self, families: HostFamilies, host: str) -> None:
        self.host = host
        self.look: Callable[[], Shown] | None = None
        self.events: HostEvents | None = None
        self._families = families
        self._series: dict[tuple[Any, ...], Any] = {}  # by family and labels; labels() costs more than the counting
        self._closed = False

    def show(self, look: Callable[[], Shown], events: HostEvents | None = None) -> None:
        """Show the values of *look*, and the counts of *events*, at each scrape."""
        self.look, self.events = look, events
        self._families.shown.add(self)

    def waited(self, kind: str, seconds: float) -> None:
        """Count a call that has waited for its turn."""
        if not self._closed:
            self._of(self._families.queue_seconds, kind).observe(seconds)

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
        """Count values of an engine that were left out of the response of an RPC."""
        if not self._closed:
            self._of(self._families.values_skipped, method).inc(count)

    def inventory_asked(self, question: str) -> None:
        """Count a request for the inventory."""
        if not self._closed:
            self._of(self._families.inventory_questions, question).inc()

    def inventory_healed(self) -> None:
        """Count a change of a container that had no event."""
        if not self._closed:
            self._of(self._families.inventory_healed).inc()

    def dropped(self, bytes: int) -> None:
        """Count dropped output."""
        self._families.dropped_bytes.inc(bytes)

    def close(self) -> None:
        """Remove the host's series."""
        self._closed = True
        self._families.shown.discard(self)
        for family, *labels in self._series:
            family.remove(self.host, *labels)
        self._series.clear()

    def _of(self, family: Any, *labels: str) -> Any:
        series = self._series.get((family, *labels))
        if series is None:
            series = self._series[family, *labels] = family.labels(self.host, *labels)
        return series


class Shown(NamedTuple):
    """What a scrape shows of a host.  Times are in seconds since 1970.

    Mappings are by kind of calls, and `certificates` by who presents them (engine, gateway): when they expire.
    """

    up: bool
    state: str
    reason: str
    state_time: float
    last_contact: float
    open_streams: int
    open_breakers: Sequence[str]
    in_use: Mapping[str, int]
    queued: Mapping[str, int]
    api_version: str
    engine_version: str
    clock_offset: float | None
    inventory_age: float | None
    certificates: Mapping[str, float]


Values = Callable[[Shown], Sequence[tuple[tuple[str, ...], float]]]


def _by_kind(mapping: Mapping[str, float]) -> list[tuple[tuple[str, ...], float]]:
    return [((kind,), value) for kind, value in mapping.items()]


def _engine(shown: Shown) -> list[tuple[tuple[str, ...], float]]:
    if not shown.engine_version:
        return []
    version = shown.engine_version if _VERSION.fullmatch(shown.engine_version) else "other"
    return [((shown.api_version, version), 1)]


# Name, meaning, labels besides the host, and the values of a host with these labels.
_SHOWN: tuple[tuple[str, str, tuple[str, ...], Values], ...] = (
    ("dockfleet_host_up", "Whether a host answers.", (), lambda shown: [((), shown.up)]),
    (
        "dockfleet_host_state",
        "1 for the state in which a host is, and for the reason of that (an ErrorReason, or empty).",
        ("state", "reason"),
        lambda shown: [((shown.state, shown.reason), 1)],
    ),
    (
        "dockfleet_host_state_timestamp_seconds",
        "Since when a host is in its state, in seconds since 1970.",
        (),
        lambda shown: [((), shown.state_time)],
    ),
    (
        "dockfleet_host_last_contact_timestamp_seconds",
        "When a host answered last, in seconds since 1970.",
        (),
        lambda shown: [((), shown.last_contact)],
    ),
    (
        "dockfleet_host_clock_offset_seconds",
        "The clock of a host's engine minus that of the gateway.",
        (),
        lambda shown: [] if shown.clock_offset is None else [((), shown.clock_offset)],
    ),
    (
        "dockfleet_host_engine_info",
        "1 for the API version in use with a host, and the version of its engine.",
        ("api_version", "engine_version"),
        _engine,
    ),
    (
        "dockfleet_inventory_age_seconds",
        "Largest possible age of the inventory of a host; NaN without an inventory.",
        (),
        lambda shown: [((), math.nan if shown.inventory_age is None else shown.inventory_age)],
    ),
    (
        "dockfleet_host_breaker_open",
        "1 for each kind of calls (unary, stream, heavy) that fail at once though the host answers.",
        ("kind",),
        lambda shown: [((kind,), 1) for kind in shown.open_breakers],
    ),
    (
        "dockfleet_host_calls",
        "Open calls of clients to a host, by kind (unary, stream, heavy).",
        ("kind",),
        lambda shown: _by_kind(shown.in_use),
    ),
    (
        "dockfleet_host_queued_calls",
        "Calls that wait for others of their kind to end (unary, heavy).",
        ("kind",),
        lambda shown: _by_kind(shown.queued),
    ),
    (
        "dockfleet_open_streams",
        "Connections to a host that streams and sessions use.",
        (),
        lambda shown: [((), shown.open_streams)],
    ),
    (
        "dockfleet_host_certificate_expiry_timestamp_seconds",
        "When the certificates expire that a host and the gateway present to each other, in seconds since 1970.",
        ("certificate",),
        lambda shown: _by_kind(shown.certificates),
    ),
)


class _Shown(Collector):
    """Reads the values of all hosts at each scrape, and keeps none of them."""

    def __init__(self, hosts: set[HostMetrics]) -> None:
        self._hosts = hosts

    def collect(self) -> Iterator[Metric]:
        """Yield the families of `_SHOWN`."""
        hosts = list(self._hosts)  # at once: scrapes are on a thread of their own
        looks = [(host.host, host.look()) for host in hosts if host.look is not None]
        for name, meaning, labels, values in _SHOWN:
            family = GaugeMetricFamily(name, meaning, labels=("host", *labels))
            for host, shown in looks:
                for found, value in values(shown):
                    family.add_metric((host, *found), value)
            yield family
