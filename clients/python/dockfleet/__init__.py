"""Client of the dockfleet gateway: one gRPC door in front of many Docker hosts.

    import dockfleet

    with dockfleet.connect() as fleet:
        for host in fleet.list_hosts():
            for container in fleet.host(host.name).containers.ListContainers(all=True).containers:
                print(host.name, container.names[0], container.status)

The same for asyncio is `dockfleet.aio`; the messages are in `dockfleet.v1`.
"""

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
    "connect",
    "download",
]
