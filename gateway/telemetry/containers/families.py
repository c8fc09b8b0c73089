"""The metrics of containers, in the order of the page: cAdvisor's names where it has one, and `dockfleet_` ones.

Values that the Engine API does not have get no series, because a zero would be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from dockfleet.v1.containers_pb2 import BlkioEntry, ContainerStats, InterfaceStats

from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.stats.constants import Constants
from gateway.engine.stats.usage import cpu_seconds
from gateway.telemetry.containers.labels import written

_STATES = frozenset(("created", "running", "paused", "restarting", "removing", "exited", "dead"))
_HEALTH = {"none": -1, "healthy": 1}
_SECOND = 1_000_000_000

Number = int | float
Values = Number | Sequence[tuple[str, Number]] | None
"""One number, or several with their further labels; None is no series."""


class Seen(NamedTuple):
    """The data of one container."""

    row: ContainerRow
    constants: Constants | None
    stats: ContainerStats | None  # of now
    size: int | None  # bytes of its own layer
    outdated: bool | None  # whether its image has another id by now; None when that is not known
    cgroup_v2: bool


class Family(NamedTuple):
    """One metric of containers.  *group* is empty for one that is always there."""

    name: str
    kind: str
    group: str
    meaning: str
    values: Callable[[Seen], Values]


def _of_running(number: Callable[[Seen], Values]) -> Callable[[Seen], Values]:
    """Return *number*, with no series unless the container runs."""
    return lambda seen: number(seen) if seen.row.runs else None


def _of_constants(number: Callable[[Constants], Values]) -> Callable[[Seen], Values]:
    """Return *number* of an inspection, with no series unless the container runs and was inspected."""
    return lambda seen: number(seen.constants) if seen.constants is not None and seen.row.runs else None


def _of_stats(number: Callable[[ContainerStats], Values]) -> Callable[[Seen], Values]:
    """Return *number* of a sample, with no series without one."""
    return lambda seen: number(seen.stats) if seen.stats is not None else None


# Memory


def _memory(*names: str) -> Callable[[Seen], Values]:
    """Return the first of these values that there is: cgroups v1 and v2 have different names."""
    return _of_stats(lambda stats: _first(stats, names))


def _first(stats: ContainerStats, names: Sequence[str]) -> int | None:
    values = stats.memory_stats.stats
    return next((values[name] for name in names if name in values), None)


def _optional(field: str) -> Callable[[Seen], Values]:
    def value(stats: ContainerStats) -> Values:
        memory = stats.memory_stats
        return getattr(memory, field) if memory.HasField(field) else None  # type: ignore[arg-type]

    return _of_stats(value)


def _working_set(stats: ContainerStats) -> Values:
    if stats.memory_stats.HasField("private_working_set_bytes"):
        return stats.memory_stats.private_working_set_bytes  # of Windows
    inactive = _first(stats, ("total_inactive_file", "inactive_file"))
    if inactive is None or not stats.memory_stats.HasField("usage"):
        return None
    return max(stats.memory_stats.usage - inactive, 0)


def _failcnt(seen: Seen) -> Values:
    """Return how often the limit was hit.  The Engine omits zero, and returns another value on cgroups v2."""
    if seen.stats is None or seen.cgroup_v2 or not seen.stats.memory_stats.HasField("max_usage"):
        return None
    return seen.stats.memory_stats.fail_count


def _faults(stats: ContainerStats) -> Values:
    return [
        (written(failure_type=kind, scope=scope), stats.memory_stats.stats[kind])
        for kind in ("pgfault", "pgmajfault")
        if kind in stats.memory_stats.stats
        for scope in ("container", "hierarchy")
    ]


# Processors


def _cpu(field: str) -> Callable[[Seen], Values]:
    def value(stats: ContainerStats) -> Values:
        cpu = stats.cpu_stats
        return cpu_seconds(getattr(cpu.cpu_usage, field), stats) if cpu.HasField("cpu_usage") else None

    return _of_stats(value)


def _whole_cpu(stats: ContainerStats) -> Values:
    usage = stats.cpu_stats.cpu_usage
    return [('cpu="total"', cpu_seconds(usage.total_usage, stats))] if stats.cpu_stats.HasField("cpu_usage") else None


def _throttling(field: str, unit: int = 1) -> Callable[[Seen], Values]:
    """Return a counter of throttling, which is there only with a quota."""

    def value(seen: Seen) -> Values:
        if seen.stats is None or seen.constants is None or not seen.constants.cpu_quota:
            return None
        count: int = getattr(seen.stats.cpu_stats.throttling_data, field)
        return count if unit == 1 else count / unit

    return value


# Network and disks


def _network(field: str) -> Callable[[Seen], Values]:
    """Return a counter of each interface.  Who shares another container's network has none: sums would count twice."""

    def values(seen: Seen) -> Values:
        if seen.stats is None or seen.constants is None or seen.constants.network_mode.startswith("container:"):
            return None
        interfaces: dict[str, InterfaceStats] = dict(seen.stats.networks)
        return [(written(interface=name), getattr(interface, field)) for name, interface in interfaces.items()]

    return values


