"""ContainerService; its archives are in a table of their own."""

from __future__ import annotations

import socket
from typing import Any

from dockfleet.v1 import common_pb2, container_config_pb2
from dockfleet.v1 import containers_pb2 as pb

from tests.real.statuses.at import NEW, At, Rows
from tests.real.support import IMAGE
from tests.support.statuses import Asked, filters

rows = Rows("ContainerService")
INVALID_REQUEST = "INVALID_ARGUMENT (INVALID_REQUEST)"
INVALID_FIELD = "INVALID_ARGUMENT (INVALID_FIELD)"
CONFLICT = "FAILED_PRECONDITION (CONFLICT)"
START_FAILED = "FAILED_PRECONDITION (START_FAILED)"


def spec(**config: Any) -> container_config_pb2.ContainerSpec:
    """A container of the tests' image, without a network."""
    host_config = {"network_mode": "none"} | config.pop("host_config", {})
    return container_config_pb2.ContainerSpec(**{"image": IMAGE} | config, host_config=host_config)


@rows("ListContainers", INVALID_FIELD)
async def unknown_filter(at: At) -> Any:
    return pb.ListContainersRequest(filters=filters(nope=["x"]))


@rows("ListContainers", INVALID_FIELD)
async def bad_number(at: At) -> Any:
    return pb.ListContainersRequest(all=True, filters=filters(exited=["abc"]))


@rows("ListContainers", INVALID_FIELD)
async def bad_port(at: At) -> Any:
    return pb.ListContainersRequest(filters=filters(publish=["x/y/z"]))


@rows("ListContainers", "NOT_FOUND")
async def before_nothing(at: At) -> Any:
    return pb.ListContainersRequest(filters=filters(before=[at.name]))


@rows("CreateContainer", "NOT_FOUND")
async def no_image(at: At) -> Any:
    return pb.CreateContainerRequest(config=spec(image=f"{at.name}:1"))


@rows("CreateContainer", "ALREADY_EXISTS (NAME_IN_USE)")
async def name_taken(at: At) -> Any:
    await at.containers.create("true", name=at.name)
    return pb.CreateContainerRequest(name=at.name, config=spec(cmd=["true"]))


@rows("CreateContainer", "INVALID_ARGUMENT (INVALID_FIELD)")
async def without_image(at: At) -> Any:
    return pb.CreateContainerRequest(config=container_config_pb2.ContainerSpec(cmd=["true"]))


@rows("CreateContainer", INVALID_REQUEST)
async def little_memory(at: At) -> Any:
    return pb.CreateContainerRequest(config=spec(host_config={"memory_bytes": 100}))


@rows("CreateContainer", INVALID_REQUEST)
async def bad_bind(at: At) -> Any:
    return pb.CreateContainerRequest(config=spec(host_config={"binds": ["/tmp:/x:nope"]}))


@rows("TopContainer", CONFLICT)
async def top_of_a_stopped_one(at: At) -> Any:
    return pb.TopContainerRequest(id=await at.containers.create("true"))


@rows("TopContainer", INVALID_REQUEST)
async def bad_option_of_ps(at: At) -> Any:
    return pb.TopContainerRequest(id=await at.running(), ps_args="--nope")


@rows("TopContainer", INVALID_REQUEST)
async def no_pid_from_ps(at: At) -> Any:
    return pb.TopContainerRequest(id=await at.running(), ps_args="-o cmd")


@rows("StreamLogs", "FAILED_PRECONDITION (NOT_SUPPORTED)")
async def no_log(at: At) -> Any:
    container = await at.running(host_config={"network_mode": "none", "log_config": {"type": "none"}})
    return pb.StreamLogsRequest(id=container)


@rows("StreamLogs", "INVALID_ARGUMENT (BAD_RESUME_TOKEN)")
async def forged_token_of_logs(at: At) -> Any:
    return pb.StreamLogsRequest(id=await at.containers.create("true"), resume_token=b"forged")


