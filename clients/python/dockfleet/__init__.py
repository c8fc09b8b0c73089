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

from dockfleet._version import __version__ as __version__

if TYPE_CHECKING:
    from dockfleet import aio as aio
    from dockfleet.calls import CHUNK as CHUNK
    from dockfleet.client import DEFAULT_TARGET as DEFAULT_TARGET
    from dockfleet.client import Fleet as Fleet
    from dockfleet.client import connect as connect
    from dockfleet.errors import DockfleetError as DockfleetError
    from dockfleet.errors import Resource as Resource
    from dockfleet.errors import Violation as Violation
    from dockfleet.host import HostView as HostView
    from dockfleet.resuming import Resuming as Resuming
    from dockfleet.session import ExecResult as ExecResult
    from dockfleet.session import Session as Session
    from dockfleet.stream import Stream as Stream
    from dockfleet.stream import download as download

_HOMES = {
    "CHUNK": "calls",
    "DEFAULT_TARGET": "client",
    "DockfleetError": "errors",
    "ExecResult": "session",
    "Fleet": "client",
    "HostView": "host",
    "Resource": "errors",
    "Resuming": "resuming",
    "Session": "session",
    "Stream": "stream",
    "Violation": "errors",
    "connect": "client",
    "download": "stream",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is: whoever only wants `dockfleet.v1` does not get the client with it."""
    if name == "aio":
        return import_module("dockfleet.aio")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"dockfleet.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), "aio", *_HOMES]
