"""The forms of arguments that docker-py accepts besides the types of the fields.

Each function returns a value that the field itself accepts.  It returns a value of another form unchanged, and the
field accepts or refuses it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from dockfleet.sources import type_name as type_name

SHORTEST_HEALTH_NANOSECONDS = 1_000_000  # the Engine refuses less
PORT = re.compile(r"\d+(-\d+)?")
WINDOWS_PATH = re.compile(r"[A-Za-z]:[\\/][^:]*")
PROPAGATIONS = ("rshared", "shared", "rslave", "slave", "rprivate", "private")
BIND_KEYS = ("bind", "mode", "ro", "propagation")


def _command(value: Any) -> Any:
    return shlex.split(value) if isinstance(value, str) else value


def _environment(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return [_text(name) if each is None else f"{_text(name)}={_text(each)}" for name, each in value.items()]


def _binds(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return [":".join((_path(source), *_target(source, target))) for source, target in value.items()]


def _target(source: Any, target: Any) -> tuple[str, str]:
    if not isinstance(target, Mapping):
        return _path(target), "rw"
    if "bind" not in target or set(target) - set(BIND_KEYS):
        raise TypeError(f"the dict of {source!r} must have 'bind' and may have 'mode' or 'ro', and 'propagation'")
    if "ro" in target and "mode" in target:
        raise ValueError(f"the dict of {source!r} must not have both 'ro' and 'mode'")
    mode = ("ro" if target["ro"] else "rw") if "ro" in target else _path(target.get("mode", "rw"))
    propagation = target.get("propagation")
    if propagation is not None and propagation not in PROPAGATIONS:
        raise ValueError(f"the propagation of {source!r} must be one of {', '.join(PROPAGATIONS)}")
    return _path(target["bind"]), ",".join(part for part in (mode, propagation) if part)


def _port_bindings(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    result = {_port_key(port): _bindings(bindings) for port, bindings in value.items()}
    if len(result) < len(value):
        raise ValueError("a port is given twice: 80 and '80' are '80/tcp'")
    return result


def _port_key(port: Any) -> Any:
    if isinstance(port, bool) or not isinstance(port, (int, str)):
        raise TypeError(f"a key must be a port such as 80 or '80/tcp', not {type_name(port)}")
    return port if "/" in str(port) else f"{port}/tcp"


def _bindings(value: Any) -> Any:
    if isinstance(value, Message) or (isinstance(value, Mapping) and "items" in value):
        return value
    one = isinstance(value, tuple) or not is_list(value)  # a tuple is an address and a port
    return [_binding(value)] if one else [_binding(each) for each in value]


def _binding(value: Any) -> Any:
    if isinstance(value, (Message, Mapping)):
        return value
    if isinstance(value, tuple) and len(value) == 2:
        address, port = value
    elif isinstance(value, tuple) and len(value) == 1:
        address, port = (value[0], None) if isinstance(value[0], str) else (None, value[0])
    else:
        address, port = None, value
    return {"host_ip": address, "host_port": port}


def _host_port(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and text and not PORT.fullmatch(text):
        raise ValueError("must be a port or a range of ports, such as 8080 or '8000-8010'")
    return text


def _exposed_ports(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_port_key(port): each for port, each in value.items()}
    return [_exposed_port(each) for each in value] if is_list(value) else value


def _exposed_port(value: Any) -> Any:
    if isinstance(value, tuple) and len(value) == 2:
        return f"{value[0]}/{value[1]}"
    return _port_key(value[0] if isinstance(value, tuple) and len(value) == 1 else value)


def _volumes(value: Any) -> Any:
    value = [value] if isinstance(value, str) else value
    for path in value if is_list(value) else ():
        if isinstance(path, str) and ":" in path and not WINDOWS_PATH.fullmatch(path):
            raise ValueError("must be paths in the container: 'source:target' belongs to host_config.binds")
    return value


def _extra_hosts(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return [f"{_path(name)}:{_path(address)}" for name, address in sorted(value.items())]


def _links(value: Any) -> Any:
    if isinstance(value, Mapping):
        value = sorted(value.items())
    return [_link(each) for each in value] if is_list(value) else value


def _link(value: Any) -> Any:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return value
    container, alias = value
    return f"{_path(container)}:{_path(alias)}" if alias else _path(container)


def _filters(value: Any) -> Any:
    return {name: _filter(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def _filter(value: Any) -> Any:
    if isinstance(value, (str, int, float)):
        value = [value]
    return [_filter_text(each) for each in value] if is_list(value) else value


def _filter_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else _number_text(value)


def _labels(value: Any) -> Any:
    if not is_list(value):
        return value
    if any(isinstance(name, str) and "=" in name for name in value):
        raise ValueError("as a list it holds names only: values need a dict")
    return dict.fromkeys(value, "")


def _tmpfs(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {path: "" if options is None else options for path, options in value.items()}
    if not is_list(value):
        return value
    return dict(_path(mount).partition(":")[::2] for mount in value)


def _sysctls(value: Any) -> Any:
    return {name: _number_text(each) for name, each in value.items()} if isinstance(value, Mapping) else value


def _number_text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _devices(value: Any) -> Any:
    return [_device(each) for each in value] if is_list(value) else value


def _device(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    host, _, rest = value.partition(":")
    container, _, permissions = rest.partition(":")
    if not host or ":" in permissions:
        raise ValueError("as text, a device must be 'path', 'path:path' or 'path:path:permissions'")
    return {
        "path_on_host": host,
        "path_in_container": container or host,
        "cgroup_permissions": permissions or "rwm",
    }


def _texts_of_numbers(value: Any) -> Any:
    return [_number_text(each) for each in value] if is_list(value) else value


def _health_test(value: Any) -> Any:
    return ["CMD-SHELL", value] if isinstance(value, str) else value


def _health_time(value: Any) -> Any:
    """Return the duration of nanoseconds, which docker-py and the Engine count in."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    if value and value < SHORTEST_HEALTH_NANOSECONDS:
        raise ValueError("as a number it is nanoseconds, 0 or at least 1000000: a timedelta says what you mean")
    duration = Duration()
    duration.FromNanoseconds(value)
    return duration


