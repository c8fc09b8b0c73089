"""ContainerService: what containers are created and changed with, in all its depth."""

from __future__ import annotations

from dockfleet.v1 import container_config_pb2 as config
from dockfleet.v1 import containers_pb2 as pb
from dockfleet.v1 import networks_pb2
from google.protobuf.duration_pb2 import Duration

from tests.rpc.rows.row import ID, Row

SPEC = config.ContainerSpec(
    image="registry.example.com:5000/team/app:1.2",
    entrypoint={"items": [""]},
    cmd=["sh", "-c", 'echo "ä\n"'],
    env=["A=b=c", "REMOVED"],
    working_dir="/srv",
    user="1000:1000",
    labels={"com.example.team": ""},
    exposed_ports=["80/tcp", "53/udp"],
    volumes=["/data"],
    healthcheck=config.HealthConfig(
        test=["CMD-SHELL", "true"],
        interval=Duration(seconds=1, nanos=500_000_000),
        timeout=Duration(),
        retries=0,
        start_interval=Duration(nanos=1_000_000),
    ),
    tty=False,
    open_stdin=True,
    stop_timeout_seconds=-1,
    host_config=config.HostConfig(
        binds=["data:/data:ro"],
        mounts=[
            config.Mount(
                type="tmpfs",
                target="/run",
                tmpfs_options={"size_bytes": 65536, "mode": 0o755, "options": [{"items": ["noexec"]}]},
            ),
            config.Mount(
                type="volume",
                source="data",
                target="/old",
                read_only=True,
                volume_options={"subpath": "a", "driver_config": {"name": "local", "options": {"type": "nfs"}}},
            ),
            config.Mount(type="bind", source="/srv", target="/srv", bind_options={"create_mountpoint": True}),
        ],
        tmpfs={"/cache": "rw,size=64k"},
        shm_size_bytes=2**40,
        port_bindings={"80/tcp": config.PortBindings(items=[{"host_ip": "127.0.0.1", "host_port": "8080"}])},
        restart_policy={"name": "on-failure", "maximum_retry_count": 0},
        auto_remove=False,
        init=True,
        log_config={"type": "local", "config": {"max-size": "10m"}},
        console_size={"height": 24, "width": 80},
        annotations={"io.example": "x"},
        privileged=False,
        device_requests=[
            {"driver": "nvidia", "count": -1, "capabilities": [{"items": ["gpu", "compute"]}], "options": {"a": "b"}}
        ],
        devices=[{"path_on_host": "/dev/fuse", "cgroup_permissions": "rwm"}],
        nano_cpus=1_500_000_000,
        memory_bytes=2**53 + 1,
        memory_swap_bytes=-1,
        pids_limit=0,
        ulimits=[{"name": "nofile", "soft": 1024, "hard": -1}],
        blkio_weight=0,
        blkio_device_read_bps=[{"path": "/dev/sda", "rate": 2**64 - 1}],
    ),
    networking_config={
        "endpoints_config": {
            "lan": networks_pb2.EndpointSettings(
                ipam_config={"ipv4_address": "172.20.0.9", "link_local_ips": ["169.254.1.1"]},
                aliases=["app"],
                gw_priority=-5,
            )
        }
    },
)
WRITTEN = {
    "Image": "registry.example.com:5000/team/app:1.2",
    "Entrypoint": [""],
    "Cmd": ["sh", "-c", 'echo "ä\n"'],
    "Env": ["A=b=c", "REMOVED"],
    "WorkingDir": "/srv",
    "User": "1000:1000",
    "Labels": {"com.example.team": ""},
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    "Volumes": {"/data": {}},
    "Healthcheck": {
        "Test": ["CMD-SHELL", "true"],
        "Interval": 1_500_000_000,
        "Timeout": 0,
        "Retries": 0,
        "StartInterval": 1_000_000,
    },
    "Tty": False,
    "OpenStdin": True,
    "StopTimeout": -1,
    "HostConfig": {
        "Binds": ["data:/data:ro"],
        "Mounts": [
            {
                "Type": "tmpfs",
                "Target": "/run",
                "TmpfsOptions": {"SizeBytes": 65536, "Mode": 493, "Options": [["noexec"]]},
            },
            {
                "Type": "volume",
                "Source": "data",
                "Target": "/old",
                "ReadOnly": True,
                "VolumeOptions": {"Subpath": "a", "DriverConfig": {"Name": "local", "Options": {"type": "nfs"}}},
            },
            {"Type": "bind", "Source": "/srv", "Target": "/srv", "BindOptions": {"CreateMountpoint": True}},
        ],
        "Tmpfs": {"/cache": "rw,size=64k"},
        "ShmSize": 1099511627776,
        "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]},
        "RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 0},
        "AutoRemove": False,
        "Init": True,
        "LogConfig": {"Type": "local", "Config": {"max-size": "10m"}},
        "ConsoleSize": [24, 80],
        "Annotations": {"io.example": "x"},
        "Privileged": False,
        "DeviceRequests": [
            {"Driver": "nvidia", "Count": -1, "Capabilities": [["gpu", "compute"]], "Options": {"a": "b"}}
        ],
        "Devices": [{"PathOnHost": "/dev/fuse", "CgroupPermissions": "rwm"}],
        "NanoCpus": 1500000000,
        "Memory": 9007199254740993,
        "MemorySwap": -1,
        "PidsLimit": 0,
        "Ulimits": [{"Name": "nofile", "Soft": 1024, "Hard": -1}],
        "BlkioWeight": 0,
        "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 18446744073709551615}],
    },
    "NetworkingConfig": {
        "EndpointsConfig": {
            "lan": {
                "IPAMConfig": {"IPv4Address": "172.20.0.9", "LinkLocalIPs": ["169.254.1.1"]},
                "Aliases": ["app"],
                "GwPriority": -5,
            }
        }
    },
}

