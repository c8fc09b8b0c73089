"""Images on a host: what there is, names, loading and saving, removal."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import AsyncIterator

import grpc
import pytest
from dockfleet.v1 import images_pb2

from tests.real.support import IMAGE, Containers, Fleet, chunks, import_image, messages, tar, uploading
from tests.support.gateway import Client, failed


@pytest.fixture
async def name(client: Client, host: str, request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The name of an image that is removed at the end, if it is there."""
    name = f"df-{hashlib.sha256(request.node.name.encode()).hexdigest()[:8]}:1"
    yield name
    listed = await client.images.ListImages(images_pb2.ListImagesRequest(host=host))
    if any(name in image.repo_tags for image in listed.images):
        await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=name, force=True))


async def inspect(client: Client, host: str, name: str) -> images_pb2.Image:
    """Return what the engine knows of an image."""
    return (await client.images.InspectImage(images_pb2.InspectImageRequest(host=host, name=name))).image


async def test_an_imported_tar_is_an_image(client: Client, host: str, name: str) -> None:
    """An import ends with the id of the image, which has the instructions that were given."""
    id = await import_image(client, host, tar({"file": b"content"}), name)

    image = await inspect(client, host, name)
    assert image.id == id
    assert list(image.repo_tags) == [name]
    assert list(image.config.cmd) == ["sh"]
    assert image.os == "linux"
    assert len(image.root_fs.layers) == 1
    assert 0 < image.size_bytes < 10_000


async def test_a_tar_that_breaks_off_is_no_image(client: Client, host: str, name: str) -> None:
    """An import of half a tar fails, and there is no such image."""
    archive = tar({"file": b"x" * 100_000})

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await import_image(client, host, archive[:50_000], name)

    assert "unexpected EOF" in failed(caught.value).message
    with pytest.raises(grpc.aio.AioRpcError):
        await inspect(client, host, name)


async def test_an_image_has_names_and_loses_them(client: Client, host: str, name: str) -> None:
    """A tag is one more name; the image is removed with its last one, and then there is nothing to remove."""
    id = await import_image(client, host, tar({"file": b"content"}), name)
    repository = name.partition(":")[0]
    tag = images_pb2.TagImageRequest(host=host, name=name, repo=f"{repository}/deep/er", tag="v1.2_x")
    remove = images_pb2.RemoveImageRequest(host=host, name=f"{repository}/deep/er:v1.2_x")

    await client.images.TagImage(tag)
    names = list((await inspect(client, host, id)).repo_tags)
    first = (await client.images.RemoveImage(remove)).images
    remove.name = name
    last = (await client.images.RemoveImage(remove)).images
    with pytest.raises(grpc.aio.AioRpcError) as gone:
        await client.images.RemoveImage(remove)

    assert sorted(names) == sorted([name, f"{repository}/deep/er:v1.2_x"])
    assert [one.untagged for one in first] == [f"{repository}/deep/er:v1.2_x"]
    assert id in [one.deleted for one in last]
    assert failed(gone.value).code is grpc.StatusCode.NOT_FOUND


async def test_an_image_in_use_is_not_removed(client: Client, host: str, name: str, containers: Containers) -> None:
    """Removing the image of a container fails, unless it is forced."""
    await import_image(client, host, tar({"file": b"content"}), name)
    await containers.create("true", image=name)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=name))

    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(caught.value).reason == "CONFLICT"


async def test_lists_can_be_narrowed(client: Client, host: str, name: str) -> None:
    """A list has all images, and with a filter those that fit it."""
    await import_image(client, host, tar({"file": b"content"}), name)
    request = images_pb2.ListImagesRequest(host=host)

    everything = (await client.images.ListImages(request)).images
    request.filters["reference"].items.append(name)
    ours = (await client.images.ListImages(request)).images

    assert {IMAGE, name} <= {tag for image in everything for tag in image.repo_tags}
    assert [list(image.repo_tags) for image in ours] == [[name]]
    assert ours[0].created_at.seconds > 1_700_000_000


