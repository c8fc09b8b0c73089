"""What the command line makes of texts, files and tars."""

from __future__ import annotations

import io
import json
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import grpc
import pytest
from click.testing import Result
from dockfleet.cli import docker_text, values
from dockfleet.cli.docker_json import docker_json, engine_time
from dockfleet.cli.mounts import mount
from dockfleet.cli.registry import auth_for
from dockfleet.cli.table import Table
from dockfleet.contexts import files_of, ignoring
from dockfleet.fleet.v1 import fleet_pb2 as fleet
from dockfleet.fleet.v1 import hosts_pb2 as hosts
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import images_pb2 as images
from dockfleet.v1 import system_pb2 as system
from dockfleet.v1.container_config_pb2 import Mount
from google.protobuf.timestamp_pb2 import Timestamp

from clients.python.tests.scripted_gateway import Ended, Gateway, drained, fail

Run = Callable[..., Result]
SHORTER = Path("/sys/kernel/uevent_seqnum")  # says 4096 bytes

DURATIONS = {
    0: "Less than a second",
    1: "1 second",
    59: "59 seconds",
    61: "About a minute",
    3599: "59 minutes",
    3600: "About an hour",
    7 * 3600: "7 hours",
    50 * 3600: "2 days",
    15 * 86400: "2 weeks",
    65 * 86400: "2 months",
    800 * 86400: "2 years",
}


@pytest.mark.parametrize("seconds", DURATIONS)
def test_durations_are_those_of_docker(seconds: int) -> None:
    """From the command of docker."""
    assert docker_text.duration(seconds) == DURATIONS[seconds]


def test_sizes_are_those_of_docker() -> None:
    """Images in units of 1000, with three digits."""
    assert [docker_text.size(each) for each in (0, 999, 1000, 1_986_000, 141_000_000)] == [
        *("0B", "999B", "1kB", "1.99MB", "141MB")
    ]
    assert docker_text.binary_size(5 << 20) == "5MiB"


PORTS = [
    (["80"], {"80/tcp": [{}]}),
    (["8080:80/udp"], {"80/udp": [{"host_port": "8080"}]}),
    (["[::1]:8080:80"], {"80/tcp": [{"host_ip": "::1", "host_port": "8080"}]}),
    (["127.0.0.1::80"], {"80/tcp": [{"host_ip": "127.0.0.1"}]}),
    (["8000-8001:80-81"], {"80/tcp": [{"host_port": "8000"}], "81/tcp": [{"host_port": "8001"}]}),
    (["8000-8010:80"], {"80/tcp": [{"host_port": "8000-8010"}]}),
]


@pytest.mark.parametrize(("texts", "found"), PORTS)
def test_ports_are_published_as_docker_does(texts: list[str], found: dict[str, Any]) -> None:
    """All its forms."""
    assert values.ports(texts) == found


@pytest.mark.parametrize("text", ["x", "80:", "1:2:3:4", "8000-8001:80-82", "80/icmp"])
def test_a_wrong_port_is_refused_with_examples(text: str) -> None:
    """Before anything is sent."""
    with pytest.raises(click.UsageError, match="--publish: "):
        values.ports([text])


MOUNTS = [  # what docker's users write, and what it is in the contract, besides type and target
    ("type=bind,src=/a,ro", {"source": "/a", "read_only": True}),
    ("type=bind,source=/a,readonly=false", {"source": "/a", "read_only": False}),
    ("type=bind,bind-propagation=shared", {"bind_options": {"propagation": "shared"}}),
    ("type=bind,bind-nonrecursive", {"bind_options": {"non_recursive": True}}),
    ("type=bind,bind-recursive=readonly", {"bind_options": {"read_only_force_recursive": True}}),
    ("type=tmpfs,tmpfs-size=1k,tmpfs-mode=1770", {"tmpfs_options": {"size_bytes": 1024, "mode": 0o1770}}),
    ("type=volume,volume-nocopy,volume-subpath=x", {"volume_options": {"no_copy": True, "subpath": "x"}}),
    (
        'type=volume,volume-driver=nfs,volume-label=a=b,"volume-opt=o=addr=h,rw",volume-opt=type=nfs',
        {
            "volume_options": {
                "labels": {"a": "b"},
                "driver_config": {"name": "nfs", "options": {"o": "addr=h,rw", "type": "nfs"}},
            }
        },
    ),
    ("type=image,image-subpath=x", {"image_options": {"subpath": "x"}}),
]


