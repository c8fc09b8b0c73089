"""What the dashboards show, as tables: rows of panels, each with its queries in PromQL."""

from __future__ import annotations

from typing import NamedTuple

HOST = 'host=~"$host"'
NAME = 'host=~"$host", name=~"$name"'
RATE = "[$__rate_interval]"
ONE = "{{host}}/{{name}}"
ENGINE_CPU = f"host:container_cpu_usage_seconds:rate5m{{{HOST}}}"
SOURCES = "{{instance}} {{source}}"


class Panel(NamedTuple):
    """One panel: a *kind* of `stat`, `graph` or `table`, with queries and the legend of each."""

    title: str
    kind: str
    unit: str  # of Grafana: "short", "bytes", "Bps", "s", "percentunit", "reqps"
    queries: tuple[tuple[str, str], ...]
    meaning: str = ""


class Board(NamedTuple):
    """One dashboard: *variables* choose hosts and containers."""

    uid: str
    title: str
    variables: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]


HOSTS = ("host", "label_values(dockfleet_host_up, host)")
NAMES = ("name", 'label_values(container_last_seen{host=~"$host"}, name)')

FLEET = Board("dockfleet-fleet", "dockfleet / fleet", (HOSTS,), (
    ("Hosts", (
        Panel("Hosts", "stat", "short", ((f"count(dockfleet_host_up{{{HOST}}})", "hosts"),)),
        Panel("Hosts down", "stat", "short", ((f"count(dockfleet_host_up{{{HOST}}} == 0) or vector(0)", "down"),)),
        Panel("Hosts degraded", "stat", "short", (
            (f'count(dockfleet_host_state{{{HOST}, state="degraded"}} == 1) or vector(0)', "degraded"),
        )),
        Panel("Containers", "stat", "short", (
            (f'count(dockfleet_container_state{{{HOST}, state="running"}} == 1) or vector(0)', "running"),
        )),
        Panel("Unhealthy", "stat", "short", (
            (f'count(dockfleet_container_health{{{HOST}, status="unhealthy"}} == 1) or vector(0)', "unhealthy"),
        )),
        Panel("Hosts that are not up", "table", "short", (
            (f'dockfleet_host_state{{{HOST}, state!="up"}} == 1', "{{host}} {{state}} {{reason}}"),
        ), "Each with its state, and the reason."),
        Panel("Starts and ends of containers", "graph", "short", (
            (f"sum by (host) (increase(dockfleet_container_starts_total{{{HOST}}}{RATE}))", "{{host}} starts"),
            (f"sum by (host) (increase(dockfleet_container_dies_total{{{HOST}}}{RATE}))", "{{host}} ends"),
            (f"sum by (host) (increase(dockfleet_container_ooms_total{{{HOST}}}{RATE}))", "{{host}} out of memory"),
        ), "By the events of hosts: also of those that live too short a time for a sample."),
        Panel("Containers by state", "graph", "short", (
            (f"sum by (state) (dockfleet_container_state{{{HOST}}})", "{{state}}"),
        )),
    )),
    ("Use", (
        Panel("Processors in use", "graph", "short", ((ENGINE_CPU, "{{host}}"),)),
        Panel("Share of the processors", "graph", "percentunit", (
            (f"{ENGINE_CPU} / on (host) max by (host) (machine_cpu_cores)", "{{host}}"),
        )),
        Panel("Memory of containers", "graph", "bytes", (
            (f"host:container_memory_working_set_bytes:sum{{{HOST}}}", "{{host}}"),
        )),
        Panel("Share of the memory", "graph", "percentunit", (
            (
                f"host:container_memory_working_set_bytes:sum{{{HOST}}}"
                " / on (host) max by (host) (machine_memory_bytes)",
                "{{host}}",
            ),
        )),
        Panel("Containers with most processor time", "table", "short", (
            (f"topk(15, host_name:container_cpu_usage_seconds:rate5m{{{HOST}}})", ONE),
        )),
        Panel("Containers with most memory", "table", "bytes", (
            (f"topk(15, host_name:container_memory_working_set_bytes:sum{{{HOST}}})", ONE),
        )),
        Panel("Containers that receive most", "table", "Bps", (
            (f"topk(15, host_name:container_network_receive_bytes:rate5m{{{HOST}}})", ONE),
        )),
        Panel("Containers that send most", "table", "Bps", (
            (f"topk(15, host_name:container_network_transmit_bytes:rate5m{{{HOST}}})", ONE),
        )),
    )),
))  # fmt: skip

