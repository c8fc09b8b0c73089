"""VolumeService."""

from __future__ import annotations

from dockfleet.v1 import volumes_pb2 as pb
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from tests.rpc.rows.row import AGE, ASKED, Row
from tests.support.statuses import filters

STATUS = Struct()
STATUS.update({"servers": ["a", "b"], "healthy": True, "used": 0.5})
VOLUME = {
    "CreatedAt": "2024-03-01T12:00:00Z",
    "Driver": "local",
    "Labels": None,
    "Mountpoint": "/var/lib/docker/volumes/data/_data",
    "Name": "data",
    "Options": None,
    "Scope": "local",
    "Status": {"servers": ["a", "b"], "healthy": True, "used": 0.5},
    "UsageData": {"RefCount": -1, "Size": -1},
}
KEPT = pb.Volume(
    name="data",
    created_at=Timestamp(seconds=1709294400),
    status=STATUS,
    usage_data={"ref_count": -1, "size_bytes": -1},
)
CLUSTER = pb.ClusterVolumeSpec(
    group="g",
    access_mode={"scope": "multi", "sharing": "all", "mount_volume": {"mount_flags": ["noatime"]}},
    accessibility_requirements={"requisite": [{"segments": {"zone": "Z1"}}]},
    capacity_range={"required_bytes": 0, "limit_bytes": 2**40},
    secrets=[{"key": "k", "secret": "s"}],
    availability="drain",
)
CLUSTER_JSON = {
    "Group": "g",
    "AccessMode": {"Scope": "multi", "Sharing": "all", "MountVolume": {"MountFlags": ["noatime"]}},
    "AccessibilityRequirements": {"Requisite": [{"Segments": {"zone": "Z1"}}]},
    "CapacityRange": {"RequiredBytes": 0, "LimitBytes": 1099511627776},
    "Secrets": [{"Key": "k", "Secret": "s"}],
    "Availability": "drain",
}

ROWS = [
    Row(
        "VolumeService.ListVolumes",
        pb.ListVolumesRequest(filters=filters(dangling=["true"]), max_age=AGE),
        "GET /volumes",
        {"json": {"Volumes": [VOLUME], "Warnings": None}},
        pb.ListVolumesResponse(volumes=[KEPT], freshness=ASKED),
        query=[("filters", '{"dangling":["true"]}')],
    ),
    Row(
        "VolumeService.CreateVolume",
        pb.CreateVolumeRequest(
            name="data",
            driver="local",
            driver_opts={"type": "tmpfs"},
            labels={"a": "b"},
            cluster_volume_spec=CLUSTER,
        ),
        "POST /volumes/create",
        {"status": 201, "json": VOLUME},
        pb.CreateVolumeResponse(volume=KEPT),
        body={
            "Name": "data",
            "Driver": "local",
            "DriverOpts": {"type": "tmpfs"},
            "Labels": {"a": "b"},
            "ClusterVolumeSpec": CLUSTER_JSON,
        },
    ),
    Row(
        "VolumeService.InspectVolume",
        pb.InspectVolumeRequest(name="data"),
        "GET /volumes/data",
        {"json": VOLUME},
        pb.InspectVolumeResponse(volume=KEPT),
    ),
    Row(
        "VolumeService.UpdateVolume",
        pb.UpdateVolumeRequest(name="data", version=2**64 - 1, update={"spec": CLUSTER}),
        "PUT /volumes/data",
        {"status": 200},
        pb.UpdateVolumeResponse(),
        query=[("version", "18446744073709551615")],
        body={"Spec": CLUSTER_JSON},
    ),
    Row(
        "VolumeService.RemoveVolume",
        pb.RemoveVolumeRequest(name="data", force=False),
        "DELETE /volumes/data",
        {"status": 204},
        pb.RemoveVolumeResponse(),
        query=[("force", "false")],
    ),
    Row(
        "VolumeService.PruneVolumes",
        pb.PruneVolumesRequest(filters=filters(all=["true"])),
        "POST /volumes/prune",
        {"json": {"VolumesDeleted": ["data"], "SpaceReclaimed": 5000000000}},
        pb.PruneVolumesResponse(volumes_deleted=["data"], space_reclaimed_bytes=5000000000),
        query=[("filters", '{"all":["true"]}')],
    ),
]