@pytest.mark.parametrize(("text", "found"), MOUNTS)
def test_a_mount_has_the_keys_of_docker(text: str, found: dict[str, Any]) -> None:
    """Their short forms, too; the contract knows all of them."""
    kind = text.partition(",")[0].removeprefix("type=")

    assert mount(f"{text},dst=/b") == {"type": kind, "target": "/b", **found}
    Mount(**mount(f"{text},dst=/b"))


WRONG_MOUNTS = {
    "tpye=bind,target=/b": "tpye: it is no key of a mount",
    "type=bind,source=/a": "a mount has a target",
    "type=bind,target=/b,ro=maybe": "ro: true or false is wanted",
    "type=bind,target=/b,bind-recursive=no": "bind-recursive: one of enabled, disabled, writable, readonly is wanted",
    "type=tmpfs,target=/b,tmpfs-mode=9": "tmpfs-mode: an octal number such as 1777 is wanted",
    "type=tmpfs,target=/b,tmpfs-size=big": "tmpfs-size: a size such as 512m or 2g is wanted",
}


@pytest.mark.parametrize(("text", "error"), WRONG_MOUNTS.items())
def test_a_wrong_mount_is_refused_with_what_is_wanted(text: str, error: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match=error):
        mount(text)


IGNORED = ["*.log", "!kept.log", "node_modules", "docs/**/*.pdf", "/build", "# comment", "", "a?c"]


def test_a_dockerignore_excludes_as_docker_does() -> None:
    """The last pattern that fits decides; a directory excludes what is in it; a pattern begins at the root."""
    ignored = ignoring(IGNORED)
    excluded = ["x.log", "node_modules/a/b", "docs/a.pdf", "docs/x/y/a.pdf", "build/x", "abc"]
    included = ["kept.log", "sub/x.log", "src/node_modules/a", "docs/a.txt", "src/build", "ac", "# comment"]

    assert [path for path in excluded if not ignored(path)] == []
    assert [path for path in included if ignored(path)] == []


def test_a_context_keeps_its_dockerfile(tmp_path: Path) -> None:
    """The engine needs it, whatever is excluded."""
    for name in ("Dockerfile", "a"):
        (tmp_path / name).write_text(name)
    (tmp_path / ".dockerignore").write_text("*\n")

    assert list(files_of(tmp_path, ("Dockerfile",))) == ["Dockerfile"]


def test_a_narrow_terminal_loses_empty_columns_and_the_ends_of_the_widest() -> None:
    """Nothing is wider than the terminal; the columns that matter most are cut last."""
    table = Table("HOST", "STATE", "PORTS", "NAME", limit=30, fixed=("HOST",))
    (line,) = table.lines([["north-1", "up and running", "", "a-very-long-name"]])

    assert line == "north-1  up and r…  a-very-lo…"
    assert table.head() == "HOST     STATE      NAME"


def test_wide_characters_take_two_columns() -> None:
    """So that what follows is aligned."""
    lines = Table("NAME", "X").lines([["日本", "1"], ["abcd", "2"]])

    assert lines == ["日本      1", "abcd      2"]


