"""What does not exist is named: NOT_FOUND has the ResourceInfo of the object, whatever the engine's words are."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from dockfleet.v1 import container_config_pb2, containers_pb2, images_pb2, networks_pb2, system_pb2, volumes_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ResourceInfo

from gateway.engine.codec.naming import KINDS
from gateway.rpc.missing import missing
from tests.support import contract
from tests.support.contract import asked, name_of, rules
from tests.support.fake_engine import FakeEngine
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, failed
from tests.support.messages import FITTING, set_required

WORDS = {  # of Docker, of Podman, and of nobody
    "container": (
        "No such container: {}",
        'no container with name or ID "{}" found: no such container',
        "it is not there",
    ),
    "exec": ("No such exec instance: {}", "no exec session with ID {} found: no such exec session", "it is not there"),
    "image": ("No such image: {}", "{}: image not known", "it is not there"),
    "network": (
        "network {} not found",
        "unable to find network with name or ID {}: network not found",
        "it is not there",
    ),
    "volume": ("get {}: no such volume", 'no volume with name "{}" found: no such volume', "it is not there"),
}


def naming() -> list[tuple[MethodDescriptor, FieldDescriptor]]:
    """Every RPC that is about one object, with the field that names it."""
    return [
        (method, asked(method).fields_by_name[name])
        for method in contract.methods()
        for name in contract.placeholders(method) or ("id",)
        if name in asked(method).fields_by_name and rules(asked(method).fields_by_name[name]).format in KINDS
    ]


engine = engine_fixture(api_version="1.56", scope="module")
client = client_fixture(scope="module")


def test_the_rpcs_that_name_an_object_are_found() -> None:
    """Those of containers, images, networks, volumes and execs, mirrored or not."""
    assert {
        *("ContainerService.StreamLogs", "ContainerService.StreamStats", "ContainerService.AttachContainer"),
        *("ExecService.Exec", "ExecService.StartExec", "ExecService.ResizeExec", "ImageService.PushImage"),
        *("NetworkService.ConnectNetwork", "VolumeService.RemoveVolume", "DistributionService.InspectDistribution"),
    } <= {name_of(method) for method, _ in naming()}


@pytest.mark.parametrize("spelling", range(3))
@pytest.mark.parametrize(("method", "field"), naming(), ids=lambda part: name_of(part).replace("Request", ""))
async def test_an_object_that_is_not_there_is_named_as_the_caller_has_named_it(
    method: MethodDescriptor, field: FieldDescriptor, spelling: int, client: Client, engine: FakeEngine
) -> None:
    """ResourceInfo has its kind and its name, for every RPC that takes one."""
    kind = KINDS[rules(field).format]
    name = FITTING[rules(field).format]
    request: Any = GetMessageClass(asked(method))(host="h1")
    set_required(request, field.name)
    if spelling == 2 and method.name in ("StartContainer", "RestartContainer"):
        pytest.skip("what is missing is taken for something that the container needs")
    words = WORDS[kind][spelling].format(name)
    for verb in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        engine.on(verb, "/{rest}", error=words, status=404)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await contract.call(client.channel, method, request)

    failure = failed(caught.value)
    assert failure.code is grpc.StatusCode.NOT_FOUND
    found = failure.detail(ResourceInfo)
    assert (found.resource_type, found.resource_name) == (kind, name)


@pytest.mark.parametrize(
    ("method", "request_", "words", "expected"),
    [
        (
            "NetworkService.ConnectNetwork",
            networks_pb2.ConnectNetworkRequest(id="lan", container="web"),
            "No such container: web",
            ("container", "web"),
        ),
        (
            "NetworkService.ConnectNetwork",
            networks_pb2.ConnectNetworkRequest(id="my lan", container="web"),
            "network my lan not found",
            ("network", "my lan"),
        ),
        (
            "ContainerService.CreateContainer",
            containers_pb2.CreateContainerRequest(config=container_config_pb2.ContainerSpec(image="app")),
            "No such image: app:latest",
            ("image", "app"),
        ),
        (
            "ContainerService.CreateContainer",
            containers_pb2.CreateContainerRequest(config=container_config_pb2.ContainerSpec(image="app")),
            "No such container: apparatus",
            ("container", "apparatus"),
        ),
        (
            "ContainerService.StartContainer",
            containers_pb2.StartContainerRequest(id="web"),
            "No such container: web-proxy",
            ("container", "web-proxy"),
        ),
        (
            "ContainerService.RemoveContainer",
            containers_pb2.RemoveContainerRequest(id="/web/db"),
            "No such container: web/db",
            ("container", "/web/db"),
        ),
        (
            "ContainerService.GetContainerArchive",
            containers_pb2.GetContainerArchiveRequest(id="web", path="/nope"),
            "Could not find the file /nope in container web",
            ("path", "/nope"),
        ),
        (
            "ContainerService.GetContainerArchive",
            containers_pb2.GetContainerArchiveRequest(id="web", path="/etc/passwd/x"),
            "not a directory",
            ("path", "/etc/passwd/x"),
        ),
        (
            "ContainerService.GetContainerArchive",
            containers_pb2.GetContainerArchiveRequest(id="web", path="/etc"),
            "No such container: web",
            ("container", "web"),
        ),
        (
            "VolumeService.CreateVolume",
            volumes_pb2.CreateVolumeRequest(name="data", driver="nope"),
            'create data: error looking up volume plugin nope: plugin "nope" not found',
            ("plugin", "nope"),
        ),
        (
            "NetworkService.CreateNetwork",
            networks_pb2.CreateNetworkRequest(name="lan", config_from=networks_pb2.ConfigReference(network="base")),
            "network base not found",
            ("network", "base"),
        ),
        (
            "ImageService.PullImage",
            images_pb2.PullImageRequest(image="app", tag="1"),
            "pull access denied for app, repository does not exist or may require 'docker login'",
            ("image", "app"),
        ),
    ],
)
async def test_of_several_objects_the_one_that_is_missing_is_named(
    method: str, request_: Any, words: str, expected: tuple[str, str], client: Client, engine: FakeEngine
) -> None:
    """The engine's words show which; an object that was to be made is never named."""
    for verb in ("GET", "HEAD", "POST", "PUT", "DELETE"):
        engine.on(verb, "/{rest}", error=words, status=404)
    request_.host = "h1"
    [described] = [each for each in contract.methods() if name_of(each) == method]

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await contract.call(client.channel, described, request_)

    failure = failed(caught.value)
    assert failure.code is grpc.StatusCode.NOT_FOUND
    found = failure.detail(ResourceInfo)
    assert (found.resource_type, found.resource_name) == expected


async def test_a_failure_within_an_answer_names_the_image(client: Client, engine: FakeEngine) -> None:
    """A pull that has begun reports it in its progress."""
    engine.on("POST", "/images/create", lines=[{"errorDetail": {"message": "manifest unknown"}, "error": "x"}])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.images.PullImage(images_pb2.PullImageRequest(host="h1", image="app")).read()

    found = failed(caught.value).detail(ResourceInfo)
    assert (found.resource_type, found.resource_name) == ("image", "app")


async def test_an_unknown_host_is_named(client: Client) -> None:
    """A host is an object too."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.system.Ping(system_pb2.PingRequest(host="nowhere"))

    found = failed(caught.value).detail(ResourceInfo)
    assert (found.resource_type, found.resource_name) == ("host", "nowhere")


def test_nothing_is_named_that_was_to_be_made() -> None:
    """What an engine misses when it makes a network is not that network."""
    assert missing("CreateNetwork", "it is not there", (("network", "lan"),)) is None
