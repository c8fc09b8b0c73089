"""Uploads: data arrive unchanged, and an upload that breaks off is never complete for the engine."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2, containers_pb2_grpc, images_pb2

from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, Failed, failed, gateway_of
from tests.support.upstream import Held, refusal, until_refused

START = containers_pb2.PutContainerArchiveRequest(
    start=containers_pb2.PutContainerArchiveStart(host="h1", id="web", path="/tmp")
)
ARCHIVE = "/containers/{id}/archive"


def data(payload: bytes) -> containers_pb2.PutContainerArchiveRequest:
    """Return a frame of the archive."""
    return containers_pb2.PutContainerArchiveRequest(data=payload)


def script(engine: FakeEngine) -> None:
    """Take archives."""
    engine.on("PUT", ARCHIVE, status=200)


engine = engine_fixture(script, over=("unix", "tcp"))
client = client_fixture(write_timeout_seconds=1, long_timeout_seconds=1, progress_idle_timeout_seconds=0.5)


async def refused_upload(client: Client, requests: Iterable[containers_pb2.PutContainerArchiveRequest]) -> Failed:
    """Return how an upload fails.

    By a client of the synchronous kind: when the server ends a call while it is being fed, the asynchronous one may
    report an error of its own in place of the status.
    """

    def upload() -> grpc.RpcError:
        with grpc.insecure_channel(f"127.0.0.1:{client.port}") as channel:
            with pytest.raises(grpc.RpcError) as refused:
                containers_pb2_grpc.ContainerServiceStub(channel).PutContainerArchive(iter(requests))
            return refused.value

    return failed(await asyncio.to_thread(upload))  # type: ignore[arg-type]


class Body:
    """An engine's handler that reads an upload as it comes, and notes whether its last chunk did."""

    def __init__(self) -> None:
        self.held = Held()
        self.begun = asyncio.Event()

    async def __call__(self, exchange: ResponseParser) -> None:
        """Read to the end, whichever it is."""
        self.begun.set()
        await self.held(exchange)

    @property
    def whole(self) -> bool:
        """Whether the last chunk came."""
        return self.held.received.endswith(b"0\r\n\r\n")


# What arrives


async def test_an_archive_arrives_as_it_was_sent(engine: FakeEngine, client: Client) -> None:
    """All parts, in order, as one tar body; the fields of the start are in the path and in the query."""
    parts = [bytes([number]) * (number * 1000) for number in range(1, 60)]

    await client.containers.PutContainerArchive(iter([START, *map(data, parts)]))
    request = await engine.request("PUT", ARCHIVE)

    assert request.body == b"".join(parts)
    assert request.path == "/containers/web/archive"
    assert request.query == [("path", "/tmp")]
    assert request.headers["transfer-encoding"] == "chunked"
    assert request.headers["content-type"] == "application/x-tar"


COMPRESSED = {
    "gzip": gzip.compress(b"tar"),
    "bzip2": bz2.compress(b"tar"),
    "xz": lzma.compress(b"tar"),
    "zstd": bytes.fromhex("28b52ffd") + bytes(20),
    "zstd after a frame that is left out": bytes.fromhex("5f2a4d1800000000") + bytes(20),
}


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("form", COMPRESSED)
async def test_an_archive_that_is_compressed_is_refused(
    engine: FakeEngine, client: Client, form: str, size: int
) -> None:
    """Engines know it by its beginning, and may run a program of the container as root (A5 47)."""
    archive = COMPRESSED[form]
    parts = (data(archive[start : start + size]) for start in range(0, len(archive), size))
    refused = await refused_upload(client, [START, data(b""), *parts])
    await client.containers.PutContainerArchive(iter([START, data(b"plain")]))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refused.message.startswith("data: must be a tar archive that is not compressed")
    assert [request.body for request in engine.requests if request.method == "PUT"] == [b"plain"]


async def test_compressed_files_within_an_archive_are_none_of_the_engines(engine: FakeEngine, client: Client) -> None:
    """What counts is how the archive begins."""
    archive = bytes(512) + COMPRESSED["gzip"]
    await client.containers.PutContainerArchive(iter([START, data(archive[:512]), data(archive[512:])]))

    assert (await engine.request("PUT", ARCHIVE)).body == archive