def test_json_has_the_forms_of_the_engine() -> None:
    """Numbers are numbers, sets are objects, lists in messages are lists; what is absent is not there."""
    container = containers.Container(
        id="c1",
        created_at={"seconds": 1, "nanos": 5},
        config={"exposed_ports": ["80/tcp"], "healthcheck": {"interval": {"seconds": 30}}},
        host_config={"port_bindings": {"80/tcp": {"items": [{"host_port": "8080"}]}}, "console_size": {"height": 24}},
        size_rw_bytes=1 << 40,
    )

    found = docker_json(container)

    assert (found["Id"], found["Created"], found["SizeRw"]) == ("c1", "1970-01-01T00:00:01.000000005Z", 1 << 40)
    assert (found["Config"]["ExposedPorts"], found["Config"]["Healthcheck"]["Interval"]) == ({"80/tcp": {}}, 30 * 10**9)
    assert found["HostConfig"]["PortBindings"] == {"80/tcp": [{"HostPort": "8080"}]}
    assert found["HostConfig"]["ConsoleSize"] == [24, 0]
    assert "SizeRootFs" not in found


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def link(name: str, to: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


HOSTILE = {
    "a path with ..": [(tarfile.TarInfo("d/../../out"), b"x")],
    "a hard link": [(link("d/l", "../out", tarfile.LNKTYPE), b""), (tarfile.TarInfo("d/l"), b"x")],
    "through a link": [(link("d/l", "..", tarfile.SYMTYPE), b""), (tarfile.TarInfo("d/l/../out"), b"x")],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_container_cannot_write_outside_of_the_target(gateway: Gateway, run: Run, tmp_path: Path, kind: str) -> None:
    """Its tar is anybody's."""
    (tmp_path / "out").write_text("mine")
    (tmp_path / "in").mkdir()
    data = containers.GetContainerArchiveResponse(data=archive(*HOSTILE[kind]))
    gateway.on("GetContainerArchive", [data])

    result = run("cp", "a/web:/d", str(tmp_path / "in"))

    assert result.exit_code == 1
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.skipif(not SHORTER.exists(), reason="only Linux has files that are shorter than they say")
def test_a_file_that_cannot_be_read_to_its_end_is_no_success(gateway: Gateway, run: Run) -> None:
    """The gateway never takes a part for the whole: the call is cancelled."""
    cancelled = Ended()
    gateway.on("StatContainerArchive", containers.StatContainerArchiveResponse())

    def put(requests: Any, context: grpc.ServicerContext) -> containers.PutContainerArchiveResponse:
        cancelled.watch(context)
        for _ in requests:
            pass
        return containers.PutContainerArchiveResponse()

    gateway.on("PutContainerArchive", put)

    result = run("cp", str(SHORTER), "a/web:/d")

    assert "unexpected end of data" in result.stderr
    assert result.exit_code == 1
    assert cancelled.wait(10)


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of docker's configuration, with a credential helper in the path."""
    helper = tmp_path / "docker-credential-test"
    helper.write_text(
        '#!/bin/sh\nread -r line; echo "$1 $line" >> $(dirname $0)/asked\n'
        '[ "$1" = get ] && echo \'{"Username": "u", "Secret": "s"}\'\nexit 0\n'
    )
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    (tmp_path / "docker").mkdir()
    return tmp_path / "docker/config.json"


def test_credentials_are_those_that_docker_keeps(docker_config: Path) -> None:
    """In its file or in a helper, by the registry that the name of the image begins with."""
    docker_config.write_text(
        json.dumps({"auths": {"r.example:5000": {"auth": "bWU6cHc="}}, "credHelpers": {"other.example": "test"}})
    )

    kept, helped, nothing = auth_for("r.example:5000/a/b:1"), auth_for("other.example/x"), auth_for("busybox")

    assert (kept.username, kept.password, kept.server_address) == ("me", "pw", "r.example:5000")
    assert (helped.username, helped.password) == ("u", "s")
    assert nothing is None


@pytest.mark.parametrize("helper", [False, True])
def test_a_login_is_kept_where_docker_keeps_it(gateway: Gateway, run: Run, docker_config: Path, helper: bool) -> None:
    """A host checks it first; the file is its owner's alone, and keeps what else is in it."""
    docker_config.write_text(json.dumps({"other": 1} | ({"credsStore": "test"} if helper else {})))
    gateway.on("CheckAuth", system.CheckAuthResponse(status="Login Succeeded"))

    done = run("login", "-H", "a", "-u", "me", "-p", "pw", "r.example")
    config = json.loads(docker_config.read_text())
    gone = run("logout", "r.example")

    assert (done.stdout, done.exit_code) == ("Login Succeeded\n", 0)
    assert (gateway.requests[0].host, gateway.requests[0].credentials.password) == ("a", "pw")
    if helper:
        asked = (docker_config.parent.parent / "asked").read_text().splitlines()
        assert [line.partition(" ")[0] for line in asked] == ["store", "erase"]
    else:
        assert config == {"other": 1, "auths": {"r.example": {"auth": "bWU6cHc="}}}
        assert stat.S_IMODE(docker_config.stat().st_mode) == 0o600
        assert json.loads(docker_config.read_text())["auths"] == {}
    assert gone.exit_code == 0


def test_a_refused_login_is_not_kept(gateway: Gateway, run: Run, docker_config: Path) -> None:
    """Neither in the file nor in a helper."""
    gateway.on("CheckAuth", lambda request, context: fail(context, message="no", reason="REGISTRY_AUTH", host="a"))

    assert run("login", "-H", "a", "-u", "me", "-p", "pw", "r.example").exit_code == 1
    assert not docker_config.exists()


def test_a_pull_on_several_hosts_is_one_call(gateway: Gateway, run: Run, docker_config: Path) -> None:
    """With the credentials of its registry; progress is on standard error."""
    docker_config.write_text(json.dumps({"auths": {"r.example": {"auth": "bWU6cHc="}}}))
    report = {"progress": {"id": "l1", "status": "Pulling"}}
    result = {"target": {"host": "a"}, "response": report, "last": True}
    gateway.on("fleet.PullImages", [fleet.PullImagesResponse(results=[result])])

    found = run("pull", "-H", "*", "r.example/shop")

    (request,) = gateway.requests
    assert (request.request.image, request.request.registry_auth.username) == ("r.example/shop:latest", "me")
    assert (found.stderr, found.exit_code) == ("a l1: Pulling\n", 0)


def test_a_build_prints_its_output_and_fails_with_its_step(gateway: Gateway, run: Run, tmp_path: Path) -> None:
    """The context is a tar of the directory."""
    (tmp_path / "Dockerfile").write_text("FROM x\n")
    gateway.on("BuildImage", drained([images.BuildImageResponse(progress={"stream": "Step 1/1 : FROM x\n"})]))

    result = run("build", "-H", "a", "-t", "x:1", str(tmp_path))

    sent = b"".join(request.data for request in gateway.requests)
    with tarfile.open(fileobj=io.BytesIO(sent)) as tar:
        assert tar.getnames() == ["Dockerfile"]
    assert (list(gateway.requests[0].start.tags), gateway.requests[0].start.dockerfile) == (["x:1"], "Dockerfile")
    assert (result.stdout, result.exit_code) == ("Step 1/1 : FROM x\n", 0)


def test_a_prune_asks_first(gateway: Gateway, run: Run) -> None:
    """And says what was removed where, and how much space is free now."""
    response = {"containers_deleted": ["c1"], "space_reclaimed_bytes": 1500}
    result = {"target": {"host": "a"}, "response": response, "last": True}
    gateway.on("fleet.PruneContainers", [fleet.PruneContainersResponse(results=[result])])

    gateway.on("ListHosts", hosts.ListHostsResponse(hosts=[{"name": "a"}]))

    refused = run("container", "prune", "-H", "*")
    done = run("container", "prune", "-H", "*", "--yes", "--filter", "until=1h")

    assert "--yes is needed" in refused.stderr
    assert [type(request).__name__ for request in gateway.requests] == ["ListHostsRequest", "PruneContainersRequest"]
    assert done.stdout == "Deleted Containers:\na: c1\n\nTotal reclaimed space: 1.5kB\n"
    assert gateway.requests[1].request.filters == {"until": common.StringList(items=["1h"])}


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "1970-01-01T00:00:01Z"),
        (100_000_000, "1970-01-01T00:00:01.1Z"),
        (908_359_800, "1970-01-01T00:00:01.9083598Z"),
    ],
)
def test_times_are_written_as_the_engine_writes_them(nanos: int, text: str) -> None:
    """Without zeros at the end of the fraction, so that an inspection is that of docker."""
    assert engine_time(Timestamp(seconds=1, nanos=nanos)) == text


GPUS = {
    "all": {"count": -1, "capabilities": [["gpu"]]},
    "2": {"count": 2, "capabilities": [["gpu"]]},
    '"device=0,1",driver=nvidia': {"device_ids": ["0", "1"], "driver": "nvidia", "capabilities": [["gpu"]]},
    "capabilities=utility": {"count": 1, "capabilities": [["gpu", "utility"]]},
}


@pytest.mark.parametrize("text", GPUS)
def test_gpus_are_asked_for_as_docker_asks(text: str) -> None:
    """By number, or by keys; a value in quotes may have commas."""
    found = values.gpus(text)

    assert found | {"capabilities": [list(each.items) for each in found["capabilities"]]} == GPUS[text]


WRONG = {  # a function of `values`, and a text that it refuses
    "network": ["alias=x", "name=a,nope=b"],
    "byte_rate": ["sda:1mb", "/dev/sda:x"],
    "gpus": ["nope=1", "x"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_a_wrong_value_is_refused(name: str, text: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ValueError, match=r"wanted|invalid|key"):
        getattr(values, name)(text)
