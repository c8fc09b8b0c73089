"""The filters of lists, as engines apply them: daemon/list.go and its like, row by row.

tests/real/test_inventory.py compares them with engines.
"""

from __future__ import annotations

from typing import Any

import pytest
from dockfleet.v1 import containers_pb2, images_pb2, networks_pb2, volumes_pb2

from gateway.engine.errors import InvalidField, NoSuchObject
from gateway.engine.inventory.container_filters import listed_containers
from gateway.engine.inventory.contents import Contents
from gateway.engine.inventory.object_filters import listed_images, listed_networks, listed_volumes
from tests.engine.inventory.support import contents
from tests.support.fake_objects import container
from tests.support.statuses import filters

OLD, NEW = (1, 41), (1, 45)
BASE, CHILD, OTHER = ("sha256:" + digit * 64 for digit in "abc")
WEB_ID, DB_ID, JOB_ID, NEW_ID = ("aa" + "1" * 62, "ab" + "2" * 62, "bc" + "3" * 62, "cd" + "4" * 62)
NETWORK = "f" * 64


def networks(name: str) -> dict[str, Any]:
    """Return the settings of a container in one network."""
    return {"Networks": {name: {"NetworkID": NETWORK, "IPAddress": "10.0.0.2"}}}


@pytest.fixture(scope="module")
def host() -> Contents:
    """Four containers, the newest first: new (created), job (exited with 3), db (paused, healthy) and web (running)."""
    web = container(
        WEB_ID,
        "web",
        Names=["/proxy/backend", "/web"],
        Labels={"app": "shop", "tier": ""},
        Ports=[{"PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}, {"PrivatePort": 53, "Type": "udp"}],
        NetworkSettings=networks("front"),
        Mounts=[
            {"Type": "volume", "Name": "data", "Source": "/var/data", "Destination": "/data"},
            {"Type": "bind", "Source": "/etc/web", "Destination": "/conf"},
        ],
        ImageID=CHILD,
    )
    db = container(DB_ID, "db", "paused", health="healthy", Labels={"app": "db"}, ImageID=OTHER)
    job = container(JOB_ID, "job-1", "exited", code=3, health="unhealthy", ImageID=BASE)
    new = container(NEW_ID, "new", "created")
    for age, each in enumerate((new, job, db, web)):
        each["inspection"]["Created"] = f"2024-01-01T00:00:0{9 - age}.5Z"
    return contents(
        *(web, db, job, new),
        image=[
            {"Id": BASE, "RepoTags": ["base:1"], "Created": 10},
            {"Id": CHILD, "RepoTags": ["web:latest"], "ParentId": BASE, "Created": 20},
            {"Id": OTHER, "RepoTags": ["registry.example.com:5000/db:2"], "Created": 30},
        ],
    )


def names(host: Contents, **request: Any) -> list[str]:
    """Return the names of the containers that are listed."""
    given = request.pop("filters", {})
    rows = listed_containers(containers_pb2.ListContainersRequest(filters=filters(**given), **request), host)
    assert rows is not None
    return [row.name for row in rows]


ALL = ["new", "job-1", "db", "web"]


def test_without_filters_those_that_run_are_listed(host: Contents) -> None:
    """Paused ones run; `all` and `limit` list the others too."""
    assert names(host) == ["db", "web"]
    assert names(host, all=True) == ALL
    assert names(host, limit=3) == ALL[:3]
    assert names(host, limit=-1) == ["db", "web"]
    assert names(host, limit=1, filters={"label": ["app"]}) == ["db"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"status": ["exited"]}, ["job-1"]),
        ({"status": ["running", "created"]}, ["new", "web"]),
        ({"status": []}, ALL),
        ({"id": [WEB_ID]}, ["web"]),
        ({"id": ["aa"]}, ["web"]),
        ({"id": ["a"]}, []),  # two of them
        ({"id": [""]}, []),
        ({"id": ["a", "cd"]}, ["new"]),
        ({"id": ["^aa"]}, []),  # no pattern
        ({"name": ["web"]}, ["web"]),
        ({"name": ["/web"]}, ["web"]),
        ({"name": ["b"]}, ["job-1", "db", "web"]),
        ({"name": ["^(job|new)"]}, ["new", "job-1"]),
        ({"name": ["backend"]}, []),  # the own name must fit as well
        ({"name": [r"job-\d"]}, ["job-1"]),
        ({"name": ["("]}, []),  # no pattern, and nothing is called so
        ({"name": ["(", "web"]}, ["web"]),
        ({"name": ["(?=web)"]}, []),  # of Python's alone
        ({"id": ["aa", "ab"], "name": ["db"]}, ["db"]),
        ({"label": ["app"]}, ["db", "web"]),
        ({"label": ["app=shop"]}, ["web"]),
        ({"label": ["app", "tier="]}, ["web"]),
        ({"label": ["app=shop", "app=db"]}, []),
        ({"exited": ["3"]}, ["job-1"]),
        ({"exited": ["0"]}, []),  # one that was never started has not exited
        ({"exited": ["0", "+3"]}, ["job-1"]),
        ({"health": ["healthy"]}, ["db"]),
        ({"health": ["unhealthy"]}, ["job-1"]),  # what it was when it ended
        ({"health": ["none"]}, ["new", "web"]),
        ({"volume": ["data"]}, ["web"]),
        ({"volume": ["/data", "/none"]}, ["web"]),
        ({"volume": ["/etc/web"]}, ["web"]),
        ({"volume": ["/var/data"]}, []),  # it has a name
        ({"volume": []}, []),
        ({"ancestor": ["base:1"]}, ["job-1", "web"]),
        ({"ancestor": ["base"]}, []),  # there is no base:latest
        ({"ancestor": ["web"]}, ["web"]),
        ({"ancestor": [BASE[7:19], "none"]}, ["job-1", "web"]),
        ({"ancestor": ["registry.example.com:5000/db:2"]}, ["db"]),
        ({"ancestor": ["none"]}, []),
        ({"network": ["front"]}, ["web"]),
        ({"network": ["fro"]}, []),
        ({"network": [NETWORK[:4]]}, ["web"]),
        ({"network": [""]}, ["web"]),
        ({"network": []}, []),
        ({"publish": ["8080"]}, ["web"]),
        ({"publish": ["8080/udp"]}, []),
        ({"publish": ["8000-9000/tcp"]}, ["web"]),
        ({"publish": ["0/udp"]}, ["web"]),
        ({"expose": ["80"]}, ["web"]),
        ({"expose": ["53/udp"]}, ["web"]),
        ({"expose": ["1"], "publish": ["8080"]}, ["web"]),  # one of the two is enough
        ({"isolation": ["whatever"]}, ALL),
        ({"before": ["job-1"]}, ["db", "web"]),
        ({"before": ["/job-1"]}, ["db", "web"]),
        ({"before": [JOB_ID]}, ["db", "web"]),
        ({"before": ["proxy/backend"]}, []),
        ({"since": ["db"]}, ["new", "job-1"]),
        ({"since": ["db"], "before": ["new"]}, ["job-1"]),
        ({"since": ["new"], "before": ["db"]}, ["web"]),  # the end of the list came before its beginning
        ({"before": ["db"], "name": ["web"]}, []),  # the list was cut, and has it no more
        ({"since": ["db"], "name": ["web"]}, ["web"]),
    ],
)
def test_a_container_fits(host: Contents, given: dict[str, list[str]], expected: list[str]) -> None:
    """Keys by AND, the values of a key by OR, labels by AND."""
    assert names(host, all=True, filters=given) == expected


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*a){20}$", "([a-z]+)*$"])
def test_no_pattern_takes_forever(pattern: str) -> None:
    """Engines search with RE2, which is linear; with patterns of Python's own, this test would not end (A5 68)."""
    long = contents(container(WEB_ID, "a" * 5000 + "_b_"))

    assert names(long, all=True, filters={"name": [pattern]}) in ([], ["a" * 5000 + "_b_"])


