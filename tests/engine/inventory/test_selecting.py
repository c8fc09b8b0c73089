"""Which containers a selector selects, and by which names containers and images are found."""

from __future__ import annotations

from typing import Any

import pytest
from dockfleet.fleet.v1 import selectors_pb2 as pb

from gateway.engine.errors import InvalidField
from gateway.engine.inventory.images import familiar, resolved
from gateway.engine.inventory.selecting import selected_by
from tests.engine.inventory.support import contents
from tests.support.fake_objects import IMAGE, container, full

WEB, DB = full("aa1"), full("ab2")
HOST = contents(
    container(WEB, "web-1", Labels={"app": "shop"}, Ports=[{"PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}]),
    container(DB, "db", "exited", Image="registry.example.com/db:2", ImageID="sha256:" + "9" * 64),
    image=[{"Id": IMAGE, "RepoTags": ["busybox:latest"]}],
)


def selected(**selector: Any) -> list[str]:
    """Return the names of the containers that are selected."""
    selects = selected_by(pb.ContainerSelector(**selector), "containers", HOST)
    return [row.name for row in HOST.newest_first if selects(row)]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"all": True}, {"web-1", "db"}),
        ({"names": ["web-1"]}, {"web-1"}),
        ({"names": ["/web-1"]}, {"web-1"}),
        ({"names": ["web-*"]}, {"web-1"}),
        ({"names": ["*"]}, {"web-1", "db"}),
        ({"names": [WEB]}, {"web-1"}),
        ({"names": ["aa"]}, {"web-1"}),
        ({"names": ["a"]}, set()),  # fits two
        ({"names": ["none", "db"]}, {"db"}),
        ({"names": ["a", "aa", "aa1", WEB, "ab2", "none", *map(str, range(900))]}, {"web-1", "db"}),
        ({"labels": [{"key": "app", "operator": pb.LABEL_OPERATOR_EQUAL, "values": ["shop"]}]}, {"web-1"}),
        ({"labels": [{"key": "app", "operator": pb.LABEL_OPERATOR_NOT_EXISTS}]}, {"db"}),
        ({"images": ["busybox"]}, {"web-1"}),
        ({"images": ["docker.io/library/busybox:latest"]}, {"web-1"}),
        ({"images": [IMAGE[7:15]]}, {"web-1"}),
        ({"images": ["registry.example.com/db:2"]}, {"db"}),  # as it was created from; the name is gone
        ({"images": ["none"]}, set()),
        ({"states": ["exited", "dead"]}, {"db"}),
        ({"published_ports": [8080]}, {"web-1"}),
        ({"published_ports": [80]}, set()),
        ({"names": ["*"], "states": ["running"], "published_ports": [8080]}, {"web-1"}),
    ],
)
def test_a_container_is_selected_by_all_that_is_set(selector: dict[str, Any], expected: set[str]) -> None:
    """And by one of several of each."""
    assert set(selected(**selector)) == expected


@pytest.mark.parametrize(
    ("selector", "field"),
    [
        ({}, "containers"),
        ({"all": True, "names": ["x"]}, "containers.all"),
        ({"states": ["running", "up"]}, "containers.states[1]"),
        ({"labels": [{"key": "app"}]}, "containers.labels[0].operator"),
    ],
)
def test_a_malformed_selector_is_refused(selector: dict[str, Any], field: str) -> None:
    """Its place in the request is named."""
    with pytest.raises(InvalidField) as caught:
        selected(**selector)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("busybox", "busybox:latest"),
        ("busybox:1", "busybox:1"),
        ("library/busybox", "busybox:latest"),
        ("docker.io/library/busybox", "busybox:latest"),
        ("index.docker.io/team/app:2", "team/app:2"),
        ("team/app", "team/app:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("registry.example.com:5000/app", "registry.example.com:5000/app:latest"),
        ("registry.example.com:5000/team/app:2", "registry.example.com:5000/team/app:2"),
        ("busybox@sha256:1", "busybox@sha256:1"),
        ("busybox:1@sha256:1", "busybox@sha256:1"),
    ],
)
def test_a_reference_has_one_form(reference: str, shown: str) -> None:
    """The one that lists show."""
    assert familiar(reference) == shown


@pytest.mark.parametrize("shown", ["docker.io/library/busybox:latest", "busybox:latest"])
def test_an_image_is_found_however_its_engine_shows_the_hub(shown: str) -> None:
    """Podman shows the registry, and Docker does not."""
    [found] = contents(image=[{"Id": IMAGE, "RepoTags": [shown]}]).images.values()

    assert resolved({found.id: found}, "busybox") is found
    assert found.tags == ("busybox:latest",)
    assert list(found.summary().repo_tags) == [shown]


def test_a_name_hides_the_id_that_begins_with_it() -> None:
    """A shorter beginning of the id means the container with that id."""
    host = contents(container(WEB, "web"), container(DB, "aa1"))

    def names(*selector: str) -> list[str]:
        selects = selected_by(pb.ContainerSelector(names=selector), "containers", host)
        return [row.name for row in host.newest_first if selects(row)]

    assert names("aa1") == ["aa1"]
    assert sorted(names("aa", "aa1")) == ["aa1", "web"]


@pytest.mark.parametrize(
    ("selector", "field"),
    [
        ({"names": ["web"] * 1001}, "containers.names"),
        ({"names": ["w*"] * 51}, "containers.names"),
        ({"names": ["x" * 1025]}, "containers.names[0]"),
        ({"images": ["busybox"] * 51}, "containers.images"),
        ({"labels": [{"key": "app", "operator": pb.LABEL_OPERATOR_EXISTS}] * 51}, "containers.labels"),
    ],
)
def test_the_fields_of_a_selector_have_bounds(selector: dict[str, Any], field: str) -> None:
    """One request of 4 MiB would take the gateway a minute otherwise."""
    with pytest.raises(InvalidField) as error:
        selected(**selector)

    assert error.value.field == field
