"""Chooses the host for a new container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dockfleet.fleet.v1 import fleet_pb2 as pb

from gateway.engine.errors import CallError, InvalidField
from gateway.engine.inventory.rows import ContainerRow
from gateway.fleet.host import Host

_RUNNING = ("running", "paused", "restarting")


@dataclass(frozen=True, slots=True)
class Size:
    """The limits of a container, or the size of a host: memory in bytes, CPUs in billionths.  0: no limit, or not
    known.
    """

    memory: int = 0
    nano_cpus: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host that was considered.

    `in_use` is a number of containers, or a share; `excluded` says why the host cannot take the container.
    """

    host: Host
    in_use: float
    has_image: bool
    excluded: str = ""


class NoHostFits(CallError):
    """No host can take the container."""

    status, reason, about_host = "FAILED_PRECONDITION", "NO_HOST_FITS", False

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        why = "; ".join(f"{each.host.name}: {each.excluded}" for each in candidates) or "the selector selects no host"
        super().__init__(f"no host can take the container: {why}")


def check(placement: pb.Placement, path: str) -> None:
    """Raise `InvalidField` for a malformed *placement*; *path* is its place in the request."""
    for name, enum in (("strategy", pb.PlacementStrategy), ("resource", pb.PlacementResource)):
        if getattr(placement, name) not in enum.values():
            known = ", ".join(enum.keys()[1:])
            raise InvalidField(f"{path}.{name}", f"must be one of {known}, or absent")


def measure(host: Host, placement: pb.Placement, wanted: Size, image: str, size: Size | None) -> Candidate:
    """Return *host* as a candidate for a container of *wanted* size and *image*; *size* is that of the host."""
    excluded = _obstacle(host)
    if excluded:
        return Candidate(host, 0.0, False, excluded)
    rows = [row for row in host.inventory.containers() if row.state in _RUNNING]
    has_image = any(image in (row.id, *row.tags, *row.digests) for row in host.inventory.images())
    in_use, excluded = _use(rows, host.placing, placement.resource, wanted, size)
    return Candidate(host, in_use, has_image, excluded)


def rank(candidates: Sequence[Candidate], placement: pb.Placement) -> list[Candidate]:
    """Return *candidates*, the best first; those that are excluded are the last."""
    sign = -1 if placement.strategy == pb.PLACEMENT_STRATEGY_BINPACK else 1

    def order(each: Candidate) -> tuple[bool, bool, float, bool, str]:
        without_image = not each.has_image
        return (
            bool(each.excluded),
            placement.prefer_image and without_image,
            sign * each.in_use,
            without_image,
            each.host.name,
        )

    return sorted(candidates, key=order)


def explain(chosen: Candidate, placement: pb.Placement, count: int) -> str:
    """Return, for people, why *chosen* was chosen among *count* hosts that can take the container."""
    most = "most" if placement.strategy == pb.PLACEMENT_STRATEGY_BINPACK else "least"
    what = {pb.PLACEMENT_RESOURCE_MEMORY: "of its memory", pb.PLACEMENT_RESOURCE_CPU: "of its CPUs"}
    of = what.get(placement.resource)
    use = f"{chosen.in_use:.0%} {of}" if of else f"{chosen.in_use:g} containers"
    image = ", and has the image" if chosen.has_image else ""
    if count == 1:
        return f"{chosen.host.name} is the only host that can take it: {use} in use{image}"
    return f"{chosen.host.name} has the {most} in use among {count} hosts that can take it: {use}{image}"


def _obstacle(host: Host) -> str:
    """Return why *host* can take no container at all; empty when it can."""
    if host.draining:
        return "the host is being drained"
    return str(host.outdated or "")


def _use(
    rows: Sequence[ContainerRow], placing: int, resource: int, wanted: Size, size: Size | None
) -> tuple[float, str]:
    """Return how much is in use, and why what is *wanted* does not fit besides; *placing* containers are on the way."""
    if resource not in (pb.PLACEMENT_RESOURCE_MEMORY, pb.PLACEMENT_RESOURCE_CPU):
        return float(len(rows) + placing), ""
    if size is None or not size.memory or not size.nano_cpus:
        return 0.0, "the host did not tell how much memory and how many CPUs it has"
    if resource == pb.PLACEMENT_RESOURCE_MEMORY:
        used, more, total = sum(row.memory_limit for row in rows), wanted.memory, size.memory
    else:
        used, more, total = sum(row.nano_cpus for row in rows), wanted.nano_cpus, size.nano_cpus
    excluded = f"{used / total:.0%} are in use, and {more / total:.0%} more do not fit" if used + more > total else ""
    return used / total, excluded