HOST_BOARD = Board("dockfleet-host", "dockfleet / host", (HOSTS,), (
    ("State", (
        Panel("Up", "stat", "short", ((f"dockfleet_host_up{{{HOST}}}", "{{host}}"),)),
        Panel("Engine", "table", "short", (
            (f"dockfleet_host_engine_info{{{HOST}}}", "{{host}} {{engine_version}}, API {{api_version}}"),
        )),
        Panel("Last contact", "stat", "s", (
            (f"time() - dockfleet_host_last_contact_timestamp_seconds{{{HOST}}}", "{{host}}"),
        )),
        Panel("In this state since", "stat", "s", (
            (f"time() - dockfleet_host_state_timestamp_seconds{{{HOST}}}", "{{host}}"),
        )),
        Panel("Age of the inventory", "graph", "s", ((f"dockfleet_inventory_age_seconds{{{HOST}}}", "{{host}}"),)),
        Panel("Clock against the gateway", "graph", "s", (
            (f"dockfleet_host_clock_offset_seconds{{{HOST}}}", "{{host}}"),
        )),
        Panel("Lag of events, 90 %", "graph", "s", (
            (
                "histogram_quantile(0.9, sum by (host, le) "
                f"(rate(dockfleet_event_lag_seconds_bucket{{{HOST}}}{RATE})))",
                "{{host}}",
            ),
        )),
        Panel("Certificates expire in", "table", "s", (
            (
                f"dockfleet_host_certificate_expiry_timestamp_seconds{{{HOST}}} - time()",
                "{{host}}: that of the {{certificate}}",
            ),
        )),
    )),
    ("Calls", (
        Panel("Requests to the engine", "graph", "reqps", (
            (f"host:dockfleet_engine_calls:rate5m{{{HOST}}}", "{{host}} {{outcome}}"),
        )),
        Panel("Time of its answers, 99 %", "graph", "s", (
            (f"host:dockfleet_engine_call_seconds:p99_5m{{{HOST}}}", "{{host}}"),
        )),
        Panel("Calls in progress", "graph", "short", (
            (f"dockfleet_host_calls{{{HOST}}}", "{{host}} {{kind}}"),
            (f"dockfleet_open_streams{{{HOST}}}", "{{host}} connections of streams"),
        )),
        Panel("Calls that wait", "graph", "short", ((f"dockfleet_host_queued_calls{{{HOST}}}", "{{host}} {{kind}}"),)),
        Panel("Open breakers", "graph", "short", ((f"dockfleet_host_breaker_open{{{HOST}}}", "{{host}} {{kind}}"),)),
        Panel("Gaps and reconnects of streams", "graph", "short", (
            (f"increase(dockfleet_stream_gaps_total{{{HOST}}}{RATE})", "{{host}} {{stream}} gap: {{reason}}"),
            (f"increase(dockfleet_stream_reconnects_total{{{HOST}}}{RATE})", "{{host}} {{stream}} reconnect"),
        )),
    )),
    ("Containers", (
        Panel("Processors in use", "graph", "short", (
            (f"host_name:container_cpu_usage_seconds:rate5m{{{HOST}}}", ONE),
        )),
        Panel("Memory", "graph", "bytes", (
            (f"host_name:container_memory_working_set_bytes:sum{{{HOST}}}", ONE),
        )),
        Panel("Disk usage", "graph", "bytes", ((f"dockfleet_disk_usage_bytes{{{HOST}}}", "{{host}} {{kind}}"),)),
        Panel("Disk usage that can be reclaimed", "graph", "bytes", (
            (f"dockfleet_disk_reclaimable_bytes{{{HOST}}}", "{{host}} {{kind}}"),
        )),
    )),
))  # fmt: skip

CONTAINER = Board("dockfleet-container", "dockfleet / container", (HOSTS, NAMES), (
    ("State", (
        Panel("State", "table", "short", ((f"dockfleet_container_state{{{NAME}}} == 1", f"{ONE} {{{{state}}}}"),)),
        Panel("Health", "table", "short", (
            (f"dockfleet_container_health{{{NAME}}} == 1", f"{ONE} {{{{status}}}}"),
        )),
        Panel("Running since", "stat", "s", ((f"time() - container_start_time_seconds{{{NAME}}}", ONE),)),
        Panel("Restarts", "stat", "short", ((f"dockfleet_container_restarts_total{{{NAME}}}", ONE),)),
    )),
    ("Use", (
        Panel("Processors in use", "graph", "short", (
            (f"sum by (host, name) (rate(container_cpu_usage_seconds_total{{{NAME}}}{RATE}))", ONE),
        )),
        Panel("Share of periods in which it was throttled", "graph", "percentunit", (
            (
                f"sum by (host, name) (rate(container_cpu_cfs_throttled_periods_total{{{NAME}}}{RATE}))"
                f" / sum by (host, name) (rate(container_cpu_cfs_periods_total{{{NAME}}}{RATE}))",
                ONE,
            ),
        ), "Of containers with a quota; needs container_metrics.groups: [cpu]."),
        Panel("Memory", "graph", "bytes", (
            (f"container_memory_working_set_bytes{{{NAME}}}", f"{ONE} in use"),
            (f"container_memory_rss{{{NAME}}}", f"{ONE} its own"),
            (f"container_memory_cache{{{NAME}}}", f"{ONE} page cache"),
            (f"container_spec_memory_limit_bytes{{{NAME}}} > 0", f"{ONE} limit"),
        )),
        Panel("Network", "graph", "Bps", (
            (
                f"sum by (host, name) (rate(container_network_receive_bytes_total{{{NAME}}}{RATE}))",
                f"{ONE} received",
            ),
            (f"sum by (host, name) (rate(container_network_transmit_bytes_total{{{NAME}}}{RATE}))", f"{ONE} sent"),
        )),
        Panel("Packets lost", "graph", "short", (
            (
                f"sum by (host, name) (rate(container_network_receive_packets_dropped_total{{{NAME}}}{RATE}))"
                f" + sum by (host, name) (rate(container_network_receive_errors_total{{{NAME}}}{RATE}))",
                ONE,
            ),
        )),
        Panel("Disk", "graph", "Bps", (
            (f"sum by (host, name) (rate(container_fs_reads_bytes_total{{{NAME}}}{RATE}))", f"{ONE} read"),
            (f"sum by (host, name) (rate(container_fs_writes_bytes_total{{{NAME}}}{RATE}))", f"{ONE} written"),
        )),
    )),
))  # fmt: skip

