"""Which hosts a `HostSelector` selects."""

from __future__ import annotations

from collections.abc import Iterable

from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.engine.inventory.matching import check, matches, meets
from gateway.fleet.host import Host
from gateway.fleet.registry import UnknownHost


def select(hosts: Iterable[Host], selector: pb.HostSelector, path: str = "selector") -> list[Host]:
    """Return the *hosts* that *selector* selects, in their order.

    Raises `InvalidField` for a malformed selector, whose place in the request is *path*, and `UnknownHost` for a name
    that no host has.
    """
    hosts = list(hosts)
    if selector.all and (selector.names or selector.labels):
        raise InvalidField(f"{path}.all", "must be false where `names` or `labels` are set")
    if not (selector.all or selector.names or selector.labels):
        raise InvalidField(path, "must have `names` or `labels`, or `all`")
    check(selector.labels, f"{path}.labels")
    known = {host.name for host in hosts}
    for name in selector.names:
        if "*" not in name and name not in known:
            raise UnknownHost(name)
    names = selector.names or ("*",)
    named = (host for host in hosts if any(matches(host.name, name) for name in names))
    return [host for host in named if meets(host.labels, selector.labels)]


__all__ = ["meets", "select"]
