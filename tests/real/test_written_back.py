"""What is read can be written back: an inspection makes a container like the one that was inspected."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from dockfleet.v1 import containers_pb2, images_pb2, networks_pb2, volumes_pb2
from dockfleet.v1.common_pb2 import StringList
from dockfleet.v1.container_config_pb2 import ContainerConfig, ContainerSpec, HealthConfig
from dockfleet.v1.containers_pb2 import Container
from dockfleet.v1.networks_pb2 import EndpointIpamConfig, EndpointSettings
from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToJson, ParseDict

from tests.real.support import IMAGE, Containers, Fleet, until_all_up
from tests.support.gateway import Client

pytestmark = pytest.mark.usefixtures("private", "surroundings")

RICH = "df-back-rich:latest"  # an image whose own configuration sets what a container may set
NETWORK, SECOND_NETWORK, VOLUME, OTHER = "df-back-net", "df-back-net2", "df-back-volume", "df-back-other"
SUBNETS = {"one": "198.51.100.0/26", "new": "198.51.100.64/26"}  # the hosts share the machine's network
SECOND_SUBNETS = {"one": "198.51.100.128/26", "new": "198.51.100.192/26"}
ADDRESSES = {"one": "198.51.100.9", "new": "198.51.100.73"}
SECOND_ADDRESSES = {"one": "198.51.100.137", "new": "198.51.100.201"}

Spec = dict[str, Any]


def on_host(**host_config: Any) -> Spec:
    """A configuration that sets these fields of `host_config` alone."""
    return {"host_config": host_config}


def endpoint(**settings: Any) -> Spec:
    """A configuration that connects to `NETWORK` with these settings."""
    return on_host(network_mode=NETWORK) | {"networking_config": {"endpoints_config": {NETWORK: settings}}}


# What containers are created from, beside an image and a command that sleeps.
CONFIGURATIONS: dict[str, Spec] = {
    "nothing": {},
    "nothing-of-a-rich-image": {"image": RICH, "cmd": []},
    "env": {"env": ["A=1", "B=zwei ü", "EMPTY=", "C=a=b"]},
    "env-over-the-image": {"image": RICH, "env": ["I=container", "TAKEN_AWAY"]},
    "labels": {"labels": {"a": "1", "empty": "", "ü/ö": "zwei"}},
    "labels-over-the-image": {"image": RICH, "labels": {"i": "container"}},
    "cmd": {"cmd": ["sh", "-c", "echo 'a b'; sleep 1000"]},
    "cmd-of-odd-words": {"cmd": ["sleep", "1000", "", " ", "\n", "ü", "$A"]},
    "cmd-of-a-rich-image": {"image": RICH, "cmd": ["sleep", "2000"]},
    "entrypoint": {"entrypoint": {"items": ["sleep", "1000"]}, "cmd": []},
    "entrypoint-over-the-image": {"image": RICH, "entrypoint": {"items": ["sleep", "1000"]}, "cmd": []},
    "entrypoint-of-no-words": {"image": RICH, "entrypoint": {"items": []}},
    "entrypoint-of-an-empty-word": {"image": RICH, "entrypoint": {"items": [""]}},
    "user": {"user": "nobody"},
    "user-and-group": {"user": "65534:0"},
    "hostname": {"hostname": "box", "domainname": "example.test"},
    "working-dir": {"working_dir": "/tmp"},
    "tty": {"tty": True, "attach_stdout": True},
    "stdin": {"open_stdin": True, "stdin_once": True, "attach_stdin": True},
    "attached": {"attach_stdin": True, "attach_stdout": True, "attach_stderr": True},
    "exposed-ports": {"exposed_ports": ["80/tcp", "53/udp"]},
    "volumes": {"volumes": ["/data", "/more"]},
    "on-build-and-shell": {"on_build": ["RUN true"], "shell": ["/bin/sh", "-ec"]},
    "stop-signal": {"stop_signal": "SIGINT", "stop_timeout_seconds": 3},
    "stop-timeout-of-a-century": {"stop_timeout_seconds": 3_000_000_000},
    "stop-timeout-of-ever": {"stop_timeout_seconds": -1},
    "stop-timeout-of-nothing": {"stop_timeout_seconds": 0},
    "healthcheck": {
        "healthcheck": {
            "test": ["CMD", "true"],
            "interval": "90s",
            "timeout": "0.005s",
            "retries": 7,
            "start_period": "3600s",
        }
    },
    "healthcheck-of-a-rich-image": {"image": RICH, "healthcheck": {"interval": "7200s"}},
    "healthcheck-switched-off": {"image": RICH, "healthcheck": {"test": ["NONE"]}},
    "healthcheck-of-nothing": {"healthcheck": {}},
    "healthcheck-start-interval": {"healthcheck": {"test": ["CMD", "true"], "start_interval": "9s"}},
    "network-disabled": {"network_disabled": True},
    "mac-address": {"mac_address": "02:42:ac:11:00:99"} | on_host(network_mode="bridge"),
    # Files
    "binds": on_host(binds=["/tmp:/a:ro", "/tmp:/b:rw,private", f"{VOLUME}:/c:nocopy", "df-back-new:/d"]),
    "mount-bind": on_host(
        mounts=[
            {"type": "bind", "source": "/tmp", "target": "/a", "read_only": True},
            {"type": "bind", "source": "/tmp", "target": "/b", "bind_options": {"propagation": "private"}},
            {"type": "bind", "source": "/tmp", "target": "/c", "bind_options": {"non_recursive": True}},
        ]
    ),
    "mount-bind-made": on_host(
        mounts=[
            {
                "type": "bind",
                "source": "/tmp/df-back-made",
                "target": "/a",
                "read_only": True,
                "bind_options": {"create_mountpoint": True, "read_only_non_recursive": True},
            }
        ]
    ),
    "mount-volume": on_host(
        mounts=[
            {"type": "volume", "source": VOLUME, "target": "/a", "volume_options": {"no_copy": True}},
            {
                "type": "volume",
                "source": "df-back-new",
                "target": "/b",
                "consistency": "cached",
                "volume_options": {
                    "labels": {"a": "b"},
                    "driver_config": {"name": "local", "options": {"type": "tmpfs", "device": "tmpfs"}},
                },
            },
        ]
    ),
    "mount-volume-without-a-name": on_host(mounts=[{"type": "volume", "target": "/a"}]),
    "mount-volume-subpath": on_host(
        mounts=[{"type": "volume", "source": VOLUME, "target": "/a", "volume_options": {"subpath": "sub"}}]
    ),
    "mount-tmpfs": on_host(
        mounts=[
            {"type": "tmpfs", "target": "/a"},
            {"type": "tmpfs", "target": "/b", "tmpfs_options": {"size_bytes": 1 << 20, "mode": 0o700}},
        ]
    ),
    "volumes-from": on_host(volumes_from=[f"{OTHER}:ro"]),
    "volume-driver": {"volumes": ["/data"]} | on_host(volume_driver="local"),
    "tmpfs": on_host(tmpfs={"/a": "", "/b": "rw,noexec,size=65536k"}),
    "shm-size": on_host(shm_size_bytes=1 << 20),
    "readonly-rootfs": on_host(readonly_rootfs=True),
    # Network
    "network-default": on_host(network_mode="default"),
    "network-bridge": on_host(network_mode="bridge"),
    "network-host": on_host(network_mode="host"),
    "network-of-a-container": on_host(network_mode=f"container:{OTHER}"),
    "network-of-a-container-and-rich-image": {"image": RICH} | on_host(network_mode=f"container:{OTHER}"),
    "network-of-a-user": on_host(network_mode=NETWORK),
    "aliases": endpoint(aliases=["a", "b.c"]),
    "endpoint-links": endpoint(links=[f"{OTHER}:friend"]),
    "static-address": endpoint(ipam_config={"ipv4_address": "ADDRESS", "link_local_ips": ["169.254.7.7"]}),
    "endpoint-mac-address": endpoint(mac_address="02:42:ac:11:00:98"),
    "driver-opts": endpoint(driver_opts={"com.docker.network.endpoint.sysctls": ""}),
    "two-networks": on_host(network_mode=NETWORK)
    | {"networking_config": {"endpoints_config": {NETWORK: {"aliases": ["a"]}, SECOND_NETWORK: {}}}},
    "ports": {"exposed_ports": ["80/tcp"]}
    | on_host(
        network_mode="bridge",
        port_bindings={
            "80/tcp": {"items": [{"host_ip": "127.0.0.1", "host_port": ""}, {"host_ip": "127.0.0.2"}]},
            "53/udp": {"items": [{"host_ip": "127.0.0.1", "host_port": "20000-29999"}]},
            "99/tcp": {"items": []},
        },
    ),
    "all-ports": {"exposed_ports": ["80/tcp"]} | on_host(network_mode="bridge", publish_all_ports=True),
    "dns": on_host(
        network_mode="bridge", dns=["192.0.2.1"], dns_options=["ndots:3", "rotate"], dns_search=["example.test", "."]
    ),
    "extra-hosts": on_host(network_mode="bridge", extra_hosts=["a:192.0.2.7", "b:host-gateway", "c:2001:db8::1"]),
    "links": on_host(network_mode="bridge", links=[f"{OTHER}:friend"]),
    # Lifecycle
    "restart-no": on_host(restart_policy={"name": "no"}),
    "restart-always": on_host(restart_policy={"name": "always"}),
    "restart-unless-stopped": on_host(restart_policy={"name": "unless-stopped"}),
    "restart-on-failure": on_host(restart_policy={"name": "on-failure", "maximum_retry_count": 3}),
    "auto-remove": on_host(auto_remove=True),
    "init": on_host(init=True),
    "no-init": on_host(init=False),
    "log-none": on_host(log_config={"type": "none"}),
    "log-options": on_host(log_config={"type": "json-file", "config": {"max-size": "10m", "max-file": "3"}}),
    "log-local": on_host(log_config={"type": "local"}),
    "console-size": {"tty": True} | on_host(console_size={"height": 40, "width": 132}),
    "annotations": on_host(annotations={"a": "b", "empty": ""}),
    "runtime": on_host(runtime="runc", container_id_file="/tmp/df-back.cid"),
    # Privileges
    "privileged": on_host(privileged=True),
    "capabilities": on_host(cap_add=["NET_ADMIN", "CAP_SYS_TIME"], cap_drop=["mknod"]),
    "no-capabilities": on_host(cap_drop=["ALL"]),
    "security": on_host(
        security_opt=["no-new-privileges", "seccomp=unconfined", "apparmor=unconfined", "label=disable"]
    ),
    "seccomp-profile": on_host(security_opt=['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}']),
    "groups": on_host(group_add=["nogroup", "1234"]),
    "sysctls": on_host(sysctls={"kernel.msgmax": "10000", "net.ipv4.ip_forward": "1"}),
    "masked-paths": on_host(masked_paths={"items": ["/proc/kcore"]}, readonly_paths={"items": ["/proc/sys"]}),
    "no-masked-paths": on_host(masked_paths={"items": []}, readonly_paths={"items": []}),
    # Namespaces
    "pid-host": on_host(pid_mode="host"),
    "pid-of-a-container": on_host(pid_mode=f"container:{OTHER}"),
    "ipc-none": on_host(ipc_mode="none"),
    "ipc-shareable": on_host(ipc_mode="shareable"),
    "ipc-host": on_host(ipc_mode="host"),
    "ipc-of-a-container": on_host(ipc_mode=f"container:{OTHER}"),
    "uts-host": on_host(uts_mode="host"),
    "userns-host": on_host(userns_mode="host"),
    "cgroupns-host": on_host(cgroupns_mode="host"),
    "cgroupns-private": on_host(cgroupns_mode="private"),
    "cgroup-parent": on_host(cgroup_parent="/df-back"),
    # Devices
    "devices": on_host(
        devices=[
            {"path_on_host": "/dev/null", "path_in_container": "/dev/nix", "cgroup_permissions": "r"},
            {"path_on_host": "/dev/zero", "path_in_container": "/dev/zero", "cgroup_permissions": "rwm"},
        ],
        device_cgroup_rules=["c 13:* rwm"],
    ),
    "device-requests": on_host(
        device_requests=[
            {"driver": "nvidia", "count": -1, "capabilities": [{"items": ["gpu"]}], "options": {"a": "b"}},
            {"driver": "nvidia", "device_ids": ["0", "GPU-1"], "capabilities": [{"items": ["gpu", "utility"]}]},
        ]
    ),
    # Limits
    "zeros": {"tty": False, "user": "", "stop_signal": ""}
    | on_host(memory_bytes=0, memory_swap_bytes=0, nano_cpus=0, cpu_shares=0, pids_limit=0, shm_size_bytes=0),
    "nano-cpus": on_host(nano_cpus=500_000_000),
    "cpu": on_host(cpu_shares=512, cpu_period_microseconds=50_000, cpu_quota_microseconds=25_000, cpuset_cpus="0"),
    "cpuset-mems": on_host(cpuset_mems="0"),
    "memory": on_host(memory_bytes=64 << 20, memory_reservation_bytes=32 << 20, memory_swap_bytes=-1),
    "memory-alone": on_host(memory_bytes=64 << 20),
    "swappiness": on_host(memory_swappiness=7),
    "kernel-memory": on_host(memory_bytes=64 << 20, kernel_memory_bytes=32 << 20),
    "kernel-memory-for-tcp": on_host(memory_bytes=64 << 20, kernel_memory_tcp_bytes=32 << 20),
    "oom": on_host(memory_bytes=64 << 20, oom_kill_disable=True, oom_score_adj=500),
    "pids": on_host(pids_limit=100),
    "pids-without-limit": on_host(pids_limit=-1),
    "ulimits": on_host(ulimits=[{"name": "nofile", "soft": 100, "hard": 200}, {"name": "core", "soft": 0, "hard": -1}]),
    "blkio": on_host(
        blkio_weight=300,
        blkio_weight_device=[{"path": "/dev/vda", "weight": 400}],
        blkio_device_read_bps=[{"path": "/dev/vda", "rate": 1 << 40}],
        blkio_device_write_bps=[{"path": "/dev/vda", "rate": (1 << 64) - 1}],
        blkio_device_read_iops=[{"path": "/dev/vda", "rate": 1000}],
        blkio_device_write_iops=[{"path": "/dev/vda", "rate": 1001}],
    ),
}

# Those whose containers run when they are inspected; the others stay as they were created.
STARTED = {
    *("nothing", "entrypoint", "entrypoint-of-no-words", "entrypoint-of-an-empty-word", "hostname", "tty", "stdin"),
    *("volumes", "healthcheck", "mac-address", "binds", "mount-bind", "mount-volume", "mount-tmpfs", "volumes-from"),
    *("tmpfs", "network-host", "network-of-a-container", "network-of-a-user", "aliases", "static-address"),
    *("endpoint-mac-address", "two-networks", "ports", "all-ports", "dns", "extra-hosts", "links", "restart-always"),
    *("auto-remove", "log-none", "annotations", "sysctls", "masked-paths", "no-masked-paths", "pid-host"),
    *("ipc-of-a-container", "uts-host", "cgroupns-private", "devices", "cpu", "memory", "ulimits"),
}

# Those that say what Docker 20.10 does not know yet, and those that say what Docker 26.1 does not know any more.
NEWER = {
    *("healthcheck-start-interval", "mount-bind-made", "mount-volume-subpath", "endpoint-mac-address"),
    *("two-networks", "annotations"),
}
OLDER = {"kernel-memory"}

# Properties in which equal containers differ, and why.
OWN = {
    r"created_at|state\.started_at": "the second is younger",
    r"state\.pid": "it is another process",
    r"graph_driver\.data\..*": "each has a layer of its own",
    r"network_settings\.sandbox_(id|key)": "each start makes a new network namespace",
    r"network_settings\.(networks\..*\.)?endpoint_id": "each start makes a new endpoint",
    r"network_settings\.(networks\..*\.)?ip_address": "the network chooses it at each start",
    r"network_settings\.ports\..*\.host_port": "the host chooses it at each start",
}
# The same for containers that did not ask for a MAC address: Docker 20.10 makes one of the IP address; newer ones make
# any, and note it as what the second container has asked for, because it was written back.
OWN_MAC_ADDRESS = r"(config|network_settings)\.(networks\..*\.)?mac_address"


@pytest.fixture(scope="module")
async def surroundings(lasting_client: Client, fleet: Fleet) -> AsyncIterator[None]:
    """What the configurations refer to, on each host: an image, two networks, a volume and a running container."""
    await until_all_up(lasting_client)
    hosts = [host for host in SUBNETS if host in fleet.hosts]
    made = {host: Containers(lasting_client, host) for host in hosts}
    for host in hosts:
        await _surround(lasting_client, host, made[host])
    yield
    for host in hosts:
        await made[host].remove_all()
        for network in (NETWORK, SECOND_NETWORK):
            await lasting_client.networks.RemoveNetwork(networks_pb2.RemoveNetworkRequest(host=host, id=network))
        for volume in (VOLUME, "df-back-new"):
            await lasting_client.volumes.RemoveVolume(
                volumes_pb2.RemoveVolumeRequest(host=host, name=volume, force=True)
            )
        await lasting_client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=RICH))


async def _surround(client: Client, host: str, made: Containers) -> None:
    for network, subnet in ((NETWORK, SUBNETS[host]), (SECOND_NETWORK, SECOND_SUBNETS[host])):
        request = networks_pb2.CreateNetworkRequest(
            host=host, name=network, ipam=networks_pb2.Ipam(config=[networks_pb2.IpamConfig(subnet=subnet)])
        )
        await client.networks.CreateNetwork(request)
    await client.volumes.CreateVolume(volumes_pb2.CreateVolumeRequest(host=host, name=VOLUME))
    plain = await made.create("true")
    rich = ContainerConfig(
        entrypoint=StringList(items=["/bin/busybox"]),
        cmd=["sleep", "1000"],
        env=["I=image", "TAKEN_AWAY=1"],
        labels={"i": "image", "j": "image"},
        volumes=["/image"],
        exposed_ports=["81/tcp"],
        on_build=["RUN true"],
        shell=["/bin/sh", "-c"],
        healthcheck=HealthConfig(test=["CMD", "true"], interval=Duration(seconds=3600)),
        user="0",
        working_dir="/tmp",
        stop_signal="SIGINT",
    )
    repo, _, tag = RICH.partition(":")
    await client.images.CommitContainer(
        images_pb2.CommitContainerRequest(host=host, container=plain, repo=repo, tag=tag, config=rich)
    )
    shared = {"network_mode": "bridge", "ipc_mode": "shareable"}
    await made.start("sleep", "1000", name=OTHER, volumes=["/other"], host_config=shared)


CASES = [
    pytest.param(name, host, id=f"{name}-{host}")
    for name in CONFIGURATIONS
    for host, unknown in (("one", NEWER), ("new", OLDER))
    if name not in unknown
]


@pytest.mark.parametrize(("name", "host"), CASES, indirect=["host"])
async def test_an_inspection_makes_a_container_that_is_inspected_alike(
    client: Client, host: str, containers: Containers, name: str
) -> None:
    """An inspection is accepted as a configuration, and the new container's inspection is the same."""
    first = await inspected(client, host, containers, written(name, host), name)
    second = await inspected(client, host, containers, written_back(first), name)

    before, after = comparable(first, first), comparable(second, first)
    differences = {path: (before.get(path), after.get(path)) for path in before.keys() | after.keys()}
    assert {path: values for path, values in differences.items() if values[0] != values[1]} == {}


