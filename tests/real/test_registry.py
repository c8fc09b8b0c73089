"""Pull, push and what else talks to a registry, with a real one."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, distribution_pb2, images_pb2, system_pb2

from deploy.private_engines.registry import Registry
from tests.real.conftest import USERS
from tests.real.support import import_image, messages, tar
from tests.support.gateway import Client, failed

(USER, PASSWORD), *_ = USERS.items()
RIGHT = common_pb2.AuthConfig(username=USER, password=PASSWORD)
ENCODED = common_pb2.AuthConfig(auth=base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode())
WRONG = common_pb2.AuthConfig(username=USER, password="not-the-secret-word")


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All that is logged, by the gateway and by what it uses, at its most talkative."""
    caplog.set_level(logging.DEBUG)
    return caplog


async def tagged(client: Client, host: str, registry: Registry, name: str) -> str:
    """Make an image for the registry, and return its repository; its only tag is `1`."""
    repository = f"{registry.address}/{name}/{host}"
    await import_image(client, host, tar({"file": name.encode()}), f"{repository}:1")
    return repository


async def push(client: Client, host: str, repository: str, **request: Any) -> list[common_pb2.Progress]:
    """Push the tag `1`, to the end."""
    call = client.images.PushImage(images_pb2.PushImageRequest(host=host, name=repository, tag="1", **request))
    return [response.progress for response in await messages(call)]


async def pull(client: Client, host: str, repository: str, tag: str = "1", **request: Any) -> list[common_pb2.Progress]:
    """Pull a tag, to the end."""
    call = client.images.PullImage(images_pb2.PullImageRequest(host=host, image=repository, tag=tag, **request))
    return [response.progress for response in await messages(call)]


async def remove(client: Client, host: str, repository: str) -> None:
    """Remove the tag `1` from the host."""
    await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=f"{repository}:1"))


@pytest.fixture
async def image(client: Client, host: str, registry: Registry) -> AsyncIterator[str]:
    """A repository of the open registry; the host has its tag `1`."""
    repository = await tagged(client, host, registry, "plain")
    yield repository
    await remove(client, host, repository)


async def test_what_was_pushed_can_be_pulled(client: Client, host: str, image: str) -> None:
    """A push ends with the digest, under which the registry knows the image, and a pull brings it back."""
    pushed = await push(client, host, image)
    request = images_pb2.InspectImageRequest(host=host, name=f"{image}:1")
    before = (await client.images.InspectImage(request)).image
    await remove(client, host, image)

    pulled = await pull(client, host, image)

    result = next(report.result for report in pushed if report.result.digest)
    assert (result.tag, result.size > 0) == ("1", True)
    assert [f"{image}@{result.digest}"] == list(before.repo_digests)
    assert f"Digest: {result.digest}" in [report.status for report in pulled]
    assert (await client.images.InspectImage(request)).image.id == before.id


async def test_a_registry_describes_an_image_that_is_not_on_the_host(client: Client, host: str, image: str) -> None:
    """The distribution of an image is its digest and its platforms, as the registry has them."""
    pushed = await push(client, host, image)

    found = await client.distribution.InspectDistribution(
        distribution_pb2.InspectDistributionRequest(host=host, name=f"{image}:1")
    )

    assert found.oci_descriptor.digest == next(report.result.digest for report in pushed if report.result.digest)
    assert found.oci_descriptor.size > 0
    assert [platform.os for platform in found.platforms] == ["linux"]


async def test_what_the_registry_does_not_have_is_not_found(client: Client, host: str, image: str) -> None:
    """A tag that does not exist is NOT_FOUND, for a pull and for an inspection."""
    await push(client, host, image)

    with pytest.raises(grpc.aio.AioRpcError) as pulling:
        await pull(client, host, image, "no-such-tag")
    with pytest.raises(grpc.aio.AioRpcError) as inspecting:
        await client.distribution.InspectDistribution(
            distribution_pb2.InspectDistributionRequest(host=host, name=f"{image}:no-such-tag")
        )

    assert failed(pulling.value).code is grpc.StatusCode.NOT_FOUND
    assert failed(inspecting.value).code is grpc.StatusCode.NOT_FOUND


