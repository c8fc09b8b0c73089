"""What there is on a host, as far as its events and lists have told: containers, images, networks and volumes.

Kept so that, when events were lost, the difference of what is and what was can be told as if it had been events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dockfleet.v1.system_pb2 import EngineEvent, EventActor

Key = tuple[str, str]  # the type of an object and its id

_STATES = {"created": "created", "running": "running", "paused": "paused"}  # all else does not run: `exited`
_AFTER = {
    "create": "created",
    "start": "running",
    "unpause": "running",
    "pause": "paused",
    "die": "exited",
}
# How a container gets from one state to another; "" is not being there.
_TRANSITIONS = {
    ("", "created"): ("create",),
    ("", "running"): ("create", "start"),
    ("", "paused"): ("create", "start", "pause"),
    ("", "exited"): ("create", "start", "die"),
    ("created", "running"): ("start",),
    ("created", "paused"): ("start", "pause"),
    ("created", "exited"): ("start", "die"),
    ("running", "paused"): ("pause",),
    ("running", "exited"): ("die",),
    ("paused", "running"): ("unpause",),
    ("paused", "exited"): ("unpause", "die"),
    ("exited", "running"): ("start",),
    ("exited", "paused"): ("start", "pause"),
    ("created", ""): ("destroy",),
    ("running", ""): ("die", "destroy"),
    ("paused", ""): ("unpause", "die", "destroy"),
    ("exited", ""): ("destroy",),
}
_EXIT_CODE = re.compile(r"Exited \((\d+)\)")
LISTS = {  # what to ask for each list
    "container": "/containers/json?all=true",
    "image": "/images/json",
    "network": "/networks",
    "volume": "/volumes",
}


class ObjectState(NamedTuple):
    """One object: its attributes as events show them; the state of a container; the references of an image."""

    attributes: dict[str, str]
    state: str = ""
    references: frozenset[str] = frozenset()


@dataclass
class Inventory:
    """What is known to be there."""

    things: dict[Key, ObjectState] = field(default_factory=dict)

    def apply(self, event: EngineEvent) -> Key:
        """Take *event* in, and return the object that it is about.

        Images are left alone: their events do not tell enough, they are listed anew (see `invalidates_images`).
        """
        kind, action = event.type, event.action
        key = (kind, event.actor.id)
        attributes = {name: text for name, text in event.actor.attributes.items() if name != "exitCode"}
        if kind not in ("container", "network", "volume"):
            pass
        elif action in ("destroy", "remove"):
            self.things.pop(key, None)
        elif kind != "container":
            if action == "create":
                self.things[key] = ObjectState(attributes)
        elif (state := _AFTER.get(action)) is not None:
            self.things[key] = ObjectState(attributes, state)
        elif action == "rename" and key in self.things:
            attributes.pop("oldName", None)
            self.things[key] = self.things[key]._replace(attributes=attributes)
        return key

    def renew(self, listed: Inventory, kinds: frozenset[str], touched: set[Key]) -> list[EngineEvent]:
        """Take *listed* for what there is of *kinds*, and return the difference as events without times.

        Objects in *touched* are left as they are: events tell of them while the lists are made.
        """
        events: list[EngineEvent] = []
        for key in {**self.things, **listed.things}:
            if key in touched or key[0] not in kinds:
                continue
            was, now = self.things.get(key), listed.things.get(key)
            events += _difference(key, was, now)
            if now is None:
                del self.things[key]
            else:
                self.things[key] = now
        return events


def invalidates_images(event: EngineEvent) -> bool:
    """Tell whether after *event* there may be other images."""
    return event.type == "image" or event.action == "commit"


def listed(documents: dict[str, Any]) -> Inventory:
    """Return what the answers to `LISTS` say.  Raises what a document that is none of the Engine's raises."""
    known = Inventory()
    for container in documents.get("container") or ():
        # With links a container has more names, such as `/web/database`; its own has one slash.
        names = sorted(container.get("Names") or [""], key=lambda name: name.count("/"))
        attributes = {**(container.get("Labels") or {}), "image": container["Image"], "name": names[0].lstrip("/")}
        if code := _EXIT_CODE.match(container.get("Status") or ""):
            attributes["exitCode"] = code[1]
        known.things["container", container["Id"]] = ObjectState(attributes, _STATES.get(container["State"], "exited"))
    for image in documents.get("image") or ():
        references = frozenset(name for name in image.get("RepoTags") or () if name != "<none>:<none>")
        known.things["image", image["Id"]] = ObjectState(image.get("Labels") or {}, references=references)
    for network in documents.get("network") or ():
        known.things["network", network["Id"]] = ObjectState({"name": network["Name"], "type": network["Driver"]})
    for volume in (documents.get("volume") or {}).get("Volumes") or ():
        known.things["volume", volume["Name"]] = ObjectState({"driver": volume["Driver"]})
    return known


def _difference(key: Key, was: ObjectState | None, now: ObjectState | None) -> Iterator[EngineEvent]:
    """Yield what must have happened to one object."""
    if key[0] == "container":
        yield from _container(key, was, now)
    elif key[0] == "image":
        yield from _image(key, was, now)
    elif was is None and now is not None:
        yield _event(key, "create", now.attributes)
    elif now is None and was is not None:
        yield _event(key, "destroy", was.attributes)


def _container(key: Key, was: ObjectState | None, now: ObjectState | None) -> Iterator[EngineEvent]:
    attributes = {**(now or was or ObjectState({})).attributes}
    exit_code = attributes.pop("exitCode", None)
    old, new = was.attributes.get("name") if was else None, attributes.get("name")
    if was and now and old != new:
        yield _event(key, "rename", attributes | {"oldName": f"/{old}"})
    for action in _TRANSITIONS.get((was.state if was else "", now.state if now else ""), ()):
        known_code = action == "die" and now is not None and exit_code is not None
        yield _event(key, action, attributes | ({"exitCode": exit_code or ""} if known_code else {}))


def _image(key: Key, was: ObjectState | None, now: ObjectState | None) -> Iterator[EngineEvent]:
    before = was.references if was else frozenset()
    after = now.references if now else frozenset()
    labels = (now or was or ObjectState({})).attributes
    if was is None:
        yield _event(key, "create", labels | {"name": key[1]})
    for name in sorted(before - after):
        yield _event(key, "untag", labels | {"name": name})
    for name in sorted(after - before):
        yield _event(key, "tag", labels | {"name": name})
    if now is None:
        yield _event(key, "delete", labels | {"name": key[1]})


def _event(key: Key, action: str, attributes: dict[str, str]) -> EngineEvent:
    return EngineEvent(type=key[0], action=action, actor=EventActor(id=key[1], attributes=attributes), scope="local")
