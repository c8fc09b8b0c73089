"""Counters from the events of hosts.  They include containers that live too short for a sample."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from dockfleet.v1.system_pb2 import EngineEvent
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.telemetry.buckets import Times

_COUNTED = (  # name, meaning, and the action of the event
    ("dockfleet_container_starts", "Starts of containers.", "start"),
    ("dockfleet_container_dies", "Ends of containers, whatever the reason.", "die"),
    ("dockfleet_container_ooms", "Processes in containers that the kernel has killed for lack of memory.", "oom"),
)
_LAG_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
_ACTIONS = {action for *_, action in _COUNTED}


class HostEvents:
    """Counts the events of one host, from the first subscription to them on."""

    __slots__ = ("_clock_offset", "_counted_until", "counts", "lags")

    def __init__(self, clock_offset: Callable[[], float | None]) -> None:
        """*clock_offset* returns the engine's clock minus the gateway's; None when it is not known."""
        self.counts = dict.fromkeys(_ACTIONS, 0)
        self.lags = Times(_LAG_SECONDS)
        self._clock_offset = clock_offset
        self._counted_until: int | None = None  # by the engine's time, in nanoseconds since 1970; None at first

    @property
    def begun(self) -> bool:
        """Whether anything is counted."""
        return self._counted_until is not None

    def listening(self, now: int) -> None:
        """Note that all events up to *now*, in the engine's time, were counted."""
        self._counted_until = max(self._counted_until or 0, now)

    def remembered(self, event: EngineEvent) -> None:
        """Count an event from the engine's memory, unless it is older than the first subscription."""
        if self._counted_until is not None and event.time_nano > self._counted_until:
            self._count(event)

    def arrived(self, event: EngineEvent, *, at_once: bool) -> None:
        """Count an event that the engine has sent when it happened; *at_once*: this is the time of its arrival."""
        self._count(event)
        offset = self._clock_offset()
        if at_once and offset is not None:
            # Clocks are known to some milliseconds.
            self.lags.observe(max(time.time() + offset - event.time_nano / 1e9, 0.0))

    def _count(self, event: EngineEvent) -> None:
        if event.type == "container" and event.action in _ACTIONS:
            self.counts[event.action] += 1


class EventCollector(Collector):
    """Shows the counts of all hosts at each scrape."""

    def __init__(self, hosts: Callable[[], Iterable[tuple[str, HostEvents]]]) -> None:
        """*hosts* returns the counts of hosts, by name."""
        self._hosts = hosts

    def collect(self) -> Iterator[Metric]:
        """Yield the families; a host has series once its events are followed."""
        hosts = [(host, events) for host, events in self._hosts() if events.begun]
        for name, meaning, action in _COUNTED:
            family = CounterMetricFamily(name, meaning, labels=("host",))
            for host, events in hosts:
                family.add_metric((host,), events.counts[action])
            yield family
        lags = HistogramMetricFamily(
            "dockfleet_event_lag_seconds", "Time from an event on a host to when the gateway had it.", labels=("host",)
        )
        for host, events in hosts:
            lags.add_metric((host,), events.lags.buckets(), events.lags.sum)
        yield lags
