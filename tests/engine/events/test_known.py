"""What there is on a host: read from lists, changed by events, and the difference of two states as events."""

from __future__ import annotations

from typing import Any

import pytest
from dockfleet.v1.system_pb2 import EngineEvent, EventActor

from gateway.engine.events.known import KINDS, Known, ObjectState, invalidates_images


def container(state: str, name: str = "web", **more: Any) -> dict[str, Any]:
    """Return a container as it is in a list."""
    return {"Id": "c1", "Names": [f"/other/{name}", f"/{name}"], "Image": "busybox", "State": state} | more


def inventory(state: str, name: str = "web", **more: Any) -> Known:
    """Return the inventory of a host with one container; with none, when *state* is empty."""
    return Known.from_lists({"container": [container(state, name, **more)] if state else []})


def actions(before: Known, now: Known, kind: str = "container") -> list[str]:
    """Return the actions that lead from *before* to *now*."""
    events = before.replace(now, {kind}, set())
    assert all(event.synthetic for event in events)
    assert before.objects == now.objects
    return [event.action for event in events]


def test_lists_become_objects() -> None:
    """By type and id, with the attributes that events have."""
    found = Known.from_lists(
        {
            "container": [container("exited", Labels={"team": "blue"}, Status="Exited (137) 2 hours ago")],
            "image": [{"Id": "sha256:1", "RepoTags": ["a:1", "<none>:<none>"], "Labels": None}],
            "network": [{"Id": "n1", "Name": "front", "Driver": "bridge"}],
            "volume": {"Volumes": [{"Name": "v1", "Driver": "local"}]},
        }
    )

    attributes = {"team": "blue", "image": "busybox", "name": "web", "exitCode": "137"}
    assert found.objects == {
        ("container", "c1"): ObjectState(attributes, "exited"),
        ("image", "sha256:1"): ObjectState({}, references=frozenset({"a:1"})),
        ("network", "n1"): ObjectState({"name": "front", "type": "bridge"}),
        ("volume", "v1"): ObjectState({"driver": "local"}),
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_absent_list_is_empty(kind: str) -> None:
    """Engines send null for it."""
    assert Known.from_lists({kind: None}).objects == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_that_is_not_the_engines_is_refused(kind: str) -> None:
    """It is not taken for an empty one."""
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        Known.from_lists({kind: [{"no": "object"}] if kind != "volume" else {"Volumes": [{"no": "object"}]}})


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("", "created", ["create"]),
        ("", "running", ["create", "start"]),
        ("created", "running", ["start"]),
        ("running", "paused", ["pause"]),
        ("paused", "exited", ["unpause", "die"]),
        ("running", "exited", ["die"]),
        ("running", "dead", ["die"]),  # whatever does not run has exited
        ("exited", "running", ["start"]),
        ("running", "", ["die", "destroy"]),
        ("exited", "", ["destroy"]),
        ("running", "running", []),
    ],
)
def test_a_container_gets_from_state_to_state(before: str, now: str, expected: list[str]) -> None:
    """By the actions that an engine would have sent."""
    assert actions(inventory(before), inventory(now)) == expected


def test_a_container_is_renamed_before_all_else() -> None:
    """The event has both names."""
    before = inventory("running")

    renamed, died = before.replace(inventory("exited", "db"), {"container"}, set())

    assert (renamed.action, died.action) == ("rename", "die")
    assert renamed.actor.attributes["oldName"] == "/web"
    assert renamed.actor.attributes["name"] == "db"


def test_an_exit_code_is_in_the_event_of_the_exit_alone() -> None:
    """Where the list has it."""
    created, started, died = inventory("").replace(inventory("exited", Status="Exited (3) now"), {"container"}, set())

    assert died.actor.attributes["exitCode"] == "3"
    assert not {"exitCode"} & {*created.actor.attributes, *started.actor.attributes}


def test_images_gain_and_lose_references() -> None:
    """Each is an event."""

    def images(*tags: str) -> Known:
        return Known.from_lists({"image": [{"Id": "sha256:1", "RepoTags": list(tags)}] if tags else []})

    assert actions(images(), images("a:1"), "image") == ["create", "tag"]
    assert actions(images("a:1"), images("a:2"), "image") == ["untag", "tag"]
    assert actions(images("a:2"), images(), "image") == ["untag", "delete"]


def test_objects_of_other_kinds_and_those_that_events_changed_stay() -> None:
    """The lists are older than the events."""
    before = inventory("running")

    assert before.replace(Known(), {"image"}, set()) == []
    assert before.replace(Known(), {"container"}, {("container", "c1")}) == []
    assert ("container", "c1") in before.objects


def event(kind: str, action: str, **attributes: str) -> EngineEvent:
    """Return an event about the object called c1."""
    return EngineEvent(type=kind, action=action, actor=EventActor(id="c1", attributes=attributes))


def test_events_change_objects() -> None:
    """A container that was created, started, renamed and died is no longer news."""
    known = Known()
    known.apply(event("container", "create", name="web", image="busybox"))
    known.apply(event("container", "start", name="web", image="busybox"))
    known.apply(event("container", "rename", name="db", image="busybox", oldName="/web"))
    assert known.apply(event("container", "die", name="db", image="busybox", exitCode="1")) == ("container", "c1")
    known.apply(event("container", "exec_create: true", name="db", image="busybox"))

    assert known.objects == {("container", "c1"): ObjectState({"name": "db", "image": "busybox"}, "exited")}
    known.apply(event("container", "destroy"))
    assert known.objects == {}


@pytest.mark.parametrize("kind", ["network", "volume"])
def test_networks_and_volumes_come_and_go(kind: str) -> None:
    """Other actions do not change them."""
    known = Known()
    known.apply(event(kind, "create", name="front"))
    known.apply(event(kind, "connect", container="c2"))
    assert known.objects == {(kind, "c1"): ObjectState({"name": "front"})}
    known.apply(event(kind, "remove" if kind == "network" else "destroy"))
    assert known.objects == {}


def test_images_are_listed_again() -> None:
    """Their events, and those of a commit, do not say what there is now."""
    known = Known()
    known.apply(event("image", "tag", name="a:1"))

    assert known.objects == {}
    assert invalidates_images(event("image", "tag"))
    assert invalidates_images(event("container", "commit"))
    assert not invalidates_images(event("container", "start"))
