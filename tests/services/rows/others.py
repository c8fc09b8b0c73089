"""Exec, networks, volumes, distribution."""

from __future__ import annotations

from dockfleet.v1 import distribution_pb2, exec_pb2, networks_pb2, volumes_pb2
from dockfleet.v1.common_pb2 import AuthConfig
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from tests.services.rows.row import DIGEST, ID, Row, filters
from tests.services.rows.transfers import header

STATUS = Struct()
STATUS.update({"servers": ["a", "b"], "healthy": True, "used": 0.5})
NETWORK = {
    "Name": "lan",
    "Id": ID,
    "Created": "2024-03-01T12:00:00.5+01:00",
    "Scope": "local",
    "Driver": "bridge",
    "EnableIPv4": True,
    "EnableIPv6": False,
    "IPAM": {"Driver": "default", "Options": None, "Config": [{"Subnet": "172.20.0.0/16", "Gateway": "172.20.0.1"}]},
    "Internal": False,
    "ConfigFrom": {"Network": ""},
    "Containers": {ID: {"Name": "web", "EndpointID": "e", "IPv4Address": "172.20.0.2/16", "IPv6Address": ""}},
    "Options": {},
    "Labels": None,
    "Status": {"IPAM": {"Subnets": {"172.20.0.0/16": {"IPsInUse": 3, "DynamicIPsAvailable": 18446744073709551615}}}},
}
FOUND = networks_pb2.Network(
    name="lan",
    id=ID,
    created=Timestamp(seconds=1709290800, nanos=500_000_000),
    enable_ipv4=True,
    ipam={"driver": "default", "config": [{"subnet": "172.20.0.0/16", "gateway": "172.20.0.1"}]},
    config_from={"network": ""},
    containers={ID: networks_pb2.NetworkEndpoint(name="web", ipv4_address="172.20.0.2/16")},
)
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
KEPT = volumes_pb2.Volume(
    name="data",
    created_at=Timestamp(seconds=1709294400),
    status=STATUS,
    usage_data={"ref_count": -1, "size_bytes": -1},
)
CLUSTER = volumes_pb2.ClusterVolumeSpec(
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
        "ExecService.CreateExec",
        exec_pb2.CreateExecRequest(
            id="web",
            cmd=["sh", "-c", "exit 3"],
            env=["A=b"],
            working_dir="/",
            user="root",
            privileged=False,
            tty=True,
            attach_stdin=True,
            attach_stdout=True,
            attach_stderr=False,
            detach_keys="ctrl-p",
            console_size=[24, 80],
        ),
        "POST /containers/web/exec",
        {"status": 201, "json": {"Id": ID}},
        exec_pb2.CreateExecResponse(id=ID),
        body={
            "Cmd": ["sh", "-c", "exit 3"],
            "Env": ["A=b"],
            "WorkingDir": "/",
            "User": "root",
            "Privileged": False,
            "Tty": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": False,
            "DetachKeys": "ctrl-p",
            "ConsoleSize": [24, 80],
        },
        headers={"content-type": "application/json"},
    ),
    Row(
        "ExecService.ResizeExec",
        exec_pb2.ResizeExecRequest(id=ID, height=24, width=80),
        f"POST /exec/{ID}/resize",
        {"status": 200},
        exec_pb2.ResizeExecResponse(),
        query=[("h", "24"), ("w", "80")],
    ),
    Row(
        "ExecService.InspectExec",
        exec_pb2.InspectExecRequest(id=ID),
        f"GET /exec/{ID}/json",
        {"json": {"ID": ID, "Running": True, "ExitCode": None, "ProcessConfig": {"entrypoint": "sh"}, "Pid": 42}},
        exec_pb2.InspectExecResponse(exec={"id": ID, "running": True, "process": {"entrypoint": "sh"}, "pid": 42}),
    ),
    Row(
        "NetworkService.ListNetworks",
        networks_pb2.ListNetworksRequest(filters=filters(type=["custom"])),
        "GET /networks",
        {"json": [NETWORK, {"Name": "none", "IPAM": {"Config": None}, "Containers": {}}]},
        networks_pb2.ListNetworksResponse(networks=[FOUND, networks_pb2.Network(name="none", ipam={})]),
        query=[("filters", '{"type":["custom"]}')],
    ),
    Row(
        "NetworkService.InspectNetwork",
        networks_pb2.InspectNetworkRequest(id="lan", verbose=True, scope="local"),
        "GET /networks/lan",
        {"json": NETWORK},
        networks_pb2.InspectNetworkResponse(network=FOUND),
        query=[("verbose", "true"), ("scope", "local")],
    ),
    Row(
        "NetworkService.RemoveNetwork",
        networks_pb2.RemoveNetworkRequest(id="lan"),
        "DELETE /networks/lan",
        {"status": 204},
        networks_pb2.RemoveNetworkResponse(),
    ),
    Row(
        "NetworkService.CreateNetwork",
        networks_pb2.CreateNetworkRequest(
            name="lan",
            driver="bridge",
            scope="local",
            internal=True,
            attachable=False,
            ingress=False,
            config_only=False,
            config_from={"network": "base"},
            ipam={"driver": "default", "config": [{"subnet": "172.20.0.0/16", "auxiliary_addresses": {"a": "b"}}]},
            enable_ipv4=True,
            enable_ipv6=True,
            options={"com.docker.network.driver.mtu": "1400"},
            labels={"a": "b"},
            check_duplicate=True,
        ),
        "POST /networks/create",
        {"status": 201, "json": {"Id": ID, "Warning": ""}},
        networks_pb2.CreateNetworkResponse(id=ID),
        body={
            "Name": "lan",
            "Driver": "bridge",
            "Scope": "local",
            "Internal": True,
            "Attachable": False,
            "Ingress": False,
            "ConfigOnly": False,
            "ConfigFrom": {"Network": "base"},
            "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.20.0.0/16", "AuxiliaryAddresses": {"a": "b"}}]},
            "EnableIPv4": True,
            "EnableIPv6": True,
            "Options": {"com.docker.network.driver.mtu": "1400"},
            "Labels": {"a": "b"},
            "CheckDuplicate": True,
        },
    ),
    Row(
        "NetworkService.ConnectNetwork",
        networks_pb2.ConnectNetworkRequest(
            id="lan",
            container="web",
            endpoint_config={
                "ipam_config": {"ipv6_address": "fd00::9"},
                "mac_address": "02:42:ac:14:00:09",
                "driver_opts": {"a": "b"},
                "links": ["db:database"],
            },
        ),
        "POST /networks/lan/connect",
        {"status": 200},
        networks_pb2.ConnectNetworkResponse(),
        body={
            "Container": "web",
            "EndpointConfig": {
                "IPAMConfig": {"IPv6Address": "fd00::9"},
                "MacAddress": "02:42:ac:14:00:09",
                "DriverOpts": {"a": "b"},
                "Links": ["db:database"],
            },
        },
    ),
    Row(
        "NetworkService.DisconnectNetwork",
        networks_pb2.DisconnectNetworkRequest(id="lan", container="web", force=True),
        "POST /networks/lan/disconnect",
        {"status": 200},
        networks_pb2.DisconnectNetworkResponse(),
        body={"Container": "web", "Force": True},
    ),
    Row(
        "NetworkService.PruneNetworks",
        networks_pb2.PruneNetworksRequest(filters=filters(until=["1h30m"])),
        "POST /networks/prune",
        {"json": {"NetworksDeleted": ["lan"]}},
        networks_pb2.PruneNetworksResponse(networks_deleted=["lan"]),
        query=[("filters", '{"until":["1h30m"]}')],
    ),
    Row(
        "VolumeService.ListVolumes",
        volumes_pb2.ListVolumesRequest(filters=filters(dangling=["true"])),
        "GET /volumes",
        {"json": {"Volumes": [VOLUME], "Warnings": None}},
        volumes_pb2.ListVolumesResponse(volumes=[KEPT]),
        query=[("filters", '{"dangling":["true"]}')],
    ),
    Row(
        "VolumeService.CreateVolume",
        volumes_pb2.CreateVolumeRequest(
            name="data",
            driver="local",
            driver_opts={"type": "tmpfs"},
            labels={"a": "b"},
            cluster_volume_spec=CLUSTER,
        ),
        "POST /volumes/create",
        {"status": 201, "json": VOLUME},
        volumes_pb2.CreateVolumeResponse(volume=KEPT),
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
        volumes_pb2.InspectVolumeRequest(name="data"),
        "GET /volumes/data",
        {"json": VOLUME},
        volumes_pb2.InspectVolumeResponse(volume=KEPT),
    ),
    Row(
        "VolumeService.UpdateVolume",
        volumes_pb2.UpdateVolumeRequest(name="data", version=2**64 - 1, update={"spec": CLUSTER}),
        "PUT /volumes/data",
        {"status": 200},
        volumes_pb2.UpdateVolumeResponse(),
        query=[("version", "18446744073709551615")],
        body={"Spec": CLUSTER_JSON},
    ),
    Row(
        "VolumeService.RemoveVolume",
        volumes_pb2.RemoveVolumeRequest(name="data", force=False),
        "DELETE /volumes/data",
        {"status": 204},
        volumes_pb2.RemoveVolumeResponse(),
        query=[("force", "false")],
    ),
    Row(
        "VolumeService.PruneVolumes",
        volumes_pb2.PruneVolumesRequest(filters=filters(all=["true"])),
        "POST /volumes/prune",
        {"json": {"VolumesDeleted": ["data"], "SpaceReclaimed": 5000000000}},
        volumes_pb2.PruneVolumesResponse(volumes_deleted=["data"], space_reclaimed_bytes=5000000000),
        query=[("filters", '{"all":["true"]}')],
    ),
    Row(
        "DistributionService.InspectDistribution",
        distribution_pb2.InspectDistributionRequest(
            name=f"team/app@{DIGEST}", registry_auth=AuthConfig(identity_token="t")
        ),
        f"GET /distribution/team/app@{DIGEST}/json",
        {
            "json": {
                "Descriptor": {"mediaType": "application/vnd.oci.image.index.v1+json", "digest": DIGEST, "size": 1610},
                "Platforms": [{"architecture": "arm", "os": "linux", "variant": "v7", "os.features": None}],
            }
        },
        distribution_pb2.InspectDistributionResponse(
            descriptor={"digest": DIGEST, "size": 1610},
            platforms=[{"architecture": "arm", "os": "linux", "variant": "v7"}],
        ),
        headers={"x-registry-auth": header({"identitytoken": "t"})},
    ),
]