async def test_a_container_becomes_an_image(client: Client, host: str, name: str, containers: Containers) -> None:
    """A commit keeps the container's files, with the author, the comment and the changes given; history tells."""
    container = await containers.run("sh", "-c", "echo kept > /kept")
    repository, _, version = name.partition(":")

    committed = await client.images.CommitContainer(
        images_pb2.CommitContainerRequest(
            host=host,
            container=container,
            repo=repository,
            tag=version,
            author="A. Uthor",
            comment="a comment",
            changes=['CMD ["cat", "/kept"]', "ENV COLOUR=blue"],
        )
    )
    image = await inspect(client, host, name)
    history = await client.images.GetImageHistory(images_pb2.GetImageHistoryRequest(host=host, name=name))
    follower = await containers.run(image=name)

    assert committed.id == image.id == history.layers[0].id
    assert (image.author, image.comment) == ("A. Uthor", "a comment")
    assert list(image.config.cmd) == ["cat", "/kept"]
    assert "COLOUR=blue" in image.config.env
    assert history.layers[0].comment == "a comment"
    assert list(history.layers[0].tags) == [name]
    assert len(history.layers) == 2
    assert (await containers.inspect(follower)).state.exit_code == 0


async def test_saved_images_can_be_loaded(client: Client, host: str, name: str) -> None:
    """What SaveImage and SaveImages hand out, LoadImages takes, with the names."""
    id = await import_image(client, host, tar({"file": b"content"}), name)
    one = await messages(client.images.SaveImage(images_pb2.SaveImageRequest(host=host, name=name)))
    both = await messages(client.images.SaveImages(images_pb2.SaveImagesRequest(host=host, names=[name, IMAGE])))
    await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=name))

    async def load(archive: bytes) -> str:
        start = images_pb2.LoadImagesStart(host=host)
        call = client.images.LoadImages(uploading(images_pb2.LoadImagesRequest, start, chunks(archive)))
        return "".join(response.progress.stream for response in await messages(call))

    archive = b"".join(response.data for response in both)
    said = await load(b"".join(response.data for response in one))
    again = await load(archive)

    assert f"Loaded image: {name}" in said
    assert f"Loaded image: {IMAGE}" in again
    assert (await inspect(client, host, name)).id == id
    with tarfile.open(fileobj=io.BytesIO(archive)) as reader:
        manifest = json.load(reader.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert sorted(tag for entry in manifest for tag in entry["RepoTags"]) == sorted([name, IMAGE])


async def test_a_tar_without_images_cannot_be_loaded(client: Client, host: str) -> None:
    """Loading what holds no images ends the call with the engine's words."""
    start = images_pb2.LoadImagesStart(host=host)
    call = client.images.LoadImages(uploading(images_pb2.LoadImagesRequest, start, chunks(tar({"file": b"content"}))))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await messages(call)

    assert failed(caught.value).code is grpc.StatusCode.FAILED_PRECONDITION
    assert failed(caught.value).reason == "OPERATION_FAILED"


async def test_prune_removes_images_without_a_name(client: Client, host: str, name: str, fleet: Fleet) -> None:
    """Pruning removes an image that lost its name, names it, and leaves the others."""
    fleet.need("private")
    nameless = await import_image(client, host, tar({"file": b"x" * 50_000}), name)
    named = await import_image(client, host, tar({"file": b"y"}), name)

    pruned = await client.images.PruneImages(images_pb2.PruneImagesRequest(host=host))

    assert [image.deleted for image in pruned.images_deleted if image.deleted.startswith(nameless)] == [nameless]
    assert pruned.space_reclaimed_bytes >= 50_000
    assert (await inspect(client, host, name)).id == named


async def test_a_search_that_reaches_no_registry_is_retry_safe(client: Client, host: str) -> None:
    """When the host cannot reach the registry that is searched, the call may be sent again later."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.images.SearchImages(images_pb2.SearchImagesRequest(host=host, term="127.0.0.1:1/app"))

    assert failed(caught.value).code is grpc.StatusCode.UNAVAILABLE
    assert failed(caught.value).reason == "REGISTRY_UNREACHABLE"
    assert failed(caught.value).metadata["retry_safe"] == "true"


async def test_attestations_are_for_newer_hosts(client: Client, host: str, fleet: Fleet) -> None:
    """A host that is too old for a call says which version it would need, and which it has."""
    fleet.need("private")

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.images.ListImageAttestations(images_pb2.ListImageAttestationsRequest(host=host, name=IMAGE))

    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "API_VERSION_TOO_OLD")
    assert failure.metadata["required_version"] == "1.55"
    assert failure.metadata["host_version"] == {"one": "1.41", "new": "1.45"}[host]
