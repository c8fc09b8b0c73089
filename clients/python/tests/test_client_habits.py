"""What users of docker-py expect of the methods, beyond the forms of single values."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import dockfleet
import pytest
from docker import types
from dockfleet.fleet.v1 import fleet_pb2
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import images_pb2 as images
from dockfleet.v1 import volumes_pb2 as volumes
from dockfleet.v1.container_config_pb2 import ContainerSpec

from clients.python.tests.scripted_gateway import Gateway, drained
from clients.python.tests.test_client_operations import tar_of


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({"image": "alpine"}, ("alpine", "latest")),
        ({"image": "registry:5000/team/app"}, ("registry:5000/team/app", "latest")),
        ({"image": "alpine:3"}, ("alpine:3", "")),
        ({"image": "registry:5000/app:3"}, ("registry:5000/app:3", "")),
        ({"image": "alpine@sha256:1f"}, ("alpine@sha256:1f", "")),
        ({"image": "alpine", "tag": "3"}, ("alpine", "3")),
        ({"image": "alpine", "all_tags": True}, ("alpine", "")),
    ],
)
def test_a_pull_without_a_tag_takes_latest(
    gateway: Gateway, fleet: dockfleet.Fleet, arguments: dict[str, Any], sent: tuple[str, str]
) -> None:
    """Of one host and of the fleet.  Without any tag, the Engine would pull all tags of the repository."""
    gateway.on("PullImage", [])
    gateway.on("fleet.PullImages", [])

    fleet.host("a").images.pull(**arguments)
    fleet.images.pull(**arguments)

    one, many = gateway.requests
    assert isinstance(many, fleet_pb2.PullImagesRequest)
    assert [(each.image, each.tag) for each in (one, many.request)] == [sent, sent]


def test_all_tags_and_a_tag_exclude_each_other(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    with pytest.raises(ValueError, match="all_tags must not be used together with a tag or a digest"):
        fleet.host("a").images.pull("alpine:3", all_tags=True)
    assert gateway.requests == []


def test_arguments_have_the_places_of_docker_py(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    gateway.on("PullImage", [])
    gateway.on("PushImage", [])
    gateway.on("TagImage", images.TagImageResponse())
    gateway.on("KillContainer", containers.KillContainerResponse())
    gateway.on("CreateVolume", volumes.CreateVolumeResponse())
    host = fleet.host("a")

    host.images.pull("alpine", "3")
    host.images.push("team/app", "3")
    host.images.tag("alpine", "team/app", "3")
    host.containers.kill("web", "SIGHUP")
    host.volumes.create("data")

    assert gateway.requests == [
        images.PullImageRequest(host="a", image="alpine", tag="3"),
        images.PushImageRequest(host="a", name="team/app", tag="3"),
        images.TagImageRequest(host="a", name="alpine", repo="team/app", tag="3"),
        containers.KillContainerRequest(host="a", id="web", signal="SIGHUP"),
        volumes.CreateVolumeRequest(host="a", name="data"),
    ]


@pytest.mark.parametrize(
    ("arguments", "repo", "tag"),
    [
        (("team/app:3",), "team/app", "3"),
        (("registry:5000/app:3",), "registry:5000/app", "3"),
        (("registry:5000/app",), "registry:5000/app", ""),
        (("app", "3"), "app", "3"),
        (("app:2", "3"), "app:2", "3"),  # the gateway refuses two tags
    ],
)
def test_a_repository_may_have_its_tag(
    gateway: Gateway, fleet: dockfleet.Fleet, arguments: tuple[str, ...], repo: str, tag: str
) -> None:
    """As docker-py's `image.tag` and `commit` take it."""
    gateway.on("TagImage", images.TagImageResponse())
    gateway.on("CommitContainer", images.CommitContainerResponse())

    fleet.host("a").images.tag("alpine", *arguments)
    fleet.host("a").images.commit("web", *arguments)

    assert [(each.repo, each.tag) for each in gateway.requests] == [(repo, tag), (repo, tag)]


def test_input_ends_for_the_container_when_the_session_with_it_ends(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`stdin_open` is docker-py's: the container's input closes after the first session, also by `close_stdin`."""
    gateway.on("CreateContainer", containers.CreateContainerResponse(id="c"))

    fleet.host("a").containers.create("alpine", "cat", stdin_open=True)

    assert gateway.requests[0].config == ContainerSpec(image="alpine", cmd=["cat"], open_stdin=True, stdin_once=True)


def test_a_container_is_created_with_the_types_of_docker_py(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Devices such as GPUs, and the settings of the networks, by the name of each."""
    gateway.on("CreateContainer", containers.CreateContainerResponse(id="c"))
    endpoint = types.EndpointConfig("1.44", aliases=["db"], ipv4_address="10.0.0.9")

    fleet.host("a").containers.create(
        "alpine",
        device_requests=[types.DeviceRequest(count=-1, capabilities=[["gpu"]])],
        dns_search=["lan"],
        network="back",
        networking_config={"back": endpoint},
        tmpfs={"/run": None},
    )

    (request,) = gateway.requests
    assert request.config.host_config.device_requests[0].count == -1
    assert list(request.config.host_config.dns_search) == ["lan"]
    assert request.config.networking_config.endpoints_config["back"].aliases == ["db"]
    assert request.config.networking_config.endpoints_config["back"].ipam_config.ipv4_address == "10.0.0.9"
    assert dict(request.config.host_config.tmpfs) == {"/run": ""}


def test_a_build_takes_a_dockerfile_alone(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """As an open file, and with no directory."""
    gateway.on("BuildImage", drained([]))

    fleet.host("a").build(fileobj=io.BytesIO(b"FROM scratch\n"), cache_from=["app:1"], shmsize="64m")

    start, *frames = gateway.requests
    assert tar_of(frames) == {start.start.dockerfile: b"FROM scratch\n"}
    assert (list(start.start.cache_from.items), start.start.shm_size_bytes) == (["app:1"], 64 << 20)


@pytest.mark.parametrize("arguments", [{}, {"path": ".", "fileobj": io.BytesIO()}])
def test_a_build_has_one_source(gateway: Gateway, fleet: dockfleet.Fleet, arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="build needs either path, a directory, or fileobj, a Dockerfile"):
        fleet.host("a").build(**arguments)
    assert gateway.requests == []


def test_a_dockerfile_in_text_mode_is_refused(gateway: Gateway, fleet: dockfleet.Fleet, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with (tmp_path / "Dockerfile").open() as file, pytest.raises(TypeError, match="open in binary mode"):
        text: Any = file
        fleet.host("a").build(fileobj=text)
    assert gateway.requests == []


def test_a_log_is_read_as_a_whole(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Like docker-py's `logs()`: all lines as bytes; a line that is cut in two has one end."""
    entries: list[Any] = [{"data": b"a"}, {"data": b"long", "partial": True}, {"data": b" line"}]
    gateway.on("StreamLogs", [containers.StreamLogsResponse(batch={"entries": entries})])

    assert fleet.host("a").logs("web").read() == b"a\nlong line\n"