async def test_an_inspection_connects_a_container_again(client: Client, host: str, containers: Containers) -> None:
    """ConnectNetwork accepts the endpoint of an inspection, and makes an equal one."""
    container = await containers.start("sleep", "1000", host_config={"network_mode": NETWORK})
    key: Any = {"host": host, "id": SECOND_NETWORK, "container": container}
    address = EndpointIpamConfig(ipv4_address=SECOND_ADDRESSES[host])
    settings = EndpointSettings(aliases=["a"], ipam_config=address)

    await client.networks.ConnectNetwork(networks_pb2.ConnectNetworkRequest(**key, endpoint_config=settings))
    first = (await containers.inspect(container)).network_settings.networks[SECOND_NETWORK]
    await client.networks.DisconnectNetwork(networks_pb2.DisconnectNetworkRequest(**key))
    await client.networks.ConnectNetwork(networks_pb2.ConnectNetworkRequest(**key, endpoint_config=first))
    second = (await containers.inspect(container)).network_settings.networks[SECOND_NETWORK]

    assert first.ip_address == SECOND_ADDRESSES[host]
    assert second.endpoint_id != first.endpoint_id
    for endpoint in (first, second):  # below 1.45 the engine adds the container's short id, each time
        endpoint.aliases[:] = sorted(set(endpoint.aliases))
        endpoint.ClearField("endpoint_id")
    assert second == first