async def test_a_registry_that_is_not_there_is_unreachable(client: Client, host: str) -> None:
    """A registry that does not listen makes a pull UNAVAILABLE, to be tried again."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await pull(client, host, "127.0.0.1:1/app")

    assert failed(caught.value).code is grpc.StatusCode.UNAVAILABLE
    assert failed(caught.value).reason == "REGISTRY_UNREACHABLE"


@pytest.mark.parametrize("auth", [pytest.param(RIGHT, id="two fields"), pytest.param(ENCODED, id="one field")])
async def test_credentials_open_a_guarded_registry(
    client: Client,
    host: str,
    guarded_registry: Registry,
    logged: pytest.LogCaptureFixture,
    auth: common_pb2.AuthConfig,
) -> None:
    """With the right password push, inspection, pull and the check of credentials succeed; no log shows it."""
    repository = await tagged(client, host, guarded_registry, "right")

    await push(client, host, repository, registry_auth=auth)
    await remove(client, host, repository)
    await client.distribution.InspectDistribution(
        distribution_pb2.InspectDistributionRequest(host=host, name=f"{repository}:1", registry_auth=auth)
    )
    pulled = await pull(client, host, repository, registry_auth=auth)
    await remove(client, host, repository)
    credentials = common_pb2.AuthConfig(server_address=guarded_registry.address)
    credentials.MergeFrom(auth)
    checked = await client.system.CheckAuth(system_pb2.CheckAuthRequest(host=host, credentials=credentials))

    assert any("Downloaded newer image" in report.status for report in pulled)
    assert "Login Succeeded" in checked.status
    assert "gateway" in logged.text
    assert PASSWORD not in logged.text


@pytest.mark.parametrize("auth", [pytest.param(WRONG, id="wrong"), pytest.param(None, id="none")])
async def test_a_guarded_registry_opens_to_nobody_else(
    client: Client,
    host: str,
    guarded_registry: Registry,
    logged: pytest.LogCaptureFixture,
    auth: common_pb2.AuthConfig | None,
) -> None:
    """Without the right password every call fails by REGISTRY_AUTH; the password is in no log and no answer."""
    repository = await tagged(client, host, guarded_registry, "wrong")
    inspect = distribution_pb2.InspectDistributionRequest(host=host, name=f"{repository}:1", registry_auth=auth)

    with pytest.raises(grpc.aio.AioRpcError) as pushing:
        await push(client, host, repository, registry_auth=auth)
    with pytest.raises(grpc.aio.AioRpcError) as pulling:
        await pull(client, host, repository, registry_auth=auth)
    with pytest.raises(grpc.aio.AioRpcError) as inspecting:
        await client.distribution.InspectDistribution(inspect)
    await remove(client, host, repository)

    for caught in (pushing, pulling, inspecting):
        failure = failed(caught.value)
        assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REGISTRY_AUTH")
        assert WRONG.password not in str(failure)
    assert "gateway" in logged.text
    assert WRONG.password not in logged.text


async def test_a_check_of_wrong_credentials_fails(
    client: Client, host: str, guarded_registry: Registry, logged: pytest.LogCaptureFixture
) -> None:
    """A check of wrong credentials fails with REGISTRY_AUTH, and never shows the password."""
    credentials = common_pb2.AuthConfig(server_address=guarded_registry.address)
    credentials.MergeFrom(WRONG)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.system.CheckAuth(system_pb2.CheckAuthRequest(host=host, credentials=credentials))

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REGISTRY_AUTH")
    assert WRONG.password not in str(failure)
    assert WRONG.password not in logged.text
