"""The client for asyncio: the same fleet, where calls are awaited and streams are iterated with `async for`.

async with dockfleet.aio.connect() as fleet:
    host = fleet.host("a")
    answer = await host.containers.ListContainers(all=True)
    async for entry in host.logs("web", follow=True):
        ...
"""

from dockfleet.aio.client import Fleet, connect
from dockfleet.aio.host import HostView
from dockfleet.aio.resuming import Resuming
from dockfleet.aio.session import Session
from dockfleet.aio.stream import Stream, download

__all__ = ["Fleet", "HostView", "Resuming", "Session", "Stream", "connect", "download"]
