"""The containers, images, networks and volumes of a host, by its lists and events.

After lost events, the difference of two such states makes synthetic events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dockfleet.v1.system_pb2 import EngineEvent, EventActor

Key = tuple[str, str]  # the type of an object and its id

_STATES = {"created": "created", "running": "running", "paused": "paused"}  # every other state is `exited` here
# The state of an object after an action.  Events of images hold too little, so images are listed again after them: see
# `invalidates_images`.
_AFTER = {
    "container": {
        "create": "created",
        "start": "running",
        "unpause": "running",
        "pause": "paused",
        "die": "exited",
    },
    "network": {"create": ""},
    "volume": {"create": ""},
}
# The actions between two states of a container; "" means that it does not exist.
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


class ObjectState(NamedTuple):
    """One object: its attributes as events show them; the state of a container; the references of an image."""

    attributes: dict[str, str]
    state: str = ""
    references: frozenset[str] = frozenset()


@dataclass
class Known:
    """The objects of one host, by type and id."""

    objects: dict[Key, ObjectState] = field(default_factory=dict)

    @classmethod
    def from_lists(cls, documents: Mapping[str, Any]) -> Known:
        """Return the objects in the lists of the engine, given by kind.

        Raises `AttributeError`, `KeyError`, `TypeError` or `ValueError` for a malformed list.
        """
        return cls(
            {(kind, id): state for kind, document in documents.items() for id, state in KINDS[kind].parse(document)}
        )

    def apply(self, event: EngineEvent) -> Key:
        """Apply *event*, and return the key of its object."""
        key = (event.type, event.actor.id)
        states = _AFTER.get(event.type)
        if states is None:
            return key
        attributes = {name: text for name, text in event.actor.attributes.items() if name != "exitCode"}
        if event.action in ("destroy", "remove"):
            self.objects.pop(key, None)
        elif event.action in states:
            self.objects[key] = ObjectState(attributes, states[event.action])
        elif event.action == "rename" and key in self.objects:
            attributes.pop("oldName", None)
            self.objects[key] = self.objects[key]._replace(attributes=attributes)
        return key

    def replace(self, listed: Known, kinds: Iterable[str], touched: set[Key]) -> list[EngineEvent]:
        """Replace the objects of *kinds* with those *listed*, and return the difference as events without times.

        Objects in *touched* stay as they are: events changed them while the lists were made.
        """
        events: list[EngineEvent] = []
        for key in {**self.objects, **listed.objects}:
            if key in touched or key[0] not in kinds:
                continue
            before, now = self.objects.get(key), listed.objects.get(key)
            events += KINDS[key[0]].difference(key, before, now)
            if now is None:
                del self.objects[key]
            else:
                self.objects[key] = now
        return events


def invalidates_images(event: EngineEvent) -> bool:
    """Return whether *event* can have changed the images."""
    return event.type == "image" or event.action == "commit"


Parsed = Iterator[tuple[str, ObjectState]]


def _containers(document: Any) -> Parsed:
    for container in document or ():
        # Links give a container more names, such as `/web/database`; its own name has one slash.
        names = sorted(container.get("Names") or [""], key=lambda name: name.count("/"))
        attributes = {**(container.get("Labels") or {}), "image": container["Image"], "name": names[0].lstrip("/")}
        if code := _EXIT_CODE.match(container.get("Status") or ""):
            attributes["exitCode"] = code[1]
        yield container["Id"], ObjectState(attributes, _STATES.get(container["State"], "exited"))


def _images(document: Any) -> Parsed:
    for image in document or ():
        references = frozenset(name for name in image.get("RepoTags") or () if name != "<none>:<none>")
        yield image["Id"], ObjectState(image.get("Labels") or {}, references=references)


def _networks(document: Any) -> Parsed:
    for network in document or ():
        yield network["Id"], ObjectState({"name": network["Name"], "type": network["Driver"]})


def _volumes(document: Any) -> Parsed:
    for volume in (document or {}).get("Volumes") or ():
        yield volume["Name"], ObjectState({"driver": volume["Driver"]})


def _container_difference(key: Key, before: ObjectState | None, now: ObjectState | None) -> Iterator[EngineEvent]:
    attributes = {**(now or before or ObjectState({})).attributes}
    exit_code = attributes.pop("exitCode", None)
    old, new = before.attributes.get("name") if before else None, attributes.get("name")
    if before and now and old != new:
        yield _event(key, "rename", attributes | {"oldName": f"/{old}"})
    for action in _TRANSITIONS.get((before.state if before else "", now.state if now else ""), ()):
        known_code = action == "die" and now is not None and exit_code is not None
        yield _event(key, action, attributes | ({"exitCode": exit_code or ""} if known_code else {}))


def _image_difference(key: Key, before: ObjectState | None, now: ObjectState | None) -> Iterator[EngineEvent]:
    old = before.references if before else frozenset()
    new = now.references if now else frozenset()
    labels = (now or before or ObjectState({})).attributes
    if before is None:
        yield _event(key, "create", labels | {"name": key[1]})
    for name in sorted(old - new):
        yield _event(key, "untag", labels | {"name": name})
    for name in sorted(new - old):
        yield _event(key, "tag", labels | {"name": name})
    if now is None:
        yield _event(key, "delete", labels | {"name": key[1]})


def _difference(key: Key, before: ObjectState | None, now: ObjectState | None) -> Iterator[EngineEvent]:
    if before is None and now is not None:
        yield _event(key, "create", now.attributes)
    elif now is None and before is not None:
        yield _event(key, "destroy", before.attributes)


def _event(key: Key, action: str, attributes: dict[str, str]) -> EngineEvent:
    actor = EventActor(id=key[1], attributes=attributes)
    return EngineEvent(type=key[0], action=action, actor=actor, scope="local", synthetic=True)


class Kind(NamedTuple):
    """A type of objects: the target of its list, how to read the list, and the events between two states."""

    target: str
    parse: Callable[[Any], Parsed]
    difference: Callable[[Key, ObjectState | None, ObjectState | None], Iterator[EngineEvent]]


KINDS = {
    "container": Kind("/containers/json?all=true", _containers, _container_difference),
    "image": Kind("/images/json", _images, _image_difference),
    "network": Kind("/networks", _networks, _difference),
    "volume": Kind("/volumes", _volumes, _difference),
}
