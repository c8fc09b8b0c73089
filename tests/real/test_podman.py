"""Podman as a host: every RPC once, and docs/podman.md, which says what it cannot."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import (
    common_pb2,
    container_config_pb2,
    containers_pb2,
    distribution_pb2,
    exec_pb2,
    images_pb2,
    networks_pb2,
    system_pb2,
    volumes_pb2,
)
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ResourceInfo

from tests.real.statuses.at import At
from tests.real.support import IMAGE, Containers, Fleet, execute, import_image, tar, transcript
from tests.real.test_exec import START_FAILED
from tests.real.test_run import run_request
from tests.support import contract
from tests.support.gateway import Client, failed
from tests.support.statuses import Asked, Status, filters, outcome, status_of

C, E, N, S, V = containers_pb2, exec_pb2, networks_pb2, system_pb2, volumes_pb2
RPCS = {  # of one host, by their short names
    **{method.name: contract.name_of(method) for method in contract.methods_of("dockfleet.v1")},
    **{name: f"HostService.{name}" for name in ("ListHosts", "GetHost")},
}
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/podman.md"
_ROW = re.compile(r"^\| `(\w+)` \| `([A-Z_]+ \([A-Z_]+\))` \|", re.MULTILINE)


@pytest.fixture
def host(fleet: Fleet) -> str:
    """The host of these tests."""
    return fleet.need("podman")


async def running_exec(at: At) -> str:
    """Start an exec that stays, with a terminal."""
    exec_id = await created_exec(at, "sleep", "600")
    start = E.StartExecStart(host=at.host, id=exec_id, detach=True, tty=True)
    await transcript(at.client.exec.StartExec(iter([E.StartExecRequest(start=start)])))
    return exec_id


async def created_exec(at: At, *cmd: str) -> str:
    """Create an exec, and return its id."""
    create = E.CreateExecRequest(host=at.host, id=await at.running(), cmd=cmd or ["true"], attach_stdout=True, tty=True)
    return (await at.client.exec.CreateExec(create)).id


async def saved(at: At) -> bytes:
    """Return an image as an archive."""
    save = images_pb2.SaveImageRequest(host=at.host, name=await image(at))
    return b"".join([piece.data async for piece in at.client.images.SaveImage(save)])


async def connect(at: At, container: str, request: Any) -> Any:
    """Make a network, and return the request that names it and a container."""
    return request(id=await at.network(), container=container)


async def disconnect(at: At, container: str) -> Any:
    """Connect a container to a network, and return the request to undo it."""
    request = await connect(at, container, N.ConnectNetworkRequest)
    request.host = at.host
    await at.client.networks.ConnectNetwork(request)
    return N.DisconnectNetworkRequest(id=request.id, container=container, force=True)


async def image(at: At) -> str:
    """Make an image, and return its reference; Podman's import heeds no tag."""
    await at.image(f"{at.name}:latest")
    return f"{at.name}:latest"


async def doomed_image(at: At) -> str:
    """Make an image that is removed."""
    await import_image(at.client, at.host, tar({"file": b"x"}), f"{at.name}:latest")
    return f"{at.name}:latest"


async def doomed_network(at: At) -> str:
    """Make a network that is removed."""
    return (await at.client.networks.CreateNetwork(N.CreateNetworkRequest(host=at.host, name=at.name))).id


async def pushable_image(at: At) -> str:
    """Make an image of the registry, and return its repository."""
    await at.image(f"{at.registry.address}/{at.name}:latest")
    return f"{at.registry.address}/{at.name}"


