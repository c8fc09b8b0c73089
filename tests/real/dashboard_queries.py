"""What widely used dashboards ask for, in the terms of their selectors: see their numbers at grafana.com.

Queries that need node_exporter, or what the Engine API does not tell, are not among them.
"""

from __future__ import annotations

_CONTAINERS = 'instance=~".*",name=~".+"'
_NETWORK = ("receive_bytes", "transmit_bytes")
_PROBLEMS = ("receive_packets_dropped", "transmit_packets_dropped", "receive_errors", "transmit_errors")
_OF_19792 = (
    *("start_time_seconds", "health_state", "last_seen", "threads", "threads_max"),
    *("memory_usage_bytes", "memory_working_set_bytes", "memory_rss", "memory_cache", "memory_mapped_file"),
    *("memory_max_usage_bytes", "memory_failcnt", "memory_failures_total", "memory_total_active_file_bytes"),
    *("memory_total_inactive_file_bytes", "spec_memory_limit_bytes", "spec_memory_swap_limit_bytes"),
    *("spec_memory_reservation_limit_bytes", "spec_cpu_period", "spec_cpu_quota", "spec_cpu_shares"),
    *("cpu_usage_seconds_total", "cpu_user_seconds_total", "cpu_system_seconds_total", "cpu_cfs_periods_total"),
    *("cpu_cfs_throttled_periods_total", "cpu_cfs_throttled_seconds_total"),
    *(f"network_{what}_total" for what in (*_NETWORK, *_PROBLEMS, "receive_packets", "transmit_packets")),
)

QUERIES: dict[str, list[str]] = {
    "193": [
        'count(rate(container_last_seen{image!=""}[1m]))',
        'sum(container_memory_usage_bytes{image!=""}) by (name)',
        'sum(rate(container_cpu_user_seconds_total{image!=""}[1m])) by (name)',
        *(f'sum(rate(container_network_{what}_total{{image!=""}}[1m])) by (name)' for what in _NETWORK),
    ],
    "14282": [
        f"rate(container_cpu_usage_seconds_total{{{_CONTAINERS}}}[1m])",
        f"container_memory_rss{{{_CONTAINERS}}}",
        f"container_memory_cache{{{_CONTAINERS}}}",
        f"(time() - container_start_time_seconds{{{_CONTAINERS}}}) / 86400",
        *(f"rate(container_network_{what}_total{{{_CONTAINERS}}}[1m])" for what in _NETWORK),
    ],
    "13946": [
        'count(container_last_seen{image!=""}) by (instance)',
        "sum(machine_cpu_cores) by (instance)",
        "sum(machine_memory_bytes) by (instance)",
        f"rate(container_cpu_user_seconds_total{{{_CONTAINERS}}}[1m])",
        f"container_memory_usage_bytes{{{_CONTAINERS}}} - container_memory_cache{{{_CONTAINERS}}}",
        *(f'rate(container_network_{what}_total{{{_CONTAINERS},interface="eth0"}}[1m])' for what in _NETWORK),
    ],
    "docker-mixin": [
        'count(container_last_seen{job!="kubelet",name!=""}) by (image)',
        'sum by (instance) (container_memory_usage_bytes{name!=""}) / sum by (instance) (machine_memory_bytes)',
        'sum by (name) (container_spec_memory_reservation_limit_bytes{name!=""})',
        'sum(rate(container_cpu_usage_seconds_total{name!=""}[1m])) by (instance)',
        'container_fs_usage_bytes{name!=""}',
        *(f'rate(container_network_{what}_total{{name!=""}}[1m])' for what in (*_NETWORK, *_PROBLEMS)),
    ],
    "19792": [f"max by (name) (container_{metric}{{{_CONTAINERS}}})" for metric in _OF_19792],
}
