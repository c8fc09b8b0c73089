"""ImageService: images on the host."""

from __future__ import annotations

from typing import Any

from dockfleet.v1 import images_pb2 as pb

from tests.real.statuses.at import At, Rows
from tests.real.support import tar
from tests.support.statuses import Asked, filters

rows = Rows("ImageService")
INVALID_REQUEST = "INVALID_ARGUMENT (INVALID_REQUEST)"
INVALID_FIELD = "INVALID_ARGUMENT (INVALID_FIELD)"
INVALID_FIELD = "INVALID_ARGUMENT (INVALID_FIELD)"
CONFLICT = "FAILED_PRECONDITION (CONFLICT)"
OPERATION_FAILED = "FAILED_PRECONDITION (OPERATION_FAILED)"


@rows("ListImages", INVALID_FIELD)
async def unknown_filter_of_images(at: At) -> Any:
    return pb.ListImagesRequest(filters=filters(nope=["x"]))


@rows("ListImages", INVALID_FIELD)
async def bad_pattern(at: At) -> Any:
    return pb.ListImagesRequest(filters=filters(reference=["["]))


@rows("ListImages", "NOT_FOUND")
async def before_no_image(at: At) -> Any:
    return pb.ListImagesRequest(filters=filters(before=[f"{at.name}:1"]))


def build(files: dict[str, bytes], **start: Any) -> Any:
    """A build of these files."""
    return Asked(pb.BuildImageStart(**start), (tar(files),))


@rows("BuildImage", INVALID_REQUEST)
async def unknown_instruction(at: At) -> Any:
    return build({"Dockerfile": b"NOPE x\n"})


@rows("BuildImage", INVALID_REQUEST)
async def no_dockerfile(at: At) -> Any:
    return build({"x": b"y"})


@rows("BuildImage", INVALID_REQUEST)
async def context_of_garbage(at: At) -> Any:
    return Asked(pb.BuildImageStart(), (b"garbage" * 1000,))


@rows("BuildImage", INVALID_REQUEST)
async def part_of_a_context(at: At) -> Any:
    return Asked(pb.BuildImageStart(), (tar({"x": b"y" * 5000})[:2000],))


@rows("BuildImage", OPERATION_FAILED)
async def failing_step(at: At) -> Any:
    return build({"Dockerfile": b"FROM dockfleet-test\nRUN exit 3\n"}, network_mode="none")


@rows("BuildImage", OPERATION_FAILED)
async def step_without_program(at: At) -> Any:
    return build({"Dockerfile": b'FROM dockfleet-test\nRUN ["nope"]\n'}, network_mode="none")


@rows("BuildImage", OPERATION_FAILED)
async def base_out_of_reach(at: At) -> Any:
    return build({"Dockerfile": b"FROM 127.0.0.1:1/nope:1\n"})


@rows("BuildImage", OPERATION_FAILED)
async def file_out_of_reach(at: At) -> Any:
    return build({"Dockerfile": b"FROM dockfleet-test\nADD http://127.0.0.1:1/x /x\n"})


@rows("PruneBuildCache", INVALID_REQUEST)
async def unknown_filter_of_cache(at: At) -> Any:
    return pb.PruneBuildCacheRequest(filters=filters(nope=["x"]))


@rows("PruneBuildCache", INVALID_REQUEST)
async def cache_until_abc(at: At) -> Any:
    return pb.PruneBuildCacheRequest(filters=filters(until=["abc"]))


def importing(archive: bytes, **start: Any) -> Any:
    """An import of an archive."""
    return Asked(pb.ImportImageStart(**{"from_src": "-"} | start), (archive,))


@rows("ImportImage", INVALID_REQUEST)
async def import_with_a_bad_instruction(at: At) -> Any:
    return importing(tar({"a": b"a"}), changes=["RUN x"])


@rows("ImportImage", INVALID_REQUEST)
async def import_garbage(at: At) -> Any:
    return importing(b"garbage" * 1000)


@rows("ImportImage", INVALID_REQUEST)
async def import_a_part(at: At) -> Any:
    return importing(tar({"a": b"a" * 5000})[:2000])


@rows("ImportImage", OPERATION_FAILED)
async def import_out_of_reach(at: At) -> Any:
    return importing(b"", from_src="http://127.0.0.1:1/x")


@rows("InspectImage", "NOT_FOUND")
async def inspect_no_image(at: At) -> Any:
    return pb.InspectImageRequest(name=f"{at.name}:1")


