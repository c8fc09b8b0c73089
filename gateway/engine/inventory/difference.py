"""Derives synthetic events for lost ones: from the difference between the objects before and after the gap."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from dockfleet.v1.system_pb2 import EngineEvent, EventActor

from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.images import children

Key = tuple[str, str]  # the type of an object and its id

_STATES = {"created": "created", "running": "running", "paused": "paused"}  # every other state counts as `exited`
# The state of an object after an action.  Images are not here: their events do not say enough.
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


class ObjectState(NamedTuple):
    """One object: its attributes as events show them; the state of a container; the references of an image."""

    attributes: dict[str, str]
    state: str = ""
    references: frozenset[str] = frozenset()


class Known:
    """The objects of one host, by type and id, as they are or were."""

    def __init__(self, objects: dict[Key, ObjectState] | None = None) -> None:
        self.objects = objects or {}

    @classmethod
    def of(cls, contents: Contents) -> Known:
        """Return the objects in an inventory."""
        objects: dict[Key, ObjectState] = {}
        for row in contents.containers.values():
            attributes = {**row.labels, "image": row.image, "name": row.name}
            if row.state == "exited":
                attributes["exitCode"] = str(row.exit_code)
            objects["container", row.id] = ObjectState(attributes, _STATES.get(row.state, "exited"))
        parents = children(contents.images).keys()
        for image in contents.images.values():
            if (
                image.tags or image.digests or image.id not in parents
            ):  # otherwise it is an intermediate image of a build
                objects["image", image.id] = ObjectState(dict(image.labels), references=frozenset(image.tags))
        for network in contents.networks.values():
            objects["network", network.id] = ObjectState({"name": network.name, "type": network.driver})
        for volume in contents.volumes.values():
            objects["volume", volume.name] = ObjectState({"driver": volume.driver})
        return cls(objects)

    def apply(self, event: EngineEvent) -> None:
        """Apply *event*."""
        key = (event.type, event.actor.id)
        states = _AFTER.get(event.type)
        if states is None:
            return
        attributes = {name: text for name, text in event.actor.attributes.items() if name != "exitCode"}
        if event.action in ("destroy", "remove"):
            self.objects.pop(key, None)
        elif event.action in states:
            self.objects[key] = ObjectState(attributes, states[event.action])
        elif event.action == "rename" and key in self.objects:
            attributes.pop("oldName", None)
            self.objects[key] = self.objects[key]._replace(attributes=attributes)

    def difference(self, now: Known, passed_over: Collection[str] = ()) -> list[EngineEvent]:
        """Return the events that must have happened since, without times; skip the objects in *passed_over*."""
        events: list[EngineEvent] = []
        for key in {**self.objects, **now.objects}:
            if key[1] not in passed_over:
                events += _DIFFERENCES[key[0]](key, self.objects.get(key), now.objects.get(key))
        return events


class LostEvents:
    """The objects at the time when events were lost, and the events that the inventory did not show then."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._said: dict[str, list[EngineEvent]] = {}  # by container
        self._before: Known | None = None

    def said(self, event: EngineEvent, pending: Collection[str]) -> None:
        """Note an event; *pending* are the containers whose rows do not show it yet."""
        if self._before is not None:
            self._before.apply(event)
        elif event.type == "container" and event.actor.id in pending:
            if len(self._said) > 2 * len(pending):
                self._said = {id: events for id, events in self._said.items() if id in pending}
            self._said.setdefault(event.actor.id, []).append(event)

    def lost(self, pending: Collection[str]) -> None:
        """Note that events are lost."""
        if self._before is None:
            self._before = Known.of(self._contents)
            for id, events in self._said.items():
                for event in events if id in pending else ():
                    self._before.apply(event)
        self._said = {}

    def found(self, pending: Collection[str]) -> list[EngineEvent]:
        """Return the events that must have happened, once the inventory is up to date; empty if no events were lost."""
        before, self._before = self._before, None
        return [] if before is None else before.difference(Known.of(self._contents), pending)


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


_DIFFERENCES = {
    "container": _container_difference,
    "image": _image_difference,
    "network": _difference,
    "volume": _difference,
}
