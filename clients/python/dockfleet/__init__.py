"""Client of the dockfleet gateway, which serves many Docker hosts over gRPC.

    import dockfleet

    with dockfleet.connect() as fleet:
        for host in fleet.list_hosts():
            for container in fleet.host(host.name).containers.ListContainers(all=True).containers:
                print(host.name, container.names[0], container.status)

`dockfleet.aio` is the same for asyncio.  The messages are in `dockfleet.v1`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dockfleet._version import __version__ as __version__

if TYPE_CHECKING:
    from dockfleet import aio as aio
    from dockfleet.calls import CHUNK as CHUNK
    from dockfleet.client import Fleet as Fleet
    from dockfleet.client import connect as connect
    from dockfleet.errors import DockfleetError as DockfleetError
    from dockfleet.errors import Resource as Resource
    from dockfleet.errors import Violation as Violation
    from dockfleet.host import HostView as HostView
    from dockfleet.resuming import ResumingStream as ResumingStream
    from dockfleet.session import ExecResult as ExecResult
    from dockfleet.session import Session as Session
    from dockfleet.stream import Stream as Stream
    from dockfleet.stream import download as download
    from dockfleet.target import DEFAULT_TARGET as DEFAULT_TARGET

_MODULES = {
    "CHUNK": "calls",
    "DEFAULT_TARGET": "target",
    "DockfleetError": "errors",
    "ExecResult": "session",
    "Fleet": "client",
    "HostView": "host",
    "Resource": "errors",
    "ResumingStream": "resuming",
    "Session": "session",
    "Stream": "stream",
    "Violation": "errors",
    "connect": "client",
    "download": "stream",
}


def __getattr__(name: str) -> Any:
    """Import the module of *name*.  So `dockfleet.v1` alone does not import the client."""
    if name == "aio":
        return import_module("dockfleet.aio")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"dockfleet.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), "aio", *_MODULES]