GATEWAY = Board("dockfleet-gateway", "dockfleet / gateway", (), (
    ("Calls", (
        Panel("Calls", "graph", "reqps", (
            ("sum by (grpc_code) (method:grpc_server_handled:rate5m)", "{{grpc_code}}"),
        )),
        Panel("Calls by method", "graph", "reqps", (
            ("topk(10, sum by (grpc_method) (method:grpc_server_handled:rate5m))", "{{grpc_method}}"),
        )),
        Panel("Time of single calls, 99 %", "graph", "s", (
            ("topk(10, method:grpc_server_handling_seconds:p99_5m > 0)", "{{grpc_method}}"),
        )),
        Panel("Failures by reason", "graph", "reqps", (
            (f"sum by (reason) (rate(dockfleet_call_failures_total{RATE}))", "{{reason}}"),
        )),
    )),
    ("Bounds", (
        Panel("Budgets in use", "graph", "percentunit", (
            ("dockfleet_open_calls / on (instance, budget) dockfleet_calls_limit", "{{instance}} {{budget}}"),
        )),
        Panel("Calls refused", "graph", "reqps", (
            (f"sum by (budget, bound) (rate(dockfleet_calls_refused_total{RATE}))", "{{budget}} of the {{bound}}"),
        )),
        Panel("Connections closed", "graph", "reqps", (
            (f"sum by (reason) (rate(dockfleet_client_connections_closed_total{RATE}))", "{{reason}}"),
        )),
        Panel("Output dropped for slow readers", "graph", "Bps", (
            (f"rate(dockfleet_dropped_output_bytes_total{RATE})", "{{instance}}"),
        )),
    )),
    ("Sources and catalogs", (
        Panel("Sources of hosts", "graph", "short", (("dockfleet_host_source_hosts", SOURCES),)),
        Panel("Sources that do not answer", "table", "short", (("dockfleet_host_source_up == 0", SOURCES),)),
        Panel("Entries of sources that are refused", "graph", "short", (
            ("dockfleet_host_source_refused_entries", SOURCES),
        )),
        Panel("Endpoints to be written to catalogs", "graph", "short", (
            ("dockfleet_catalog_pending_entries", "{{instance}} {{catalog}}"),
        )),
    )),
    ("Process", (
        Panel("Processor", "graph", "percentunit", (
            (f'rate(process_cpu_seconds_total{{job="dockfleet"}}{RATE})', "{{instance}}"),
        )),
        Panel("Memory", "graph", "bytes", (('process_resident_memory_bytes{job="dockfleet"}', "{{instance}}"),)),
        Panel("File descriptors", "graph", "percentunit", (
            ('process_open_fds{job="dockfleet"} / process_max_fds{job="dockfleet"}', "{{instance}}"),
        )),
        Panel("Lag of the event loop, 90 %", "graph", "s", (
            (
                f"histogram_quantile(0.9, sum by (instance, le) (rate(dockfleet_loop_lag_seconds_bucket{RATE})))",
                "{{instance}}",
            ),
        ), "What is due waits so long: every call does."),
        Panel("Certificate expires in", "stat", "s", (
            ("dockfleet_listener_certificate_expiry_timestamp_seconds - time()", "{{instance}}"),
        )),
        Panel("Version", "table", "short", (("dockfleet_build_info", "{{instance}} {{version}}"),)),
    )),
))  # fmt: skip

BOARDS = (FLEET, HOST_BOARD, CONTAINER, GATEWAY)