@rows("StreamStats", "NOT_FOUND")
async def stats_of_nothing(at: At) -> Any:
    return pb.StreamStatsRequest(id=at.name)


@rows("ResizeContainer", CONFLICT)
async def resize_a_stopped_one(at: At) -> Any:
    return pb.ResizeContainerRequest(
        id=await at.containers.create("true"), size=common_pb2.TerminalSize(height=1, width=1)
    )


@rows("StartContainer", START_FAILED)
async def no_program(at: At) -> Any:
    return pb.StartContainerRequest(id=await at.containers.create("nope"))


@rows("StartContainer", START_FAILED)
async def no_permission(at: At) -> Any:
    return pb.StartContainerRequest(id=await at.containers.create("/etc/passwd"))


@rows("StartContainer", START_FAILED)
async def no_user(at: At) -> Any:
    return pb.StartContainerRequest(id=await at.containers.create("true", user="nobody-here"))


@rows("StartContainer", START_FAILED)
async def no_device(at: At) -> Any:
    device = {"path_on_host": "/dev/nope", "path_in_container": "/dev/nope", "cgroup_permissions": "rwm"}
    host_config = {"network_mode": "none", "devices": [device]}
    return pb.StartContainerRequest(id=await at.containers.create("true", host_config=host_config))


@rows("StartContainer", START_FAILED)
async def port_taken(at: At) -> Any:
    listener = at.undo.enter_context(socket.create_server(("127.0.0.1", 0)))
    binding = {"host_ip": "127.0.0.1", "host_port": str(listener.getsockname()[1])}
    host_config = {"network_mode": "bridge", "port_bindings": {"80/tcp": {"items": [binding]}}}
    container = await at.containers.create("true", exposed_ports=["80/tcp"], host_config=host_config)
    return pb.StartContainerRequest(id=container)


@rows("StartContainer", START_FAILED)
async def syslog_away(at: At) -> Any:
    return await logging_to(at, "syslog", {"syslog-address": "tcp://127.0.0.1:1"})


@rows("StartContainer", START_FAILED)
async def fluentd_away(at: At) -> Any:
    return await logging_to(at, "fluentd", {"fluentd-address": "127.0.0.1:1"})


@rows("StartContainer", START_FAILED)
async def gelf_nowhere(at: At) -> Any:
    return await logging_to(at, "gelf", {"gelf-address": "udp://no-such-host.invalid:1"})


async def logging_to(at: At, driver: str, options: dict[str, str]) -> Any:
    """A start with a log driver whose server is not there."""
    host_config = {"network_mode": "none", "log_config": {"type": driver, "config": options}}
    return pb.StartContainerRequest(id=await at.containers.create("true", host_config=host_config))


@rows("StartContainer", START_FAILED)
async def bad_mount(at: At) -> Any:
    volume = await at.volume(driver_opts={"type": "nfs", "o": "addr=127.0.0.1", "device": ":/x"})
    host_config = {"network_mode": "none", "binds": [f"{volume}:/x"]}
    return pb.StartContainerRequest(id=await at.containers.create("true", host_config=host_config))


@rows("StartContainer", START_FAILED)
async def no_network(at: At) -> Any:
    return pb.StartContainerRequest(id=await at.containers.create("true", host_config={"network_mode": at.name}))


@rows("StartContainer", START_FAILED)
async def address_taken(at: At) -> Any:
    await at.network(ipam={"config": [{"subnet": "10.213.77.0/24"}]})
    config: dict[str, Any] = {
        "host_config": {"network_mode": at.name},
        "networking_config": {"endpoints_config": {at.name: {"ipam_config": {"ipv4_address": "10.213.77.9"}}}},
    }
    await at.running(**config)
    return pb.StartContainerRequest(id=await at.containers.create("true", **config))


