"""The hosts that a command means."""

from __future__ import annotations

from typing import Any

from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.group import CommandError
from dockfleet.cli.scope import Scope


def one_host(gateway: Gateway, scope: Scope) -> str:
    """Return the one host that *scope* selects.  Raises `CommandError` when it selects none, or several."""
    if scope.one_name is not None:
        return scope.one_name
    found = host_names(gateway, scope.host_selector())
    if len(found) != 1:
        shown = ", ".join(found[:5]) + (" …" if len(found) > 5 else "")
        raise CommandError(f"on which host?  -H chooses one of: {shown}" if found else "no host is selected: see -H")
    return found[0]


def several_hosts(gateway: Gateway, scope: Scope) -> tuple[Any, bool]:
    """Return the selector of the hosts that *scope* means, and whether they can be several.

    Raises `CommandError` when the options say nothing and the fleet has several hosts.
    """
    if scope.means_several:
        return scope.host_selector(), True
    return scope.host_selector(one_host(gateway, scope)), False


def host_names(gateway: Gateway, selector: Any) -> list[str]:
    """Return the names of the hosts that *selector* selects."""
    return list(api_versions(gateway, selector))


def api_versions(gateway: Gateway, selector: Any) -> dict[str, str]:
    """Return the API versions of the hosts that *selector* selects, by name; empty where it is not known."""
    from dockfleet.fleet.v1.hosts_pb2 import ListHostsRequest

    found = call(gateway.hosts.ListHosts, ListHostsRequest(selector=selector)).hosts
    return {host.name: host.api_version for host in found}


def api_number(version: str) -> tuple[int, ...]:
    """Return an API version as a value that can be compared."""
    return tuple(int(part) for part in version.split("."))
