"""VolumeService."""

from __future__ import annotations

from typing import Any

from dockfleet.v1 import volumes_pb2 as pb

from tests.real.statuses.at import NEW, At, Rows
from tests.support.statuses import Asked, filters

rows = Rows("VolumeService")
INVALID_REQUEST = "INVALID_ARGUMENT (INVALID_REQUEST)"
INVALID_FIELD = "INVALID_ARGUMENT (INVALID_FIELD)"
INVALID_FIELD = "INVALID_ARGUMENT (INVALID_FIELD)"


@rows("ListVolumes", INVALID_FIELD)
async def unknown_filter_of_volumes(at: At) -> Any:
    return pb.ListVolumesRequest(filters=filters(nope=["x"]))


@rows("ListVolumes", INVALID_FIELD)
async def bad_truth(at: At) -> Any:
    return pb.ListVolumesRequest(filters=filters(dangling=["x"]))


@rows("CreateVolume", "NOT_FOUND")
async def no_driver(at: At) -> Any:
    return pb.CreateVolumeRequest(name=at.name, driver=at.name)


@rows("CreateVolume", INVALID_FIELD)
async def malformed_name(at: At) -> Any:
    return pb.CreateVolumeRequest(name="../x")


@rows("CreateVolume", INVALID_REQUEST)
async def unknown_option(at: At) -> Any:
    return pb.CreateVolumeRequest(name=at.name, driver_opts={"nope": "x"})


@rows("InspectVolume", "NOT_FOUND")
async def inspect_no_volume(at: At) -> Any:
    return pb.InspectVolumeRequest(name=at.name)


@rows("UpdateVolume", "FAILED_PRECONDITION (NOT_SWARM_MANAGER)", hosts=(NEW,))
async def update_without_swarm(at: At) -> Any:
    return pb.UpdateVolumeRequest(name=at.name, version=1, update=pb.VolumeUpdate(spec=pb.ClusterVolumeSpec()))


@rows("UpdateVolume", INVALID_FIELD)
async def update_without_version(at: At) -> Any:
    return pb.UpdateVolumeRequest(name=at.name, update=pb.VolumeUpdate(spec=pb.ClusterVolumeSpec()))


@rows("RemoveVolume", "NOT_FOUND")
async def remove_no_volume(at: At) -> Any:
    return pb.RemoveVolumeRequest(name=at.name)


@rows("RemoveVolume", "FAILED_PRECONDITION (CONFLICT)")
async def remove_a_used_volume(at: At) -> Any:
    volume = await at.volume()
    await at.containers.create("true", host_config={"network_mode": "none", "binds": [f"{volume}:/x"]})
    return pb.RemoveVolumeRequest(name=volume)


@rows("PruneVolumes", INVALID_REQUEST)
async def unknown_filter_of_volume_prune(at: At) -> Any:
    return pb.PruneVolumesRequest(filters=filters(nope=["x"]))


@rows("PruneVolumes", INVALID_REQUEST)
async def volumes_all_abc(at: At) -> Any:
    return pb.PruneVolumesRequest(filters=filters(all=["abc"]))


@rows("PruneVolumes", "ABORTED (BEING_CHANGED)")
async def prune_volumes_at_once(at: At) -> Any:
    wanted = filters(label=[at.name])
    if at.host == NEW:
        wanted |= filters(all=["true"])
    for number in range(30):
        await at.volume(f"{at.name}-{number}", labels={at.name: ""})
    return Asked(pb.PruneVolumesRequest(filters=wanted), times=4)