async def test_an_upload_may_be_empty(engine: FakeEngine, client: Client) -> None:
    """Empty parts are no end, and an upload without any has one."""
    await client.containers.PutContainerArchive(iter([START, data(b""), data(b"x"), data(b"")]))
    await client.containers.PutContainerArchive(iter([START]))

    assert [request.body for request in engine.requests if request.method == "PUT"] == [b"x", b""]


async def test_progress_comes_during_the_upload(engine: FakeEngine, client: Client) -> None:
    """Reports of an engine that has only a part of the upload arrive at once."""
    uploading = asyncio.Event()

    async def load(exchange: ResponseParser) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        await exchange.chunk(b'{"status":"Loading"}\n')
        received = b""
        while not received.endswith(b"0\r\n\r\n"):
            received += await exchange.read(65536)
        await exchange.chunk(b'{"stream":"Loaded"}\n')
        await exchange.chunk(b"")

    async def requests() -> AsyncIterator[images_pb2.LoadImagesRequest]:
        yield images_pb2.LoadImagesRequest(start=images_pb2.LoadImagesStart(host="h1"))
        yield images_pb2.LoadImagesRequest(data=b"x")
        await uploading.wait()

    engine.on("POST", "/images/load", load, early=True)
    reports = []
    async for reply in client.images.LoadImages(requests()):
        uploading.set()
        reports.append(reply.progress.status or reply.progress.stream)

    assert reports == ["Loading", "Loaded"]


# What the engine refuses


async def test_an_upload_that_is_refused_early_stops(engine: FakeEngine, client: Client) -> None:
    """A hundred megabytes are not sent to an engine that has refused; the refusal arrives (sdk-notes 4)."""
    sent = 0

    def requests() -> Iterator[containers_pb2.PutContainerArchiveRequest]:
        nonlocal sent
        yield START
        for _ in range(100):
            sent += 1
            yield data(b"x" * (1 << 20))

    engine.on("PUT", ARCHIVE, early=True, status=404, error="Could not find the file /tmp in container web")

    refused = await refused_upload(client, requests())

    assert refused.code is grpc.StatusCode.NOT_FOUND
    assert "Could not find the file /tmp" in refused.message
    assert sent < 100
    assert await engine.until(lambda: engine.open_connections <= 1)


async def test_the_refusal_of_an_engine_that_closes_the_connection_counts(engine: FakeEngine, client: Client) -> None:
    """The answer counts, though the connection of the upload breaks right after it."""

    async def refuse(exchange: ResponseParser) -> None:
        await exchange.answer(status=404, error="No such container: web")
        await exchange.drain()
        exchange.close()

    engine.on("PUT", ARCHIVE, refuse, early=True)
    requests = [START, *(data(b"x" * (1 << 20)) for _ in range(20))]

    refused = await refused_upload(client, requests)

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_an_engine_that_closes_the_connection_without_an_answer_leaves_the_outcome_open(
    engine: FakeEngine, client: Client
) -> None:
    """What was unpacked of the archive is not known."""

    async def hang_up(exchange: ResponseParser) -> None:
        await exchange.read(10)
        exchange.abort()

    engine.on("PUT", ARCHIVE, hang_up, early=True)
    requests = [START, *(data(b"x" * (1 << 20)) for _ in range(20))]

    refused = await refused_upload(client, requests)

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")


async def test_an_engine_that_never_answers_ends_the_upload(engine: FakeEngine, client: Client) -> None:
    """The outcome is open, and the connection is closed."""
    body = Body()
    engine.on("PUT", ARCHIVE, body, early=True)

    refused = await refusal(client.containers.PutContainerArchive(iter([START, data(b"x")])))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    await body.held.gone.wait()


async def test_the_answer_to_an_upload_is_bounded(engine: FakeEngine, client: Client) -> None:
    """An answer that does not end is cut, whether it is silent or endless (A5 52)."""
    silent = Held(lambda exchange: exchange.head(200, {"Transfer-Encoding": "chunked"}))
    engine.on("PUT", ARCHIVE, silent)

    refused = await refusal(client.containers.PutContainerArchive(iter([START, data(b"x")])))

    assert (refused.code, refused.reason) == (grpc.StatusCode.ABORTED, "OUTCOME_UNKNOWN")
    await silent.gone.wait()


# What the client does not finish


