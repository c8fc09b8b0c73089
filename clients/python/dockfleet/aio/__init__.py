"""The client for asyncio.  Calls are awaited, and streams are iterated with `async for`.

async with dockfleet.aio.connect() as fleet:
    host = fleet.host("a")
    containers = await host.containers.list(all=True)
    async for entry in host.logs("web", follow=True):
        ...
"""

from dockfleet.aio.client import Fleet, connect, from_env
from dockfleet.aio.host import HostView
from dockfleet.aio.resuming import Lines, ResumingStream
from dockfleet.aio.session import Session
from dockfleet.aio.stream import Stream, download

__all__ = ["Fleet", "HostView", "Lines", "ResumingStream", "Session", "Stream", "connect", "download", "from_env"]
