"""A mixed fleet: what an older host does not know is refused for it alone, and done by the others."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, exec_pb2, images_pb2, networks_pb2, oci_pb2
from dockfleet.v1.container_config_pb2 import ContainerSpec, HostConfig, Mount, MountBindOptions

from tests.real.support import IMAGE, Containers, Fleet, messages
from tests.support.gateway import Client, failed

pytestmark = pytest.mark.usefixtures("private")


def stop(host: str, container: str) -> tuple[str, Any]:
    """A stop with a signal."""
    return "StopContainer", containers_pb2.StopContainerRequest(host=host, id=container, signal="SIGKILL")


def restart(host: str, container: str) -> tuple[str, Any]:
    """A restart with a signal."""
    return "RestartContainer", containers_pb2.RestartContainerRequest(host=host, id=container, signal="SIGKILL")


def annotated(host: str, container: str) -> tuple[str, Any]:
    """A creation with annotations."""
    config = ContainerSpec(image=IMAGE, host_config=HostConfig(annotations={"a": "b"}, auto_remove=True))
    return "CreateContainer", containers_pb2.CreateContainerRequest(host=host, config=config)


def start_interval(host: str, container: str) -> tuple[str, Any]:
    """A creation with a field deep in a message, and in a repeated one."""
    options = MountBindOptions(create_mountpoint=True)
    mounts = [Mount(type="tmpfs", target="/t"), Mount(type="bind", source="/tmp", target="/mnt", bind_options=options)]
    config = ContainerSpec(image=IMAGE, host_config=HostConfig(mounts=mounts, auto_remove=True))
    return "CreateContainer", containers_pb2.CreateContainerRequest(host=host, config=config)


CASES = [
    pytest.param(stop, "signal", "1.42", id="query"),
    pytest.param(restart, "signal", "1.42", id="another-query"),
    pytest.param(annotated, "annotations", "1.43", id="body"),
    pytest.param(start_interval, "create_mountpoint", "1.42", id="deep-in-the-body"),
]


@pytest.mark.parametrize("host", ["one"], indirect=True)
@pytest.mark.parametrize(("request_of", "field", "version"), CASES)
async def test_a_newer_field_is_refused_for_an_older_host(
    client: Client, host: str, containers: Containers, request_of: Any, field: str, version: str
) -> None:
    """The refusal names the field, the version that it needs, and the host's; nothing is done."""
    container = await containers.start("sleep", "1000")
    before = len(await containers.all_ids())
    method, request = request_of(host, container)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(client.containers, method)(request)

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "API_VERSION_TOO_OLD")
    assert failure.metadata["field"].endswith(field)
    assert failure.metadata["required_version"] == version
    assert failure.metadata["host_version"] == "1.41"
    assert version in failure.message
    assert "1.41" in failure.message
    assert (await containers.inspect(container)).state.running
    assert len(await containers.all_ids()) == before


@pytest.mark.parametrize("host", ["new"], indirect=True)
@pytest.mark.parametrize("request_of", [case.values[0] for case in CASES], ids=[case.id for case in CASES])
async def test_the_same_field_is_taken_by_a_newer_host(
    client: Client, host: str, containers: Containers, request_of: Any
) -> None:
    """What an older host is refused for, a newer one does."""
    container = await containers.start("sleep", "1000")
    method, request = request_of(host, container)

    answer = await getattr(client.containers, method)(request)

    if method == "CreateContainer":
        await client.containers.RemoveContainer(containers_pb2.RemoveContainerRequest(host=host, id=answer.id))
    assert (await containers.inspect(container)).state.running == (method != "StopContainer")


@pytest.mark.parametrize("host", ["new"], indirect=True)
async def test_annotations_arrive(client: Client, host: str, containers: Containers) -> None:
    """An inspection has a newer field as it was given."""
    container = await containers.create("true", host_config={"annotations": {"a": "b"}, "network_mode": "none"})

    assert (await containers.inspect(container)).host_config.annotations == {"a": "b"}


