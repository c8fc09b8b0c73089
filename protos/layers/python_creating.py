"""The methods that create and run containers, with docker-py's arguments."""

from __future__ import annotations

from protos.layers.model import Contract, Field, Message, Method
from protos.layers.python_types import DEADLINE, PROGRESS, Types, arguments, docstring, values

SPEC = {
    "command": "cmd",
    "blkio_weight": "host_config.blkio_weight",
    "blkio_weight_device": "host_config.blkio_weight_device",
    "cap_add": "host_config.cap_add",
    "cap_drop": "host_config.cap_drop",
    "cgroup_parent": "host_config.cgroup_parent",
    "cgroupns": "host_config.cgroupns_mode",
    "cpu_period": "host_config.cpu_period_microseconds",
    "cpu_quota": "host_config.cpu_quota_microseconds",
    "cpu_rt_period": "host_config.cpu_realtime_period_microseconds",
    "cpu_rt_runtime": "host_config.cpu_realtime_runtime_microseconds",
    "cpu_shares": "host_config.cpu_shares",
    "cpuset_cpus": "host_config.cpuset_cpus",
    "cpuset_mems": "host_config.cpuset_mems",
    "device_cgroup_rules": "host_config.device_cgroup_rules",
    "device_read_bps": "host_config.blkio_device_read_bps",
    "device_read_iops": "host_config.blkio_device_read_iops",
    "device_requests": "host_config.device_requests",
    "device_write_bps": "host_config.blkio_device_write_bps",
    "device_write_iops": "host_config.blkio_device_write_iops",
    "devices": "host_config.devices",
    "dns": "host_config.dns",
    "dns_opt": "host_config.dns_options",
    "dns_search": "host_config.dns_search",
    "domainname": "domainname",
    "entrypoint": "entrypoint",
    "environment": "env",
    "extra_hosts": "host_config.extra_hosts",
    "group_add": "host_config.group_add",
    "healthcheck": "healthcheck",
    "hostname": "hostname",
    "init": "host_config.init",
    "ipc_mode": "host_config.ipc_mode",
    "labels": "labels",
    "links": "host_config.links",
    "log_config": "host_config.log_config",
    "mac_address": "mac_address",
    "mem_limit": "host_config.memory_bytes",
    "mem_reservation": "host_config.memory_reservation_bytes",
    "mem_swappiness": "host_config.memory_swappiness",
    "memswap_limit": "host_config.memory_swap_bytes",
    "mounts": "host_config.mounts",
    "nano_cpus": "host_config.nano_cpus",
    "network": "host_config.network_mode",
    "network_disabled": "network_disabled",
    "networking_config": "networking_config.endpoints_config",
    "oom_kill_disable": "host_config.oom_kill_disable",
    "oom_score_adj": "host_config.oom_score_adj",
    "pid_mode": "host_config.pid_mode",
    "pids_limit": "host_config.pids_limit",
    "ports": "host_config.port_bindings",
    "privileged": "host_config.privileged",
    "publish_all_ports": "host_config.publish_all_ports",
    "read_only": "host_config.readonly_rootfs",
    "remove": "host_config.auto_remove",
    "restart_policy": "host_config.restart_policy",
    "runtime": "host_config.runtime",
    "security_opt": "host_config.security_opt",
    "shm_size": "host_config.shm_size_bytes",
    "stdin_open": "open_stdin",
    "stop_signal": "stop_signal",
    "storage_opt": "host_config.storage_opt",
    "sysctls": "host_config.sysctls",
    "tmpfs": "host_config.tmpfs",
    "tty": "tty",
    "ulimits": "host_config.ulimits",
    "user": "user",
    "userns_mode": "host_config.userns_mode",
    "uts_mode": "host_config.uts_mode",
    "volume_driver": "host_config.volume_driver",
    "volumes": "host_config.binds",
    "volumes_from": "host_config.volumes_from",
    "working_dir": "working_dir",
}
"""The arguments of docker-py's `run` and `create`, and their places in a `ContainerSpec`."""