def _path(value: Any) -> str:
    if isinstance(value, (str, bytes, os.PathLike)):
        return os.fsdecode(value)
    raise TypeError(f"its parts must be str, not {type_name(value)}")


def _text(value: Any) -> str:
    return str(value) if isinstance(value, (int, float)) else _path(value)


def is_list(value: Any) -> bool:
    """Return whether *value* is a list, a tuple or the like; texts and bytes are not."""
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray, memoryview))


class Form(NamedTuple):
    """A form of docker-py."""

    convert: Callable[[Any], Any]
    also: str = ""
    """What the field accepts besides its own type, for errors."""

    own_name_only: bool = False
    """Whether the form is for the field's name in the contract only: the Engine gives it another meaning."""


# The Engine takes a str as a single argument.  docker-py splits it, but not in the configuration of a commit.
_COMMAND = Form(_command, "a str, which is split as a shell does", own_name_only=True)
_COMMIT_COMMAND = Form(lambda value: value)
_HEALTH_TIME = Form(_health_time, "nanoseconds")
_LABELS = Form(_labels, "a list of names")
_USER = Form(_number_text, "an int")

FORMS: Mapping[str, Form] = {
    "binds": Form(_binds, "a dict such as {'/srv': {'bind': '/srv', 'mode': 'ro'}}"),
    "cmd": _COMMAND,
    "devices": Form(_devices),
    "entrypoint": _COMMAND,
    "env": Form(_environment, "a dict of names and values"),
    "exposed_ports": Form(_exposed_ports),
    "extra_hosts": Form(_extra_hosts, "a dict of names and addresses"),
    "filters": Form(_filters),
    "group_add": Form(_texts_of_numbers),
    "links": Form(_links, "a dict of containers and aliases"),
    "port_bindings": Form(_port_bindings),
    "sysctls": Form(_sysctls),
    "tmpfs": Form(_tmpfs, "a list such as ['/run:size=64m']"),
    "volumes_from": Form(lambda value: value.split(",") if isinstance(value, str) else value, "a str with commas"),
    "ContainerConfig.cmd": _COMMIT_COMMAND,
    "ContainerConfig.entrypoint": _COMMIT_COMMAND,
    "ContainerConfig.labels": _LABELS,
    "ContainerConfig.user": _USER,
    "ContainerConfig.volumes": Form(_volumes, "a str"),
    "ContainerSpec.labels": _LABELS,
    "ContainerSpec.user": _USER,
    "ContainerSpec.volumes": Form(_volumes, "a str"),
    "HealthConfig.interval": _HEALTH_TIME,
    "HealthConfig.start_interval": _HEALTH_TIME,
    "HealthConfig.start_period": _HEALTH_TIME,
    "HealthConfig.test": Form(_health_test, "a str, which a shell runs"),
    "HealthConfig.timeout": _HEALTH_TIME,
    "KillContainerRequest.signal": Form(_number_text, "an int"),
    "PortBinding.host_port": Form(_host_port, "an int"),
    "StreamLogsRequest.tail": Form(lambda value: None if value == "all" else value, "'all'"),
}
"""The forms, by field or by message and field."""

KEYS_HINTS = {
    "exposed_ports": "addresses and ports of the host belong to host_config.port_bindings",
    "volumes": "mounts with a source belong to host_config.binds",
}

OTHER_SPELLINGS = {"CPURealtimePeriod": "CpuRealtimePeriod", "CPURealtimeRuntime": "CpuRealtimeRuntime"}
"""What docker-py sends, by the Engine's name: the Engine ignores the case."""

DOCKER_PY_NAMES = {
    "auth_config": "registry_auth",
    "cgroupns": "cgroupns_mode",
    "command": "cmd",
    "container": "id",
    "cpu_period": "cpu_period_microseconds",
    "cpu_quota": "cpu_quota_microseconds",
    "cpu_rt_period": "cpu_realtime_period_microseconds",
    "cpu_rt_runtime": "cpu_realtime_runtime_microseconds",
    "device_read_bps": "blkio_device_read_bps",
    "device_read_iops": "blkio_device_read_iops",
    "device_write_bps": "blkio_device_write_bps",
    "device_write_iops": "blkio_device_write_iops",
    "dns_opt": "dns_options",
    "driver_opt": "driver_opts",
    "environment": "env",
    "kernel_memory": "kernel_memory_bytes",
    "mem_limit": "memory_bytes",
    "mem_reservation": "memory_reservation_bytes",
    "mem_swappiness": "memory_swappiness",
    "memswap_limit": "memory_swap_bytes",
    "network": "network_mode",
    "noprune": "no_prune",
    "ports": "port_bindings",
    "read_only": "readonly_rootfs",
    "remove": "auto_remove",
    "repository": "image",
    "shm_size": "shm_size_bytes",
    "stderr": "attach_stderr",
    "stdin": "attach_stdin",
    "stdin_open": "open_stdin",
    "stdout": "attach_stdout",
    "stop_timeout": "stop_timeout_seconds",
    "tag": "tags",
    "v": "remove_volumes",
    "workdir": "working_dir",
}
"""Parameters of docker-py, and the fields that have their meaning, for errors."""
