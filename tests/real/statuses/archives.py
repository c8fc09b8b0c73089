"""ContainerService: archives."""

from __future__ import annotations

import io
import tarfile
from typing import Any

from dockfleet.v1 import containers_pb2 as pb

from tests.real.statuses.at import At, Rows
from tests.real.support import tar
from tests.support.statuses import Asked

rows = Rows("ContainerService")
INVALID_REQUEST = "INVALID_ARGUMENT (INVALID_REQUEST)"


@rows("StatContainerArchive", "NOT_FOUND")
async def describe_nothing(at: At) -> Any:
    return pb.StatContainerArchiveRequest(id=await at.containers.create("true"), path="/nope")


@rows("StatContainerArchive", "NOT_FOUND")
async def describe_what_is_below_a_file(at: At) -> Any:
    return pb.StatContainerArchiveRequest(id=await at.containers.create("true"), path="/etc/passwd/x")


@rows("GetContainerArchive", "NOT_FOUND")
async def get_nothing(at: At) -> Any:
    return pb.GetContainerArchiveRequest(id=await at.containers.create("true"), path="/nope")


@rows("GetContainerArchive", "NOT_FOUND")
async def get_what_is_below_a_file(at: At) -> Any:
    return pb.GetContainerArchiveRequest(id=await at.containers.create("true"), path="/etc/passwd/x")


async def put(at: At, path: str, archive: bytes, **fields: Any) -> Any:
    """An upload into a new container."""
    host_config = {"network_mode": "none"} | fields.pop("host_config", {})
    container = await at.containers.create("true", host_config=host_config)
    return Asked(pb.PutContainerArchiveStart(id=container, path=path, **fields), (archive,))


@rows("PutContainerArchive", "NOT_FOUND")
async def put_nowhere(at: At) -> Any:
    return await put(at, "/nope", tar({"a": b"a"}))


@rows("PutContainerArchive", "NOT_FOUND")
async def put_below_a_file(at: At) -> Any:
    return await put(at, "/etc/passwd/x", tar({"a": b"a"}))


@rows("PutContainerArchive", INVALID_REQUEST)
async def put_into_a_file(at: At) -> Any:
    return await put(at, "/etc/passwd", tar({"a": b"a"}))


@rows("PutContainerArchive", INVALID_REQUEST)
async def put_garbage(at: At) -> Any:
    return await put(at, "/", b"garbage" * 1000)


@rows("PutContainerArchive", INVALID_REQUEST)
async def put_a_part(at: At) -> Any:
    return await put(at, "/", tar({"a": b"a" * 5000})[:2000])


@rows("PutContainerArchive", "FAILED_PRECONDITION (CONFLICT)")
async def put_a_file_over_a_directory(at: At) -> Any:
    return await put(at, "/", tar({"etc": b"a"}), no_overwrite_dir_non_dir=True)


@rows("PutContainerArchive", "FAILED_PRECONDITION (CONFLICT)")
async def put_a_directory_over_a_file(at: At) -> Any:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as writer:
        directory = tarfile.TarInfo("passwd")
        directory.type = tarfile.DIRTYPE
        writer.addfile(directory)
    return await put(at, "/etc", archive.getvalue(), no_overwrite_dir_non_dir=True)


@rows("PutContainerArchive", "PERMISSION_DENIED (CONFLICT)")
async def put_into_what_is_read_only(at: At) -> Any:
    return await put(at, "/", tar({"a": b"a"}), host_config={"readonly_rootfs": True})


@rows("PutContainerArchive", "PERMISSION_DENIED (CONFLICT)")
async def put_into_a_read_only_volume(at: At) -> Any:
    return await put(at, "/data", tar({"a": b"a"}), host_config={"binds": [f"{await at.volume()}:/data:ro"]})
