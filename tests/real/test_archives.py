"""Files into containers and out of them."""

from __future__ import annotations

import io
import tarfile
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2

from tests.real.support import Containers, chunks, execute, messages, tar, uploading
from tests.support.gateway import Client, failed


async def put(client: Client, host: str, container: str, archive: bytes, path: str, **start: Any) -> None:
    """Unpack *archive* in a container."""
    begin = containers_pb2.PutContainerArchiveStart(host=host, id=container, path=path, **start)
    await client.containers.PutContainerArchive(
        uploading(containers_pb2.PutContainerArchiveRequest, begin, chunks(archive))
    )


async def get(client: Client, host: str, container: str, path: str) -> tuple[containers_pb2.PathStat, bytes]:
    """Take *path* out of a container: what it is, and the archive."""
    request = containers_pb2.GetContainerArchiveRequest(host=host, id=container, path=path)
    first, *rest = await messages(client.containers.GetContainerArchive(request))
    assert first.HasField("stat")
    return first.stat, b"".join(response.data for response in rest)


def contents(archive: bytes) -> dict[str, bytes]:
    """Return the files of a tar, by name."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as reader:
        return {entry.name: reader.extractfile(entry).read() for entry in reader if entry.isfile()}  # type: ignore[union-attr]


@pytest.mark.parametrize("host", ["one", "two", "new"], indirect=True)
async def test_files_come_back_as_they_went(client: Client, host: str, containers: Containers) -> None:
    """An archive that was unpacked in a container is found there, by its processes and by a download."""
    files = {"dir/a b.txt": b"text\n", "dir/ü": bytes(range(256)) * 4000, "dir/empty": b""}
    container = await containers.start("sleep", "1000")

    await put(client, host, container, tar(files), "/tmp")
    stat, archive = await get(client, host, container, "/tmp/dir")

    assert contents(archive) == files
    assert (stat.name, stat.link_target) == ("dir", "")
    assert stat.mode >> 31 == 1  # Go's mode bits: a directory
    read = await execute(client, host, container, "cat", "/tmp/dir/ü")
    assert read.stdout == files["dir/ü"]


async def test_a_stopped_container_can_be_filled_and_read(client: Client, host: str, containers: Containers) -> None:
    """Archives go into containers that were never started, and come out of ended ones."""
    container = await containers.create("sh", "-c", "cat /in > /out; echo more >> /out")

    await put(client, host, container, tar({"in": b"given\n"}), "/")
    await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))
    await containers.wait(container)

    assert contents((await get(client, host, container, "/out"))[1]) == {"out": b"given\nmore\n"}


async def test_a_path_is_described(client: Client, host: str, containers: Containers) -> None:
    """The answer has name, size, mode and target of a path, without its content."""
    container = await containers.run("sh", "-c", "printf 12345 > /file; chmod 640 /file; ln -s /file /link")
    request = containers_pb2.StatContainerArchiveRequest(host=host, id=container, path="/file")

    file = (await client.containers.StatContainerArchive(request)).stat
    request.path = "/link"
    link = (await client.containers.StatContainerArchive(request)).stat

    assert (file.name, file.size, file.mode & 0o777) == ("file", 5, 0o640)
    assert file.modified_at.seconds > 1_700_000_000
    assert link.link_target == "/file"


async def test_what_is_not_there_is_not_found(client: Client, host: str, containers: Containers) -> None:
    """A path that does not exist, and a container that does not, are NOT_FOUND in all three calls."""
    container = await containers.create("true")

    for id, path in ((container, "/no/such/path"), ("df-no-such-container", "/")):
        with pytest.raises(grpc.aio.AioRpcError) as stat:
            await client.containers.StatContainerArchive(
                containers_pb2.StatContainerArchiveRequest(host=host, id=id, path=path)
            )
        with pytest.raises(grpc.aio.AioRpcError) as download:
            await get(client, host, id, path)
        with pytest.raises(grpc.aio.AioRpcError) as upload:
            await put(client, host, id, tar({"a": b""}), path)
        for caught in (stat, download, upload):
            assert failed(caught.value).code is grpc.StatusCode.NOT_FOUND


async def test_what_is_no_archive_is_refused(client: Client, host: str, containers: Containers) -> None:
    """Bytes that are no tar are refused, and a file is no place to unpack one."""
    container = await containers.create("true")

    with pytest.raises(grpc.aio.AioRpcError) as garbage:
        await put(client, host, container, b"\x1f\x8bthis is no gzip" * 100, "/tmp")
    with pytest.raises(grpc.aio.AioRpcError) as no_directory:
        await put(client, host, container, tar({"a": b"a"}), "/etc/passwd")

    assert failed(no_directory.value).code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed(garbage.value).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_read_only_container_cannot_be_written_to(client: Client, host: str, containers: Containers) -> None:
    """Unpacking into a read-only file system is not permitted by the engine."""
    container = await containers.create("true", host_config={"readonly_rootfs": True, "network_mode": "none"})

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await put(client, host, container, tar({"a": b"a"}), "/tmp")

    assert failed(caught.value).code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_whole_file_system_is_exported(client: Client, host: str, containers: Containers) -> None:
    """An export holds the image's files and the container's own."""
    container = await containers.run("sh", "-c", "echo mine > /own; rm /etc/group")
    request = containers_pb2.ExportContainerRequest(host=host, id=container)

    archive = b"".join([response.data async for response in client.containers.ExportContainer(request)])

    files = contents(archive)
    assert files["own"] == b"mine\n"
    assert files["etc/passwd"].startswith(b"root:")
    assert "etc/group" not in files
