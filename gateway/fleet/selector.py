"""Which hosts a `HostSelector` selects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.engine.inventory.matching import check, matches, meets
from gateway.engine.inventory.rows import ContainerRow
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
    return [host for host in hosts if fits(host, selector)]


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
    for index, name in enumerate(selector.names):
        if not name:
            raise InvalidField(f"{path}.names[{index}]", "must be the name of a host, or a pattern with `*`")
    check(selector.labels, f"{path}.labels")


def fits(host: Host, selector: pb.HostSelector) -> bool:
    """Return whether the well-formed *selector* selects *host*."""
    if selector.all:
        return True
    names = selector.names or ("*",)
    return any(matches(host.name, name) for name in names) and meets(host.labels, selector.labels)


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


def unmatched(names: Iterable[str], containers: Sequence[Named]) -> list[str]:
    """Return those of *names* of a `ContainerSelector` that fit none of the selected *containers*."""
    known = {name.removeprefix("/") for each in containers for name in each.names}

    def found(name: str) -> bool:
        return any(matches(each, name) for each in known) or any(each.id.startswith(name) for each in containers)

    return [name for name in names if not found(name.removeprefix("/"))]


__all__ = ["check_hosts", "fits", "meets", "select", "select_some", "selecting", "unmatched"]