Ask = Callable[[At, Any], Any]
NONE = container_config_pb2.HostConfig(network_mode="none")
MAKERS: dict[str, Callable[[At], Awaitable[Any]]] = {
    "running": lambda at: at.running(tty=True),
    "paused": At.paused,
    "ended": lambda at: at.containers.run("sh", "-c", "echo hello; exit 3"),
    "ending": lambda at: at.containers.start("sleep", "1"),
    "created": lambda at: at.containers.create("true", host_config={"network_mode": "bridge"}),
    "exec": created_exec,
    "running exec": running_exec,
    "image": image,
    "doomed image": doomed_image,
    "pushable image": pushable_image,
    "archive": saved,
    "doomed network": doomed_network,
    "network": At.network,
    "volume": At.volume,
}
CALLS: dict[str, tuple[str, Ask]] = {  # what a call is about, and the request; on Docker each succeeds
    "ListHosts": ("", lambda at, it: hosts_pb2.ListHostsRequest()),
    "GetHost": ("", lambda at, it: hosts_pb2.GetHostRequest()),
    "ListContainers": (
        "",
        lambda at, it: C.ListContainersRequest(all=True, size=True, filters=filters(status=["exited"])),
    ),
    "CreateContainer": (
        "",
        lambda at, it: C.CreateContainerRequest(
            config=container_config_pb2.ContainerSpec(image=IMAGE, host_config=NONE)
        ),
    ),
    "RunContainer": (
        "",
        lambda at, it: C.RunContainerRequest(
            config=container_config_pb2.ContainerSpec(image=IMAGE, cmd=["true"], host_config=NONE)
        ),
    ),
    "InspectContainer": ("running", lambda at, it: C.InspectContainerRequest(id=it, size=True)),
    "TopContainer": ("running", lambda at, it: C.TopContainerRequest(id=it)),
    "StreamLogs": ("ended", lambda at, it: C.StreamLogsRequest(id=it)),
    "GetContainerChanges": ("ended", lambda at, it: C.GetContainerChangesRequest(id=it)),
    "ExportContainer": ("ended", lambda at, it: C.ExportContainerRequest(id=it)),
    "StreamStats": ("running", lambda at, it: C.StreamStatsRequest(id=it, stream=False)),
    "ResizeContainer": (
        "running",
        lambda at, it: C.ResizeContainerRequest(id=it, size=common_pb2.TerminalSize(height=20, width=70)),
    ),
    "StartContainer": ("ended", lambda at, it: C.StartContainerRequest(id=it)),
    "StopContainer": ("running", lambda at, it: C.StopContainerRequest(id=it, timeout_seconds=0)),
    "RestartContainer": ("running", lambda at, it: C.RestartContainerRequest(id=it, timeout_seconds=0)),
    "KillContainer": ("running", lambda at, it: C.KillContainerRequest(id=it, signal="KILL")),
    "UpdateContainer": ("running", lambda at, it: C.UpdateContainerRequest(id=it, memory_bytes=64 << 20)),
    "RenameContainer": ("ended", lambda at, it: C.RenameContainerRequest(id=it, name="df-podman-renamed")),
    "PauseContainer": ("running", lambda at, it: C.PauseContainerRequest(id=it)),
    "UnpauseContainer": ("paused", lambda at, it: C.UnpauseContainerRequest(id=it)),
    "AttachContainer": ("ending", lambda at, it: C.AttachContainerStart(id=it, stream=True, attach_stdout=True)),
    "WaitContainer": ("ended", lambda at, it: C.WaitContainerRequest(id=it)),
    "RemoveContainer": ("ended", lambda at, it: C.RemoveContainerRequest(id=it, remove_volumes=True)),
    "StatContainerArchive": ("ended", lambda at, it: C.StatContainerArchiveRequest(id=it, path="/etc/passwd")),
    "GetContainerArchive": ("ended", lambda at, it: C.GetContainerArchiveRequest(id=it, path="/etc/passwd")),
    "PutContainerArchive": (
        "ended",
        lambda at, it: Asked(C.PutContainerArchiveStart(id=it, path="/tmp"), upload=(tar({"new": b"x"}),)),
    ),
    "PruneContainers": ("", lambda at, it: C.PruneContainersRequest(filters=filters(label=["nothing=has-it"]))),
    "InspectDistribution": (
        "",
        lambda at, it: distribution_pb2.InspectDistributionRequest(name=f"{at.registry.address}/x:1"),
    ),
    "Exec": ("running", lambda at, it: E.ExecStart(id=it, cmd=["true"])),
    "CreateExec": ("running", lambda at, it: E.CreateExecRequest(id=it, cmd=["true"])),
    "StartExec": ("exec", lambda at, it: E.StartExecStart(id=it, detach=True)),
    "ResizeExec": (
        "running exec",
        lambda at, it: E.ResizeExecRequest(id=it, size=common_pb2.TerminalSize(height=20, width=70)),
    ),
    "InspectExec": ("exec", lambda at, it: E.InspectExecRequest(id=it)),
    "ListImages": ("", lambda at, it: images_pb2.ListImagesRequest(all=True)),
    "BuildImage": (
        "",
        lambda at, it: Asked(
            images_pb2.BuildImageStart(tags=["df-podman:built"]),
            upload=(tar({"Dockerfile": f"FROM {IMAGE}\nLABEL a=b\n".encode()}),),
        ),
    ),
    "PruneBuildCache": ("", lambda at, it: images_pb2.PruneBuildCacheRequest()),
    "PullImage": ("", lambda at, it: images_pb2.PullImageRequest(image=f"{at.registry.address}/df-podman", tag="1")),
    "ImportImage": (
        "",
        lambda at, it: Asked(
            images_pb2.ImportImageStart(from_src="-", repo="df-podman", tag="1"), upload=(tar({"file": b"x"}),)
        ),
    ),
    "InspectImage": ("image", lambda at, it: images_pb2.InspectImageRequest(name=it)),
    "ListImageAttestations": ("image", lambda at, it: images_pb2.ListImageAttestationsRequest(name=it)),
    "GetImageHistory": ("image", lambda at, it: images_pb2.GetImageHistoryRequest(name=it)),
    "PushImage": ("pushable image", lambda at, it: images_pb2.PushImageRequest(name=it, tag="latest")),
    "TagImage": (
        "image",
        lambda at, it: images_pb2.TagImageRequest(name=it, repo=f"{at.registry.address}/df-podman", tag="1"),
    ),
    "RemoveImage": ("doomed image", lambda at, it: images_pb2.RemoveImageRequest(name=it)),
    "SearchImages": ("", lambda at, it: images_pb2.SearchImagesRequest(term="x")),
    "PruneImages": ("", lambda at, it: images_pb2.PruneImagesRequest(filters=filters(label=["nothing=has-it"]))),
    "CommitContainer": (
        "ended",
        lambda at, it: images_pb2.CommitContainerRequest(
            container=it, repo="df-podman", tag="2", config=container_config_pb2.ContainerConfig(image=IMAGE)
        ),
    ),
    "SaveImage": ("image", lambda at, it: images_pb2.SaveImageRequest(name=it)),
    "SaveImages": ("image", lambda at, it: images_pb2.SaveImagesRequest(names=[it])),
    "LoadImages": ("archive", lambda at, it: Asked(images_pb2.LoadImagesStart(), upload=(it,))),
    "ListNetworks": ("", lambda at, it: N.ListNetworksRequest()),
    "InspectNetwork": ("network", lambda at, it: N.InspectNetworkRequest(id=it)),
    "RemoveNetwork": ("doomed network", lambda at, it: N.RemoveNetworkRequest(id=it)),
    "CreateNetwork": ("", lambda at, it: N.CreateNetworkRequest(name="df-podman-new")),
    "ConnectNetwork": ("created", lambda at, it: connect(at, it, N.ConnectNetworkRequest)),
    "DisconnectNetwork": ("created", lambda at, it: disconnect(at, it)),
    "PruneNetworks": ("", lambda at, it: N.PruneNetworksRequest(filters=filters(label=["nothing=has-it"]))),
    "CheckAuth": (
        "",
        lambda at, it: S.CheckAuthRequest(
            credentials=common_pb2.AuthConfig(username="a", server_address=at.registry.address)
        ),
    ),
    "GetInfo": ("", lambda at, it: S.GetInfoRequest()),
    "GetVersion": ("", lambda at, it: S.GetVersionRequest()),
    "Ping": ("", lambda at, it: S.PingRequest()),
    "StreamEvents": ("", lambda at, it: S.StreamEventsRequest(since=Timestamp(seconds=0), until=Timestamp(seconds=1))),
    "GetDataUsage": ("", lambda at, it: S.GetDataUsageRequest()),
    "ListVolumes": ("", lambda at, it: V.ListVolumesRequest()),
    "CreateVolume": ("", lambda at, it: V.CreateVolumeRequest(name="df-podman-new")),
    "InspectVolume": ("volume", lambda at, it: V.InspectVolumeRequest(name=it)),
    "UpdateVolume": (
        "volume",
        lambda at, it: V.UpdateVolumeRequest(
            name=it, version=1, update=volumes_pb2.VolumeUpdate(spec=volumes_pb2.ClusterVolumeSpec())
        ),
    ),
    "RemoveVolume": ("volume", lambda at, it: V.RemoveVolumeRequest(name=it)),
    "PruneVolumes": ("", lambda at, it: V.PruneVolumesRequest(filters=filters(label=["nothing=has-it"]))),
}


