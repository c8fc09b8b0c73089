"""The services of one host: a class for each, with a method for each RPC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from protos.layers.model import Contract, Field, Message, Method, Reach, Service, Shape
from protos.layers.python_types import (
    OTHER_HERE,
    TYPES,
    Types,
    arguments,
    comment_of,
    docstring,
    is_required,
    parameter,
)

ATTRIBUTES = {
    "ContainerService": "containers",
    "DistributionService": "distribution",
    "ExecService": "exec",
    "ImageService": "images",
    "NetworkService": "networks",
    "SystemService": "system",
    "VolumeService": "volumes",
}

NAMES = {
    "CommitContainer": "commit",
    "Exec": "open",
    "GetContainerArchive": "get_archive",
    "GetContainerChanges": "diff",
    "GetImageHistory": "history",
    "ImportImage": "import_archive",
    "ListImageAttestations": "attestations",
    "BuildImage": "build_archive",
    "PruneBuildCache": "prune_build_cache",
    "PutContainerArchive": "put_archive",
    "RunContainer": "run",
    "SaveImages": "save_all",
    "StatContainerArchive": "stat_archive",
    "StreamEvents": "events",
    "StreamLogs": "log_messages",
    "StreamStats": "stats",
}
"""The methods that are not called by the verb of their RPC."""

VERBS = {"Inspect": "get"}

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

POSITIONAL = {
    "CommitContainerRequest": ("repo", "tag"),
    "CreateVolumeRequest": ("name",),
    "KillContainerRequest": ("signal",),
    "PullImageRequest": ("tag",),
    "PushImageRequest": ("tag",),
    "TagImageRequest": ("tag",),
}
"""The fields that may be left out and that docker-py takes by their place."""

ALL_TAGS = "*all_tags*: pull all tags of the repository"
PULLED_TAG = "pulled_tag(image, tag, all_tags)"
"""A pull without a tag takes `latest`, as with docker-py and docker.  The Engine would pull all tags."""

SPEC_MESSAGE = "dockfleet.v1.ContainerSpec"
CONFIG = "what else the container has, or all of it"
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

DEADLINE = "*deadline*: how long the call may take, in seconds; without it, the gateway's own limits hold"
RETRY = "*retry_seconds*: for how long a broken stream is called again; 0 is never"
PROGRESS = "*progress*: is called with each report of progress"
SOURCE = "*source*: the bytes: as bytes, a file open in binary mode, or pieces of bytes"
CASES = {
    "resuming": "The stream continues after a failure of the gateway or a connection: see `ResumingStream`.",
    "progress": "The call ends when the work is done.",
}

HEAD = """from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from dockfleet.aio.calling import Service
from dockfleet.aio.operations import ImageOperations
from dockfleet.aio.proceeding import proceed, ran
from dockfleet.aio.resuming import Lines, ResumingStream
from dockfleet.aio.session import Session
from dockfleet.aio.stream import AsyncSource, Stream, download
from dockfleet.resume_state import RETRY_SECONDS
from dockfleet.results import ImageResult, Listing, RunResult
from dockfleet.specs import container_spec, pulled_tag
"""

BASES = {"ImageService": "ImageOperations"}

LOGS = '''
    def logs(
        self, {parameters}
    ) -> Lines:
        """Return the log of a container by lines.  They have no line feed; a `partial` entry continues in the next.

        The stream resumes as `log_messages` does.  When the engine has lost lines, it raises `Gap`; with `strict=False`
        it skips them silently.  `log_messages` has the arguments, reports gaps, restarts and the end, and can continue
        in another process.
        """
        return Lines(self.log_messages({values}))
'''


def module(contract: Contract, types: Types) -> str:
    """Return the module."""
    services = [each for each in contract.services if each.reach is Reach.HOST]
    classes = "\n\n".join(_class(service, types, contract) for service in services)
    return f"{HEAD}{types.imports()}\n{TYPES}\n\n{classes}"


def method_name(service: Service, method: Method) -> str:
    """Return the name of the method for an RPC."""
    if method.name in NAMES:
        return NAMES[method.name]
    nouns = service.name.removesuffix("Service")
    verb = re.sub(f"(Get)?(.+?)({nouns}s?)?$", lambda match: match[2], method.name)
    return re.sub("(?<!^)([A-Z])", r"_\1", VERBS.get(verb, verb)).lower()


def _class(service: Service, types: Types, contract: Contract) -> str:
    base = BASES.get(service.name, "Service")
    name = service.name.removesuffix("Service")
    plural = name if ATTRIBUTES[service.name] == name.lower() else f"{name}s"
    methods = "\n".join(
        creating(method, types, contract) if method.name in CREATING else _method(service, method, types, contract)
        for method in service.methods
    )
    return f"class {plural}({base}):\n{docstring(service.comment)}\n\n{methods}"


def _method(service: Service, method: Method, types: Types, contract: Contract) -> str:
    fields = sorted(method.fields, key=lambda field: not is_required(field))
    returns, body, notes, more = _body(method, types, contract)
    parameters = signature(fields, method, types, contract, more)
    message = contract.messages[method.start]
    comments = [(parameter(field.name), comment_of(field, message)) for field in fields]
    parts = [part for part in _parts(method.comment) if part not in OTHER_HERE]
    text = "\n\n".join(filter(None, [*parts, *notes, arguments(comments)]))
    text += "".join(f"\n- {line}" for line in more.values())
    if not comments and more:
        text = text.replace("\n- ", "\n\nArguments:\n\n- ", 1)
    coroutine = "async " if "await " in body else ""
    name = method_name(service, method)
    head = f"    {coroutine}def {name}(self, {parameters}) -> {returns}:\n"
    code = f"{head}{docstring(text, 8)}\n{body}\n"
    if method.name == "StreamLogs":
        keyword_fields = [field for field in fields if field.name not in ("resume_token",)]
        values = ", ".join(f"{parameter(each.name)}={parameter(each.name)}" for each in keyword_fields)
        plain = signature(keyword_fields, method, types, contract, more).replace(
            "strict: bool | None = None", "strict: bool | None = True"
        )
        code += LOGS.format(parameters=plain, values=f"{values}, retry_seconds=retry_seconds, deadline=deadline")
    return code


def signature(fields: Sequence[Field], method: Method, types: Types, contract: Contract, more: dict[str, str]) -> str:
    """Return the parameters after `self`."""
    message = contract.messages[method.start]
    first = ["source: AsyncSource"] if "source" in more else []
    last: list[str] = []
    named: list[str] = []
    for field in fields:
        kind = types.argument(field, message, "dicts.")
        if is_required(field):
            first.append(f"{parameter(field.name)}: {kind}")
        else:
            by_place = field.name in POSITIONAL.get(message.name, ())
            (last if by_place else named).append(f"{parameter(field.name)}: {kind} | None = None")
    if "all_tags" in more:
        named.append("all_tags: bool = False")
    if "progress" in more:
        named.append("progress: Callable[[common_pb2.Progress], object] | None = None")
    if "retry_seconds" in more:
        named.append("retry_seconds: float = RETRY_SECONDS")
    named.append("deadline: float | None = None")
    return ", ".join([*first, *last, "*", *named])


def _parts(comment: str) -> Iterator[str]:
    yield from comment.split("\n\n")


def values(fields: Sequence[Field]) -> str:
    """Return the arguments of the call."""
    return "".join(f"{field.name}={parameter(field.name)}, " for field in fields)


def _body(method: Method, types: Types, contract: Contract) -> tuple[str, str, list[str], dict[str, str]]:
    """Return the type of the answer, the code, notes for the docstring, and what comes with the fields."""
    response = contract.messages[method.response]
    more = {"deadline": DEADLINE}
    call = f'self.rpc("{method.name}")({values(method.fields)}deadline=deadline)'
    whole = types.message(method.response)
    if method.shape in (Shape.UPLOAD, Shape.UPLOAD_STREAM):
        more = {"source": SOURCE, **more}
        call = call.replace(")(", ")(source, ", 1)
    if method.name == "PullImage":
        more["all_tags"] = ALL_TAGS
        call = call.replace("tag=tag", f"tag={PULLED_TAG}")
    if response.field("progress"):
        more = {**more, "progress": PROGRESS}
        return "ImageResult", f"        return await proceed({call}, progress)", [CASES["progress"]], more
    if method.shape is Shape.RESUMING:
        more["retry_seconds"] = RETRY
        call = call.replace('self.rpc("', 'self._resuming("').replace("deadline=", "retry_seconds, deadline=", 1)
        call = f'self._resuming("{method.name}", retry_seconds, deadline, {values(method.fields)})'
        return f"ResumingStream[{whole}]", f"        return {call}", [CASES["resuming"]], more
    if method.shape is Shape.DOWNLOAD:
        return "AsyncIterator[bytes]", f"        return download({call})", [], more
    if method.shape is Shape.SESSION:
        return "Session", f"        session: Session = {call}\n        return session", [], more
    if method.shape is Shape.STREAM:
        return f"Stream[{whole}]", f"        return {call}", [], more
    return (*_unary(call, method, types, contract), [], more)


def _unary(call: str, method: Method, types: Types, contract: Contract) -> tuple[str, str]:
    response = contract.messages[method.response]
    fields = response.fields
    if not fields:
        return "None", f"        await {call}"
    listed = method.name.startswith("List")
    if (len(fields) == 1 or listed) and (fields[0].is_message or listed):
        kind, answer = types.answer(fields[0]), f"response.{fields[0].name}"
        whole = types.message(method.response)
        received = f"        response: {whole} = await {call}\n"
        if fields[0].repeated:
            return f"Listing[{kind}, {whole}]", f"{received}        return Listing({answer}, response)"
        return kind, f"{received}        return {answer}"
    whole = types.message(method.response)
    return whole, f"        response: {whole} = await {call}\n        return response"


def creating(method: Method, types: Types, contract: Contract, host: str = "self._host") -> str:
    """Return the method that creates or runs a container, with docker-py's arguments; *host* is the host's name."""
    name, returns, code, note = CREATING[method.name]
    spec = {argument: spec_place(contract, path) for argument, path in SPEC.items()}
    fields = [field for field in method.fields if field.name != "config"]
    kinds = {key: types.argument(field, message, "dicts.") for key, (field, message) in spec.items()}
    named = [f"{key}: {kind} | None = None" for key, kind in kinds.items()]
    command = named.pop(0)
    request = contract.messages[method.start]
    own = [f"{each.name}: {types.argument(each, request, 'dicts.')} | None = None" for each in fields]
    comments = [("image", contract.messages[SPEC_MESSAGE].fields[0].comment)]
    comments += [(key, field.comment) for key, (field, _) in spec.items()]
    comments += [(field.name, field.comment) for field in fields]
    lines = [f"*config*: {CONFIG}", DEADLINE]
    config = "config: container_config_pb2.ContainerSpec | dicts.ContainerSpecDict | None = None"
    last = ["deadline: float | None = None"]
    if name == "run":
        lines += [CHECK, PROGRESS]
        last = ["check: bool = True", "progress: Callable[[common_pb2.Progress], object] | None = None", *last]
    parameters = ", ".join(["self", "image: str", command, "*", *own, *named, config, *last])
    settings = "".join(f'"{path}": {key}, ' for key, path in {"image": "image", **SPEC}.items())
    settings += '"stdin_once": stdin_open, ' if name == "create" else ""
    spec_code = f"config=container_spec(config, {{{settings}}})"
    call = f'self.rpc("{method.name}")({spec_code}, {values(fields)}deadline=deadline)'
    text = "\n\n".join(filter(None, [*_parts(method.comment), note, arguments(comments)]))
    text += "".join(f"\n- {line}" for line in lines)
    body = code.format(call=call, host=host)
    return f"    async def {name}({parameters}) -> {returns}:\n{docstring(text, 8)}\n{body}\n"


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
