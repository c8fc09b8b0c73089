"""SystemService."""

from __future__ import annotations

from dockfleet.v1 import system_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from tests.rpc.rows.row import ID, Row

INFO = {
    "ID": "7TRN:IPZB:QYBB:VPBQ:UMPP:KARE:6ZNR:XE6T:7EWV:PKF4:ZOJD:TPYS",
    "Containers": 14,
    "Driver": "overlay2",
    "DriverStatus": [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
    "SystemStatus": None,
    "Plugins": {"Volume": ["local"], "Network": ["bridge", "host"], "Authorization": None, "Log": ["json-file"]},
    "NFd": 64,
    "SystemTime": "2024-03-01T12:00:00.123456789+01:00",
    "NCPU": 4,
    "MemTotal": 68719476736,
    "RegistryConfig": {
        "AllowNondistributableArtifactsCIDRs": None,
        "InsecureRegistryCIDRs": ["127.0.0.0/8"],
        "IndexConfigs": {"docker.io": {"Name": "docker.io", "Mirrors": [], "Secure": True, "Official": True}},
        "Mirrors": None,
    },
    "GenericResources": None,
    "Labels": [],
    "Runtimes": {"runc": {"path": "runc"}, "io.containerd.runc.v2": {"path": "runc", "runtimeArgs": None}},
    "Swarm": {"NodeID": "", "LocalNodeState": "inactive", "ControlAvailable": False, "RemoteManagers": None},
    "ContainerdCommit": {"ID": "1.6.20", "Expected": "1.6.20"},
    "SecurityOptions": ["name=seccomp,profile=default"],
    "Warnings": None,
    "FirewallBackend": {"Driver": "nftables", "Info": [["ReloadedAt", "now"]]},
}
EVENT = {
    "status": "die",
    "id": ID,
    "from": "busybox",
    "Type": "container",
    "Action": "exec_start: sh -c date",
    "Actor": {"ID": ID, "Attributes": {"exitCode": "137", "name": "web"}},
    "scope": "local",
    "time": 1709294400,
    "timeNano": 1709294400123456789,
}
OLD_USAGE = {
    "LayersSize": 5000000000,
    "Images": [{"Id": "i", "SharedSize": 7, "RepoTags": None}],
    "Containers": None,
    "Volumes": [{"Name": "data", "UsageData": {"RefCount": 1, "Size": 9}, "Status": None}],
    "BuildCache": [{"ID": "b", "Parent": "", "CreatedAt": "2024-03-01T12:00:00Z", "LastUsedAt": None, "UsageCount": 2}],
    "BuilderSize": 0,
}

ROWS = [
    Row(
        "SystemService.CheckAuth",
        pb.CheckAuthRequest(credentials={"username": "ada", "password": "secret", "server_address": "r:5000"}),
        "POST /auth",
        {"json": {"Status": "Login Succeeded", "IdentityToken": "t"}},
        pb.CheckAuthResponse(status="Login Succeeded", identity_token="t"),
        body={"username": "ada", "password": "secret", "serveraddress": "r:5000"},
        headers={"content-type": "application/json"},
    ),
    Row(
        "SystemService.CheckAuth",
        pb.CheckAuthRequest(credentials={"auth": "YWRhOnM6w6k=", "server_address": "r:5000"}),
        "POST /auth",
        {"json": {"Status": "Login Succeeded"}},
        pb.CheckAuthResponse(status="Login Succeeded"),
        body={"username": "ada", "password": "s:é", "serveraddress": "r:5000"},
        why="as a configuration file has them, which engines do not read",
    ),
    Row(
        "SystemService.CheckAuth",
        pb.CheckAuthRequest(),
        "POST /auth",
        {"status": 204},
        pb.CheckAuthResponse(),
        body={},
        why="which the registry answers with nothing",
    ),
    Row(
        "SystemService.GetInfo",
        pb.GetInfoRequest(),
        "GET /info",
        {"json": INFO},
        pb.GetInfoResponse(
            info=pb.EngineInfo(
                containers=14,
                driver_status=[
                    {"items": ["Backing Filesystem", "extfs"]},
                    {"items": ["Supports d_type", "true"]},
                ],
                plugins={"volume": ["local"], "network": ["bridge", "host"], "log": ["json-file"]},
                file_descriptors=64,
                system_time=Timestamp(seconds=1709290800, nanos=123456789),
                cpus=4,
                memory_total_bytes=68719476736,
                registry_config={
                    "insecure_registry_cidrs": ["127.0.0.0/8"],
                    "index_configs": {"docker.io": pb.IndexInfo(name="docker.io", secure=True, official=True)},
                },
                runtimes={
                    "runc": pb.EngineRuntime(path="runc"),
                    "io.containerd.runc.v2": pb.EngineRuntime(path="runc"),
                },
                swarm={"local_node_state": "inactive"},
                firewall_backend={"driver": "nftables", "info": [{"items": ["ReloadedAt", "now"]}]},
            )
        ),
    ),
    Row(
        "SystemService.GetVersion",
        pb.GetVersionRequest(),
        "GET /version",
        {
            "json": {
                "Platform": {"Name": ""},
                "Components": [{"Name": "Engine", "Version": "20.10.24", "Details": {"Experimental": "false"}}],
                "Version": "20.10.24",
                "ApiVersion": "1.41",
                "MinAPIVersion": "1.12",
                "BuildTime": "2023-05-18T14:44:32.000000000+00:00",
            }
        },
        pb.GetVersionResponse(
            version=pb.EngineVersion(
                version="20.10.24",
                api_version="1.41",
                min_api_version="1.12",
                platform={"name": ""},
                components=[{"name": "Engine", "version": "20.10.24", "details": {"Experimental": "false"}}],
                build_time="2023-05-18T14:44:32.000000000+00:00",
            )
        ),
    ),
    Row(
        "SystemService.Ping",
        pb.PingRequest(),
        "GET /_ping",
        {
            "body": b"OK",
            "headers": {"Builder-Version": "2", "Docker-Experimental": "true", "Swarm": "active/manager"},
        },
        pb.PingResponse(
            api_version="1.56", os_type="linux", builder_version="2", experimental=True, swarm="active/manager"
        ),
    ),
    Row(
        "SystemService.GetDataUsage",
        pb.GetDataUsageRequest(object_types=["container", "build-cache"], verbose=False),
        "GET /system/df",
        {"json": OLD_USAGE},
        pb.GetDataUsageResponse(
            layers_size_bytes=5000000000,
            images=[{"id": "i", "shared_size_bytes": 7}],
            volumes=[{"name": "data", "usage_data": {"ref_count": 1, "size_bytes": 9}}],
            build_cache=[{"id": "b", "created_at": {"seconds": 1709294400}, "usage_count": 2}],
        ),
        query=[("type", "container"), ("type", "build-cache"), ("verbose", "false")],
        why="in the layout up to 1.51",
    ),
    Row(
        "SystemService.GetDataUsage",
        pb.GetDataUsageRequest(verbose=True),
        "GET /system/df",
        {"json": {"VolumeUsage": {"ActiveCount": 1, "TotalSize": 5000000000, "Items": [{"Name": "data"}]}}},
        pb.GetDataUsageResponse(
            volume_usage={"active_count": 1, "total_size_bytes": 5000000000, "items": [{"name": "data"}]}
        ),
        query=[("verbose", "true")],
        why="in the layout since 1.52",
    ),
]