def documented() -> dict[str, Status]:
    """What the table of the documentation says that Podman cannot."""
    return {rpc: Status.of(status) for rpc, status in _ROW.findall(DOCUMENT.read_text())}


def test_every_rpc_is_called() -> None:
    """The documentation names none that does not exist."""
    assert CALLS.keys() == RPCS.keys()
    assert documented().keys() <= RPCS.keys()


@pytest.mark.parametrize("rpc", CALLS)
async def test_an_rpc_succeeds_or_ends_as_documented(rpc: str, client: Client, host: str, at: At) -> None:
    """What succeeds on Docker does so on Podman, but for the rows of docs/podman.md."""
    kind, ask = CALLS[rpc]
    prepared = ask(at, await MAKERS[kind](at) if kind else None)
    if asyncio.iscoroutine(prepared):
        prepared = await prepared
    asked = prepared if isinstance(prepared, Asked) else Asked(prepared)
    for field in ("host", "name") if rpc == "GetHost" else ("host",):
        if field in asked.request.DESCRIPTOR.fields_by_name:
            setattr(asked.request, field, host)
    full = RPCS[rpc]

    found = await outcome(client.channel, full, asked)

    assert status_of(found) == documented().get(rpc), found


@pytest.mark.parametrize("code", [0, 3])
async def test_a_container_that_removes_itself_has_its_exit_code(
    client: Client, host: str, containers: Containers, code: int
) -> None:
    """Podman's answer to a wait for the removal says 0 for every code."""
    request = run_request(host, containers, "sh", "-c", f"echo hello; exit {code}", auto_remove=True)

    run = await transcript(client.containers.RunContainer(request))

    assert (run.stdout, run.exit_code) == (b"hello\n", code)
    assert await containers.all_ids() == []