ROWS = [
    Row(
        "ContainerService.CreateContainer",
        pb.CreateContainerRequest(name="app-1", platform="linux/arm64/v8", config=SPEC),
        "POST /containers/create",
        {"status": 201, "json": {"Id": ID, "Warnings": ["no swap limit"]}},
        pb.CreateContainerResponse(id=ID, warnings=["no swap limit"]),
        query=[("name", "app-1"), ("platform", "linux/arm64/v8")],
        body=WRITTEN,
        headers={"content-type": "application/json"},
    ),
    Row(
        "ContainerService.CreateContainer",
        pb.CreateContainerRequest(config={"image": "busybox", "networking_config": {"endpoints_config": {}}}),
        "POST /containers/create",
        {"status": 201, "json": {"Id": ID, "Warnings": None}},
        pb.CreateContainerResponse(id=ID),
        body={"Image": "busybox", "NetworkingConfig": {}},
        why="with next to nothing",
    ),
    Row(
        "ContainerService.UpdateContainer",
        pb.UpdateContainerRequest(
            id="web",
            restart_policy={"name": "unless-stopped"},
            nano_cpus=0,
            cpu_shares=512,
            cpu_period_microseconds=100_000,
            cpu_quota_microseconds=-1,
            cpu_realtime_period_microseconds=1,
            cpu_realtime_runtime_microseconds=2,
            cpuset_cpus="0-3",
            cpuset_mems="0",
            memory_bytes=2**40,
            memory_reservation_bytes=0,
            memory_swap_bytes=-1,
            pids_limit=-1,
            blkio_weight=10,
            blkio_weight_device=[{"path": "/dev/sda", "weight": 10}],
            blkio_device_read_bps=[{"path": "/dev/sda", "rate": 1}],
            blkio_device_write_bps=[{"path": "/dev/sda", "rate": 2}],
            blkio_device_read_iops=[{"path": "/dev/sda", "rate": 3}],
            blkio_device_write_iops=[{"path": "/dev/sda", "rate": 4}],
        ),
        "POST /containers/web/update",
        {"json": {"Warnings": None}},
        pb.UpdateContainerResponse(),
        body={
            "RestartPolicy": {"Name": "unless-stopped"},
            "NanoCpus": 0,
            "CpuShares": 512,
            "CpuPeriod": 100000,
            "CpuQuota": -1,
            "CpuRealtimePeriod": 1,
            "CpuRealtimeRuntime": 2,
            "CpusetCpus": "0-3",
            "CpusetMems": "0",
            "Memory": 1099511627776,
            "MemoryReservation": 0,
            "MemorySwap": -1,
            "PidsLimit": -1,
            "BlkioWeight": 10,
            "BlkioWeightDevice": [{"Path": "/dev/sda", "Weight": 10}],
            "BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1}],
            "BlkioDeviceWriteBps": [{"Path": "/dev/sda", "Rate": 2}],
            "BlkioDeviceReadIOps": [{"Path": "/dev/sda", "Rate": 3}],
            "BlkioDeviceWriteIOps": [{"Path": "/dev/sda", "Rate": 4}],
        },
        headers={"content-type": "application/json"},
    ),
    Row(
        "ContainerService.UpdateContainer",
        pb.UpdateContainerRequest(id="web"),
        "POST /containers/web/update",
        {"json": {"Warnings": ["discarded"]}},
        pb.UpdateContainerResponse(warnings=["discarded"]),
        body={},
        why="of nothing",
    ),
]
