"""Images and archives of 200 MB, through a gateway that must not grow with them."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dockfleet.v1 import containers_pb2, images_pb2

from tests.real.processes import GatewayProcess
from tests.real.support import CHUNK, IMAGE, Containers, Fleet, messages, uploading
from tests.real.test_bulk_exec import BLOCKS
from tests.support.gateway import receive

SIZE = 200 << 20
MOST_GROWTH = 32 << 20
DOCKERFILE = f"FROM {IMAGE}\nCOPY big /big\n".encode()


def content() -> Iterator[bytes]:
    """Yield the bytes of the big file."""
    return (BLOCKS[number % len(BLOCKS)] for number in range(SIZE // CHUNK))


def digest(parts: Any) -> str:
    """Return the SHA-256 of bytes in parts."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(part)
    return sha.hexdigest()


def archive(*small: tuple[str, bytes]) -> Iterator[bytes]:
    """Yield a tar of *small* files and of the big one."""
    for name, data in small:
        yield header(name, len(data)) + data + bytes(-len(data) % 512)
    yield header("big", SIZE)
    yield from content()
    yield bytes(1024)


def header(name: str, size: int) -> bytes:
    """Return a file's entry in a tar."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry.tobuf(tarfile.USTAR_FORMAT)


@dataclass
class Built:
    """The big image on a host, and by how much the gateway grew when it was built."""

    host: str
    tag: str
    growth: int
    sha: str


@pytest.fixture(scope="module", params=["one", "new"])
async def built(request: pytest.FixtureRequest, fleet: Fleet, gateway_process: GatewayProcess) -> AsyncIterator[Built]:
    """The big image, built on a host."""
    host, tag = fleet.need(request.param), "df-big:1"
    images = gateway_process.client.images
    start = images_pb2.BuildImageStart(host=host, tags=[tag])
    context = archive(("Dockerfile", DOCKERFILE))
    gateway_process.weigh()
    await messages(images.BuildImage(uploading(images_pb2.BuildImageRequest, start, context)))
    yield Built(host, tag, gateway_process.growth(), digest(content()))
    await images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=tag, force=True))


async def sha_inside(process: GatewayProcess, host: str, image: str) -> str:
    """Return the SHA-256 of the big file in an image, as a container computes it."""
    containers = Containers(process.client, host)
    container = await containers.run("sha256sum", "/big", image=image)
    log = process.client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host=host, id=container))
    text: bytes = (await receive(log)).batch.entries[0].data
    await containers.remove_all()
    return text.split()[0].decode()


async def test_a_big_context_is_built(gateway_process: GatewayProcess, built: Built) -> None:
    """A file of the context is in the image as it was sent."""
    assert await sha_inside(gateway_process, built.host, built.tag) == built.sha
    assert built.growth < MOST_GROWTH


async def test_a_big_image_is_saved_and_loaded(
    gateway_process: GatewayProcess, built: Built, fleet: Fleet, tmp_path: Path
) -> None:
    """What one host saves another one loads, and the file in it is the same."""
    images, file = gateway_process.client.images, tmp_path / "image.tar"
    gateway_process.weigh()
    with file.open("wb") as saved:
        async for response in images.SaveImage(images_pb2.SaveImageRequest(host=built.host, name=built.tag)):
            saved.write(response.data)
    start = images_pb2.LoadImagesStart(host=fleet.need("two"))
    with file.open("rb") as saved:
        parts = iter(lambda: saved.read(CHUNK), b"")
        await messages(images.LoadImages(uploading(images_pb2.LoadImagesRequest, start, parts)))
    growth = gateway_process.growth()

    assert await sha_inside(gateway_process, "two", built.tag) == built.sha
    assert growth < MOST_GROWTH
    await images.RemoveImage(images_pb2.RemoveImageRequest(host="two", name=built.tag, force=True))


async def test_a_big_archive_goes_up_and_comes_down(
    gateway_process: GatewayProcess, built: Built, tmp_path: Path
) -> None:
    """A file that is unpacked in a container comes back by a download, and by an export, as it was."""
    stubs, containers = gateway_process.client.containers, Containers(gateway_process.client, built.host)
    container = await containers.create("true")
    gateway_process.weigh()

    start = containers_pb2.PutContainerArchiveStart(host=built.host, id=container, path="/tmp")
    await stubs.PutContainerArchive(uploading(containers_pb2.PutContainerArchiveRequest, start, archive()))
    where = {"host": built.host, "id": container}
    download = stubs.GetContainerArchive(containers_pb2.GetContainerArchiveRequest(path="/tmp/big", **where))
    export = stubs.ExportContainer(containers_pb2.ExportContainerRequest(**where))
    shas = [await sha_of(call, name, tmp_path) for call, name in ((download, "big"), (export, "tmp/big"))]
    growth = gateway_process.growth()
    await containers.remove_all()

    assert shas == [built.sha, built.sha]
    assert growth < MOST_GROWTH


async def sha_of(call: Any, name: str, directory: Path) -> str:
    """Return the SHA-256 of a file in the tar that a call hands out."""
    with (directory / "archive.tar").open("w+b") as file:
        async for response in call:
            file.write(response.data)
        file.seek(0)
        with tarfile.open(fileobj=file) as reader:
            member = reader.extractfile(name)
            assert member is not None
            return digest(iter(lambda: member.read(CHUNK), b""))
