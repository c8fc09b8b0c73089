"""Hostile names are refused before a host is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from dockfleet.options.v1 import options_pb2
from dockfleet.v1 import (
    container_config_pb2,
    containers_pb2,
    distribution_pb2,
    exec_pb2,
    images_pb2,
    networks_pb2,
    system_pb2,
    volumes_pb2,
)
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest, ResourceInfo

from tests.real.support import IMAGE, Containers, import_image, tar
from tests.support.contract import asked, call, rules
from tests.support.gateway import Client, failed

FILES = (containers_pb2, distribution_pb2, exec_pb2, images_pb2, networks_pb2, volumes_pb2)
HOSTILE = [
    "",
    " ",
    ".",
    "..",
    "../images/df-bait",
    "../../images/df-bait:1",
    "a/../../info",
    "a/./b",
    "a//b",
    "df-bait/",
    "%2e%2e/images/df-bait:1",
    "..%2fimages%2fdf-bait:1",
    "%252e%252e%252fimages",
    "..\\images\\df-bait:1",
    "df-bait\0",
    "df-bait\r\nX-Evil: 1",
    "df-bait%0d%0aX-Evil: 1",
    "\u202edf-bait",
    "x" * 300,
    "x" * 100_000,
]
ODD = ["a/json", "df-bait?force=1", "df-bait#", "df bait", "ünïcode", "-df-bait"]
"""What no image and no exec is called; engines have networks with such names."""
OF_FORMAT = {
    options_pb2.NAME_FORMAT_CONTAINER: "container",
    options_pb2.NAME_FORMAT_NETWORK: "network",
    options_pb2.NAME_FORMAT_VOLUME: "volume",
}
OTHERS_FIRST = {  # what engines look for before the object
    "ConnectNetwork": "the container",
    "DisconnectNetwork": "the container",
    "UpdateVolume": "a swarm",
}
ONE_SPELLING = (options_pb2.NAME_FORMAT_IMAGE, options_pb2.NAME_FORMAT_EXEC)


def in_paths() -> Iterator[Any]:
    """Yield every RPC with every field of it that becomes part of a path."""
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                endpoint = rules(method).engine
                path = getattr(endpoint, endpoint.WhichOneof("request") or "get")
                for field in asked(method).fields:
                    if f"{{{field.name}}}" in path:
                        yield pytest.param(method, field, id=f"{method.name}-{field.name}")


@pytest.mark.parametrize(("method", "field"), [*in_paths()])
async def test_no_hostile_name_reaches_the_host(
    client: Client, fleet: Any, method: MethodDescriptor, field: FieldDescriptor
) -> None:
    """Whatever is no name is INVALID_ARGUMENT, by the name of the field, in every call that puts it into a path."""
    names = [*HOSTILE, *(ODD if rules(field).format in ONE_SPELLING else ())]
    for name in names:
        if rules(field).format == options_pb2.NAME_FORMAT_IMAGE and name == "a/json":
            continue  # an image may be called so
        request = asking(method, field, name)

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(client.channel, method, request)

        failure = failed(caught.value)
        assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"), name
        assert failure.detail(BadRequest).field_violations[0].field == field.name


@pytest.mark.parametrize(
    ("method", "field"),
    [case for case in in_paths() if rules(case.values[1]).format not in ONE_SPELLING],
)
async def test_an_odd_name_is_that_of_one_object(
    client: Client, host: str, method: MethodDescriptor, field: FieldDescriptor
) -> None:
    """Whatever is in it, no engine takes it for another path or for parameters: there is no such object."""
    if method.name in OTHERS_FIRST:
        pytest.skip(OTHERS_FIRST[method.name])
    for name in ODD:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(client.channel, method, asking(method, field, name, host))

        failure = failed(caught.value)
        assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND"), (name, failure.message)
        resource = failure.detail(ResourceInfo)
        assert (resource.resource_type, resource.resource_name) == (OF_FORMAT[rules(field).format], name)


def asking(method: MethodDescriptor, field: FieldDescriptor, name: str, host: str = "one") -> Any:
    """Return a request that names an object, with all else that it must have."""
    request: Any = GetMessageClass(asked(method))(host=host, **{field.name: name})
    if "cmd" in asked(method).fields_by_name:
        request.cmd.append("true")
    for required in asked(method).fields:
        if required.name == field.name or not rules(required).required:
            continue
        if required.message_type is not None:
            getattr(request, required.name).SetInParent()
        else:
            setattr(request, required.name, 1 if required.cpp_type != FieldDescriptor.CPPTYPE_STRING else "xx")
    return request


@pytest.mark.parametrize(
    ("request_class", "method"),
    [
        (containers_pb2.RemoveContainerRequest, "containers.RemoveContainer"),
        (containers_pb2.StopContainerRequest, "containers.StopContainer"),
        (networks_pb2.RemoveNetworkRequest, "networks.RemoveNetwork"),
    ],
)
async def test_nothing_is_removed(
    client: Client, host: str, containers: Containers, request_class: Any, method: str
) -> None:
    """A container's name that the engine's router would read as an image's removes no image."""
    await import_image(client, host, tar({"bait": b""}), "df-bait:1")
    before = await counts(client, host)
    service, _, name = method.partition(".")

    for id in ("../images/df-bait:1", "x/../../images/df-bait:1", "%2e%2e/images/df-bait:1", "..\\images\\df-bait:1"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await getattr(getattr(client, service), name)(request_class(host=host, id=id))
        assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT

    assert await counts(client, host) == before
    await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name="df-bait:1"))


async def counts(client: Client, host: str) -> tuple[int, int]:
    """Return how many images and containers there are."""
    info = (await client.system.GetInfo(system_pb2.GetInfoRequest(host=host))).info
    return info.images, info.containers


@pytest.mark.parametrize(
    "name", ["", "x", "-flag", ".hidden", "a/b", "a b", "a\0b", "x" * 129, "0123456789abcdef", "c0ffee", "../up"]
)
async def test_a_container_gets_no_misleading_name(client: Client, host: str, name: str) -> None:
    """A name that could be taken for an id, a path or a flag is refused before the host is asked."""
    request = containers_pb2.CreateContainerRequest(
        host=host, name=name, config=container_config_pb2.ContainerSpec(image=IMAGE)
    )

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.containers.CreateContainer(request)

    assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed(caught.value).reason == "INVALID_FIELD"


@pytest.mark.parametrize("name", ["", "nowhere", "../one", "one\0", "ONE", "x" * 10_000])
async def test_an_unknown_host_is_not_asked(client: Client, name: str) -> None:
    """A host that does not exist is NOT_FOUND, one that is not named INVALID_ARGUMENT."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.system.Ping(system_pb2.PingRequest(host=name))

    failure = failed(caught.value)
    if name:
        assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST")
    else:
        assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert len(failure.message) <= 1024