SPEC_MESSAGE = "dockfleet.v1.ContainerSpec"
CONFIG = "what else the container has, or all of it"
RUN_IMAGE = "The image: a reference or an id."
CHECK = "*check*: raise `ContainerFailed` when the container does not end with the exit code 0"

CREATING = {
    "CreateContainer": (
        "create",
        "containers_pb2.CreateContainerResponse",
        "        response: containers_pb2.CreateContainerResponse = await {call}\n        return response",
        "",
    ),
    "RunContainer": (
        "run",
        "RunResult",
        "        return await ran({call}, {host}, check, bool(detach), progress)",
        "All output is kept in memory.  With `detach` there is none.",
    ),
}
"""The RPCs whose methods have docker-py's arguments: the method, its result, its code, and what to know."""


def creating(method: Method, types: Types, contract: Contract, host: str = "self._host") -> str:
    """Return the method that creates or runs a container, with docker-py's arguments; *host* is the host's name."""
    name, returns, code, _ = CREATING[method.name]
    head = f"    async def {name}({_parameters(method, types, contract)}) -> {returns}:"
    text = docstring(_text(method, types, contract), 8)
    return f"{head}\n{text}\n{code.format(call=_call(method), host=host)}\n"


def _parameters(method: Method, types: Types, contract: Contract) -> str:
    request = contract.messages[method.start]
    of_spec = [_parameter(key, field, message, types) for key, field, message in _of_spec(contract)]
    own = [_parameter(field.name, field, request, types) for field in _own_fields(method)]
    command, *options = of_spec
    config = "config: container_config_pb2.ContainerSpec | dicts.ContainerSpecDict | None = None"
    running = ["check: bool = True", "progress: Callable[[common_pb2.Progress], object] | None = None"]
    last = [*running, "deadline: float | None = None"] if _runs(method) else ["deadline: float | None = None"]
    return ", ".join(["self", "image: str", command, "*", *own, *options, config, *last])


def _parameter(name: str, field: Field, message: Message, types: Types) -> str:
    return f"{name}: {types.argument(field, message, 'dicts.')} | None = None"


def _text(method: Method, types: Types, contract: Contract) -> str:
    """Return the text of the docstring."""
    note = CREATING[method.name][3]
    request = contract.messages[method.start]
    image = RUN_IMAGE if _runs(method) else types.prose.names(contract.messages[SPEC_MESSAGE].fields[0].comment)
    comments = [("image", image)]
    comments += [(key, types.comment(field, message)) for key, field, message in _of_spec(contract)]
    comments += [(field.name, types.comment(field, request)) for field in _own_fields(method)]
    more = [f"*config*: {CONFIG}", DEADLINE, *([CHECK, PROGRESS] if _runs(method) else [])]
    text = "\n\n".join(filter(None, [types.prose.of(method.comment), note, arguments(comments)]))
    return text + "".join(f"\n- {line}" for line in more)


def _call(method: Method) -> str:
    """Return the call of the RPC."""
    settings = "".join(f'"{path}": {key}, ' for key, path in {"image": "image", **SPEC}.items())
    settings += "" if _runs(method) else '"stdin_once": stdin_open, '
    config = f"config=container_spec(config, {{{settings}}})"
    return f'self.rpc("{method.name}")({config}, {values(_own_fields(method))}deadline=deadline)'


def _runs(method: Method) -> bool:
    return method.name == "RunContainer"


def _own_fields(method: Method) -> list[Field]:
    """Return the fields of the request that are no part of the container's configuration."""
    return [field for field in method.fields if field.name != "config"]


def _of_spec(contract: Contract) -> list[tuple[str, Field, Message]]:
    """Return the arguments of `SPEC`, each with its field and the message of the field."""
    return [(key, *spec_place(contract, path)) for key, path in SPEC.items()]


def spec_place(contract: Contract, path: str) -> tuple[Field, Message]:
    """Return the field at *path* of a `ContainerSpec`, and its message."""
    message = contract.messages[SPEC_MESSAGE]
    *parents, name = path.split(".")
    for parent in parents:
        field = message.field(parent)
        assert field is not None, path
        message = contract.messages[field.type]
    field = message.field(name)
    assert field is not None, path
    return field, message