def _moved(entries: str, op: str) -> Callable[[Seen], Values]:
    """Return a counter of each device, whose name the Engine does not know."""

    def values(stats: ContainerStats) -> Values:
        return [
            (f'device="{_device(entry)}"', entry.value)
            for entry in getattr(stats.blkio_stats, entries)
            if entry.op.lower() == op
        ]

    return _of_stats(values)


def _device(entry: BlkioEntry) -> str:
    return f"{entry.major_number}:{entry.minor_number}"


def _operations(stats: ContainerStats) -> Values:
    return [
        (
            written(
                device=_device(entry),
                major=str(entry.major_number),
                minor=str(entry.minor_number),
                operation=entry.op.title(),
            ),
            entry.value,
        )
        for entry in stats.blkio_stats.io_service_bytes_recursive
    ]


# States


def _seconds(nanoseconds: int) -> Number | None:
    return nanoseconds / _SECOND if nanoseconds else None


def _state(seen: Seen) -> Values:
    state = seen.row.state if seen.row.state in _STATES else "other"
    return [(f'state="{state}"', 1)]


def _health(seen: Seen) -> Values:
    return [] if seen.row.health == "none" else [(written(status=seen.row.health), 1)]


def _ended(number: Callable[[ContainerRow], Values]) -> Callable[[Seen], Values]:
    return lambda seen: number(seen.row) if seen.row.state in ("exited", "dead") and seen.row.finished_ns else None


def _swap_limit(seen: Seen) -> Values:
    constants = seen.constants
    if constants is None or not seen.row.runs:
        return None
    return max(constants.memory_swap - constants.memory, 0) if seen.cgroup_v2 else constants.memory_swap


_BYTES, _SERVICED = "io_service_bytes_recursive", "io_serviced_recursive"

LAST_SEEN = "container_last_seen"

HOSTS = (
    ("machine_cpu_cores", "gauge", "Processors of a host."),
    ("machine_memory_bytes", "gauge", "Memory of a host."),
    ("container_scrape_error", "gauge", "0 while the samples of a host are of now; without a series otherwise."),
    ("machine_scrape_error", "gauge", "0 while what is known of a host is of now; without a series otherwise."),
    ("dockfleet_host_info", "gauge", "1 for what a host and its engine are."),
    ("dockfleet_images", "gauge", "Images of a host, by state (tagged, dangling)."),
    ("dockfleet_networks", "gauge", "Networks of a host."),
    ("dockfleet_volumes", "gauge", "Volumes of a host."),
    ("dockfleet_disk_usage_bytes", "gauge", "Disk usage, by kind (images, containers, volumes, build_cache)."),
    ("dockfleet_disk_reclaimable_bytes", "gauge", "What nothing uses of the disk usage, by kind."),
    (
        "dockfleet_series_left_out",
        "gauge",
        "Series left out by container_metrics.max_series_per_host.",
    ),
    (LAST_SEEN, "gauge", "When a container ran last, in seconds since 1970; until 5 minutes after it has gone."),
)
"""Name, kind and meaning of the metrics of a host, and of the one that outlives containers."""

