"""Client of the dockfleet gateway: one gRPC door in front of many Docker hosts.

    import dockfleet

    with dockfleet.connect() as fleet:
        for host in fleet.list_hosts():
            for container in fleet.host(host.name).containers.ListContainers(all=True).containers:
                print(host.name, container.names[0], container.status)

The same for asyncio is `dockfleet.aio`; the messages are in `dockfleet.v1`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dockfleet import aio
    from dockfleet.calls import CHUNK
    from dockfleet.client import DEFAULT_TARGET, Fleet, connect
    from dockfleet.errors import DockfleetError, Resource, Violation
    from dockfleet.host import HostView
    from dockfleet.session import ExecResult, Session
    from dockfleet.stream import Stream, download

__all__ = [
    "CHUNK",
    "DEFAULT_TARGET",
    "DockfleetError",
    "ExecResult",
    "Fleet",
    "HostView",
    "Resource",
    "Session",
    "Stream",
    "Violation",
    "aio",
    "connect",
    "download",
]

_HOMES = {
    "calls": ("CHUNK",),
    "client": ("DEFAULT_TARGET", "Fleet", "connect"),
    "errors": ("DockfleetError", "Resource", "Violation"),
    "host": ("HostView",),
    "session": ("ExecResult", "Session"),
    "stream": ("Stream", "download"),
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is: whoever only wants `dockfleet.v1` does not get the client with it."""
    if name == "aio":
        return import_module("dockfleet.aio")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"dockfleet.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
