"""ContainerService: a container's files as archives."""

from __future__ import annotations

from base64 import b64encode

import orjson
from dockfleet.v1 import containers_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from tests.rpc.rows.row import Row

STAT = {"name": "etc", "size": 4096, "mode": 2147484141, "mtime": "2024-03-01T12:00:00.25+01:00", "linkTarget": ""}
HEADER = {"X-Docker-Container-Path-Stat": b64encode(orjson.dumps(STAT)).decode()}
READ = pb.PathStat(name="etc", size=4096, mode=2147484141, modified_at=Timestamp(seconds=1709290800, nanos=250_000_000))

ROWS = [
    Row(
        "ContainerService.ExportContainer",
        pb.ExportContainerRequest(id="web"),
        "GET /containers/web/export",
        {"body": b"\x00tar\xff"},
        [pb.ExportContainerResponse(data=b"\x00tar\xff")],
    ),
    Row(
        "ContainerService.ExportContainer",
        pb.ExportContainerRequest(id="web"),
        "GET /containers/web/export",
        {"body": b""},
        [],
        why="of nothing",
    ),
    Row(
        "ContainerService.StatContainerArchive",
        pb.StatContainerArchiveRequest(id="web", path="/etc/ä b&c=d"),
        "HEAD /containers/web/archive",
        {"headers": HEADER},
        pb.StatContainerArchiveResponse(stat=READ),
        query=[("path", "/etc/ä b&c=d")],
    ),
    Row(
        "ContainerService.GetContainerArchive",
        pb.GetContainerArchiveRequest(id="web", path="/etc/."),
        "GET /containers/web/archive",
        {"body": b"tar", "headers": HEADER},
        [pb.GetContainerArchiveResponse(stat=READ), pb.GetContainerArchiveResponse(data=b"tar")],
        query=[("path", "/etc/.")],
    ),
    Row(
        "ContainerService.PutContainerArchive",
        pb.PutContainerArchiveStart(id="web", path="/tmp", no_overwrite_dir_non_dir=True, copy_uid_gid=False),
        "PUT /containers/web/archive",
        {"status": 200},
        pb.PutContainerArchiveResponse(),
        query=[("path", "/tmp"), ("noOverwriteDirNonDir", "true"), ("copyUIDGID", "false")],
        headers={"content-type": "application/x-tar", "transfer-encoding": "chunked"},
        upload=(b"first,", b"", b"second"),
    ),
    Row(
        "ContainerService.PutContainerArchive",
        pb.PutContainerArchiveStart(id="web", path="/tmp"),
        "PUT /containers/web/archive",
        {"status": 200},
        pb.PutContainerArchiveResponse(),
        query=[("path", "/tmp")],
        headers={"transfer-encoding": "chunked"},
        why="of nothing",
    ),
]
