"""Which hosts a `HostSelector` selects."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.engine.inventory.matching import check, check_names, meeting, naming
from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.pauses import Pauses
from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry, NoHostKnownYet, UnknownHost


def select(hosts: Iterable[Host], selector: pb.HostSelector, path: str = "selector") -> list[Host]:
    """Return the *hosts* that *selector* selects, in their order.

    *path* is the field of the selector in the request.  Raises `InvalidField` for a malformed selector, and
    `UnknownHost` for a name that no host has.
    """
    check_hosts(selector, path)
    unknown = hosts.unknown if isinstance(hosts, HostRegistry) else UnknownHost
    hosts = list(hosts)
    known = {host.name for host in hosts}
    for name in selector.names:
        if "*" not in name and name not in known:
            raise unknown(name)
    return list(filter(fitting(selector), hosts))


def select_some(hosts: HostRegistry, selector: pb.HostSelector, path: str) -> list[Host]:
    """Return the same, for a call that ends with what is known.

    Raises like `select`, and `NoHostKnownYet` where there may be hosts of sources that have not answered yet.
    """
    selected = select(hosts, selector, path)
    if not selected and (why := hosts.incomplete()):
        raise NoHostKnownYet(why)
    return selected


def check_hosts(selector: pb.HostSelector, path: str = "selector") -> None:
    """Raise `InvalidField` for a malformed selector; *path* is its field in the request."""
    if selector.all and (selector.names or selector.labels):
        raise InvalidField(f"{path}.all", "must be false when `names` or `labels` are set")
    if not (selector.all or selector.names or selector.labels):
        raise InvalidField(path, "must have `names` or `labels`, or `all`")
    check_names(selector.names, f"{path}.names", "the name of a host, or a pattern with `*`")
    check(selector.labels, f"{path}.labels")


def fits(host: Host, selector: pb.HostSelector) -> bool:
    """Return whether the well-formed *selector* selects *host*."""
    return fitting(selector)(host)


def fitting(selector: pb.HostSelector) -> Callable[[Host], bool]:
    """Return the predicate of the well-formed *selector*."""
    if selector.all:
        return lambda host: True
    named, meets = naming(selector.names or ("*",)), meeting(selector.labels)
    return lambda host: named(host.name) and meets(host.labels)


def selecting(host: Host, containers: pb.ContainerSelector) -> Callable[[ContainerRow], bool]:
    """Return the predicate of the well-formed *containers* for the containers of *host*.

    A name means the container that has it at the time of the check; a reference means the image, in the same way.
    """
    if containers.images:
        return lambda row: host.inventory.selecting(containers)(row)
    return host.inventory.selecting(containers)


class Named(Protocol):
    """A container: its id, and its names with or without a slash."""

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""

    @property
    def names(self) -> Sequence[str]:
        """All its names."""


async def unmatched(names: Iterable[str], containers: Sequence[Named], pauses: Pauses) -> list[str]:
    """Return those of *names* of a `ContainerSelector` that fit none of the selected *containers*.

    It makes *pauses* where there are many.
    """
    known = {name.removeprefix("/") for each in containers for name in each.names}
    ids = sorted(each.id for each in containers)
    missing = []
    for name in names:
        wanted = name.removeprefix("/")
        if "*" in wanted:
            found = await _fits_one(naming((wanted,)), known, pauses)
        else:
            place = bisect_left(ids, wanted)  # of the first id that can begin so
            found = wanted in known or (place < len(ids) and ids[place].startswith(wanted))
        if not found:
            missing.append(name)
    return missing


async def _fits_one(fits: Callable[[str], bool], names: Iterable[str], pauses: Pauses) -> bool:
    for name in names:
        if pauses.due:
            await pauses.pause()
        if fits(name):
            return True
    return False
