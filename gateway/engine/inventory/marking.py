"""What an event means for an inventory: what is to be asked for again.

Events do not say what there is: some come before the change can be seen, some twice, in any order between objects, and
some changes have none.
"""

from __future__ import annotations

from collections.abc import Iterator

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.inventory.refresh import SOON_SECONDS

_LATER_SECONDS = 0.3  # a container that joins or leaves a network is about to start or has ended, and its events follow
_LIST_SECONDS = 0.1
_IMAGES_SECONDS = 1.0  # events of images come in bursts, and do not say enough
# What changes neither a container's row nor its details, or has another event that says so.
_NOTHING = frozenset(
    (
        *("archive-path", "attach", "checkpoint", "copy", "detach", "exec_create", "exec_detach", "exec_die"),
        *("exec_start", "export", "extract-to-dir", "kill", "oom", "resize", "restart", "stop", "top"),
    )
)
_OF_NETWORKS = ("connect", "disconnect")
_OF_VOLUMES = ("mount", "unmount")


def touched_by(event: EngineEvent) -> Iterator[tuple[str, float]]:
    """Yield what to ask for after an event, and in how many seconds: ids of containers, and kinds of `LISTS`."""
    kind, action = event.type, event.action.partition(":")[0]
    if kind == "container":
        if action not in _NOTHING and action != "destroy":
            yield event.actor.id, SOON_SECONDS
        if action in ("commit", "destroy"):  # an untagged image of a classic build shows by nothing else
            yield "image", _IMAGES_SECONDS
    elif kind == "image":
        yield "image", _IMAGES_SECONDS
    elif kind == "network" and action in _OF_NETWORKS:
        if container := event.actor.attributes.get("container"):
            yield container, _LATER_SECONDS
    elif kind == "network":
        yield "network", _LIST_SECONDS
    elif kind == "volume" and action not in _OF_VOLUMES:
        yield "volume", _LIST_SECONDS


def renames(event: EngineEvent) -> bool:
    """Tell whether after an event containers that others link to may have other names."""
    return event.type == "container" and event.action in ("rename", "destroy")
