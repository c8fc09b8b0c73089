"""Builds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, images_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.real.support import IMAGE, Containers, chunks, messages, news, tar, transcript, uploading
from tests.real.test_run import run_request
from tests.support.gateway import Client, failed

DOCKERFILE = f"""\
FROM {IMAGE}
ARG COLOUR=none
LABEL made=here
COPY --chown=65534 file /dir/
RUN echo $COLOUR > /colour && echo "built in $COLOUR"
CMD ["cat", "/colour", "/dir/file"]
"""


@pytest.fixture
async def tag(client: Client, host: str) -> AsyncIterator[str]:
    """The name of the image to build; it is removed at the end."""
    tag = f"df-built-{host}:1"
    yield tag
    listed = await client.images.ListImages(images_pb2.ListImagesRequest(host=host))
    if any(tag in image.repo_tags for image in listed.images):
        await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=tag, force=True))


def build(client: Client, host: str, context: bytes | Iterable[bytes], **start: Any) -> Any:
    """Begin to build *context*, without a network."""
    begin = images_pb2.BuildImageStart(host=host, network_mode="none", force_remove_intermediate=True, **start)
    data = chunks(context) if isinstance(context, bytes) else context
    return client.images.BuildImage(uploading(images_pb2.BuildImageRequest, begin, data))


async def test_a_context_becomes_an_image(client: Client, host: str, containers: Containers, tag: str) -> None:
    """A build reports its steps and their output as they happen, then the image's id; the image runs."""
    context = tar({"Dockerfile": DOCKERFILE.encode(), "file": b"from the context\n"})

    reports = [
        r.progress for r in await messages(build(client, host, context, tags=[tag], build_args={"COLOUR": "blue"}))
    ]

    said = "".join(report.stream for report in reports)
    assert "Step 1/6" in said
    assert "built in blue\n" in said
    assert f"Successfully tagged {tag}" in said
    image = (await client.images.InspectImage(images_pb2.InspectImageRequest(host=host, name=tag))).image
    assert image.id in [report.result.id for report in reports]
    assert image.config.labels["made"] == "here"
    run = await transcript(client.containers.RunContainer(run_request(host, containers, image=tag, auto_remove=True)))
    assert run.stdout == b"blue\nfrom the context\n"


async def test_buildkit_builds_an_image(client: Client, host: str, tag: str) -> None:
    """Its trace, a text where other reports have an object, is left out and counted; the image's id arrives."""
    context = tar({"Dockerfile": b"FROM scratch\nCOPY file /dir/\nLABEL made=there\n", "file": b"from the context\n"})
    labels = {"host": host, "grpc_method": "BuildImage"}
    before = client.metrics.registry.get_sample_value("dockfleet_engine_values_skipped_total", labels) or 0

    reports = [r.progress for r in await messages(build(client, host, context, tags=[tag], version="2"))]

    image = (await client.images.InspectImage(images_pb2.InspectImageRequest(host=host, name=tag))).image
    assert image.id in [report.result.id for report in reports]
    assert image.config.labels["made"] == "there"
    traces = [report for report in reports if report.id == "moby.buildkit.trace"]
    after = client.metrics.registry.get_sample_value("dockfleet_engine_values_skipped_total", labels)
    assert after == before + len(traces) > before


async def test_a_build_that_fails_fails_the_call(client: Client, host: str, tag: str) -> None:
    """A step that fails ends the call with its words, after all reports of what came before; nothing is tagged."""
    context = tar({"Dockerfile": f"FROM {IMAGE}\nRUN echo so far; echo wrong >&2; exit 42\n".encode()})
    call = build(client, host, context, tags=[tag])
    said: list[str] = []

    async def listen() -> None:
        while True:
            said.append((await call.read()).progress.stream)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await listen()

    assert "so far\n" in "".join(said)
    failure = failed(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_FAILED")
    assert "exit 42" in failure.message
    assert "returned a non-zero code: 42" in failure.message
    with pytest.raises(grpc.aio.AioRpcError):
        await client.images.InspectImage(images_pb2.InspectImageRequest(host=host, name=tag))


@pytest.mark.parametrize(
    ("files", "start"),
    [
        pytest.param({"Dockerfile": b"BREW coffee\n"}, {}, id="unknown-instruction"),
        pytest.param({"file": b""}, {}, id="no-dockerfile"),
        pytest.param({"Dockerfile": b"FROM scratch\n"}, {"tags": ["UPPER CASE"]}, id="malformed-tag"),
    ],
)
async def test_what_can_not_be_built_is_the_callers_mistake(
    client: Client, host: str, files: dict[str, bytes], start: dict[str, Any]
) -> None:
    """A Dockerfile or a parameter that the engine does not understand is INVALID_ARGUMENT."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await messages(build(client, host, tar(files), **start))

    assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT


async def test_steps_are_taken_from_the_cache_unless_it_is_refused(client: Client, host: str, tag: str) -> None:
    """The second build of a context takes its steps from the cache, and with `no_cache` makes them anew."""
    context = tar({"Dockerfile": f"FROM {IMAGE}\nRUN head -c 16 /dev/urandom > /random\n".encode()})

    async def made(**start: Any) -> tuple[str, str]:
        reports = [response.progress for response in await messages(build(client, host, context, tags=[tag], **start))]
        return "".join(report.stream for report in reports), next(r.result.id for r in reversed(reports) if r.result.id)

    (_, first), (said, second), (_, third) = await made(), await made(), await made(no_cache=True)

    await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=first))  # it has no name any more
    assert "Using cache" in said
    assert first == second
    assert first != third


async def test_a_client_that_leaves_ends_the_build(client: Client, host: str, tag: str, private: None) -> None:
    """When the call is cancelled the host stops building: the container of the step goes away."""
    context = tar({"Dockerfile": f"FROM {IMAGE}\nRUN echo begun; sleep 1000\n".encode()})
    call = build(client, host, context, tags=[tag])
    said = ""
    while "begun" not in said:
        said += (await call.read()).progress.stream
    events = client.system.StreamEvents(_removals(host))

    call.cancel()

    assert (await news(events)).event.action == "destroy"
    events.cancel()


async def test_the_cache_of_builds_can_be_emptied(client: Client, host: str, private: None) -> None:
    """Pruning the cache answers what was removed; after it there is nothing left."""
    await client.images.PruneBuildCache(images_pb2.PruneBuildCacheRequest(host=host, all=True))

    pruned = await client.images.PruneBuildCache(images_pb2.PruneBuildCacheRequest(host=host))

    assert list(pruned.caches_deleted) == []
    assert pruned.space_reclaimed_bytes == 0


def _removals(host: str) -> system_pb2.StreamEventsRequest:
    now = Timestamp()
    now.GetCurrentTime()
    filters = {"type": ["container"], "event": ["destroy"]}
    return system_pb2.StreamEventsRequest(
        host=host, since=now, filters={key: common_pb2.StringList(items=items) for key, items in filters.items()}
    )