def written(name: str, host: str) -> ContainerSpec:
    """Return the configuration of that *name*."""
    spec: dict[str, Any] = {"image": IMAGE, "cmd": ["sleep", "1000"]} | CONFIGURATIONS[name]
    if name != "nothing":
        spec["host_config"] = {"network_mode": "none"} | spec.get("host_config", {})  # comes up faster
    return ParseDict(json.loads(json.dumps(spec).replace("ADDRESS", ADDRESSES[host])), ContainerSpec())


def written_back(container: Container) -> ContainerSpec:
    """Return the configuration that an inspection has."""
    spec = ContainerSpec.FromString(container.config.SerializeToString())  # their fields have the same numbers
    spec.host_config.CopyFrom(container.host_config)
    for network, settings in container.network_settings.networks.items():
        spec.networking_config.endpoints_config[network].CopyFrom(settings)
    return spec


async def inspected(client: Client, host: str, containers: Containers, spec: ContainerSpec, name: str) -> Container:
    """Create a container, start it if it is one of those, inspect it, and remove it."""
    request = containers_pb2.CreateContainerRequest(host=host, name=f"df-back-{name}", config=spec)
    container = (await client.containers.CreateContainer(request)).id
    try:
        if name in STARTED:
            await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))
        return await containers.inspect(container)
    finally:
        remove = containers_pb2.RemoveContainerRequest(host=host, id=container, force=True, remove_volumes=True)
        await client.containers.RemoveContainer(remove)


