"""What is used of a host's disk, and what the host is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from gateway.engine import queries
from gateway.engine.client import Engine
from gateway.engine.kinds import Kind

_DISKS_SECONDS = 300.0  # an engine reads all directories of volumes and containers
_INFO_SECONDS = 10.0


class Machine(NamedTuple):
    """A host, as its engine tells; empty and 0 where it does not."""

    cpus: int
    memory: int
    version: str
    os: str
    kernel: str
    driver: str
    cgroup_version: str


class DiskUsage(NamedTuple):
    """Bytes in use, and those that nothing uses, by kind; and the size of each container's own layer, by id."""

    used: Mapping[str, int]
    reclaimable: Mapping[str, int]
    containers: Mapping[str, int]


async def machine(engine: Engine) -> Machine:
    """Ask *engine* what its host is.  Raises like `queries`."""
    info = await queries.document(engine, "/info", _INFO_SECONDS, kind=Kind.SAMPLE)
    texts = ("ServerVersion", "OperatingSystem", "KernelVersion", "Driver", "CgroupVersion")
    return Machine(_number(info, "NCPU"), _number(info, "MemTotal"), *(_text(info, key) for key in texts))


async def disk_usage(engine: Engine) -> DiskUsage:
    """Ask *engine* for the use of its disk, which can take it minutes.  Raises like `queries`."""
    document = await queries.document(engine, "/system/df", _DISKS_SECONDS, kind=Kind.SAMPLE)
    images, containers, volumes, caches = (
        list(_items(document, key)) for key in ("Images", "Containers", "Volumes", "BuildCache")
    )
    sizes = {_text(each, "Id"): _number(each, "SizeRw") for each in containers}
    of_volumes = [(_number(data, "Size"), _number(data, "RefCount")) for data in (v.get("UsageData") for v in volumes)]
    layers = _number(document, "LayersSize")
    used = {
        "images": layers,
        "containers": sum(sizes.values()),
        "volumes": sum(size for size, _ in of_volumes),
        "build_cache": sum(_number(each, "Size") for each in caches if not each.get("Shared")),
    }
    in_use = sum(_number(each, "Size") - _number(each, "SharedSize") for each in images if _number(each, "Containers"))
    reclaimable = {
        "images": max(layers - in_use, 0),
        "containers": sum(sizes[_text(each, "Id")] for each in containers if each.get("State") != "running"),
        "volumes": sum(size for size, users in of_volumes if not users),
        "build_cache": sum(
            _number(each, "Size") for each in caches if not each.get("InUse") and not each.get("Shared")
        ),
    }
    for kind, key in (
        ("images", "Image"),
        ("containers", "Container"),
        ("volumes", "Volume"),
        ("build_cache", "BuildCache"),
    ):
        if isinstance(summary := document.get(f"{key}Usage"), dict):  # from API 1.52 on, the engine adds it up
            used[kind], reclaimable[kind] = _number(summary, "TotalSize"), _number(summary, "Reclaimable")
    return DiskUsage(used, reclaimable, sizes)


def _items(document: Any, key: str) -> Iterable[dict[str, Any]]:
    found = document.get(key) if isinstance(document, dict) else None
    return (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()


def _number(document: Any, key: str) -> int:
    """Return a number; 0 where there is none, or where the engine has not measured it: then it says -1."""
    value = document.get(key) if isinstance(document, dict) else None
    return max(value, 0) if type(value) is int else 0


def _text(document: Any, key: str) -> str:
    value = document.get(key) if isinstance(document, dict) else None
    return value if isinstance(value, str) else ""
