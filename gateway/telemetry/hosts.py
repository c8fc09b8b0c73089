"""The metrics of hosts, each with a series for every host."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.telemetry.buckets import Times
from gateway.telemetry.events import EventCollector, HostEvents

_CALLS, _CALL_SECONDS = "dockfleet_engine_calls", "dockfleet_engine_call_seconds"
_RECONNECTS, _GAPS = "dockfleet_stream_reconnects", "dockfleet_stream_gaps"
_VALUES_SKIPPED = "dockfleet_engine_values_skipped"
_INVENTORY_QUESTIONS, _INVENTORY_HEALED = "dockfleet_inventory_questions", "dockfleet_inventory_healed"
_QUEUE_SECONDS = "dockfleet_host_queue_seconds"

# Name, meaning, and labels besides the host, of what is counted and of what is timed.
_COUNTED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        _CALLS,
        "Calls to engines, by kind (unary, stream, heavy, own) and outcome (HTTP status, error, busy, cancelled).",
        ("kind", "outcome"),
    ),
    (
        _RECONNECTS,
        "Broken upstreams that were opened again with nothing missing, by stream (logs).",
        ("stream",),
    ),
    (_GAPS, "Gaps in streams, by stream (logs, events) and reason.", ("stream", "reason")),
    (
        _VALUES_SKIPPED,
        "Values of engines that do not fit the contract and were left out, by RPC.",
        ("grpc_method",),
    ),
    (
        _INVENTORY_QUESTIONS,
        "Requests to engines for the inventory, by question (inspect, list_one, list_all).",
        ("question",),
    ),
    (
        _INVENTORY_HEALED,
        "Changes of containers that had no event; the regular lists have found them.",
        (),
    ),
)
_TIMED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (_CALL_SECONDS, "Time until an engine's answer: its end for unary calls, its head for streams.", ("kind",)),
    (
        _QUEUE_SECONDS,
        "Time that calls have waited because their budget was in use, by kind (unary, heavy).",
        ("kind",),
    ),
)
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~_-]{0,63}")  # what an engine may call its version in a label


class HostFamilies:
    """The counters by host."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.shown: set[HostMetrics] = set()
        registry.register(_Counted(self.shown))
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
    """Counts for one host, shown from `show` until `close`.

    They are plain numbers: the objects of prometheus_client for the same take 8 KiB for each host.
    """

    def __init__(self, families: HostFamilies, host: str) -> None:
        self.host = host
        self.look: Callable[[], Shown] | None = None
        self.events: HostEvents | None = None
        self.counts: dict[tuple[str, ...], int] = {}  # by family and labels
        self.times: dict[tuple[str, ...], Times] = {}
        self._families = families

    def show(self, look: Callable[[], Shown], events: HostEvents | None = None) -> None:
        """Show the values of *look*, and the counts of *events* and of this object, at each scrape."""
        self.look, self.events = look, events
        self._families.shown.add(self)

    def waited(self, kind: str, seconds: float) -> None:
        """Count a call that has waited for its turn."""
        self._time((_QUEUE_SECONDS, kind), seconds)

    def called(self, kind: str, outcome: str, seconds: float) -> None:
        """Count a call to the engine."""
        self._count((_CALLS, kind, outcome))
        self._time((_CALL_SECONDS, kind), seconds)

    def reconnected(self, stream: str) -> None:
        """Count a broken upstream that was opened again."""
        self._count((_RECONNECTS, stream))

    def gap(self, stream: str, reason: str) -> None:
        """Count a gap in a stream."""
        self._count((_GAPS, stream, reason))

    def values_skipped(self, method: str, count: int) -> None:
        """Count values of an engine that were left out of the response of an RPC."""
        self._count((_VALUES_SKIPPED, method), count)

    def inventory_asked(self, question: str) -> None:
        """Count a request for the inventory."""
        self._count((_INVENTORY_QUESTIONS, question))

    def inventory_healed(self) -> None:
        """Count a change of a container that had no event."""
        self._count((_INVENTORY_HEALED,))

    def dropped(self, bytes: int) -> None:
        """Count dropped output."""
        self._families.dropped_bytes.inc(bytes)

    def close(self) -> None:
        """Remove the host's series."""
        self._families.shown.discard(self)

    def _count(self, series: tuple[str, ...], count: int = 1) -> None:
        self.counts[series] = self.counts.get(series, 0) + count

    def _time(self, series: tuple[str, ...], seconds: float) -> None:
        times = self.times.get(series)
        if times is None:
            times = self.times[series] = Times()
        times.observe(seconds)


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


class _Counted(Collector):
    """Reads the counts of all hosts at each scrape."""

    def __init__(self, hosts: set[HostMetrics]) -> None:
        self._hosts = hosts

    def collect(self) -> Iterator[Metric]:
        """Yield the families of `_COUNTED` and `_TIMED`."""
        hosts = list(self._hosts)  # like the series below, at once: scrapes are on a thread of their own
        counters = {
            name: CounterMetricFamily(name, about, labels=("host", *labels)) for name, about, labels in _COUNTED
        }
        timers = {name: HistogramMetricFamily(name, about, labels=("host", *labels)) for name, about, labels in _TIMED}
        for host in hosts:
            for (name, *labels), count in list(host.counts.items()):
                counters[name].add_metric((host.host, *labels), count)
            for (name, *labels), times in list(host.times.items()):
                timers[name].add_metric((host.host, *labels), times.buckets(), times.sum)
        yield from counters.values()
        yield from timers.values()


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