CONTAINERS = (
    Family(
        "container_start_time_seconds", "gauge", "", "When the present run began, in seconds since 1970.",
        _of_running(lambda seen: _seconds(seen.row.started_ns)),
    ),
    Family(
        "container_health_state", "gauge", "", "1 for healthy, 0 for starting or unhealthy, -1 without a health check.",
        _of_running(lambda seen: _HEALTH.get(seen.row.health or "none", 0)),
    ),
    Family(
        "container_cpu_usage_seconds_total", "counter", "", "Processor time, in seconds.", _of_stats(_whole_cpu)
    ),
    Family(
        "container_cpu_user_seconds_total", "counter", "", "Processor time of programs, in seconds.",
        _cpu("usage_in_usermode"),
    ),
    Family(
        "container_cpu_system_seconds_total", "counter", "", "Processor time of the kernel, in seconds.",
        _cpu("usage_in_kernelmode"),
    ),
    Family(
        "container_memory_usage_bytes", "gauge", "", "Memory in use, with the page cache.", _optional("usage")
    ),
    Family(
        "container_memory_working_set_bytes", "gauge", "", "Memory in use, without inactive pages of files.",
        _of_stats(_working_set),
    ),
    Family("container_memory_rss", "gauge", "", "Anonymous memory, in bytes.", _memory("total_rss", "anon")),
    Family("container_memory_cache", "gauge", "", "The page cache, in bytes.", _memory("total_cache", "file")),
    Family(
        "container_spec_memory_limit_bytes", "gauge", "", "The most memory; 0 for no limit.",
        _of_constants(lambda constants: constants.memory),
    ),
    Family(
        "container_network_receive_bytes_total", "counter", "", "Bytes received.", _network("rx_bytes")
    ),
    Family(
        "container_network_transmit_bytes_total", "counter", "", "Bytes sent.", _network("tx_bytes")
    ),
    Family(
        "container_network_receive_packets_dropped_total", "counter", "", "Packets dropped that were received.",
        _network("rx_dropped"),
    ),
    Family(
        "container_network_transmit_packets_dropped_total", "counter", "", "Packets dropped that were to be sent.",
        _network("tx_dropped"),
    ),
    Family("container_network_receive_errors_total", "counter", "", "Errors of receiving.", _network("rx_errors")),
    Family("container_network_transmit_errors_total", "counter", "", "Errors of sending.", _network("tx_errors")),
    Family("container_fs_reads_bytes_total", "counter", "", "Bytes read from a device.", _moved(_BYTES, "read")),
    Family("container_fs_writes_bytes_total", "counter", "", "Bytes written to a device.", _moved(_BYTES, "write")),
    Family("dockfleet_container_state", "gauge", "", "1 for the state of a container.", _state),
    Family("dockfleet_container_health", "gauge", "", "1 for the health of a container with a health check.", _health),
    Family(
        "dockfleet_container_restarts_total", "counter", "", "Restarts by the engine since the last start by a user.",
        lambda seen: seen.constants.restarts if seen.constants is not None else None,
    ),
    Family(
        "dockfleet_container_exit_code", "gauge", "", "The exit code of a container that has ended.",
        _ended(lambda row: row.exit_code),
    ),
    Family(
        "dockfleet_container_finished_time_seconds", "gauge", "", "When a container has ended, in seconds since 1970.",
        _ended(lambda row: _seconds(row.finished_ns)),
    ),
    # Groups
    Family(
        "container_creation_time_seconds", "gauge", "info", "When a container was created, in seconds since 1970.",
        lambda seen: _seconds(seen.row.created_ns),
    ),
    Family(
        "dockfleet_container_info", "gauge", "info", "1 for what a container is made from.",
        lambda seen: [(written(image_id=seen.row.image_id), 1)],
    ),
    Family(
        "dockfleet_container_image_outdated", "gauge", "info",
        "1 where the name of the image stands for another image by now, else 0.",
        lambda seen: None if seen.outdated is None else int(seen.outdated),
    ),
    Family(
        "dockfleet_container_oom_killed", "gauge", "info", "1 where the kernel ended the last run for lack of memory.",
        lambda seen: int(seen.constants.oom_killed) if seen.constants is not None else None,
    ),
    Family(
        "container_spec_cpu_period", "gauge", "limits", "The period of the processor quota, in microseconds.",
        _of_constants(lambda constants: constants.cpu_period),
    ),
    Family(
        "container_spec_cpu_quota", "gauge", "limits", "Processor time in each period, in microseconds.",
        _of_constants(lambda constants: constants.cpu_quota or None),
    ),
    Family(
        "container_spec_cpu_shares", "gauge", "limits", "The weight of a container among others.",
        _of_constants(lambda constants: constants.cpu_shares),
    ),
    Family(
        "container_spec_memory_swap_limit_bytes", "gauge", "limits",
        "The most memory and swap; the most swap on cgroups v2; 0 for no limit.", _swap_limit,
    ),
    Family(
        "container_spec_memory_reservation_limit_bytes", "gauge", "limits", "The memory that is reserved; 0 for none.",
        _of_constants(lambda constants: constants.memory_reservation),
    ),
    Family(
        "container_cpu_cfs_periods_total", "counter", "cpu", "Periods of the processor quota.", _throttling("periods")
    ),
    Family(
        "container_cpu_cfs_throttled_periods_total", "counter", "cpu", "Periods in which a container was throttled.",
        _throttling("throttled_periods"),
    ),
    Family(
        "container_cpu_cfs_throttled_seconds_total", "counter", "cpu", "Time for which a container was throttled.",
        _throttling("throttled_time", _SECOND),
    ),
    Family(
        "container_memory_mapped_file", "gauge", "memory", "Files in memory, in bytes.",
        _memory("total_mapped_file", "file_mapped"),
    ),
    Family(
        "container_memory_total_active_file_bytes", "gauge", "memory", "The active part of the page cache.",
        _memory("total_active_file", "active_file"),
    ),
    Family(
        "container_memory_total_inactive_file_bytes", "gauge", "memory", "The inactive part of the page cache.",
        _memory("total_inactive_file", "inactive_file"),
    ),
    Family(
        "container_memory_max_usage_bytes", "gauge", "memory", "The most memory that was in use; not on cgroups v2.",
        _optional("max_usage"),
    ),
    Family(
        "container_memory_failcnt", "gauge", "memory", "How often the limit of memory was hit; not on cgroups v2.",
        _failcnt,
    ),
    Family("container_memory_failures_total", "counter", "memory", "Page faults.", _of_stats(_faults)),
    Family(
        "container_memory_file_dirty_bytes", "gauge", "memory", "Files to be written, only on cgroups v2.",
        _memory("file_dirty"),
    ),
    Family(
        "container_memory_file_writeback_bytes", "gauge", "memory", "Files being written, only on cgroups v2.",
        _memory("file_writeback"),
    ),
    Family(
        "container_memory_pgscan_total", "counter", "memory", "Pages scanned, only on cgroups v2.", _memory("pgscan")
    ),
    Family(
        "container_memory_pgsteal_total", "counter", "memory", "Pages reclaimed, only on cgroups v2.",
        _memory("pgsteal"),
    ),
    Family(
        "container_network_receive_packets_total", "counter", "network", "Packets received.", _network("rx_packets")
    ),
    Family(
        "container_network_transmit_packets_total", "counter", "network", "Packets sent.", _network("tx_packets")
    ),
    Family("container_fs_reads_total", "counter", "disk", "Reads from a device.", _moved(_SERVICED, "read")),
    Family("container_fs_writes_total", "counter", "disk", "Writes to a device.", _moved(_SERVICED, "write")),
    Family(
        "container_blkio_device_usage_total", "counter", "disk", "Bytes moved, by operation.", _of_stats(_operations)
    ),
    Family(
        "container_fs_usage_bytes", "gauge", "disk", "Bytes of the container's own layer, as of the last disk usage.",
        _of_running(lambda seen: seen.size),
    ),
    Family(
        "container_threads", "gauge", "threads", "Processes and threads.",
        _of_stats(lambda stats: stats.pids_stats.current if stats.pids_stats.HasField("current") else None),
    ),
    Family(
        "container_threads_max", "gauge", "threads", "The most processes and threads.",
        _of_stats(lambda stats: stats.pids_stats.limit if stats.pids_stats.HasField("limit") else None),
    ),
)  # fmt: skip