def test_a_status_lists_those_that_do_not_run(host: Contents) -> None:
    """Other filters do not."""
    assert names(host, filters={"status": ["exited"]}) == ["job-1"]
    assert names(host, filters={"exited": ["3"]}) == []


@pytest.mark.parametrize(
    "given",
    [
        {"nope": ["x"]},
        {"status": ["bad"]},
        {"health": ["bad"]},
        {"exited": ["x"]},
        {"exited": ["1_000"]},
        {"publish": ["x"]},
        {"publish": ["80:80"]},
        {"expose": ["9-1"]},
        {"expose": ["70000"]},
    ],
)
def test_a_wrong_filter_of_containers_is_refused(host: Contents, given: dict[str, list[str]]) -> None:
    """Whatever the engine's version says to it; the failure names the key."""
    with pytest.raises(InvalidField) as caught:
        names(host, filters=given)

    assert caught.value.field == f"filters[{next(iter(given))!r}]"


@pytest.mark.parametrize("key", ["before", "since"])
@pytest.mark.parametrize("name", ["none", WEB_ID[:12]])
def test_a_container_that_is_not_there_is_not_found(host: Contents, key: str, name: str) -> None:
    """A short id is none of its names."""
    with pytest.raises(NoSuchObject) as caught:
        names(host, filters={key: [name]})

    assert caught.value.missing == ("container", name)


