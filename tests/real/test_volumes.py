"""Volumes."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import grpc
import pytest
from dockfleet.v1 import common_pb2, volumes_pb2

from tests.real.support import Containers, Fleet
from tests.support.gateway import Client, failed


@pytest.fixture
async def label(client: Client, host: str, containers: Containers) -> AsyncIterator[str]:
    """A label; volumes that bear it are removed at the end, after the containers that use them."""
    label = f"dockfleet.test={uuid.uuid4()}"
    yield label
    await containers.remove_all()
    for volume in (await client.volumes.ListVolumes(narrowed(host, label))).volumes:
        await client.volumes.RemoveVolume(volumes_pb2.RemoveVolumeRequest(host=host, name=volume.name))


def narrowed(host: str, label: str) -> volumes_pb2.ListVolumesRequest:
    """Return the request for the volumes with a label."""
    return volumes_pb2.ListVolumesRequest(host=host, filters={"label": common_pb2.StringList(items=[label])})


async def create(client: Client, host: str, label: str, name: str | None = None) -> volumes_pb2.Volume:
    """Create a volume."""
    key, _, value = label.partition("=")
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=10m"}
    request = volumes_pb2.CreateVolumeRequest(host=host, name=name, labels={key: value}, driver_opts=options)
    return (await client.volumes.CreateVolume(request)).volume


async def test_a_volume_is_what_it_was_created_as(client: Client, host: str, label: str) -> None:
    """What a volume is created with is found again; creating it again gives the same one."""
    created = await create(client, host, label, f"df-volume-{host}")
    again = await create(client, host, label, f"df-volume-{host}")

    inspect = volumes_pb2.InspectVolumeRequest(host=host, name=f"df-volume-{host}")
    found = (await client.volumes.InspectVolume(inspect)).volume
    listed = (await client.volumes.ListVolumes(narrowed(host, label))).volumes

    assert created.name == again.name == found.name == f"df-volume-{host}"
    assert [volume.name for volume in listed] == [found.name]
    assert (found.driver, found.scope) == ("local", "local")
    assert found.options == {"type": "tmpfs", "device": "tmpfs", "o": "size=10m"}
    assert label in [f"{key}={value}" for key, value in found.labels.items()]
    assert found.created_at.seconds > 1_700_000_000
    assert found.mountpoint.endswith(f"/df-volume-{host}/_data")


async def test_a_volume_outlives_its_containers(client: Client, host: str, label: str, containers: Containers) -> None:
    """What one container writes into a volume another one reads; a volume in use cannot be removed."""
    key, _, value = label.partition("=")
    request = volumes_pb2.CreateVolumeRequest(host=host, labels={key: value})
    name = (await client.volumes.CreateVolume(request)).volume.name
    config = {"host_config": {"binds": [f"{name}:/data"], "network_mode": "none"}}

    await containers.run("sh", "-c", "echo kept > /data/file", **config)
    reader = await containers.run("grep", "-q", "kept", "/data/file", **config)
    with pytest.raises(grpc.aio.AioRpcError) as used:
        await client.volumes.RemoveVolume(volumes_pb2.RemoveVolumeRequest(host=host, name=name))

    assert (await containers.inspect(reader)).state.exit_code == 0
    assert failed(used.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(used.value).reason == "CONFLICT"


async def test_a_removed_volume_is_gone(client: Client, host: str, label: str) -> None:
    """A volume that was removed is not found."""
    volume = await create(client, host, label)
    request = volumes_pb2.RemoveVolumeRequest(host=host, name=volume.name)

    await client.volumes.RemoveVolume(request)
    with pytest.raises(grpc.aio.AioRpcError) as removing:
        await client.volumes.RemoveVolume(request)
    with pytest.raises(grpc.aio.AioRpcError) as inspecting:
        await client.volumes.InspectVolume(volumes_pb2.InspectVolumeRequest(host=host, name=volume.name))

    for caught in (removing, inspecting):
        assert failed(caught.value).code is grpc.StatusCode.NOT_FOUND


async def test_prune_removes_volumes_that_nobody_uses(
    client: Client, host: str, label: str, containers: Containers
) -> None:
    """Pruning removes anonymous volumes that fit and are not in use, and names them."""
    key, _, value = label.partition("=")
    request = volumes_pb2.CreateVolumeRequest(host=host, labels={key: value})
    used, unused = [(await client.volumes.CreateVolume(request)).volume for _ in range(2)]
    await containers.create("true", host_config={"binds": [f"{used.name}:/data"], "network_mode": "none"})

    pruned = await client.volumes.PruneVolumes(
        volumes_pb2.PruneVolumesRequest(host=host, filters={"label": common_pb2.StringList(items=[label])})
    )

    assert list(pruned.volumes_deleted) == [unused.name]
    listed = (await client.volumes.ListVolumes(narrowed(host, label))).volumes
    assert [volume.name for volume in listed] == [used.name]


async def test_only_cluster_volumes_of_newer_hosts_can_be_updated(
    client: Client, host: str, label: str, fleet: Fleet
) -> None:
    """An update is refused for the host's age by an old one, and by a newer one because it is in no swarm."""
    fleet.need("private")
    volume = await create(client, host, label)
    request = volumes_pb2.UpdateVolumeRequest(host=host, name=volume.name, version=1)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.volumes.UpdateVolume(request)

    failure = failed(caught.value)
    assert failure.code is grpc.StatusCode.FAILED_PRECONDITION
    if host == "one":
        assert failure.reason == "API_VERSION_TOO_OLD"
        assert failure.metadata["required_version"] == "1.42"
        assert failure.metadata["host_version"] == "1.41"
    else:
        assert failure.reason == "NOT_SWARM_MANAGER"