@rows("StartContainer", CONFLICT)
async def start_a_paused_one(at: At) -> Any:
    return pb.StartContainerRequest(id=await at.paused())


@rows("StartContainer", CONFLICT)
async def start_beside_a_stopped_one(at: At) -> Any:
    beside = await at.containers.create("true")
    container = await at.containers.create("true", host_config={"network_mode": f"container:{beside}"})
    return pb.StartContainerRequest(id=container)


@rows("RestartContainer", START_FAILED)
async def restart_without_program(at: At) -> Any:
    return pb.RestartContainerRequest(id=await at.containers.create("nope"))


@rows("RestartContainer", START_FAILED)
async def restart_without_user(at: At) -> Any:
    return pb.RestartContainerRequest(id=await at.containers.create("true", user="nobody-here"))


@rows("KillContainer", CONFLICT)
async def kill_a_stopped_one(at: At) -> Any:
    return pb.KillContainerRequest(id=await at.containers.create("true"))


@rows("KillContainer", INVALID_REQUEST)
async def no_such_signal(at: At) -> Any:
    return pb.KillContainerRequest(id=await at.running(), signal="NOPE")


@rows("KillContainer", INVALID_REQUEST)
async def no_signal_of_the_number(at: At) -> Any:
    return pb.KillContainerRequest(id=await at.running(), signal="999")


@rows("UpdateContainer", INVALID_REQUEST)
async def update_to_little_memory(at: At) -> Any:
    return pb.UpdateContainerRequest(id=await at.running(), memory_bytes=100)


@rows("UpdateContainer", CONFLICT)
async def restart_what_is_removed(at: At) -> Any:
    container = await at.containers.create("true", host_config={"network_mode": "none", "auto_remove": True})
    return pb.UpdateContainerRequest(id=container, restart_policy=container_config_pb2.RestartPolicy(name="always"))


@rows("UpdateContainer", CONFLICT)
async def update_below_what_is_used(at: At) -> Any:
    container = await at.containers.start(
        "sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=40; echo full; sleep 600"
    )
    async for message in at.client.containers.StreamLogs(pb.StreamLogsRequest(host=at.host, id=container, follow=True)):
        if any(b"full" in entry.data for entry in message.batch.entries):
            break
    return pb.UpdateContainerRequest(id=container, memory_bytes=7_000_000, memory_swap_bytes=7_000_000)


@rows("RenameContainer", "ALREADY_EXISTS (NAME_IN_USE)")
async def rename_to_a_taken_name(at: At) -> Any:
    await at.containers.create("true", name=at.name)
    return pb.RenameContainerRequest(id=await at.containers.create("true"), name=at.name)


@rows("RenameContainer", INVALID_REQUEST)
async def rename_to_its_own_name(at: At) -> Any:
    return pb.RenameContainerRequest(id=await at.containers.create("true", name=at.name), name=at.name)


@rows("PauseContainer", CONFLICT)
async def pause_a_stopped_one(at: At) -> Any:
    return pb.PauseContainerRequest(id=await at.containers.create("true"))


@rows("PauseContainer", CONFLICT)
async def pause_a_paused_one(at: At) -> Any:
    return pb.PauseContainerRequest(id=await at.paused())


@rows("UnpauseContainer", CONFLICT)
async def unpause_a_running_one(at: At) -> Any:
    return pb.UnpauseContainerRequest(id=await at.running())


@rows("UnpauseContainer", CONFLICT)
async def unpause_a_stopped_one(at: At) -> Any:
    return pb.UnpauseContainerRequest(id=await at.containers.create("true"))


@rows("AttachContainer", CONFLICT)
async def attach_to_a_paused_one(at: At) -> Any:
    return pb.AttachContainerStart(id=await at.paused(), stream=True, attach_stdout=True)