@pytest.mark.parametrize("way", ["cancels", "hangs up"])
async def test_an_upload_whose_client_leaves_is_never_whole_for_the_engine(engine: FakeEngine, way: str) -> None:
    """The engine sees no last chunk, so that it does not take a part for the whole (sdk-notes 4)."""
    for _ in range(20):
        body = Body()
        engine.on("PUT", ARCHIVE, body, early=True)
        async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
            call = client.containers.PutContainerArchive()
            await call.write(START)
            await call.write(data(b"half of it"))
            await body.begun.wait()
            if way == "cancels":
                call.cancel()
            else:
                await client.channel.close()
            await body.held.gone.wait()

            assert not body.whole


async def test_an_upload_whose_client_is_late_is_never_whole_for_the_engine(engine: FakeEngine, client: Client) -> None:
    """A deadline that passes during an upload ends it like a client that leaves."""
    seconds, begun = 0.1, 0
    while begun < 10:
        body = Body()
        engine.on("PUT", ARCHIVE, body, early=True)
        call = client.containers.PutContainerArchive(timeout=seconds)
        try:
            await call.write(START)
            await call.write(data(b"half of it"))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):  # the time was over already
            seconds *= 1.5  # the code is then that of the library, INTERNAL for example
            continue
        assert await call.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED)
        if not body.held.called.is_set():
            seconds *= 1.5  # on a busy machine it was over before the engine was asked
            continue
        begun += 1
        await body.held.gone.wait()

        assert not body.whole


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "start"),
        ([data(b"x")], "start"),
        ([containers_pb2.PutContainerArchiveRequest()], "start"),
        ([START, data(b"x"), START], "data"),
        ([START, data(b"x"), containers_pb2.PutContainerArchiveRequest()], "data"),
    ],
)
async def test_frames_in_the_wrong_order_are_refused(
    engine: FakeEngine, client: Client, requests: list[Any], field: str
) -> None:
    """Before the start nothing is sent; after it, the engine sees no last chunk."""
    body = Body()
    engine.on("PUT", ARCHIVE, body, early=True)

    refused = await refusal(client.containers.PutContainerArchive(iter(requests)))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert field in refused.message
    if field == "start":
        assert not [request for request in engine.requests if request.method == "PUT"]
    else:
        await body.held.gone.wait()
        assert not body.whole


async def test_the_failure_of_a_build_comes_after_its_progress(engine: FakeEngine, client: Client) -> None:
    """An `errorDetail` within the answer to an upload is the status of the call."""
    failure = {"errorDetail": {"code": 3, "message": "returned a non-zero code: 3"}, "error": "non-zero code: 3"}
    engine.on("POST", "/build", lines=[{"stream": "Step 1/1 : RUN false"}, failure])
    requests = [
        images_pb2.BuildImageRequest(start=images_pb2.BuildImageStart(host="h1")),
        images_pb2.BuildImageRequest(data=b"tar"),
    ]

    reports, refused = await until_refused(client.images.BuildImage(iter(requests)))

    assert [report.progress.stream for report in reports] == ["Step 1/1 : RUN false"]
    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "OPERATION_FAILED")
    assert "returned a non-zero code: 3" in refused.message


async def test_an_upload_waits_for_an_engine_that_does_not_read(engine: FakeEngine, client: Client) -> None:
    """Memory is bounded: the client waits until the engine reads."""
    sent, go_on = 0, asyncio.Event()

    async def stall(exchange: ResponseParser) -> None:
        await go_on.wait()
        exchange.keep_alive = False
        received = b""
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received = received[-16:] + await exchange.read(1 << 20)
        await exchange.answer(status=200)

    async def requests() -> AsyncIterator[images_pb2.LoadImagesRequest]:
        nonlocal sent
        yield images_pb2.LoadImagesRequest(start=images_pb2.LoadImagesStart(host="h1"))
        for _ in range(100):
            yield images_pb2.LoadImagesRequest(data=b"x" * (1 << 20))
            sent += 1

    engine.on("POST", "/images/load", stall, early=True)
    async with gateway_of(engine.address, health_check_interval_seconds=3600) as patient:
        call = patient.images.LoadImages(requests())
        before = -1
        while sent != before or sent == 0:  # as long as something is still taken
            before = sent
            await asyncio.sleep(0.3)
        taken = sent
        go_on.set()
        async for _ in call:
            pass

    assert taken < 50
    assert sent == 100