@pytest.mark.parametrize("host", ["one", "new"], indirect=True)
async def test_too_new_for_both(client: Client, host: str, fleet: Fleet) -> None:
    """A field that neither host knows is refused for both, in a call that streams as well."""
    request = images_pb2.SaveImageRequest(host=host, name=IMAGE, platforms=[oci_pb2.OciPlatform(os="linux")])

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await messages(client.images.SaveImage(request))

    assert failed(caught.value).reason == "API_VERSION_TOO_OLD"
    assert failed(caught.value).metadata["required_version"] == "1.48"
    assert failed(caught.value).metadata["host_version"] == {"one": "1.41", "new": "1.45"}[host]


@pytest.mark.parametrize("host", ["one", "new"], indirect=True)
async def test_the_size_of_an_execs_terminal(client: Client, host: str, containers: Containers) -> None:
    """A step by itself is refused where the whole of it, `Exec`, knows another way."""
    container = await containers.start("sleep", "1000")
    request = exec_pb2.CreateExecRequest(
        host=host, id=container, cmd=["true"], tty=True, console_size=common_pb2.TerminalSize(height=20, width=70)
    )

    if host == "new":
        assert (await client.exec.CreateExec(request)).id
        return
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.exec.CreateExec(request)
    assert failed(caught.value).reason == "API_VERSION_TOO_OLD"


# What newer hosts do not know any more


async def create_with_kernel_memory(client: Client, host: str, containers: Containers) -> None:
    """Create a container."""
    await containers.create("true", host_config={"network_mode": "none", "kernel_memory_bytes": 64 << 20})


async def update_kernel_memory(client: Client, host: str, containers: Containers) -> None:
    """Update one that does not run."""
    container = await containers.create("true")
    await client.containers.UpdateContainer(
        containers_pb2.UpdateContainerRequest(host=host, id=container, kernel_memory_bytes=64 << 20)
    )


async def create_a_checked_network(client: Client, host: str, containers: Containers) -> None:
    """Create a network, and remove it."""
    request = networks_pb2.CreateNetworkRequest(host=host, name="df-checked", internal=True, check_duplicate=True)
    network = await client.networks.CreateNetwork(request)
    await client.networks.RemoveNetwork(networks_pb2.RemoveNetworkRequest(host=host, id=network.id))


OLD_CASES = [
    pytest.param(create_with_kernel_memory, "config.host_config.kernel_memory_bytes", "1.41", id="deep-in-the-body"),
    pytest.param(update_kernel_memory, "kernel_memory_bytes", "1.41", id="body"),
    pytest.param(create_a_checked_network, "check_duplicate", "1.43", id="network"),
]


@pytest.mark.parametrize("host", ["new"], indirect=True)
@pytest.mark.parametrize(("call", "field", "version"), OLD_CASES)
async def test_an_older_field_is_refused_for_a_newer_host(
    client: Client, host: str, containers: Containers, call: Any, field: str, version: str
) -> None:
    """The refusal names the field, the last version that has it, and the host's."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(client, host, containers)

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "API_VERSION_TOO_NEW")
    assert failure.metadata["field"] == field
    assert failure.metadata["last_version"] == version
    assert failure.metadata["host_version"] == "1.45"
    assert failure.metadata["retry_safe"] == "false"
    assert version in failure.message
    assert "1.45" in failure.message


@pytest.mark.parametrize("host", ["one"], indirect=True)
@pytest.mark.parametrize("call", [case.values[0] for case in OLD_CASES], ids=[case.id for case in OLD_CASES])
async def test_the_same_older_field_is_taken_by_an_older_host(
    client: Client, host: str, containers: Containers, call: Any
) -> None:
    """What a newer host is refused for, an older one does."""
    await call(client, host, containers)


@pytest.mark.parametrize("host", ["one", "new"], indirect=True)
async def test_a_field_that_both_still_know(client: Client, host: str, containers: Containers) -> None:
    """A field that goes after API 1.51 is taken by both hosts; whether it has an effect is up to their kernels."""
    config = {"network_mode": "none", "kernel_memory_tcp_bytes": 64 << 20}

    container = await containers.create("true", host_config=config)

    assert (await containers.inspect(container)).host_config.kernel_memory_tcp_bytes in (64 << 20, 0)