@pytest.mark.parametrize(("cmd", "start"), START_FAILED)
async def test_a_command_that_cannot_be_started_is_a_failure(
    client: Client, host: str, containers: Containers, cmd: list[str], start: dict[str, Any]
) -> None:
    """The error has Podman's words, which are not the command's output."""
    container = await containers.start("sleep", "600")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await execute(client, host, container, *cmd, **start)

    assert failed(caught.value).reason == "EXEC_START_FAILED"


@pytest.mark.parametrize("code", [0, 126, 127])
async def test_output_that_looks_like_a_failure_is_output(
    client: Client, host: str, containers: Containers, code: int
) -> None:
    """Though Podman does not tell whether there ever was a process."""
    container = await containers.start("sleep", "600")

    plain = await execute(client, host, container, "sh", "-c", f"printf 'Error: x\\r\\n' >&2; exit {code}")
    terminal = await execute(client, host, container, "sh", "-c", f"echo nope: not found; exit {code}", tty=True)

    assert (plain.stderr, plain.exit_code) == (b"Error: x\r\n", code)
    assert (terminal.stdout, terminal.exit_code) == (b"nope: not found\r\n", code)


INVALID, WRONG_FILTER, CONFLICT, IN_USE = (
    Status.of(text)
    for text in (
        "INVALID_ARGUMENT (INVALID_REQUEST)",
        "INVALID_ARGUMENT (INVALID_FIELD)",
        "FAILED_PRECONDITION (CONFLICT)",
        "ALREADY_EXISTS (NAME_IN_USE)",
    )
)
MISTAKES: list[tuple[str, str, Ask, Status]] = [
    ("CreateNetwork", "network", lambda at, it: N.CreateNetworkRequest(name=at.name), IN_USE),
    ("CreateVolume", "", lambda at, it: V.CreateVolumeRequest(name="a b"), INVALID),
    ("CreateVolume", "", lambda at, it: V.CreateVolumeRequest(name="x1", driver="nope"), Status.of("NOT_FOUND")),
    ("ListVolumes", "", lambda at, it: V.ListVolumesRequest(filters=filters(nope=["x"])), WRONG_FILTER),
    ("ListImages", "", lambda at, it: images_pb2.ListImagesRequest(filters=filters(nope=["x"])), WRONG_FILTER),
    ("ListContainers", "", lambda at, it: C.ListContainersRequest(filters=filters(nope=["x"])), WRONG_FILTER),
    ("KillContainer", "running", lambda at, it: C.KillContainerRequest(id=it, signal="NOPE"), INVALID),
    ("KillContainer", "ended", lambda at, it: C.KillContainerRequest(id=it), CONFLICT),
    ("PauseContainer", "ended", lambda at, it: C.PauseContainerRequest(id=it), CONFLICT),
    ("RemoveContainer", "running", lambda at, it: C.RemoveContainerRequest(id=it), CONFLICT),
    ("CreateExec", "ended", lambda at, it: E.CreateExecRequest(id=it, cmd=["true"]), CONFLICT),
    ("CreateExec", "running", lambda at, it: E.CreateExecRequest(id=it), INVALID),
]