def comparable(container: Container, first: Container) -> dict[str, Any]:
    """Return the properties of an inspection by their paths, without what is a container's own.

    An id is replaced by a word, because names and paths are made of it: the container's, and that of the *first* one,
    which has become the second one's host name.  So is the name of a volume that nobody named.
    """
    copy = Container()
    copy.CopyFrom(container)
    copy.mounts.sort(key=lambda mount: mount.destination)  # they come in any order
    for mount in copy.mounts:
        if re.fullmatch("[0-9a-f]{64}", mount.name):
            mount.name = mount.source = "NAMELESS"
    text = MessageToJson(copy, preserving_proto_field_name=True)
    for id in (container.id, first.id):
        text = text.replace(id, "ID").replace(id[:12], "SHORT-ID")
    own = [*OWN] if first.config.mac_address else [*OWN, OWN_MAC_ADDRESS]
    found = properties(json.loads(text))
    return {path: value for path, value in found if not any(re.fullmatch(pattern, path) for pattern in own)}


def properties(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the properties of a JSON document with their paths; lists of names become sets."""
    if path.endswith((".aliases", ".dns_names")):
        yield path, set(value)
    elif isinstance(value, dict) and value:
        for key, item in value.items():
            yield from properties(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from properties(item, f"{path}.{index}")
    else:
        yield path, value
