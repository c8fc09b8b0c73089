"""What does not change while a container runs, and only an inspection tells."""

from __future__ import annotations

from typing import Any, NamedTuple

_PERIOD_MICROSECONDS = 100_000  # the kernel's own, where none is set
_SHARES = 1024
_BILLIONTHS_PER_MICROSECOND = 10_000  # of a CPU, with that period


class Constants(NamedTuple):
    """Of one run of a container.  Limits of memory are in bytes, 0 is none."""

    image: str  # as it was named when the container was made
    network_mode: str
    restarts: int  # by the engine, since the last start by a user
    oom_killed: bool
    cpu_period: int  # microseconds
    cpu_quota: int  # microseconds in each period; 0 is none
    cpu_shares: int
    memory: int
    memory_reservation: int
    memory_swap: int  # memory and swap together


def constants_of(document: Any) -> Constants:
    """Return what an inspection tells.  What does not fit the Engine API counts as absent."""
    host, config, state = (_object(document, key) for key in ("HostConfig", "Config", "State"))
    period = _number(host, "CpuPeriod") or _PERIOD_MICROSECONDS
    return Constants(
        image=str(config.get("Image") or ""),
        network_mode=str(host.get("NetworkMode") or ""),
        restarts=_number(document, "RestartCount"),
        oom_killed=bool(state.get("OOMKilled")),
        cpu_period=period,
        cpu_quota=_number(host, "CpuQuota") or _number(host, "NanoCpus") // _BILLIONTHS_PER_MICROSECOND,
        cpu_shares=_number(host, "CpuShares") or _SHARES,
        memory=_number(host, "Memory"),
        memory_reservation=_number(host, "MemoryReservation"),
        memory_swap=_number(host, "MemorySwap"),
    )


def _object(document: Any, key: str) -> dict[str, Any]:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, dict) else {}


def _number(document: Any, key: str) -> int:
    """Return a number that is not negative; 0 where there is none."""
    value = document.get(key) if isinstance(document, dict) else None
    return max(value, 0) if type(value) is int and abs(value) < 1 << 63 else 0