@rows("GetImageHistory", "NOT_FOUND")
async def history_of_no_image(at: At) -> Any:
    return pb.GetImageHistoryRequest(name=f"{at.name}:1")


@rows("TagImage", "NOT_FOUND")
async def tag_no_image(at: At) -> Any:
    return pb.TagImageRequest(name=f"{at.name}:1", repo=at.name)


@rows("TagImage", INVALID_FIELD)
async def tag_in_upper_case(at: At) -> Any:
    return pb.TagImageRequest(name="dockfleet-test", repo="UPPER")


@rows("TagImage", INVALID_FIELD)
async def tag_without_name(at: At) -> Any:
    return pb.TagImageRequest(name="dockfleet-test")


@rows("TagImage", INVALID_REQUEST)
async def tag_like_a_digest(at: At) -> Any:
    return pb.TagImageRequest(name="dockfleet-test", repo="sha256", tag="1")


@rows("TagImage", INVALID_REQUEST)
async def tag_like_an_id(at: At) -> Any:
    return pb.TagImageRequest(name="dockfleet-test", repo="a" * 64)


@rows("RemoveImage", "NOT_FOUND")
async def remove_no_image(at: At) -> Any:
    return pb.RemoveImageRequest(name=f"{at.name}:1")


@rows("RemoveImage", CONFLICT)
async def remove_a_used_one(at: At) -> Any:
    image = f"{at.name}:1"
    await at.image(image)
    await at.containers.create("true", image=image)
    return pb.RemoveImageRequest(name=image)


@rows("RemoveImage", CONFLICT)
async def remove_one_of_two_names_by_id(at: At) -> Any:
    id = await at.image(f"{at.name}:1")
    await at.client.images.TagImage(pb.TagImageRequest(host=at.host, name=id, repo=f"{at.name}/other", tag="1"))
    remove = pb.RemoveImageRequest(host=at.host, name=f"{at.name}/other:1")
    at.undo.push_async_callback(lambda: at.client.images.RemoveImage(remove))
    return pb.RemoveImageRequest(name=id)


@rows("PruneImages", INVALID_REQUEST)
async def unknown_filter_of_prune(at: At) -> Any:
    return pb.PruneImagesRequest(filters=filters(nope=["x"]))


@rows("PruneImages", INVALID_REQUEST)
async def images_until_abc(at: At) -> Any:
    return pb.PruneImagesRequest(filters=filters(until=["abc"]))


@rows("PruneImages", "ABORTED (BEING_CHANGED)")
async def prune_images_at_once(at: At) -> Any:
    for number in range(10):
        start = pb.ImportImageStart(host=at.host, from_src="-", changes=[f"LABEL {at.name}={number}"])
        requests = [pb.ImportImageRequest(start=start), pb.ImportImageRequest(data=tar({"a": b"%d" % number}))]
        assert [reply async for reply in at.client.images.ImportImage(iter(requests))]
    return Asked(pb.PruneImagesRequest(filters=filters(label=[at.name])), times=4)


@rows("CommitContainer", "NOT_FOUND")
async def commit_nothing(at: At) -> Any:
    return pb.CommitContainerRequest(container=at.name)


@rows("CommitContainer", INVALID_FIELD)
async def commit_in_upper_case(at: At) -> Any:
    return pb.CommitContainerRequest(container=await at.containers.create("true"), repo="UPPER")


@rows("CommitContainer", INVALID_REQUEST)
async def commit_with_a_bad_instruction(at: At) -> Any:
    return pb.CommitContainerRequest(container=await at.containers.create("true"), changes=["RUN x"])


@rows("SaveImage", "NOT_FOUND")
async def save_no_image(at: At) -> Any:
    return pb.SaveImageRequest(name=f"{at.name}:1")


@rows("SaveImages", "NOT_FOUND")
async def save_an_image_and_no_image(at: At) -> Any:
    return pb.SaveImagesRequest(names=["dockfleet-test", f"{at.name}:1"])


@rows("LoadImages", OPERATION_FAILED)
async def load_no_images(at: At) -> Any:
    return Asked(pb.LoadImagesStart(), (tar({"a": b"a"}),))


@rows("LoadImages", INVALID_REQUEST)
async def load_garbage(at: At) -> Any:
    return Asked(pb.LoadImagesStart(), (b"garbage" * 1000,))


@rows("LoadImages", INVALID_REQUEST)
async def load_a_part(at: At) -> Any:
    return Asked(pb.LoadImagesStart(), (tar({"a": b"a" * 5000})[:2000],))
