"""Which objects an event may have changed, and must be requested again.

An event does not have the new state: some events precede the visible change, some come twice, the order between objects
is arbitrary, and some changes have no event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.inventory.convert import CONTAINER_ID
from gateway.engine.inventory.refresh import SOON_SECONDS

_JOINED_SECONDS = 0.3  # of a container that runs; its end has other events
_STARTING_SECONDS = 3.0  # of one that does not run yet: its start, or why it failed, is an event
LIST_SECONDS = 0.1
IMAGES_SECONDS = 1.0  # events of images come in bursts, and do not say enough
# What changes neither a container's row nor its details, or has another event.
_NOTHING = frozenset(
    (
        *("archive-path", "attach", "checkpoint", "copy", "detach", "exec_create", "exec_detach", "exec_die"),
        *("exec_start", "export", "extract-to-dir", "kill", "oom", "resize", "restart", "stop", "top"),
    )
)
_OF_NETWORKS = ("connect", "disconnect")
_OF_VOLUMES = ("mount", "unmount")


def touched_by(event: EngineEvent, runs: Callable[[str], bool]) -> Iterator[tuple[str, float]]:
    """Yield what to request after an event, and in how many seconds: ids of containers, and kinds of `LISTS`.

    *runs* says whether a container is known to run.  A container that is starting is not inspected, because the
    inspection would wait for the start.
    """
    kind, action = event.type, event.action.partition(":")[0]
    if kind == "container":
        if action not in _NOTHING and action != "destroy" and CONTAINER_ID.fullmatch(event.actor.id):
            yield event.actor.id, SOON_SECONDS
        if action in ("commit", "destroy"):  # an untagged image of a classic build shows by nothing else
            yield "image", IMAGES_SECONDS
    elif kind == "image":
        yield "image", IMAGES_SECONDS
    elif kind == "network" and action in _OF_NETWORKS:
        container = event.actor.attributes.get("container", "")
        if CONTAINER_ID.fullmatch(container):
            starting = action == "connect" and not runs(container)
            yield container, _STARTING_SECONDS if starting else _JOINED_SECONDS
    elif kind == "network":
        yield "network", LIST_SECONDS
    elif kind == "volume" and action not in _OF_VOLUMES:
        yield "volume", LIST_SECONDS


def renames(event: EngineEvent) -> bool:
    """Return whether after an event containers that others link to may have other names."""
    return event.type == "container" and event.action in ("rename", "destroy")
