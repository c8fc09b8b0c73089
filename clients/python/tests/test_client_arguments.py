"""Arguments: what docker-py accepts means the same here, and everything else is refused before anything is sent."""

from __future__ import annotations

import asyncio
import io
import json
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import docker
import dockfleet
import dockfleet.aio
import pytest
from docker import types, utils
from dockfleet.arguments import build
from dockfleet.calls import METHODS
from dockfleet.docker_forms import FORMS
from dockfleet.options.v1 import options_pb2
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1.common_pb2 import StringList
from dockfleet.v1.container_config_pb2 import ContainerSpec, PortBindings
from dockfleet.v1.exec_pb2 import CreateExecResponse, ExecResponse
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from clients.python.tests.scripted_gateway import RPCS, Gateway

VERSION = "1.47"


def engine_json(message: Message) -> Any:
    """Return *message* as the Engine reads it, without what is unset."""
    kind = message.DESCRIPTOR
    if kind.GetOptions().Extensions[options_pb2.message].json_form == options_pb2.JSON_FORM_ARRAY:
        return [_engine_value(kind.fields_by_name["items"], each) for each in message.items]  # type: ignore[attr-defined]
    return {field.json_name: _engine_field(field, value) for field, value in message.ListFields()}


def _engine_field(field: FieldDescriptor, value: Any) -> Any:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        return {key: _engine_value(kind.fields_by_name["value"], each) for key, each in value.items()}
    if field.is_repeated:
        items = [_engine_value(field, each) for each in value]
        keys = field.GetOptions().Extensions[options_pb2.field].json_form == options_pb2.JSON_FORM_KEYS
        return {each: {} for each in items} if keys else items
    return _engine_value(field, value)


