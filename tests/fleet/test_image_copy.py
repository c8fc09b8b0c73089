"""Copies of an image, when the source or a target fails: what each engine sees, and what becomes of each host."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2
from dockfleet.v1 import common_pb2

from gateway.config.settings import Limits
from tests.support.fake_engine import FakeEngine, ResponseParser, torn
from tests.support.gateway import Client, failed, gateway_of
from tests.support.upstream import Held, until

IMAGE, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
NAME = "shop/app:1"
CHUNK = bytes(256 << 10)
ARCHIVE = CHUNK * 48  # more than what is on its way to a target at once: 16 chunks and the buffers of the kernel
SAVE, INSPECT, LOAD = "/images/{name}/get", "/images/{name}/json", "/images/load"


class Target:
    """An engine that loads images, and what it has received."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.received = 0
        self.complete = False  # whether the end of the upload came
        self.over = asyncio.Event()  # no more comes
        self.loads = IMAGE  # the id of what it has afterwards
        self.shows: dict[str, dict[str, Any]] = {}  # what it shows of images, by id, if more than that
        self.report: dict[str, Any] = {"stream": f"Loaded image: {NAME}\n"}
        self.takes = asyncio.Event()
        self.takes.set()
        self.begun = asyncio.Event()
        engine.on("GET", INSPECT, status=404, error="No such image")
        engine.on("POST", LOAD, self._load, early=True)

    def has(self, id: str, name: str = "{name}") -> None:
        """Let it have an image."""
        self.engine.on("GET", f"/images/{name}/json", json=self.shows.get(id, {"Id": id}))

    async def _load(self, exchange: ResponseParser) -> None:
        self.begun.set()
        await self.takes.wait()
        try:
            end = b""
            while data := await exchange.read(1 << 20):
                self.received += len(data)
                end = (end + data)[-7:]
                if end.endswith(b"0\r\n\r\n"):
                    self.complete = True
                    break
            if self.complete:
                if self.loads == IMAGE:
                    self.has(IMAGE)
                else:
                    self.has(self.loads, NAME)
                await exchange.answer(lines=[self.report])
        finally:
            self.over.set()


