"""What there was on a host and what there is, and the difference as events."""

from __future__ import annotations

from typing import Any

import pytest
from dockfleet.v1.system_pb2 import EngineEvent, EventActor

from gateway.engine.inventory.difference import Known, LostEvents, ObjectState
from tests.engine.inventory.support import contents
from tests.support.fake_objects import container, full

C1, C2 = full("c1"), full("c2")


def inventory(state: str, name: str = "web", **more: Any) -> Known:
    """Return what is known of a host with one container; with none, when *state* is empty."""
    names = [f"/other/{name}", f"/{name}"]
    return Known.of(contents(*([container(C1, name, state, Names=names, **more)] if state else [])))


def actions(before: Known, now: Known) -> list[str]:
    """Return the actions that lead from *before* to *now*."""
    events = before.difference(now)
    assert all(event.synthetic for event in events)
    return [event.action for event in events]


def test_an_inventory_becomes_objects() -> None:
    """By type and id, with the attributes that events have."""
    found = Known.of(
        contents(
            container(C1, "web", "exited", code=137, Labels={"team": "blue"}),
            image=[
                {"Id": "sha256:1", "RepoTags": ["a:1", "<none>:<none>"], "Labels": None, "ParentId": "sha256:0"},
                {"Id": "sha256:0", "RepoTags": None},  # a step of a build
            ],
            network=[{"Id": "n1", "Name": "front", "Driver": "bridge"}],
            volume=[{"Name": "v1", "Driver": "local"}],
        )
    )

    attributes = {"team": "blue", "image": "busybox", "name": "web", "exitCode": "137"}
    assert found.objects == {
        ("container", C1): ObjectState(attributes, "exited"),
        ("image", "sha256:1"): ObjectState({}, references=frozenset({"a:1"})),
        ("network", "n1"): ObjectState({"name": "front", "type": "bridge"}),
        ("volume", "v1"): ObjectState({"driver": "local"}),
    }


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

    renamed, died = before.difference(inventory("exited", "db"))

    assert (renamed.action, died.action) == ("rename", "die")
    assert renamed.actor.attributes["oldName"] == "/web"
    assert renamed.actor.attributes["name"] == "db"


def test_an_exit_code_is_in_the_event_of_the_exit_alone() -> None:
    """Where the list has it."""
    created, started, died = inventory("").difference(inventory("exited", code=3))

    assert died.actor.attributes["exitCode"] == "3"
    assert not {"exitCode"} & {*created.actor.attributes, *started.actor.attributes}


def test_images_gain_and_lose_references() -> None:
    """Each is an event."""

    def images(*tags: str) -> Known:
        return Known.of(contents(image=[{"Id": "sha256:1", "RepoTags": list(tags)}] if tags else []))

    assert actions(images(), images("a:1")) == ["create", "tag"]
    assert actions(images("a:1"), images("a:2")) == ["untag", "tag"]
    assert actions(images("a:2"), images()) == ["untag", "delete"]


def event(kind: str, action: str, **attributes: str) -> EngineEvent:
    """Return an event about the object called c1."""
    return EngineEvent(type=kind, action=action, actor=EventActor(id=C1, attributes=attributes))


def test_events_change_objects() -> None:
    """A container that was created, started, renamed and died is no longer news."""
    known = Known()
    known.apply(event("container", "create", name="web", image="busybox"))
    known.apply(event("container", "start", name="web", image="busybox"))
    known.apply(event("container", "rename", name="db", image="busybox", oldName="/web"))
    known.apply(event("container", "die", name="db", image="busybox", exitCode="1"))
    known.apply(event("container", "exec_create: true", name="db", image="busybox"))

    assert known.objects == {("container", C1): ObjectState({"name": "db", "image": "busybox"}, "exited")}
    known.apply(event("container", "destroy"))
    assert known.objects == {}


@pytest.mark.parametrize("kind", ["network", "volume"])
def test_networks_and_volumes_come_and_go(kind: str) -> None:
    """Other actions do not change them."""
    known = Known()
    known.apply(event(kind, "create", name="front"))
    known.apply(event(kind, "connect", container=C2))
    assert known.objects == {(kind, C1): ObjectState({"name": "front"})}
    known.apply(event(kind, "remove" if kind == "network" else "destroy"))
    assert known.objects == {}


def test_what_events_said_before_and_after_the_lost_ones_is_no_difference() -> None:
    """Also where the inventory did not show it yet."""
    there = contents(container(C1, "web"), container(C2, "db"))
    lost = LostEvents(there)
    lost.said(event("container", "die", name="web"), {C1})
    lost.lost({C1})
    lost.said(event("container", "start", name="web"), set())
    there.remove(C2)

    found = lost.found(set())

    assert [(each.action, each.actor.id) for each in found] == [("die", C2), ("destroy", C2)]


def test_without_lost_events_there_is_no_difference() -> None:
    """What changes is what the events say."""
    there = contents(container(C1, "web"))
    lost = LostEvents(there)
    lost.said(event("container", "die", name="web"), {C1})
    there.remove(C1)

    assert lost.found(set()) == []
