"""Statuses that a test cannot get from a real engine at will: full disks, broken connections, swarms.

The words are those of real engines; an address where nothing listens stands for a host that is away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2, hosts_pb2, selectors_pb2
from dockfleet.v1 import (
    container_config_pb2,
    containers_pb2,
    exec_pb2,
    images_pb2,
    networks_pb2,
    oci_pb2,
    system_pb2,
    volumes_pb2,
)
from google.protobuf.message import Message

from tests.support.fake_engine import Handler, Response, ResponseParser, frame, hang, torn
from tests.support.statuses import Asked, Status
from tests.support.upstream import CONTAINER, EXEC, writes

FULL = {"message": "write /var/lib/docker/tmp/x: no space left on device"}
RUNNING = {
    "Id": CONTAINER,
    "Config": {"Tty": False},
    "State": {
        "Running": True,
        "StartedAt": "2024-03-01T12:00:00Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "ExitCode": 0,
    },
}
HALF = torn(b"x" * 1000, 500)
DISK_FULL = "RESOURCE_EXHAUSTED (HOST_DISK_FULL)"
UNKNOWN = "ABORTED (OUTCOME_UNKNOWN)"
AWAY = "UNAVAILABLE (HOST_UNREACHABLE)"
LOST = "UNAVAILABLE (CONNECTION_LOST)"
TORN = "DATA_LOSS (BAD_ENGINE_RESPONSE)"
INVALID_FIELD = "INVALID_ARGUMENT (INVALID_FIELD)"
UNKNOWN_HOST = "NOT_FOUND (UNKNOWN_HOST)"
READ_ONLY = "FAILED_PRECONDITION (HOST_READ_ONLY)"
INVALID_REQUEST = "INVALID_ARGUMENT (INVALID_REQUEST)"
SLOW = Status.of("RESOURCE_EXHAUSTED (SLOW_READER)")  # of Exec, with a test of its own
OTHER_PLATFORM = "image with reference app was found but does not provide the specified platform (linux/arm64)"

COPY = fleet_pb2.CopyImageRequest(host="h1", image="app", to=selectors_pb2.HostSelector(all=True))


@dataclass(frozen=True)
class Row:
    """An RPC, a status, the request that ends with it, and what the engine answers; without, there is no engine.

    Arguments: *limits* and *settings*, those of the gateway; *why*, how the row differs from others of its status.
    """

    rpc: str
    status: Status
    asked: Asked
    script: dict[str, Response | Handler] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    why: str = ""

    def __str__(self) -> str:
        return f"{self.rpc}-{self.status.code}-{self.status.reason}{self.why and '-'}{self.why}"


def row(rpc: str, status: str, request: Message, *script: tuple[str, Response | Handler], **keys: Any) -> Row:
    """Make a row; *upload* among *keys* are the data that follow the request."""
    asked = Asked(request, keys.pop("upload", ()))
    return Row(rpc, Status.of(status), asked, dict(script), **keys)


def within(message: str) -> Response:
    """An answer with a failure in its second line."""
    return {"lines": [{"status": "at work"}, {"errorDetail": {"message": message}, "error": message}]}


def refusal(status: int, message: str) -> Response:
    """An answer that is an error."""
    return {"status": status, "json": {"message": message}}


def broken(exchange: ResponseParser) -> Any:
    """Close the connection instead of an answer."""

    async def close() -> None:
        exchange.close()

    return close()


LOGS = containers_pb2.StreamLogsRequest(host="h1", id="web", follow=True)
STATS = containers_pb2.StreamStatsRequest(host="h1", id="web")
EVENTS = system_pb2.StreamEventsRequest(host="h1")
EXPORT = containers_pb2.ExportContainerRequest(host="h1", id="web")
ARCHIVE = containers_pb2.GetContainerArchiveRequest(host="h1", id="web", path="/etc")
ATTACH = containers_pb2.AttachContainerStart(host="h1", id="web", stream=True, attach_stdout=True)
APP = container_config_pb2.ContainerSpec(image="app")
LINUX, ARM = oci_pb2.OciPlatform(os="linux"), oci_pb2.OciPlatform(os="linux", architecture="arm64")
KEEP = exec_pb2.ON_DISCONNECT_KEEP
RUN = exec_pb2.ExecStart(host="h1", id="web", cmd=["true"], on_disconnect=KEEP)
CREATE = containers_pb2.CreateContainerRequest(host="h1", config=APP)
PULL = images_pb2.PullImageRequest(host="h1", image="app", tag="1")
ATTESTATIONS = images_pb2.ListImageAttestationsRequest(host="h1", name="app", platforms=[LINUX] * 2)
LOAD = images_pb2.LoadImagesStart(host="h1")
CHANGES = volumes_pb2.VolumeUpdate(spec=volumes_pb2.ClusterVolumeSpec())
UPDATE = volumes_pb2.UpdateVolumeRequest(host="h1", name="data", version=1, update=CHANGES)
SPEC = hosts_pb2.HostSpec(name="lab", address="unix:///lab.sock")
SPEC_OF_NOWHERE = hosts_pb2.HostSpec(name="lab", address="10.0.0.1")
SPEC_OF_H1 = hosts_pb2.HostSpec(name="h1", address="unix:///lab.sock")
INSPECT = "GET /containers/{id}/json"
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n"
ROWS = [
    row("ContainerService.CreateContainer", UNKNOWN, CREATE, ("POST /containers/create", broken)),
    row(
        "ContainerService.RunContainer",
        UNKNOWN,
        containers_pb2.RunContainerRequest(host="h1", config=APP),
        ("POST /containers/create", broken),
    ),
    row("ContainerService.StreamLogs", AWAY, LOGS),
    row(
        "ContainerService.StreamLogs",
        LOST,
        LOGS,
        (INSPECT, {"json": RUNNING}),
        ("GET /containers/{id}/logs", torn(frame(1, b"2024-03-01T12:00:01.000000000Z a\n") * 2, 50)),
        limits={"reconnect_timeout_seconds": 0},
    ),
    row("ContainerService.ExportContainer", LOST, EXPORT, ("GET /containers/{id}/export", HALF)),
    row("ContainerService.ExportContainer", TORN, EXPORT, ("GET /containers/{id}/export", {"raw": BAD_CHUNK})),
    row("ContainerService.StreamStats", AWAY, STATS),
    row(
        "ContainerService.StreamStats",
        LOST,
        STATS,
        (INSPECT, {"json": RUNNING}),
        ("GET /containers/{id}/stats", broken),
        limits={"reconnect_timeout_seconds": 0},
    ),
    row("ContainerService.AttachContainer", LOST, ATTACH, (INSPECT, broken)),
    row(
        "ContainerService.AttachContainer",
        UNKNOWN,
        ATTACH,
        (INSPECT, {"json": RUNNING}),
        ("POST /containers/{id}/attach", writes(frame(1, b"half"), end="abort")),
    ),
    row("ContainerService.GetContainerArchive", LOST, ARCHIVE, ("GET /containers/{id}/archive", HALF)),
    row("ContainerService.GetContainerArchive", TORN, ARCHIVE, ("GET /containers/{id}/archive", {"raw": BAD_CHUNK})),
    row("ExecService.Exec", UNKNOWN, RUN, ("POST /containers/{id}/exec", broken)),
    row(
        "ExecService.Exec",
        UNKNOWN,
        RUN,
        ("POST /containers/{id}/exec", {"status": 201, "json": {"Id": EXEC}}),
        ("POST /exec/{id}/start", writes(frame(1, b"half"), end="abort")),
        why="in its midst",
    ),
    row("ImageService.BuildImage", DISK_FULL, images_pb2.BuildImageStart(host="h1"), ("POST /build", within(**FULL))),
    row("ImageService.PullImage", DISK_FULL, PULL, ("POST /images/create", within(**FULL))),
    row(
        "ImageService.ImportImage",
        DISK_FULL,
        images_pb2.ImportImageStart(host="h1"),
        ("POST /images/create", refusal(500, FULL["message"])),
    ),
    row(
        "ImageService.LoadImages",
        DISK_FULL,
        images_pb2.LoadImagesStart(host="h1"),
        ("POST /images/load", within(**FULL)),
    ),
    row(
        "ImageService.InspectImage",
        INVALID_REQUEST,
        images_pb2.InspectImageRequest(host="h1", name="app", manifests=True, platform=LINUX),
        (
            "GET /images/{name}/json",
            refusal(400, "conflicting options: manifests and platform options cannot both be set"),
        ),
    ),
    row(
        "ImageService.InspectImage",
        "NOT_FOUND",
        images_pb2.InspectImageRequest(host="h1", name="app", platform=ARM),
        (
            "GET /images/{name}/json",
            refusal(
                404, "image with reference app was found but does not provide the specified platform (linux/arm64)"
            ),
        ),
        why="of that platform",
    ),
    row(
        "ImageService.GetImageHistory",
        "NOT_FOUND",
        images_pb2.GetImageHistoryRequest(host="h1", name="app", platform=ARM),
        (
            "GET /images/{name}/history",
            refusal(
                404, "image with reference app was found but does not provide the specified platform (linux/arm64)"
            ),
        ),
        why="of that platform",
    ),
    row(
        "ImageService.ListImageAttestations",
        "NOT_FOUND",
        ATTESTATIONS,
        ("GET /images/{name}/attestations", refusal(404, "No such image: app:latest")),
    ),
    row(
        "ImageService.ListImageAttestations",
        INVALID_REQUEST,
        ATTESTATIONS,
        ("GET /images/{name}/attestations", refusal(400, "only one platform can be specified")),
    ),
    row(
        "ImageService.ListImageAttestations",
        "UNIMPLEMENTED (NOT_SUPPORTED)",
        ATTESTATIONS,
        ("GET /images/{name}/attestations", refusal(501, "the legacy image store does not support attestations")),
    ),
    row(
        "NetworkService.ConnectNetwork",
        "FAILED_PRECONDITION (CONFLICT)",
        networks_pb2.ConnectNetworkRequest(host="h1", id="swarm", container="web"),
        (
            "POST /networks/{id}/connect",
            refusal(
                500,
                "Could not attach to network swarm: rpc error: code = PermissionDenied "
                "desc = network swarm not manually attachable",
            ),
        ),
        why="of a swarm",
    ),
    row("HostService.WatchHosts", INVALID_FIELD, hosts_pb2.WatchHostsRequest(selector=selectors_pb2.HostSelector())),
    row("HostService.AddHost", "ALREADY_EXISTS (NAME_IN_USE)", hosts_pb2.AddHostRequest(spec=SPEC_OF_H1)),
    row(
        "HostService.AddHost",
        INVALID_FIELD,
        hosts_pb2.AddHostRequest(spec=SPEC_OF_NOWHERE),
    ),
    row(
        "HostService.AddHost",
        "UNAVAILABLE (HOST_STORE_UNAVAILABLE)",
        hosts_pb2.AddHostRequest(spec=SPEC),
        settings={"state_directory": Path("/dev/null/state")},
    ),
    row("HostService.UpdateHost", UNKNOWN_HOST, hosts_pb2.UpdateHostRequest(spec=SPEC)),
    row("HostService.UpdateHost", READ_ONLY, hosts_pb2.UpdateHostRequest(spec=SPEC_OF_H1)),
    row("HostService.UpdateHost", INVALID_FIELD, hosts_pb2.UpdateHostRequest()),
    row("HostService.RemoveHost", UNKNOWN_HOST, hosts_pb2.RemoveHostRequest(host="h9")),
    row("HostService.RemoveHost", READ_ONLY, hosts_pb2.RemoveHostRequest(host="h1")),
    row("HostService.DrainHost", UNKNOWN_HOST, hosts_pb2.DrainHostRequest(host="h9")),
    row("HostService.UndrainHost", UNKNOWN_HOST, hosts_pb2.UndrainHostRequest(host="h9")),
    row("HostService.ProbeHost", UNKNOWN_HOST, hosts_pb2.ProbeHostRequest(host="h9")),
    row("SystemService.Ping", AWAY, system_pb2.PingRequest(host="h1")),
    row(
        "SystemService.Ping",
        "DEADLINE_EXCEEDED (HOST_TIMEOUT)",
        system_pb2.PingRequest(host="h1"),
        ("GET /_ping", hang()),
        limits={"read_timeout_seconds": 0.5, "write_timeout_seconds": 0.5},
    ),
    row("SystemService.StreamEvents", AWAY, EVENTS, limits={"reconnect_timeout_seconds": 0}),
    row(
        "SystemService.GetDataUsage",
        "ABORTED (BEING_CHANGED)",
        system_pb2.GetDataUsageRequest(host="h1"),
        ("GET /system/df", refusal(500, "a disk usage operation is already running")),
    ),
    row(
        "VolumeService.CreateVolume",
        "ALREADY_EXISTS (NAME_IN_USE)",
        volumes_pb2.CreateVolumeRequest(host="h1", name="data", driver="other"),
        (
            "POST /volumes/create",
            refusal(409, "create data: driver 'local' already has volume 'data': volume name must be unique"),
        ),
    ),
    row(
        "VolumeService.UpdateVolume",
        "NOT_FOUND",
        UPDATE,
        ("PUT /volumes/{name}", refusal(404, "volume data not found")),
    ),
    row(
        "VolumeService.UpdateVolume",
        INVALID_REQUEST,
        UPDATE,
        (
            "PUT /volumes/{name}",
            refusal(400, "rpc error: code = InvalidArgument desc = only the availability can be updated"),
        ),
    ),
    row("FleetService.CopyImage", AWAY, COPY),
    row(
        "FleetService.CopyImage",
        "NOT_FOUND",
        COPY,
        ("GET /images/{name}/json", refusal(404, "No such image: app:latest")),
    ),
    row(
        "FleetService.RunContainer",
        "FAILED_PRECONDITION (NO_HOST_FITS)",
        fleet_pb2.RunContainerRequest(
            hosts=selectors_pb2.HostSelector(all=True), request=containers_pb2.RunContainerRequest(config=APP)
        ),
    ),
]
