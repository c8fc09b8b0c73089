"""ContainerService: what is asked about containers, and what changes their state."""

from __future__ import annotations

from typing import Any

from dockfleet.v1 import containers_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from tests.rpc.rows.row import DIGEST, ID, Row
from tests.support.statuses import filters

LISTED = {
    "Id": ID,
    "Names": ["/web"],
    "Image": "nginx:1.27",
    "ImageID": DIGEST,
    "Command": "/docker-entrypoint.sh nginx -g 'daemon off;'",
    "Created": 1709294400,
    "Ports": [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 443, "Type": "tcp"},
    ],
    "SizeRw": 0,
    "SizeRootFs": 7340032000,
    "Labels": {"com.example.team": "web", "empty": ""},
    "State": "running",
    "Status": "Up 3 hours",
    "HostConfig": {"NetworkMode": "lan"},
    "NetworkSettings": {"Networks": {"lan": {"IPAMConfig": None, "Links": None, "GwPriority": 0, "MacAddress": ""}}},
    "Mounts": [],
    "ImageManifestDescriptor": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1234},
}
INSPECTED: dict[str, Any] = {
    "Id": ID,
    "Created": "2024-03-01T12:00:00.123456789Z",
    "Path": "sleep",
    "Args": ["600"],
    "State": {
        "Status": "exited",
        "Running": False,
        "Pid": 0,
        "ExitCode": 137,
        "Error": "",
        "StartedAt": "2024-03-01T12:00:01.000000001Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "Health": {
            "Status": "unhealthy",
            "FailingStreak": 3,
            "Log": [{"End": "2024-03-01T13:00:00+01:00", "Output": "no"}],
        },
    },
    "Name": "/web",
    "ExecIDs": None,
    "HostConfig": {
        "Binds": None,
        "PortBindings": {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5},
        "ConsoleSize": [0, 0],
        "CapAdd": None,
        "PidsLimit": None,
        "Memory": 9007199254740993,
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
        "MaskedPaths": ["/proc/kcore"],
    },
    "GraphDriver": {"Name": "overlay2", "Data": {"UpperDir": "/var/lib/docker/overlay2/x/diff"}},
    "Mounts": [{"Type": "volume", "Name": "data", "Destination": "/data", "RW": True, "Propagation": ""}],
    "Config": {"Env": ["A=b=c"], "Cmd": ["600"], "ExposedPorts": {"80/tcp": {}}, "Volumes": None, "OnBuild": None},
    "NetworkSettings": {
        "Bridge": "",
        "Ports": {"80/tcp": None},
        "SecondaryIPAddresses": None,
        "Networks": {"lan": {"IPAMConfig": {}, "Aliases": ["web"], "IPPrefixLen": 16, "DriverOpts": None}},
    },
}
SAMPLE = {
    "read": "2024-03-01T12:00:02.5Z",
    "preread": "0001-01-01T00:00:00Z",
    "pids_stats": {"current": 2, "limit": 18446744073709551615},
    "blkio_stats": {"io_service_bytes_recursive": [{"major": 8, "minor": 0, "op": "read", "value": 4096}]},
    "num_procs": 0,
    "storage_stats": {},
    "cpu_stats": {"cpu_usage": {"total_usage": 9007199254740993, "percpu_usage": None}, "online_cpus": 2},
    "precpu_stats": {"cpu_usage": {"total_usage": 0}},
    "memory_stats": {"usage": 1, "stats": {"inactive_file": 4096}},
    "name": "/web",
    "id": ID,
    "networks": {"eth0": {"rx_bytes": 5000000000, "tx_dropped": 0}},
}

