"""Client of the dockfleet gateway, which serves many Docker hosts over gRPC.

    import dockfleet

    with dockfleet.connect() as fleet:
        for host, container in fleet.containers.list(all=True):
            print(host, container.names[0], container.status)
        print(fleet.host("north").run("alpine", "uname -r").stdout)

`dockfleet.aio` is the same for asyncio.  The messages are in `dockfleet.v1`, and the errors in `dockfleet.reasons`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dockfleet._version import __version__ as __version__

if TYPE_CHECKING:
    from dockfleet import aio as aio
    from dockfleet.client import Fleet as Fleet
    from dockfleet.client import connect as connect
    from dockfleet.client import from_env as from_env
    from dockfleet.errors import DockfleetError as DockfleetError
    from dockfleet.errors import Resource as Resource
    from dockfleet.errors import Violation as Violation
    from dockfleet.host import HostView as HostView
    from dockfleet.reasons import Conflict as Conflict
    from dockfleet.reasons import HostUnreachable as HostUnreachable
    from dockfleet.reasons import NotFound as NotFound
    from dockfleet.reasons import OutcomeUnknown as OutcomeUnknown
    from dockfleet.results import Batch as Batch
    from dockfleet.results import ContainerFailed as ContainerFailed
    from dockfleet.results import FleetFailed as FleetFailed
    from dockfleet.results import Found as Found
    from dockfleet.results import ImageResult as ImageResult
    from dockfleet.results import Listing as Listing
    from dockfleet.results import RunResult as RunResult
    from dockfleet.resuming import Lines as Lines
    from dockfleet.resuming import ResumingStream as ResumingStream
    from dockfleet.session import Session as Session
    from dockfleet.session_state import ExecResult as ExecResult
    from dockfleet.sources import CHUNK as CHUNK
    from dockfleet.stream import Stream as Stream
    from dockfleet.stream import download as download
    from dockfleet.target import DEFAULT_TARGET as DEFAULT_TARGET

_MODULES = {
    "Batch": "results",
    "CHUNK": "sources",
    "Conflict": "reasons",
    "ContainerFailed": "results",
    "DEFAULT_TARGET": "target",
    "DockfleetError": "errors",
    "ExecResult": "session_state",
    "Fleet": "client",
    "FleetFailed": "results",
    "Found": "results",
    "HostUnreachable": "reasons",
    "HostView": "host",
    "ImageResult": "results",
    "Lines": "resuming",
    "Listing": "results",
    "NotFound": "reasons",
    "OutcomeUnknown": "reasons",
    "Resource": "errors",
    "ResumingStream": "resuming",
    "RunResult": "results",
    "Session": "session",
    "Stream": "stream",
    "Violation": "errors",
    "connect": "client",
    "download": "stream",
    "from_env": "client",
}


if not TYPE_CHECKING:  # a type checker must not take every name for one of these

    def __getattr__(name: str) -> Any:
        """Import the module of *name*.  So `dockfleet.v1` alone does not import the client."""
        if name == "aio":
            return import_module("dockfleet.aio")
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"dockfleet.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return ["__doc__", "__version__", "aio", *_MODULES]


__all__ = ["aio", *_MODULES]  # what `help` shows