@pytest.mark.parametrize(
    "request_of",
    [
        {"size": True, "filters": {"label": ["x"]}},
        {"filters": {"is-task": ["true"]}},
        {"filters": {"before": ["web", "db"]}},
    ],
)
def test_what_rows_do_not_say_is_for_the_engine(host: Contents, request_of: dict[str, Any]) -> None:
    """Sizes, tasks of swarms, and a choice at random."""
    given = filters(**request_of.pop("filters"))

    assert listed_containers(containers_pb2.ListContainersRequest(filters=given, **request_of), host) is None


# Images


APP = "reg.io:5000/team/app"
IMAGES = (
    {"Id": "sha256:1", "RepoTags": ["busybox:latest", "busybox:1"], "Created": 50, "Labels": {"a": "b"}},
    {
        "Id": "sha256:2",
        "RepoTags": ["reg.io:5000/team/app:2"],
        "RepoDigests": ["reg.io:5000/team/app@sha256:9"],
        "Created": 40,
    },
    {"Id": "sha256:3", "RepoTags": None, "RepoDigests": ["gone@sha256:8"], "Created": 30},
    {"Id": "sha256:4", "RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"], "Created": 20},
    {"Id": "sha256:5", "RepoTags": None, "Created": 10},
    {"Id": "sha256:6", "RepoTags": ["child:1"], "ParentId": "sha256:5", "Created": 10},
)


def images(version: tuple[int, int] = NEW, **request: Any) -> list[str] | None:
    """Return the numbers of the images that are listed."""
    given = request.pop("filters", {})
    rows = listed_images(
        images_pb2.ListImagesRequest(filters=filters(**given), **request), contents(image=list(IMAGES)), version
    )
    return None if rows is None else [row.id[-1] for row in rows]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "12346"),  # but for the step of a build
        ({"dangling": ["true"]}, "34"),  # a digest is no name
        ({"dangling": ["false"]}, "1236"),
        ({"label": ["a"]}, "1"),
        ({"label": ["a=c"]}, ""),
        ({"before": ["sha256:3"]}, "46"),
        ({"since": ["sha256:3"]}, "12"),
        ({"since": ["busybox"], "before": ["busybox"]}, ""),
        ({"reference": ["busybox"]}, "1"),
        ({"reference": ["busy*:1"]}, "1"),
        ({"reference": ["*"]}, "136"),  # it does not cross a slash
        ({"reference": ["*/*/*"]}, "2"),
        ({"reference": ["reg.io:5000/team/app"]}, "2"),
        ({"reference": ["[a-c]*"]}, "16"),
        ({"reference": ["[^b]*", r"c\hild"]}, "36"),
        ({"reference": ["docker.io/library/busybox"]}, ""),
        ({"reference": ["child"], "dangling": ["true"]}, ""),
    ],
)
def test_an_image_fits(given: dict[str, list[str]], expected: str) -> None:
    """By its names, its age and whether others were built on it."""
    assert images(filters=given) == list(expected)


