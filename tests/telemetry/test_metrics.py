"""What the metrics show of hosts, and that it ends with them."""

from __future__ import annotations

from gateway.telemetry.hosts import HostMetrics, Shown
from gateway.telemetry.metrics import Metrics

KINDS = ("unary", "stream", "heavy")
SHOWN = Shown(
    up=True,
    state="up",
    reason="",
    state_time=1.0,
    last_contact=1.5,
    open_streams=3,
    open_breakers=["heavy"],
    in_use=dict.fromkeys(KINDS, 2),
    queued={"unary": 1, "heavy": 0},
    api_version="1.41",
    engine_version="20.10.24",
    clock_offset=-0.5,
    inventory_age=0.5,
    certificates={"engine": 2e9},
)


def shown(metrics: Metrics, host: str) -> set[str]:
    """The names of the series of a host."""
    return {
        sample.name
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.labels.get("host") == host
    }


def count_everything(host: HostMetrics) -> None:
    """Let one of each happen."""
    host.called("unary", "200", 0.1)
    host.called("stream", "error", 0.1)
    host.waited("unary", 0.1)
    host.gap("logs", "rotated")
    host.reconnected("logs")
    host.dropped(10)


def test_the_series_of_a_host_vanish_with_it() -> None:
    """Those of others stay, and so does what was dropped for clients, which is of no host."""
    metrics = Metrics()
    first, second = metrics.host("h1"), metrics.host("h2")
    for host in (first, second):
        host.show(lambda: SHOWN)
        count_everything(host)
    before = shown(metrics, "h2")

    first.close()

    assert shown(metrics, "h1") == set()
    assert shown(metrics, "h2") == before
    assert before >= {"dockfleet_host_up", "dockfleet_engine_calls_total", "dockfleet_stream_gaps_total"}
    assert metrics.registry.get_sample_value("dockfleet_dropped_output_bytes_total") == 20


def test_what_happens_to_a_host_that_was_closed_is_not_counted() -> None:
    """Its last calls end after it; another may have its name by then."""
    metrics = Metrics()
    old = metrics.host("h1")
    old.show(lambda: SHOWN)
    count_everything(old)
    old.close()
    count_everything(old)
    assert shown(metrics, "h1") == set()

    new = metrics.host("h1")
    new.show(lambda: SHOWN)
    new.gap("logs", "rotated")
    count_everything(old)

    assert "dockfleet_engine_calls_total" not in shown(metrics, "h1")
    labels = {"host": "h1", "stream": "logs", "reason": "rotated"}
    assert metrics.registry.get_sample_value("dockfleet_stream_gaps_total", labels) == 1


def test_gateways_in_one_process_share_no_metric() -> None:
    """Each counts for itself."""
    one, other = Metrics(), Metrics()
    host = one.host("h1")
    host.show(lambda: SHOWN)
    count_everything(host)

    assert shown(one, "h1")
    assert shown(other, "h1") == set()