@rows("AttachContainer", "INVALID_ARGUMENT (INVALID_FIELD)")
async def attach_and_wait(at: At) -> Any:
    return pb.AttachContainerStart(id=await at.running(), stream=True, slow_reader=common_pb2.SLOW_READER_WAIT)


@rows("WaitContainer", INVALID_REQUEST, hosts=(NEW,))
async def unknown_condition(at: At) -> Any:
    return pb.WaitContainerRequest(id=await at.containers.create("true"), condition="nope")


@rows("RemoveContainer", CONFLICT)
async def remove_a_running_one(at: At) -> Any:
    return pb.RemoveContainerRequest(id=await at.running())


@rows("RemoveContainer", CONFLICT)
async def remove_its_own_name(at: At) -> Any:
    return pb.RemoveContainerRequest(id=await at.containers.create("true", name=at.name), link=True)


@rows("RemoveContainer", "ABORTED (BEING_CHANGED)")
async def remove_at_once(at: At) -> Any:
    return Asked(pb.RemoveContainerRequest(id=await at.running(), force=True), times=4)


@rows("PruneContainers", "ABORTED (BEING_CHANGED)")
async def prune_containers_at_once(at: At) -> Any:
    for _ in range(10):
        await at.containers.create("true")
    return Asked(pb.PruneContainersRequest(filters=at.containers.filters), times=4)


@rows("PruneContainers", INVALID_REQUEST)
async def containers_until_abc(at: At) -> Any:
    return pb.PruneContainersRequest(filters=filters(until=["abc"]))


@rows("RunContainer", "NOT_FOUND")
async def run_without_pulling(at: At) -> Any:
    return pb.RunContainerRequest(config=spec(image=f"{at.name}:1"), pull=pb.PULL_POLICY_NEVER)


@rows("RunContainer", "NOT_FOUND")
async def run_what_the_registry_has_not(at: At) -> Any:
    return pb.RunContainerRequest(config=spec(image=f"{at.registry.address}/{at.name}:1"))


@rows("RunContainer", "ALREADY_EXISTS (NAME_IN_USE)")
async def run_with_a_taken_name(at: At) -> Any:
    await at.containers.create("true", name=at.name)
    return pb.RunContainerRequest(name=at.name, config=spec(cmd=["true"]))


@rows("RunContainer", "INVALID_ARGUMENT (INVALID_FIELD)")
async def run_without_image(at: At) -> Any:
    return pb.RunContainerRequest(config=container_config_pb2.ContainerSpec(cmd=["true"]))


@rows("RunContainer", INVALID_REQUEST)
async def run_with_little_memory(at: At) -> Any:
    return pb.RunContainerRequest(config=spec(host_config={"memory_bytes": 100}))


@rows("RunContainer", START_FAILED)
async def run_no_program(at: At) -> Any:
    return pb.RunContainerRequest(config=spec(cmd=["nope"], host_config={"auto_remove": True}))


@rows("RunContainer", START_FAILED)
async def run_as_no_user(at: At) -> Any:
    return pb.RunContainerRequest(config=spec(cmd=["true"], user="nobody-here", host_config={"auto_remove": True}))


@rows("RunContainer", START_FAILED)
async def run_in_no_network(at: At) -> Any:
    host_config = {"auto_remove": True, "network_mode": at.name}
    return pb.RunContainerRequest(config=spec(cmd=["true"], host_config=host_config))


@rows("RunContainer", "FAILED_PRECONDITION (REGISTRY_AUTH)")
async def run_what_is_guarded(at: At) -> Any:
    image = f"{at.guarded_registry.address}/{at.name}:1"
    return pb.RunContainerRequest(
        config=spec(image=image), registry_auth=common_pb2.AuthConfig(username="x", password="y")
    )


@rows("RunContainer", "UNAVAILABLE (REGISTRY_UNREACHABLE)")
async def run_from_no_registry(at: At) -> Any:
    return pb.RunContainerRequest(config=spec(image=f"127.0.0.1:1/{at.name}:1"))