def test_steps_of_builds_are_listed_with_all() -> None:
    """Those without names that others were built on."""
    assert images(all=True) == list("123456")


def test_an_image_that_a_reference_finds_shows_the_names_that_fit() -> None:
    """As the Engine does it."""
    given = filters(reference=["busybox:1"])
    rows = listed_images(images_pb2.ListImagesRequest(filters=given), contents(image=list(IMAGES)), NEW)

    assert rows is not None
    assert [list(row.summary().repo_tags) for row in rows] == [["busybox:1"]]


@pytest.mark.parametrize(
    ("version", "given"),
    [
        (NEW, {"nope": ["x"]}),
        (NEW, {"dangling": ["x"]}),
        (NEW, {"dangling": []}),
        (NEW, {"dangling": ["true", "false"]}),
        (OLD, {"dangling": ["1"]}),
        (NEW, {"reference": ["["]}),
        (NEW, {"reference": ["a["]}),
        (NEW, {"reference": ["[]a]"]}),
        (NEW, {"reference": ["[a-]"]}),
        (NEW, {"reference": ["a\\"]}),
    ],
)
def test_a_wrong_filter_of_images_is_refused(version: tuple[int, int], given: dict[str, list[str]]) -> None:
    """Engines of the older version take other words."""
    with pytest.raises(InvalidField):
        images(version, filters=given)


def test_older_engines_take_both_for_true() -> None:
    """And only words."""
    assert images(OLD, filters={"dangling": ["true", "false"]}) == list("34")
    assert images(NEW, filters={"dangling": ["1"]}) == list("34")


@pytest.mark.parametrize(
    "request_of",
    [
        {"shared_size": True},
        {"manifests": True},
        {"filters": {"until": ["24h"]}},
        {"filters": {"before": ["child:1"]}},  # another one is of the same second
        {"filters": {"since": ["busybox", "sha256:3"]}},
        {"filters": {"before": ["none"]}},  # to the engine it is absent, or malformed
    ],
)
def test_what_image_rows_do_not_say_is_for_the_engine(request_of: dict[str, Any]) -> None:
    """Sizes, platforms, what nanoseconds decide, and what is wrong with a name."""
    assert images(**request_of) is None


# Networks and volumes


NETWORKS = (
    {"Id": "1a", "Name": "bridge", "Driver": "bridge", "Scope": "local"},
    {"Id": "2b", "Name": "none", "Driver": "null", "Scope": "local"},
    {"Id": "3c", "Name": "front", "Driver": "bridge", "Scope": "local", "Labels": {"of": "shop"}},
)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "123"),
        ({"driver": ["bridge"]}, "13"),
        ({"driver": ["bri"]}, ""),
        ({"name": ["n"]}, "23"),
        ({"name": ["^n"]}, "2"),
        ({"id": ["c"]}, "3"),
        ({"label": ["of=shop"]}, "3"),
        ({"scope": ["swarm"]}, ""),
        ({"type": ["builtin"]}, "12"),
        ({"type": ["custom"]}, "3"),
        ({"type": ["custom", "builtin"]}, "123"),
        ({"dangling": ["1"]}, "3"),
        ({"dangling": ["false"]}, "12"),
    ],
)
def test_a_network_fits(given: dict[str, list[str]], expected: str) -> None:
    """To engines below 29, every network of a user seems to be without containers."""
    request = networks_pb2.ListNetworksRequest(filters=filters(**given))
    rows = listed_networks(request, contents(network=list(NETWORKS)), NEW)

    assert rows is not None
    assert [row.id[0] for row in rows] == list(expected)


@pytest.mark.parametrize("given", [{"nope": ["x"]}, {"type": ["x"]}, {"dangling": ["x"]}, {"dangling": ["1", "0"]}])
def test_a_wrong_filter_of_networks_is_refused(given: dict[str, list[str]]) -> None:
    """Whatever the engine says to it."""
    with pytest.raises(InvalidField):
        listed_networks(networks_pb2.ListNetworksRequest(filters=filters(**given)), contents(), NEW)