ROWS = [
    Row(
        "ContainerService.ListContainers",
        pb.ListContainersRequest(all=True, limit=0, size=False, filters=filters(label=["a=b", "c"])),
        "GET /containers/json",
        {"json": [LISTED, {"Id": "second", "Created": 0, "Ports": None, "Labels": None}]},
        pb.ListContainersResponse(
            containers=[
                pb.ContainerSummary(
                    id=ID,
                    created_at=Timestamp(seconds=1709294400),
                    ports=[{"ip": "0.0.0.0", "private_port": 80, "public_port": 8080}, {"private_port": 443}],
                    size_rw_bytes=0,
                    size_root_fs_bytes=7340032000,
                    labels={"com.example.team": "web", "empty": ""},
                    host_config={"network_mode": "lan"},
                    image_manifest_descriptor={"size": 1234},
                ),
                pb.ContainerSummary(id="second"),
            ]
        ),
        query=[("all", "true"), ("limit", "0"), ("size", "false"), ("filters", '{"label":["a=b","c"]}')],
    ),
    Row(
        "ContainerService.ListContainers",
        pb.ListContainersRequest(),
        "GET /containers/json",
        {"json": []},
        pb.ListContainersResponse(),
        why="which asks nothing",
    ),
    Row(
        "ContainerService.InspectContainer",
        pb.InspectContainerRequest(id="web", size=True),
        "GET /containers/web/json",
        {"json": INSPECTED},
        pb.InspectContainerResponse(
            container=pb.Container(
                id=ID,
                created_at=Timestamp(seconds=1709294400, nanos=123456789),
                args=["600"],
                state={
                    "status": "exited",
                    "exit_code": 137,
                    "started_at": {"seconds": 1709294401, "nanos": 1},
                    "health": {"failing_streak": 3, "log": [{"ended_at": {"seconds": 1709294400}, "output": "no"}]},
                },
                host_config={
                    "memory_bytes": 9007199254740993,
                    "console_size": {"height": 0, "width": 0},
                    "restart_policy": {"name": "on-failure", "maximum_retry_count": 5},
                },
                config={"env": ["A=b=c"], "exposed_ports": ["80/tcp"]},
                mounts=[{"type": "volume", "name": "data", "writable": True}],
            )
        ),
        query=[("size", "true")],
    ),
    Row(
        "ContainerService.TopContainer",
        pb.TopContainerRequest(id=ID, ps_args="-eo pid,cmd"),
        f"GET /containers/{ID}/top",
        {"json": {"Titles": ["PID", "CMD"], "Processes": [["1", "sleep 600"], ["7", "sh"]]}},
        pb.TopContainerResponse(
            titles=["PID", "CMD"], processes=[{"items": ["1", "sleep 600"]}, {"items": ["7", "sh"]}]
        ),
        query=[("ps_args", "-eo pid,cmd")],
    ),
    Row(
        "ContainerService.GetContainerChanges",
        pb.GetContainerChangesRequest(id="web"),
        "GET /containers/web/changes",
        {"json": [{"Path": "/dev", "Kind": 0}, {"Path": "/dev/kmsg", "Kind": 1}]},
        pb.GetContainerChangesResponse(changes=[{"path": "/dev"}, {"path": "/dev/kmsg", "kind": 1}]),
    ),
    Row(
        "ContainerService.GetContainerChanges",
        pb.GetContainerChangesRequest(id="web"),
        "GET /containers/web/changes",
        {"json": None},
        pb.GetContainerChangesResponse(),
        why="to which engines before 25 answer null",
    ),
    Row(
        "ContainerService.ResizeContainer",
        pb.ResizeContainerRequest(id="web", size={"height": 0, "width": 132}),
        "POST /containers/web/resize",
        {"status": 200},
        pb.ResizeContainerResponse(),
        query=[("h", "0"), ("w", "132")],
    ),
    Row(
        "ContainerService.StartContainer",
        pb.StartContainerRequest(id="web", detach_keys="ctrl-@,ctrl-^"),
        "POST /containers/web/start",
        {"status": 204},
        pb.StartContainerResponse(already=False),
        query=[("detachKeys", "ctrl-@,ctrl-^")],
    ),
    Row(
        "ContainerService.StartContainer",
        pb.StartContainerRequest(id="web"),
        "POST /containers/web/start",
        {"status": 304},
        pb.StartContainerResponse(already=True),
        why="of one that runs",
    ),
    Row(
        "ContainerService.StopContainer",
        pb.StopContainerRequest(id="web", signal="SIGINT", timeout_seconds=-1),
        "POST /containers/web/stop",
        {"status": 204},
        pb.StopContainerResponse(already=False),
        query=[("signal", "SIGINT"), ("t", "-1")],
    ),
    Row(
        "ContainerService.StopContainer",
        pb.StopContainerRequest(id="web", timeout_seconds=0),
        "POST /containers/web/stop",
        {"status": 304},
        pb.StopContainerResponse(already=True),
        query=[("t", "0")],
        why="of one that does not run",
    ),
    Row(
        "ContainerService.RestartContainer",
        pb.RestartContainerRequest(id="web", signal="15", timeout_seconds=3),
        "POST /containers/web/restart",
        {"status": 204},
        pb.RestartContainerResponse(),
        query=[("signal", "15"), ("t", "3")],
    ),
    Row(
        "ContainerService.KillContainer",
        pb.KillContainerRequest(id="web", signal="SIGRTMIN+3"),
        "POST /containers/web/kill",
        {"status": 204},
        pb.KillContainerResponse(),
        query=[("signal", "SIGRTMIN+3")],
    ),
    Row(
        "ContainerService.RenameContainer",
        pb.RenameContainerRequest(id=ID, name="web-old"),
        f"POST /containers/{ID}/rename",
        {"status": 204},
        pb.RenameContainerResponse(),
        query=[("name", "web-old")],
    ),
    Row(
        "ContainerService.PauseContainer",
        pb.PauseContainerRequest(id="web"),
        "POST /containers/web/pause",
        {"status": 204},
        pb.PauseContainerResponse(),
    ),
    Row(
        "ContainerService.UnpauseContainer",
        pb.UnpauseContainerRequest(id="web"),
        "POST /containers/web/unpause",
        {"status": 204},
        pb.UnpauseContainerResponse(),
    ),
    Row(
        "ContainerService.WaitContainer",
        pb.WaitContainerRequest(id="web", condition="next-exit"),
        "POST /containers/web/wait",
        {"chunks": [b'{"StatusCode":137,', b'"Error":{"Message":"gone"}}\n']},
        pb.WaitContainerResponse(exit_code=137, error={"message": "gone"}),
        query=[("condition", "next-exit")],
    ),
    Row(
        "ContainerService.WaitContainer",
        pb.WaitContainerRequest(id="web"),
        "POST /containers/web/wait",
        {"json": {"Error": None, "StatusCode": 0}},
        pb.WaitContainerResponse(exit_code=0),
        why="as 20.10 answers it",
    ),
    Row(
        "ContainerService.RemoveContainer",
        pb.RemoveContainerRequest(id="web", remove_volumes=True, force=True, link=False),
        "DELETE /containers/web",
        {"status": 204},
        pb.RemoveContainerResponse(),
        query=[("v", "true"), ("force", "true"), ("link", "false")],
    ),
    Row(
        "ContainerService.PruneContainers",
        pb.PruneContainersRequest(filters={"label!": filters(x=["keep"])["x"]}),
        "POST /containers/prune",
        {"json": {"ContainersDeleted": None, "SpaceReclaimed": 0}},
        pb.PruneContainersResponse(),
        query=[("filters", '{"label!":["keep"]}')],
    ),
    Row(
        "ContainerService.PruneContainers",
        pb.PruneContainersRequest(),
        "POST /containers/prune",
        {"json": {"ContainersDeleted": [ID], "SpaceReclaimed": 5000000000}},
        pb.PruneContainersResponse(containers_deleted=[ID], space_reclaimed_bytes=5000000000),
        why="with something to remove",
    ),
]