@pytest.fixture
async def source() -> AsyncIterator[FakeEngine]:
    """The engine that has the image."""
    async with FakeEngine() as engine:
        engine.on("GET", INSPECT, json={"Id": IMAGE, "Size": len(ARCHIVE)})
        engine.on("GET", SAVE, chunks=[CHUNK] * (len(ARCHIVE) // len(CHUNK)))
        yield engine


@pytest.fixture
async def targets() -> AsyncIterator[list[Target]]:
    """Three engines that do not have it."""
    async with AsyncExitStack() as stack:
        yield [Target(await stack.enter_async_context(FakeEngine())) for _ in range(3)]


@pytest.fixture
async def client(source: FakeEngine, targets: list[Target]) -> AsyncIterator[Client]:
    """A client of a gateway: the source is h1, the targets are h2, h3 and h4."""
    addresses = [source.address, *(target.engine.address for target in targets)]
    limits = Limits(progress_idle_timeout_seconds=1)
    async with gateway_of(*addresses, health_check_interval_seconds=3600, limits=limits) as client:
        yield client


def request(**more: Any) -> pb.CopyImageRequest:
    """A copy to all hosts."""
    return pb.CopyImageRequest(host="h1", image=NAME, to=selectors_pb2.HostSelector(all=True), **more)


async def copy(client: Client) -> tuple[dict[str, pb.CopyImageResult], pb.BatchSummary]:
    """Copy to all hosts; return what has become of each, and the summary."""
    ends: dict[str, pb.CopyImageResult] = {}
    summary = pb.BatchSummary()
    async for response in client.fleet.CopyImage(request()):
        for result in response.results:
            if not result.HasField("progress"):
                assert result.host not in ends, "a host has one end"
                ends[result.host] = result
        summary.CopyFrom(response.summary)
    assert ends.keys() == {"h2", "h3", "h4"}
    return ends, summary


def outcomes(ends: dict[str, pb.CopyImageResult]) -> list[str | None]:
    """What has become of h2, h3 and h4."""
    return [ends[name].WhichOneof("result") for name in sorted(ends)]


async def test_one_archive_is_read_and_goes_to_all(client: Client, source: FakeEngine, targets: list[Target]) -> None:
    """Each target gets all of it."""
    ends, summary = await copy(client)

    assert outcomes(ends) == ["copied"] * 3
    assert {(end.copied.image_id, end.copied.sent_bytes) for end in ends.values()} == {(IMAGE, len(ARCHIVE))}
    assert (summary.succeeded, summary.failed) == (3, 0)
    assert len([asked for asked in source.requests if asked.path.endswith("/get")]) == 1
    assert all(target.received >= len(ARCHIVE) for target in targets)


async def test_an_image_without_an_id_is_a_bad_answer_of_the_source(client: Client, source: FakeEngine) -> None:
    """The id would become a part of paths of other hosts; they are not asked."""
    source.on("GET", INSPECT, json={"Id": "../containers/x", "Size": 1})

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [response async for response in client.fleet.CopyImage(request())]

    refused = failed(caught.value)
    assert (refused.code, refused.reason) == (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")


async def test_a_source_that_breaks_in_the_middle_fails_all_targets(
    client: Client, source: FakeEngine, targets: list[Target]
) -> None:
    """With its own reason.  No engine takes the part for the whole."""
    source.on("GET", SAVE, torn(ARCHIVE, at=len(ARCHIVE) // 2, chunked=True))

    ends, summary = await copy(client)

    assert outcomes(ends) == ["failure"] * 3
    assert {end.failure.reason for end in ends.values()} == {common_pb2.ERROR_REASON_CONNECTION_LOST}
    assert (summary.succeeded, summary.failed) == (0, 3)
    for target in targets:
        await target.over.wait()
    assert not any(target.complete for target in targets)


async def test_a_target_that_takes_nothing_is_cut_off(client: Client, targets: list[Target]) -> None:
    """The others wait for it, no longer than the stall time, and are complete."""
    targets[0].takes.clear()

    ends, _ = await copy(client)
    targets[0].takes.set()
    await targets[0].over.wait()

    assert outcomes(ends) == ["failure", "copied", "copied"]
    assert ends["h2"].failure.reason == common_pb2.ERROR_REASON_HOST_TIMEOUT
    assert "took nothing of the image for 1 s" in ends["h2"].failure.message
    assert not targets[0].complete


async def test_a_target_that_takes_nothing_is_cut_off_once_it_is_down(
    source: FakeEngine, targets: list[Target]
) -> None:
    """Not only after the stall time, which can be long."""
    limits = Limits(progress_idle_timeout_seconds=3600)
    often = {"health_check_interval_seconds": 0.1, "health_check_timeout_seconds": 0.4}
    addresses = [source.address, *(target.engine.address for target in targets)]
    targets[0].takes.clear()
    async with gateway_of(*addresses, limits=limits, **often) as client:
        copying = asyncio.create_task(copy(client))
        await targets[0].begun.wait()
        targets[0].engine.on("GET", "/_ping", Held())
        ends, _ = await copying
        targets[0].takes.set()

    assert outcomes(ends) == ["failure", "copied", "copied"]
    assert ends["h2"].failure.message.startswith("h2: the host is down")


async def test_a_target_that_does_not_answer_delays_the_others_for_the_fan_out_timeout_at_most(
    source: FakeEngine, targets: list[Target]
) -> None:
    """It is asked whether it has the image before anything is copied."""
    addresses = [source.address, *(target.engine.address for target in targets)]
    targets[0].engine.on("GET", INSPECT, Held())
    async with gateway_of(
        *addresses, health_check_interval_seconds=3600, limits=Limits(fan_out_timeout_seconds=2)
    ) as client:
        ends, _ = await copy(client)

    assert outcomes(ends) == ["failure", "copied", "copied"]
    assert "within 2 s (limits.fan_out_timeout_seconds)" in ends["h2"].failure.message


async def test_a_target_that_leaves_the_fleet_has_a_failure(client: Client, targets: list[Target]) -> None:
    """The others are complete; nothing is sent to one that leaves before its turn, although it still answers."""
    for target in targets:
        target.takes.clear()
    results: dict[str, Any] = {}

    async def read() -> None:
        async for response in client.fleet.CopyImage(request(parallelism=2)):
            results.update({each.host: each for each in response.results if not each.HasField("progress")})

    copying = asyncio.create_task(read())
    await targets[0].begun.wait()
    for name in ("h2", "h4"):
        client.hosts_of_gateway.remove(name)
    for target in targets:
        target.takes.set()
    await copying

    assert outcomes(results) == ["failure", "copied", "failure"]
    reasons = common_pb2.ERROR_REASON_OUTCOME_UNKNOWN, common_pb2.ERROR_REASON_HOST_REMOVED
    assert (results["h2"].failure.reason, results["h4"].failure.reason) == reasons
    assert "no longer has the host 'h2'" in results["h2"].failure.message
    assert not targets[2].begun.is_set()


async def test_an_error_within_a_response_that_began_well_is_a_failure(client: Client, targets: list[Target]) -> None:
    """A load reports what goes wrong after its status of 200."""
    words = "write /layer.tar: no space left on device"
    targets[1].report = {"errorDetail": {"message": words}, "error": words}

    ends, _ = await copy(client)

    assert outcomes(ends) == ["copied", "failure", "copied"]
    assert words in ends["h3"].failure.message


async def test_another_image_than_that_of_the_source_is_a_failure(client: Client, targets: list[Target]) -> None:
    """The gateway compares the ids after the load, and says which there is."""
    targets[2].loads = OTHER

    ends, _ = await copy(client)

    assert outcomes(ends) == ["copied", "copied", "failure"]
    assert OTHER in ends["h4"].failure.message
    assert IMAGE in ends["h4"].failure.message


def shown(id: str, **more: Any) -> dict[str, Any]:
    """What an engine shows of an image."""
    config = {"Cmd": ["sh"], "Env": None, "Hostname": ""}
    layers = {"Type": "layers", "Layers": ["sha256:" + "c" * 64]}
    created = "2026-11-27T00:19:51.377913381Z"
    known = {"Id": id, "Os": "linux", "Architecture": "amd64", "Created": created, "Config": config, "RootFS": layers}
    return known | more


DIFFERENT: list[dict[str, Any]] = [
    {"Architecture": "arm64"},
    {"Created": "2026-11-27T00:19:51.377913382Z"},
    {"Config": {"Cmd": ["sh"], "Env": ["A=b"]}},
    {"Config": {"Cmd": ["sh"], "Healthcheck": {"Test": ["NONE"]}}},
    {"RootFS": {"Type": "layers", "Layers": ["sha256:" + "d" * 64]}},
    {"RootFS": {"Type": "layers"}},
]


@pytest.mark.parametrize("before", [False, True])
async def test_an_image_that_has_another_id_in_another_image_store_is_the_same(
    client: Client, source: FakeEngine, targets: list[Target], before: bool
) -> None:
    """The id is that of the manifest where containerd keeps images, and that of the configuration elsewhere."""
    source.on("GET", INSPECT, json=shown(IMAGE) | {"Size": len(ARCHIVE)})
    for target in targets:
        target.loads = OTHER
        same = shown(OTHER, Config={"Cmd": ["sh"]})
        target.shows[OTHER] = same
        if before:
            target.has(OTHER, NAME)

    ends, _ = await copy(client)

    assert outcomes(ends) == ["present" if before else "copied"] * 3
    assert {getattr(end, end.WhichOneof("result") or "").image_id for end in ends.values()} == {OTHER}


@pytest.mark.parametrize("different", DIFFERENT, ids=str)
async def test_an_image_with_other_content_is_another_one(
    client: Client, source: FakeEngine, targets: list[Target], different: dict[str, Any]
) -> None:
    """Each part of it counts, and the error says for which platforms the images are."""
    source.on("GET", INSPECT, json=shown(IMAGE) | {"Size": len(ARCHIVE)})
    targets[0].loads = OTHER
    targets[0].shows[OTHER] = shown(OTHER, **different)

    ends, _ = await copy(client)

    assert outcomes(ends) == ["failure", "copied", "copied"]
    words = f"{OTHER} for linux/{different.get('Architecture', 'amd64')}, not {IMAGE} for linux/amd64"
    assert words in ends["h2"].failure.message


async def test_hosts_that_have_the_image_are_skipped_and_get_its_name(
    client: Client, source: FakeEngine, targets: list[Target]
) -> None:
    """When all have it, nothing is read of the source."""
    for target in targets:
        target.has(IMAGE)
        target.engine.on("POST", "/images/{name}/tag", status=201)
    targets[0].has(OTHER, NAME)  # another one has the name there

    ends, summary = await copy(client)

    assert outcomes(ends) == ["present"] * 3
    assert summary.succeeded == 3
    tags = [[asked for asked in target.engine.requests if asked.path.endswith("/tag")] for target in targets]
    assert [len(each) for each in tags] == [1, 0, 0]
    assert dict(tags[0][0].query) == {"repo": "shop/app", "tag": "1"}
    assert not [asked for asked in source.requests if asked.path.endswith("/get")]
    assert not any(target.begun.is_set() for target in targets)


async def test_a_drained_host_gets_no_image(client: Client, targets: list[Target]) -> None:
    """It takes no new work; nothing of the copy is asked there."""
    await client.hosts.DrainHost(hosts_pb2.DrainHostRequest(host="h3"))

    ends, summary = await copy(client)

    assert outcomes(ends) == ["copied", "failure", "copied"]
    assert ends["h3"].failure.reason == common_pb2.ERROR_REASON_HOST_DRAINING
    assert (summary.succeeded, summary.failed) == (2, 1)
    assert not [asked for asked in targets[1].engine.asked if asked.path.startswith("/images")]


async def test_a_client_that_leaves_ends_all_upstreams(
    client: Client, source: FakeEngine, targets: list[Target]
) -> None:
    """That of the source, and those of the targets."""

    def begin(exchange: ResponseParser) -> None:
        exchange.head(200, {"Transfer-Encoding": "chunked"}, b"%x\r\n%b\r\n" % (len(CHUNK), CHUNK))

    held = Held(begin)
    source.on("GET", SAVE, held)
    call = client.fleet.CopyImage(request())
    await held.called.wait()
    for target in targets:
        await target.begun.wait()

    call.cancel()

    with contextlib.suppress(asyncio.CancelledError):
        await call.read()
    await held.gone.wait()
    for target in targets:
        await target.over.wait()
    assert not any(target.complete for target in targets)
    await until(lambda: all(host.engine.open_streams == 0 for host in client.hosts_of_gateway))