def test_networks_of_a_swarm_are_for_the_engine() -> None:
    """A cluster filters by rules of its own, and engines from 29 on look for endpoints."""
    swarm = {"Id": "4d", "Name": "ingress", "Driver": "overlay", "Scope": "swarm"}
    of_swarm = contents(network=[*NETWORKS, swarm])
    given = networks_pb2.ListNetworksRequest(filters=filters(driver=["bridge"]))
    unused = networks_pb2.ListNetworksRequest(filters=filters(dangling=["true"]))

    assert listed_networks(given, of_swarm, NEW) is None
    assert listed_networks(networks_pb2.ListNetworksRequest(), of_swarm, NEW) is not None
    assert listed_networks(unused, contents(network=list(NETWORKS)), (1, 52)) is None


@pytest.mark.parametrize(
    ("version", "given", "expected"),
    [
        (NEW, {}, ["data", "spare"]),
        (NEW, {"name": ["a.a$"]}, ["data"]),
        (NEW, {"driver": ["local"]}, ["data", "spare"]),
        (NEW, {"label": ["of"]}, ["spare"]),
        (NEW, {"dangling": ["true"]}, ["spare"]),
        (NEW, {"dangling": ["0"]}, ["data"]),
        (OLD, {"dangling": ["1", "0"]}, ["spare"]),
    ],
)
def test_a_volume_fits(
    host: Contents, version: tuple[int, int], given: dict[str, list[str]], expected: list[str]
) -> None:
    """It is unused when no container refers to it, whether one runs or not."""
    host.others["volume"] = contents(
        volume=[{"Name": "data", "Driver": "local"}, {"Name": "spare", "Driver": "local", "Labels": {"of": "shop"}}]
    ).others["volume"]
    rows = listed_volumes(volumes_pb2.ListVolumesRequest(filters=filters(**given)), host, version)

    assert rows is not None
    assert [row.name for row in rows] == expected


def test_volumes_of_plugins_are_for_the_engine() -> None:
    """They change without an event, and their labels are not known."""
    of_plugin = contents(volume=[{"Name": "far", "Driver": "nfs"}])

    assert listed_volumes(volumes_pb2.ListVolumesRequest(), of_plugin, NEW) is None


@pytest.mark.parametrize("given", [{"nope": ["x"]}, {"dangling": ["x"]}, {"dangling": ["1", "0"]}])
def test_a_wrong_filter_of_volumes_is_refused(given: dict[str, list[str]]) -> None:
    """Whatever the engine says to it."""
    with pytest.raises(InvalidField):
        listed_volumes(volumes_pb2.ListVolumesRequest(filters=filters(**given)), contents(), NEW)


def test_many_filters_are_left_to_the_engine(host: Contents) -> None:
    """Each value is compared with each container, and patterns are compiled."""
    for values in (map(str, range(2000)), [f"a{{{number}}}b{'c' * 2040}" for number in range(3)]):
        request = containers_pb2.ListContainersRequest(filters=filters(name=list(values)[:2000]))
        assert listed_containers(request, contents(*[container(f"{n:x}1", f"c{n}") for n in range(16, 32)])) is None


def test_a_range_of_ports_costs_nothing(host: Contents) -> None:
    """It is not written out."""
    ranges = [f"{first}-65535" for first in range(1, 300)]

    assert names(host, all=True, filters={"publish": ranges}) == ["web"]
    assert names(host, all=True, filters={"expose": ["53-60/udp"]}) == ["web"]


@pytest.mark.parametrize("values", [["x" * 4098], ["x" * 4] * 4097, ["x" * 4000] * 33], ids=["long", "many", "large"])
def test_filters_have_a_bound(host: Contents, values: list[str]) -> None:
    """Images and containers alike, also where the engine filters."""
    values = [value[: -len(str(number))] + str(number) for number, value in enumerate(values)]  # each another one
    for listed, request in (
        (lambda one: listed_images(one, host, OLD), images_pb2.ListImagesRequest(filters=filters(reference=values))),
        (lambda one: listed_containers(one, host), containers_pb2.ListContainersRequest(filters=filters(name=values))),
    ):
        with pytest.raises(InvalidField) as error:
            listed(request)
        assert error.value.field.startswith("filters")
