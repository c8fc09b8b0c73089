"""Computes the summary of a sample of stats: shares and rates.

The formulas are those of `docker stats` (docker/cli, cli/command/container/stats_helpers.go).  Rates per second are
our addition; it shows sums.
"""

from __future__ import annotations

from dockfleet.v1.containers_pb2 import ContainerStats, CpuStats, MemoryStats, StatsSummary

_HUNDRED_NANOSECONDS = 100  # the unit of CPU time on Windows
_LINUX_SECOND, _WINDOWS_SECOND = 1_000_000_000, 10_000_000  # of CPU time, in its units


def usage(now: ContainerStats, before: ContainerStats | None) -> StatsSummary:
    """Return the summary of the sample *now*; *before* is the sample before it, if there is one."""
    windows = is_windows(now)
    seconds = (now.read_at.ToNanoseconds() - before.read_at.ToNanoseconds()) / 1e9 if before is not None else 0.0
    memory = now.memory_stats.private_working_set_bytes if windows else memory_in_use(now.memory_stats)
    limit = now.memory_stats.limit

    def rate(amounts: tuple[int, int]) -> float:
        # A counter that is lower than before belongs to another run, and there is no rate between two runs.
        return max(amounts[0] - amounts[1], 0) / seconds if seconds > 0 else 0.0

    return StatsSummary(
        cpu_percent=_windows_cpu_percent(now) if windows else _cpu_percent(now, before),
        memory_bytes=memory,
        memory_limit_bytes=limit,
        memory_percent=memory / limit * 100 if limit else 0.0,
        network_rx_bytes_per_second=rate((_received(now), _received(before))),
        network_tx_bytes_per_second=rate((_sent(now), _sent(before))),
        block_read_bytes_per_second=rate((_moved(now, "r"), _moved(before, "r"))),
        block_write_bytes_per_second=rate((_moved(now, "w"), _moved(before, "w"))),
        pids=now.pids_stats.current,
    )


def memory_in_use(memory: MemoryStats) -> int:
    """Return the bytes in use on Linux, without the inactive part of the page cache."""
    for name in ("total_inactive_file", "inactive_file"):  # of cgroups v1 and v2
        inactive = memory.stats.get(name)
        if inactive is not None and inactive < memory.usage:
            return memory.usage - inactive
    return memory.usage


def cpu_seconds(used: int, sample: ContainerStats) -> float:
    """Return the seconds of CPU time that a number of *sample* stands for."""
    return used / (_WINDOWS_SECOND if is_windows(sample) else _LINUX_SECOND)


def _cpu_percent(now: ContainerStats, before: ContainerStats | None) -> float:
    """Return the share of the CPUs on Linux, in percent of one; 0 without an earlier sample."""
    if now.HasField("preread_at"):
        previous = now.precpu_stats
    elif before is not None:
        previous = before.cpu_stats
    else:
        return 0.0
    used = now.cpu_stats.cpu_usage.total_usage - previous.cpu_usage.total_usage
    spent = now.cpu_stats.system_cpu_usage - previous.system_cpu_usage
    return used / spent * _processors(now.cpu_stats) * 100 if used > 0 and spent > 0 else 0.0


def _processors(cpu: CpuStats) -> int:
    return cpu.online_cpus or len(cpu.cpu_usage.percpu_usage)


def _windows_cpu_percent(now: ContainerStats) -> float:
    if not now.HasField("preread_at"):
        return 0.0
    elapsed = now.read_at.ToNanoseconds() - now.preread_at.ToNanoseconds()
    possible = elapsed // _HUNDRED_NANOSECONDS * now.num_procs
    used = now.cpu_stats.cpu_usage.total_usage - now.precpu_stats.cpu_usage.total_usage
    return used / possible * 100 if possible > 0 and used > 0 else 0.0


def is_windows(sample: ContainerStats) -> bool:
    """Return whether a sample is of an engine on Windows."""
    # Engines before API 1.52 send no `os_type`.  Only engines on Windows send the number of processors in `num_procs`.
    return sample.os_type == "windows" or (not sample.os_type and sample.num_procs > 0)


def _received(sample: ContainerStats | None) -> int:
    return sum(interface.rx_bytes for interface in sample.networks.values()) if sample is not None else 0


def _sent(sample: ContainerStats | None) -> int:
    return sum(interface.tx_bytes for interface in sample.networks.values()) if sample is not None else 0


def _moved(sample: ContainerStats | None, way: str) -> int:
    """Return the bytes read from (*way* `r`) or written to (`w`) all devices."""
    if sample is None:
        return 0
    if is_windows(sample):
        storage = sample.storage_stats
        return storage.read_size_bytes if way == "r" else storage.write_size_bytes
    entries = sample.blkio_stats.io_service_bytes_recursive
    return sum(entry.value for entry in entries if entry.op[:1].lower() == way)