@pytest.mark.parametrize(("rpc", "kind", "ask", "status"), MISTAKES)
async def test_a_mistake_of_the_caller_is_not_the_engines(
    client: Client, host: str, at: At, rpc: str, kind: str, ask: Ask, status: Status
) -> None:
    """Podman answers 500 to it; its words tell what it is."""
    request = ask(at, await MAKERS[kind](at) if kind else None)
    request.host = host
    full = RPCS[rpc]

    found = await outcome(client.channel, full, Asked(request))

    assert status_of(found) == status, found


async def test_a_name_that_is_taken_is_in_use(client: Client, host: str, at: At) -> None:
    """Of a container."""
    await at.containers.create("true", name=at.name)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await at.containers.create("true", name=at.name)

    assert failed(caught.value).reason == "NAME_IN_USE"


@pytest.mark.parametrize(
    ("rpc", "request_", "kind"),
    [
        ("InspectContainer", C.InspectContainerRequest(id="df-nope"), "container"),
        ("StreamLogs", C.StreamLogsRequest(id="df-nope"), "container"),
        ("WaitContainer", C.WaitContainerRequest(id="df-nope"), "container"),
        ("TopContainer", C.TopContainerRequest(id="df-nope"), "container"),
        ("InspectImage", images_pb2.InspectImageRequest(name="df-nope"), "image"),
        ("RemoveImage", images_pb2.RemoveImageRequest(name="df-nope"), "image"),
        ("InspectNetwork", N.InspectNetworkRequest(id="df-nope"), "network"),
        ("RemoveNetwork", N.RemoveNetworkRequest(id="df-nope"), "network"),
        ("InspectVolume", V.InspectVolumeRequest(name="df-nope"), "volume"),
        ("RemoveVolume", V.RemoveVolumeRequest(name="df-nope"), "volume"),
    ],
)
async def test_what_is_missing_is_named(client: Client, host: str, rpc: str, request_: Any, kind: str) -> None:
    """As on Docker: ResourceInfo has kind and name."""
    request_.host = host
    full = RPCS[rpc]

    found = await outcome(client.channel, full, Asked(request_))

    assert status_of(found) == Status.of("NOT_FOUND")
    assert found is not None
    resource = found.detail(ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == (kind, "df-nope")