def _engine_value(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is None:
        return value
    if field.message_type.full_name == "google.protobuf.Duration":
        return value.ToNanoseconds()
    return engine_json(value)


def spec(**fields: Any) -> Any:
    return build(ContainerSpec.DESCRIPTOR, {"image": "x", **fields})


HOST_CONFIG = [  # the parameter of docker-py, what it accepts, and the field here
    ("binds", {"/tmp": {"bind": "/x"}}, "binds"),
    ("binds", {"/tmp": {"bind": "/x", "mode": "ro"}}, "binds"),
    ("binds", {"/tmp": {"bind": "/x", "ro": True}, "data": {"bind": "/y", "ro": False}}, "binds"),
    ("binds", {"/tmp": {"bind": "/x", "mode": "z", "propagation": "rshared"}}, "binds"),
    ("binds", {"/tmp": {"bind": "/x", "mode": "", "propagation": "slave"}}, "binds"),
    ("binds", {"/tmp": "/x"}, "binds"),
    ("binds", {b"/tmp": {"bind": b"/x", "mode": "rw"}}, "binds"),
    ("binds", {Path("/tmp"): Path("/x")}, "binds"),
    ("binds", ["/tmp:/x:ro", "data:/y"], "binds"),
    ("port_bindings", {"80/tcp": 8080}, "port_bindings"),
    ("port_bindings", {80: 8080}, "port_bindings"),
    ("port_bindings", {"80": "8080"}, "port_bindings"),
    ("port_bindings", {"80/udp": "8000-8010"}, "port_bindings"),
    ("port_bindings", {"80/tcp": None}, "port_bindings"),
    ("port_bindings", {"80/tcp": ("127.0.0.1", 8080)}, "port_bindings"),
    ("port_bindings", {"80/tcp": ("127.0.0.1", None)}, "port_bindings"),
    ("port_bindings", {"80/tcp": ("127.0.0.1",)}, "port_bindings"),
    ("port_bindings", {"80/tcp": (8080,)}, "port_bindings"),
    ("port_bindings", {"80/tcp": [8080, ("127.0.0.1", 8081), None]}, "port_bindings"),
    ("port_bindings", {"80/tcp": {"HostPort": 8080}}, "port_bindings"),
    ("port_bindings", {"80/tcp": [{"HostPort": "8080", "HostIp": "::1"}]}, "port_bindings"),
    ("port_bindings", {"80/tcp": []}, "port_bindings"),
    ("devices", ["/dev/sda:/dev/xvda:r", "/dev/ttyUSB0", "/dev/fuse:/dev/f"], "devices"),
    ("devices", [{"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "rwm"}], "devices"),
    ("mem_limit", "512m", "memory_bytes"),
    ("mem_limit", "1.5g", "memory_bytes"),
    ("mem_limit", "64KB", "memory_bytes"),
    ("mem_limit", "1000", "memory_bytes"),
    ("mem_limit", "", "memory_bytes"),
    ("mem_limit", 1 << 20, "memory_bytes"),
    ("memswap_limit", "-1", "memory_swap_bytes"),
    ("memswap_limit", -1, "memory_swap_bytes"),
    ("mem_reservation", "10M", "memory_reservation_bytes"),
    ("shm_size", "1G", "shm_size_bytes"),
    ("ulimits", [types.Ulimit(name="nofile", soft=10, hard=20)], "ulimits"),
    ("ulimits", [{"name": "nproc", "soft": 5}, {"Name": "core", "Hard": -1}], "ulimits"),
    ("restart_policy", {"Name": "on-failure", "MaximumRetryCount": 5}, "restart_policy"),
    ("log_config", types.LogConfig(type="json-file", config={"max-size": "1g"}), "log_config"),
    ("log_config", {"type": "journald", "config": {"tag": "x"}}, "log_config"),
    ("extra_hosts", {"b": "10.0.0.2", "a": "10.0.0.1"}, "extra_hosts"),
    ("extra_hosts", ["a:10.0.0.1"], "extra_hosts"),
    ("links", {"web": "www", "db": None}, "links"),
    ("links", [("web", "www")], "links"),
    ("tmpfs", {"/run": "size=64m", "/tmp": ""}, "tmpfs"),
    ("tmpfs", ["/run:size=64m,mode=1777", "/tmp"], "tmpfs"),
    ("sysctls", {"net.core.somaxconn": 1024, "net.ipv4.ip_forward": "1"}, "sysctls"),
    ("group_add", [1000, "audio"], "group_add"),
    ("volumes_from", "web,db:ro", "volumes_from"),
    ("volumes_from", ["web"], "volumes_from"),
    ("cap_add", ["NET_ADMIN"], "cap_add"),
    ("dns", ["1.1.1.1"], "dns"),
    ("security_opt", ["no-new-privileges"], "security_opt"),
    ("storage_opt", {"size": "120G"}, "storage_opt"),
    ("device_requests", [{"count": -1, "capabilities": [["gpu", "compute"]]}], "device_requests"),
    ("device_requests", [types.DeviceRequest(device_ids=["0"], driver="nvidia")], "device_requests"),
    ("blkio_weight_device", [{"Path": "/dev/sda", "Weight": 100}], "blkio_weight_device"),
    ("device_read_bps", [{"Path": "/dev/sda", "Rate": 1000}], "blkio_device_read_bps"),
    ("mounts", [types.Mount("/x", "/y", type="bind", propagation="rslave", read_only=True)], "mounts"),
    ("mounts", [types.Mount("/x", "v", no_copy=True, labels={"a": "b"})], "mounts"),
    ("mounts", [types.Mount("/x", None, type="tmpfs", tmpfs_size="64m", tmpfs_mode=0o755)], "mounts"),
    ("init", True, "init"),
    ("nano_cpus", 1_500_000_000, "nano_cpus"),
    ("pids_limit", -1, "pids_limit"),
    ("read_only", True, "readonly_rootfs"),
    ("cgroupns", "host", "cgroupns_mode"),
]


def _named(rows: list[tuple[Any, ...]]) -> list[Any]:
    return [pytest.param(*row, id=f"{row[0]}={row[1]!r}"[:60]) for row in rows]


@pytest.mark.parametrize(("parameter", "value", "field"), _named(HOST_CONFIG))
def test_a_host_config_is_what_docker_py_sends(parameter: str, value: Any, field: str) -> None:
    """Each form of each parameter of docker-py's `HostConfig` reaches the Engine as docker-py sends it."""
    sent_by_docker_py = dict(types.HostConfig(VERSION, **{parameter: value}))
    sent_by_docker_py.pop("NetworkMode")

    message = spec(host_config={field: value}).host_config

    assert _comparable(engine_json(message)) == _comparable(sent_by_docker_py)


CONTAINER_CONFIG = [
    ("command", "echo 'a b' c", "cmd"),
    ("command", ["echo", "a b"], "cmd"),
    ("command", ("echo", "a b"), "cmd"),
    ("entrypoint", "sh -c", "entrypoint"),
    ("entrypoint", ["sh", "-c"], "entrypoint"),
    ("entrypoint", "", "entrypoint"),
    ("environment", {"A": "1", "B": None, "C": 3, "D": b"x", "E": True}, "env"),
    ("environment", ["A=1", "B"], "env"),
    ("labels", ["a", "b"], "labels"),
    ("labels", {"a": "1"}, "labels"),
    ("ports", [80, (53, "udp"), ("443",)], "exposed_ports"),
    ("ports", {"80/tcp": {}}, "exposed_ports"),
    ("volumes", "/data", "volumes"),
    ("volumes", ["/data", "/more"], "volumes"),
    ("volumes", {"/data": {}}, "volumes"),
    ("volumes", r"c:\data", "volumes"),
    ("user", 1000, "user"),
    ("user", "www:www", "user"),
    ("healthcheck", {"test": "curl localhost", "interval": 30_000_000_000, "retries": 3}, "healthcheck"),
    ("healthcheck", {"Test": ["CMD", "true"], "Timeout": 1_000_000}, "healthcheck"),
    ("healthcheck", types.Healthcheck(test=["NONE"]), "healthcheck"),
    ("stop_timeout", 0, "stop_timeout_seconds"),
    ("stop_signal", "SIGINT", "stop_signal"),
    ("tty", True, "tty"),
    ("networking_config", types.NetworkingConfig({"n": types.EndpointConfig(
        VERSION, aliases=["a"], links=[("db", "d")], ipv4_address="10.0.0.9", driver_opt={"x": "y"}
    )}), "networking_config"),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "value", "field"), _named(CONTAINER_CONFIG))
def test_a_container_config_is_what_docker_py_sends(parameter: str, value: Any, field: str) -> None:
    """The same for the parameters of `create_container`."""
    defaults = types.ContainerConfig(VERSION, "x", None)
    config = types.ContainerConfig(VERSION, **{"image": "x", "command": None, parameter: value})
    sent_by_docker_py = {key: each for key, each in config.items() if each != defaults[key] or each is True}
    sent_by_docker_py = {key: each for key, each in sent_by_docker_py.items() if not key.startswith("Attach")}

    message = spec(**{field: value})
    message.ClearField("image")

    assert _comparable(engine_json(message)) == _comparable(sent_by_docker_py)


EMPTY_IS_ABSENT = (
    "Capabilities",
    "Config",
    "Count",
    "DeviceIDs",
    "Driver",
    "HostIp",
    "HostPort",
    "Options",
    "ReadOnly",
)


def _comparable(value: Any) -> Any:
    """Leave out what the Engine reads as absent: null, and what docker-py sends as empty."""
    if isinstance(value, Mapping):
        content = {key: _comparable(each) for key, each in value.items() if each is not None}
        return {key: each for key, each in content.items() if each or key not in EMPTY_IS_ABSENT}
    return [_comparable(each) for each in value] if isinstance(value, (list, tuple)) else value


def test_whole_objects_of_docker_py_are_accepted(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A container configuration with a host configuration, as `create_container_from_config` takes it."""
    gateway.on("CreateContainer", containers.CreateContainerResponse(id="c"))
    host_config = types.HostConfig(VERSION, binds={"/a": {"bind": "/b"}}, port_bindings={80: 8080}, mem_limit="1g")
    config = types.ContainerConfig(
        VERSION, "nginx", "nginx -g 'daemon off;'", environment={"A": "1"}, ports=[80], host_config=host_config
    )

    fleet.host("a").containers.rpc("CreateContainer")(config=config)

    sent = gateway.requests[0].config
    assert (sent.image, list(sent.cmd), list(sent.env)) == ("nginx", ["nginx", "-g", "daemon off;"], ["A=1"])
    assert (list(sent.exposed_ports), list(sent.host_config.binds)) == (["80/tcp"], ["/a:/b:rw"])
    assert sent.host_config.port_bindings["80/tcp"].items[0].host_port == "8080"
    assert sent.host_config.memory_bytes == 1 << 30


FILTERS = [
    {"status": "exited"},
    {"status": ["exited", "dead"]},
    {"dangling": True},
    {"dangling": False},
    {"exited": 0},
    {"exited": [0, 1]},
    {"until": 1.5},
    {"label": ["a", "b=c"], "name": "web"},
    {},
]


@pytest.mark.parametrize("filters", FILTERS, ids=repr)
def test_filters_are_what_docker_py_sends(gateway: Gateway, fleet: dockfleet.Fleet, filters: Any) -> None:
    """Single values, lists, numbers and truth values."""
    gateway.on("ListContainers", containers.ListContainersResponse())

    fleet.host("a").containers.rpc("ListContainers")(filters=filters)

    sent = {name: list(values.items) for name, values in gateway.requests[0].filters.items()}
    assert sent == json.loads(utils.convert_filters(filters))


@pytest.mark.parametrize("text", ["0", "7", "7b", "7k", "7K", "7kb", "2.5m", "3Gb", "-1", ""])
def test_a_size_is_what_docker_py_reads(text: str) -> None:
    """`docker.utils.parse_bytes` is the reference."""
    assert spec(host_config={"memory_bytes": text}).host_config.memory_bytes == utils.parse_bytes(text)


@settings(deadline=None)
@given(st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,3})?[bkmgtBKMGT]?[bB]?", fullmatch=True))
def test_any_size_is_what_docker_py_reads(text: str) -> None:
    """Or is refused by both."""
    try:
        expected = utils.parse_bytes(text)
    except docker.errors.DockerException:
        with pytest.raises(ValueError, match="a number of bytes"):
            spec(host_config={"memory_bytes": text})
    else:
        assert spec(host_config={"memory_bytes": text}).host_config.memory_bytes == int(expected)


EXEC = [
    ("echo hi", None),
    ("sh -c 'echo \"$A\"'", {"A": "1"}),
    (["echo", "hi"], {"A": None, "B": 2}),
    (["echo"], ["A=1"]),
]


@pytest.mark.parametrize(("cmd", "environment"), EXEC)
def test_an_exec_is_what_docker_py_sends(gateway: Gateway, cmd: Any, environment: Any) -> None:
    """By `execute` of both clients, and by the RPCs."""
    expected = _exec_of_docker_py(cmd, environment)
    gateway.on("Exec", lambda requests, context: next(requests) and [ExecResponse(end={"exit_code": 0})])
    gateway.on("CreateExec", CreateExecResponse(id="e"))

    async def execute() -> None:
        async with dockfleet.aio.connect(gateway.address) as fleet:
            await fleet.host("a").execute("web", cmd, env=environment)

    with dockfleet.connect(gateway.address) as fleet:
        fleet.host("a").execute("web", cmd, env=environment)
        fleet.host("a").exec.rpc("CreateExec")(id="web", cmd=cmd, env=environment)
    asyncio.run(execute())

    starts = [getattr(request, "start", request) for request in gateway.requests]
    assert [(list(start.cmd), list(start.env)) for start in starts] == [expected] * 3


def _exec_of_docker_py(cmd: Any, environment: Any) -> tuple[list[str], list[str]]:
    client: Any = docker.APIClient(base_url="http://127.0.0.1:1", version=VERSION)
    bodies: list[Any] = []
    client._post_json = lambda url, data, **kwargs: bodies.append(data)
    client._result = lambda *args, **kwargs: None
    client.exec_create("web", cmd, environment=environment)
    return bodies[0]["Cmd"], bodies[0]["Env"] or []


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is 9 hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def local_times() -> list[tuple[Any, int]]:
    second = 1714521600
    return [
        (second, second * 10**9),
        (second + 0.5, second * 10**9 + 5 * 10**8),
        (1714521600.1, 1714521600_100_000_000),
        (0, 0),
        (datetime(2024, 5, 1, tzinfo=UTC), second * 10**9),
        (datetime(2024, 5, 1, 9, 0, 0, 7, tzinfo=timezone(timedelta(hours=9))), second * 10**9 + 7000),
        (datetime(2024, 5, 1, 9), second * 10**9),
        (Timestamp(seconds=second, nanos=5), second * 10**9 + 5),
        ({"seconds": second, "nanos": 5}, second * 10**9 + 5),
    ]


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(("value", "nanoseconds"), local_times(), ids=lambda each: repr(each)[:40])
def test_a_time_is_seconds_or_a_datetime(
    gateway: Gateway, fleet: dockfleet.Fleet, value: Any, nanoseconds: int
) -> None:
    """A naive `datetime` is local time, as for docker-py and Python's own `timestamp()`; nothing is rounded."""
    gateway.on("StreamLogs", [])

    list(fleet.host("a").logs("web", since=value, until=value))

    (request,) = gateway.requests
    assert request.since.ToNanoseconds() == request.until.ToNanoseconds() == nanoseconds
    if isinstance(value, datetime):
        assert utils.datetime_to_timestamp(value) == nanoseconds // 10**9


def test_all_lines_are_the_default_of_docker_py(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`tail="all"` is no limit."""
    gateway.on("StreamLogs", [])

    list(fleet.host("a").logs("web", tail="all"))

    assert gateway.requests == [containers.StreamLogsRequest(host="a", id="web", strict=True)]


def test_a_signal_may_be_a_number(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """As for docker-py's `kill`."""
    gateway.on("KillContainer", containers.KillContainerResponse())

    fleet.host("a").containers.rpc("KillContainer")(id="web", signal=9)

    assert gateway.requests[0].signal == "9"


HEALTH = [(timedelta(seconds=30), 30 * 10**9), (30 * 10**9, 30 * 10**9), (0, 0), ({"seconds": 30}, 30 * 10**9)]


@pytest.mark.parametrize(("value", "nanoseconds"), HEALTH)
def test_a_time_of_a_health_check_is_a_timedelta_or_nanoseconds(value: Any, nanoseconds: int) -> None:
    """docker-py and the Engine count in nanoseconds."""
    assert spec(healthcheck={"interval": value}).healthcheck.interval.ToNanoseconds() == nanoseconds


OWN_FORMS = [  # what the contract has, in the forms that Python has for it
    ({"entrypoint": StringList(items=["sh"])}, {"entrypoint": {"items": ["sh"]}}),
    ({"entrypoint": {"items": ["sh"]}}, {"entrypoint": ["sh"]}),
    ({"cmd": deque(["a", "b"])}, {"cmd": ["a", "b"]}),
    ({"cmd": spec(cmd=["a"]).cmd}, {"cmd": ["a"]}),
    ({"labels": spec(labels={"a": "b"}).labels}, {"labels": {"a": "b"}}),
    ({"host_config": {"console_size": [24, 80]}}, {"host_config": {"console_size": {"height": 24, "width": 80}}}),
    ({"host_config": {"console_size": {"h": 24, "w": 80}}}, {"host_config": {"console_size": (24, 80)}}),
    (
        {"host_config": {"port_bindings": {"80/tcp": PortBindings(items=[{"host_port": "1"}])}}},
        {"host_config": {"port_bindings": {"80/tcp": {"items": [{"host_port": 1}]}}}},
    ),
    (
        {"Image": "x", "Cmd": ["a"], "HostConfig": {"Binds": ["/a:/b"]}},
        {"cmd": ["a"], "host_config": {"binds": ["/a:/b"]}},
    ),
    ({"host_config": {"CPURealtimePeriod": 5}}, {"host_config": {"cpu_realtime_period_microseconds": 5}}),
    ({"env": None, "tty": None, "host_config": None}, {}),
]


@pytest.mark.parametrize(("one", "other"), OWN_FORMS, ids=lambda each: repr(each)[:50])
def test_forms_of_the_contract_are_accepted(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Messages, dicts of fields by either name, lists and tuples; None is absent."""
    image = {} if "Image" in one else {"image": "x"}

    assert build(ContainerSpec.DESCRIPTOR, {**image, **one}) == spec(**other)


REFUSED = [  # the field, what it gets, and what the error says
    ("env", "A=1", "config.env must be a list of str or a dict of names and values, not str"),
    ("env", ["A=1", 5], r"config.env\[1\] must be str, not int"),
    ("env", [b"A=1"], r"config.env\[0\] must be str, not bytes"),
    ("env", {"A": ["1"]}, "config.env: its parts must be str, not list"),
    ("env", {"A=1"}, "config.env must be a list of str .*, not set"),
    ("env", (each for each in ("A=1",)), "config.env must be a list of str .*, not generator"),
    ("cmd", b"echo", "config.cmd must be a list of str or a str.*, not bytes"),
    ("cmd", "echo 'a", "config.cmd: No closing quotation"),
    ("cmd", {"a": "b"}, "config.cmd must be a list of str"),
    ("Cmd", "echo hi", "config.cmd must be a list of str .*, not str"),
    ("Entrypoint", "sh -c", "config.entrypoint must be a list, not str"),
    ("cmd", ["sleep", 5], r"config.cmd\[1\] must be str, not int"),
    ("entrypoint", 5, "config.entrypoint must be a list"),
    ("shell", "sh -c", "config.shell must be a list of str, not str"),
    ("on_build", "RUN x", "config.on_build must be a list of str, not str"),
    ("labels", "a=b", "config.labels must be a dict of str to str or a list of names, not str"),
    ("labels", ["a=b"], "config.labels: as a list it holds names only"),
    ("labels", {"a": 1}, r"config.labels\['a'\] must be str, not int"),
    ("labels", {"a": None}, r"config.labels\['a'\] must be str, not NoneType"),
    ("labels", {1: "a"}, "a key of config.labels must be str, not int"),
    ("volumes", {"/tmp": {"bind": "/x"}}, "config.volumes: .* belong to host_config.binds"),
    ("volumes", ["/tmp:/x"], "config.volumes: .* belongs to host_config.binds"),
    ("exposed_ports", {"80/tcp": 8080}, "config.exposed_ports: .* belong to host_config.port_bindings"),
    ("exposed_ports", "80", "config.exposed_ports must be a list of str, not str"),
    ("tty", 1, "config.tty must be True or False, not int"),
    ("tty", "false", "config.tty must be True or False, not str"),
    ("stop_timeout_seconds", True, "config.stop_timeout_seconds must be an int, not bool"),
    ("stop_timeout_seconds", 1.5, "config.stop_timeout_seconds must be an int, not float"),
    ("stop_timeout_seconds", "5", "config.stop_timeout_seconds must be an int, not str"),
    ("stop_timeout_seconds", 1 << 63, "config.stop_timeout_seconds must be from"),
    ("user", 1.5j, "config.user must be str or an int, not complex"),
    ("hostname", 5, "config.hostname must be str, not int"),
    ("hostname", b"h", "config.hostname must be str, not bytes"),
    ("hostname", "\ud800", "config.hostname must be text that UTF-8 can encode"),
    ("healthcheck", {"interval": 30}, "config.healthcheck.interval: as a number it is nanoseconds"),
    ("healthcheck", {"interval": 1.5}, "config.healthcheck.interval must be a timedelta, not float"),
    ("healthcheck", {"test": 5}, "config.healthcheck.test must be a list of str or a str, which a shell runs, not int"),
    ("healthcheck", [], "config.healthcheck must be a HealthConfig or a dict of its fields, not list"),
    ("healthcheck", StringList(), "config.healthcheck must be a HealthConfig .*, not StringList"),
    ("command", "x", 'config: ContainerSpec has no "command" field; use cmd'),
    ("environment", {}, 'config: ContainerSpec has no "environment" field; use env'),
    ("binds", [], 'config: ContainerSpec has no "binds" field; use host_config.binds'),
    ("mem_limit", "1g", 'config: ContainerSpec has no "mem_limit" field; use host_config.memory_bytes'),
    ("workingdir", "/", 'config: ContainerSpec has no "workingdir" field; did you mean working_dir'),
    ("Entrypiont", [], 'config: ContainerSpec has no "Entrypiont" field; did you mean entrypoint'),
    (5, [], "config: a key must be a str, not int"),
    ("Image", "y", "config.image is given twice"),
]

HOST_REFUSED = [
    ("binds", "/tmp:/x", "binds must be a list of str or a dict such as .*, not str"),
    ("binds", {"/tmp": {"mode": "ro"}}, "binds: the dict of '/tmp' must have 'bind'"),
    ("binds", {"/tmp": {"bind": "/x", "mod": "ro"}}, "binds: the dict of '/tmp' must have 'bind'"),
    ("binds", {"/tmp": {"bind": "/x", "ro": True, "mode": "rw"}}, "must not have both"),
    ("binds", {"/tmp": {"bind": "/x", "propagation": "all"}}, "the propagation of '/tmp' must be one of"),
    ("binds", {"/tmp": 5}, "binds: its parts must be str, not int"),
    ("binds", {5: "/x"}, "binds: its parts must be str, not int"),
    ("port_bindings", ["8080:80"], "port_bindings must be a dict of str to a list, not list"),
    ("port_bindings", {"80/tcp": "127.0.0.1:80"}, r"host_port: must be a port or a range of ports"),
    ("port_bindings", {"80/tcp": True}, r"host_port must be str or an int, not bool"),
    ("port_bindings", {"80/tcp": 80.0}, r"host_port must be str or an int, not float"),
    ("port_bindings", {"80/tcp": ("a", 1, 2)}, r"host_port must be str or an int, not tuple"),
    ("port_bindings", {80: 1, "80/tcp": 2}, "port_bindings: a port is given twice"),
    ("port_bindings", {80.5: 80}, "port_bindings: a key must be a port"),
    ("port_bindings", {"80/tcp": {"HostPrt": 80}}, 'has no "HostPrt" field; did you mean host_port'),
    ("devices", "/dev/sda", "devices must be a list of a DeviceMapping or a dict of its fields, not str"),
    ("devices", ["/dev/a:b:c:d"], "devices: as text, a device must be"),
    ("devices", [5], r"devices\[0\] must be a DeviceMapping"),
    ("memory_bytes", "lots", "memory_bytes must be a number of bytes, or a text such as '512m'"),
    ("memory_bytes", "5x", "memory_bytes must be a number of bytes, or a text such as '512m'"),
    ("memory_bytes", "99999999999g", "memory_bytes must be from"),
    ("memory_bytes", 1e9, "memory_bytes must be an int, or a text such as '512m', not float"),
    ("memory_bytes", True, "memory_bytes must be an int, or a text such as '512m', not bool"),
    ("nano_cpus", 1.5, "nano_cpus must be an int, not float"),
    ("nano_cpus", "1", "nano_cpus must be an int, not str"),
    ("ulimits", {"nofile": 5}, "ulimits must be a list of a Ulimit or a dict of its fields, not dict"),
    ("ulimits", ["nofile=5"], r"ulimits\[0\] must be a Ulimit or a dict of its fields, not str"),
    ("restart_policy", "always", "restart_policy must be a RestartPolicy or a dict of its fields, not str"),
    ("extra_hosts", "a:1.2.3.4", "extra_hosts must be a list of str or a dict of names and addresses, not str"),
    ("links", "web:www", "links must be a list of str or a dict of containers and aliases, not str"),
    ("tmpfs", "/run", "tmpfs must be a dict of str to str or a list such as .*, not str"),
    ("tmpfs", [5], "tmpfs: its parts must be str, not int"),
    ("sysctls", {"a": True}, r"sysctls\['a'\] must be str, not bool"),
    ("sysctls", ["a=1"], "sysctls must be a dict of str to str, not list"),
    ("group_add", "1000", "group_add must be a list of str, not str"),
    ("cap_add", "ALL", "cap_add must be a list of str, not str"),
    ("dns", "1.1.1.1", "dns must be a list of str, not str"),
    ("security_opt", "label=x", "security_opt must be a list of str, not str"),
    ("masked_paths", "/proc", "masked_paths must be a list, not str"),
    ("blkio_weight_device", [{"Path": "/dev/sda", "Weight": -1}], r"blkio_weight_device\[0\].weight must be from 0"),
    ("console_size", [1, 2, 3], "console_size must be a TerminalSize"),
    ("device_requests", [{"capabilities": ["gpu"]}], r"capabilities\[0\] must be a list, not str"),
]  # fmt: skip


def _ids(rows: list[tuple[Any, ...]]) -> list[Any]:
    return [pytest.param(*row, id=f"{row[0]}-{index}") for index, row in enumerate(rows)]


@pytest.mark.parametrize(("field", "value", "text"), _ids(REFUSED))
def test_everything_else_is_refused(
    gateway: Gateway, fleet: dockfleet.Fleet, field: Any, value: Any, text: str
) -> None:
    """With an error that names the field and what it must be; nothing is sent."""
    with pytest.raises((TypeError, ValueError), match=text) as raised:
        fleet.host("a").containers.rpc("CreateContainer")(config={"image": "x", field: value})

    assert type(raised.value) in (TypeError, ValueError)
    assert gateway.requests == []


@pytest.mark.parametrize(("field", "value", "text"), _ids(HOST_REFUSED))
def test_everything_else_in_a_host_config_is_refused(field: str, value: Any, text: str) -> None:
    """The path of the field is in the error."""
    with pytest.raises((TypeError, ValueError), match="config.host_config.*" + text):
        build(containers.CreateContainerRequest.DESCRIPTOR, {"config": {"image": "x", "host_config": {field: value}}})


OTHERS_REFUSED = [  # the service, the RPC, its arguments, and what the error says
    ("images", "PruneImages", {"filters": "dangling=true"}, "filters must be a dict of str to a list, not str"),
    ("images", "PruneImages", {"filters": {"dangling": None}}, r"filters\['dangling'\] must be a list, not NoneType"),
    ("images", "PruneImages", {"filters": {"label": [None]}}, r"filters\['label'\].items\[0\] must be str, not None"),
    ("system", "GetDataUsage", {"object_types": "image"}, "object_types must be a list of str, not str"),
    ("images", "SaveImages", {"names": "nginx"}, "names must be a list of str, not str"),
    ("images", "CommitContainer", {"config": {"cmd": "echo hi"}}, "config.cmd must be a list of str, not str"),
    ("images", "PullImage", {"repository": "x"}, 'PullImageRequest has no "repository" field; use image'),
    ("images", "PullImage", {"image": "x", "registry_auth": "x"}, "registry_auth must be a AuthConfig or a dict"),
    ("containers", "ListContainers", {"all": 1}, "all must be True or False, not int"),
    ("containers", "ListContainers", {"al": True}, 'ListContainersRequest has no "al" field; did you mean all'),
    ("containers", "CreateContainer", {"image": "x"}, 'has no "image" field; use config.image'),
    ("containers", "StopContainer", {"id": ["web"]}, "id must be str, not list"),
    ("containers", "StreamLogs", {"id": "web", "since": "10m"}, "since must be a datetime or seconds .*, not str"),
    ("containers", "StreamLogs", {"id": "web", "since": True}, "since must be a datetime or seconds .*, not bool"),
    ("containers", "StreamLogs", {"id": "web", "since": date(2024, 5, 1)}, "since must be a datetime .*, not date"),
    ("containers", "StreamLogs", {"id": "web", "since": timedelta(1)}, "since must be a datetime .*, not timedelta"),
    ("containers", "StreamLogs", {"id": "web", "since": -1}, "since is not a time"),
    ("containers", "StreamLogs", {"id": "web", "since": float("nan")}, "since is not a time"),
    ("containers", "StreamLogs", {"id": "web", "since": 1e20}, "since is not a time"),
    ("containers", "StreamLogs", {"id": "web", "since": datetime.min}, "since is not a time"),
    ("containers", "StreamLogs", {"id": "web", "tail": "some"}, "tail must be an int or 'all', not str"),
    ("containers", "StreamLogs", {"id": "web", "tail": -1}, "tail must be from 0"),
    ("containers", "StreamLogs", {"id": "web", "resume_token": "t"}, "resume_token must be bytes, not str"),
    ("containers", "RunContainer", {"pull": "always"}, "pull must be one of PULL_POLICY_UNSPECIFIED, "),
    ("containers", "RunContainer", {"pull": 99}, "pull must be one of PULL_POLICY_UNSPECIFIED, "),
    ("containers", "RunContainer", {"pull": True}, "pull must be one of PULL_POLICY_UNSPECIFIED, "),
    ("exec", "Exec", {"id": "web", "cmd": ["a"], "env": "A=1"}, "env must be a list of str or a dict"),
    ("exec", "Exec", {"id": "web", "command": "a"}, 'ExecStart has no "command" field; use cmd'),
]  # fmt: skip


@pytest.mark.parametrize(("service", "rpc", "fields", "text"), OTHERS_REFUSED, ids=lambda each: str(each)[:40])
def test_arguments_of_all_services_are_checked(
    gateway: Gateway, fleet: dockfleet.Fleet, service: str, rpc: str, fields: dict[str, Any], text: str
) -> None:
    """In the blocking client and for asyncio, before anything is sent."""

    async def call() -> None:
        async with dockfleet.aio.connect(gateway.address) as aio_fleet:
            result = getattr(aio_fleet.host("a"), service).rpc(rpc)(**fields)
            await result

    with pytest.raises((TypeError, ValueError), match=text):
        getattr(fleet.host("a"), service).rpc(rpc)(**fields)
    with pytest.raises((TypeError, ValueError), match=text):
        asyncio.run(call())

    assert gateway.requests == []


def test_a_name_of_an_enum_stands_for_its_number() -> None:
    """The full name, as in the contract."""
    method = METHODS["containers"]["RunContainer"]

    assert method.arguments("a", {"pull": "PULL_POLICY_ALWAYS"}) == method.arguments(
        "a", {"pull": containers.PULL_POLICY_ALWAYS}
    )


def test_an_error_does_not_show_the_value() -> None:
    """It may be a secret."""
    for value in ({"A": ["s3cret"]}, "A=s3cret", [b"s3cret"]):
        with pytest.raises(TypeError) as raised:
            spec(env=value)
        assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    "source", ["app.tar", io.StringIO("text"), {"a": b"b"}, 5], ids=lambda each: type(each).__name__
)
def test_a_source_that_has_no_bytes_is_refused(gateway: Gateway, fleet: dockfleet.Fleet, source: Any) -> None:
    """A path is not read, and text has no bytes."""

    async def upload() -> None:
        async with dockfleet.aio.connect(gateway.address) as aio_fleet:
            await aio_fleet.host("a").containers.rpc("PutContainerArchive")(source, id="web", path="/")

    with pytest.raises(TypeError, match="the source must be bytes, a file open in binary mode or pieces of bytes"):
        fleet.host("a").containers.rpc("PutContainerArchive")(source, id="web", path="/")
    with pytest.raises(TypeError, match="the source must be bytes"):
        asyncio.run(upload())

    assert gateway.requests == []


DEADLINES = [(0, ValueError), (-1, ValueError), (float("nan"), ValueError), (float("inf"), ValueError),
             ("5", TypeError), (True, TypeError), (timedelta(seconds=5), TypeError)]  # fmt: skip

TIMED = {
    "ListContainers": lambda host, deadline: host.containers.rpc("ListContainers")(deadline=deadline),
    "StreamStats": lambda host, deadline: host.containers.rpc("StreamStats")(id="web", deadline=deadline),
    "PutContainerArchive": lambda host, deadline: host.containers.rpc("PutContainerArchive")(
        b"", id="web", deadline=deadline
    ),
    "LoadImages": lambda host, deadline: host.images.rpc("LoadImages")(b"", deadline=deadline),
    "Exec": lambda host, deadline: host.exec.rpc("Exec")(id="web", deadline=deadline),
    "execute": lambda host, deadline: host.execute("web", ["true"], deadline=deadline),
    "log_messages": lambda host, deadline: host.log_messages("web", deadline=deadline),
    "events": lambda host, deadline: host.events(deadline=deadline),
    "stats": lambda host, deadline: host.stats("web", deadline=deadline),
}


@pytest.mark.parametrize(("deadline", "error"), DEADLINES, ids=repr)
@pytest.mark.parametrize("call", TIMED)
def test_a_deadline_that_has_passed_is_refused(
    gateway: Gateway, fleet: dockfleet.Fleet, call: str, deadline: Any, error: type[Exception]
) -> None:
    """Nothing is sent, so nothing has an unknown outcome; both clients."""

    async def call_aio() -> None:
        async with dockfleet.aio.connect(gateway.address) as aio_fleet:
            await TIMED[call](aio_fleet.host("a"), deadline)

    with pytest.raises(error, match="deadline"):
        TIMED[call](fleet.host("a"), deadline)
    with pytest.raises(error, match="deadline"):
        asyncio.run(call_aio())

    assert gateway.requests == []


def kinds() -> Iterator[Descriptor]:
    """All messages of the contract that arguments are in."""
    seen: dict[str, Descriptor] = {}
    waiting: list[Any] = [method.first.DESCRIPTOR for method in RPCS.values()]
    while waiting:
        kind = waiting.pop()
        if kind.full_name not in seen and kind.file.package.startswith("dockfleet"):
            seen[kind.full_name] = kind
            waiting += [field.message_type for field in kind.fields if field.message_type is not None]
    return iter(kind for kind in seen.values() if not kind.GetOptions().map_entry)


FIELDS = {field.full_name: field for kind in kinds() for field in kind.fields}
LISTS = [name for name, field in FIELDS.items() if field.is_repeated]
SPLIT = {"cmd", "entrypoint"}
WHOLE = {"volumes": lambda text: [text], "volumes_from": lambda text: text.split(",")}


@settings(deadline=None)
@given(text=st.text(min_size=2))
def test_a_str_for_a_list_is_refused_or_means_what_docker_py_means(text: str) -> None:
    """Never its characters: for every list and every map of every request."""
    for name in LISTS:
        field = FIELDS[name]
        try:
            sent = build(field.containing_type, {field.name: text})
        except (TypeError, ValueError):
            continue

        items = list(getattr(sent, field.name))
        if field.name in SPLIT:
            assert items == utils.split_command(text), name
        elif field.full_name.endswith("HealthConfig.test"):
            assert items == types.Healthcheck(test=text)["Test"], name
        else:
            assert items == WHOLE[field.name](text), name


@pytest.mark.parametrize("value", ["ab", b"ab", 5], ids=repr)
def test_a_single_value_for_a_list_is_an_error_that_names_the_list(value: Any) -> None:
    """Also in lists that are messages, such as `StringList`."""
    for name in LISTS:
        field = FIELDS[name]
        if isinstance(value, str) and (field.name in SPLIT or field.name in WHOLE or field.name == "test"):
            continue
        with pytest.raises(TypeError, match=f"^{field.name} must be a (list|dict) of .*, not {type(value).__name__}"):
            build(field.containing_type, {field.name: value})


@pytest.mark.parametrize("value", [b"ab", object(), {1}, 1.5j, iter(["ab"])], ids=lambda each: type(each).__name__)
def test_no_field_takes_what_nothing_takes(value: Any) -> None:
    """Every field of every request refuses it with a `TypeError` that names the field."""
    for field in FIELDS.values():
        if field.type == FieldDescriptor.TYPE_BYTES and isinstance(value, bytes):
            continue
        with pytest.raises(TypeError, match=f"^{re.escape(field.name)}.* must be "):
            build(field.containing_type, {field.name: value})


def test_the_engines_name_of_a_field_is_no_other_fields_name() -> None:
    """So either name of a field may be used."""
    for kind in kinds():
        names = [{field.name, field.json_name} for field in kind.fields]
        assert sum(map(len, names)) == len(set().union(*names)), kind.full_name


def test_every_form_is_of_a_field() -> None:
    """A renamed field does not leave its form behind."""
    known = {field.name for field in FIELDS.values()}
    known |= {f"{kind.name}.{field.name}" for field in FIELDS.values() if (kind := field.containing_type)}

    assert set(FORMS) <= known
