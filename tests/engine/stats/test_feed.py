"""The use of a container: one stream of samples for all readers, numbers as `docker stats` shows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2

from gateway.config.settings import Limits
from gateway.engine.client import Endpoint, Engine
from gateway.engine.codec import json as enginejson
from gateway.engine.resumable.subscription import Idle
from gateway.engine.stats.feed import StatsFeeds
from gateway.engine.stats.usage import memory_in_use, usage
from gateway.engine.transport.pool import Address
from tests.support.fake_engine import FakeEngine
from tests.support.fake_stats import ZEROS, Container, sample
from tests.support.gateway import Client, OpenGateway, failed

_load = enginejson.loader(containers_pb2.ContainerStats.DESCRIPTOR)


def load(document: dict[str, Any]) -> containers_pb2.ContainerStats:
    """Return the sample that an engine has sent."""
    stats = _load(document)
    assert isinstance(stats, containers_pb2.ContainerStats)
    return stats


@pytest.fixture
async def container() -> AsyncIterator[Container]:
    """A container that runs."""
    async with FakeEngine() as engine:
        yield Container(engine)


@pytest.fixture
async def client(container: Container, open_gateway: OpenGateway) -> AsyncIterator[Client]:
    """A client of a gateway in front of its engine, which is `h1`."""
    async with open_gateway(container.engine.address) as client:
        yield client


def read(client: Client, **request: Any) -> Any:
    """Ask for the samples of the container."""
    return client.containers.StreamStats(containers_pb2.StreamStatsRequest(host="h1", id="web", **request))


def second(message: Any) -> int:
    """Return which sample a message holds."""
    return int(message.stats.read_at.seconds % 60)


async def test_a_sample_has_raw_and_readable_numbers(client: Client, container: Container) -> None:
    """The engine's own numbers come together with those that people read."""
    call = read(client)
    await container.listened()
    container.give(sample(4))
    first = await call.read()
    container.give(sample(6))
    message = await call.read()

    assert second(first) == 4
    assert first.HasField("stats")
    assert first.stats.summary.cpu_percent == pytest.approx(50)
    assert first.stats.summary.network_rx_bytes_per_second == 0
    assert message.stats.networks["eth0"].rx_bytes == 6000
    assert message.stats.memory_stats.stats["inactive_file"] == 40 << 20
    summary = message.stats.summary
    assert summary.cpu_percent == pytest.approx(50)  # 0.5 s of 1 s of one of two: 500/2000 * 2
    assert summary.memory_bytes == 60 << 20
    assert summary.memory_limit_bytes == 1000 << 20
    assert summary.memory_percent == pytest.approx(6)
    assert summary.network_rx_bytes_per_second == pytest.approx(1500)
    assert summary.network_tx_bytes_per_second == pytest.approx(15)
    assert summary.block_read_bytes_per_second == pytest.approx(8192)
    assert summary.block_write_bytes_per_second == pytest.approx(512)
    assert summary.pids == 3


async def test_all_readers_share_one_stream(client: Client, container: Container) -> None:
    """A hundred readers are one for the engine; the stream ends with the last of them."""
    calls = [read(client) for _ in range(100)]
    await container.listened()
    container.give(sample(1))
    assert {second(await call.read()) for call in calls} == {1}
    container.give(sample(2))
    assert {second(await call.read()) for call in calls} == {2}
    assert container.opened == container.streams == 1

    for call in calls:
        call.cancel()
    async with asyncio.timeout(5):
        await container.engine.until(lambda: not container.streams)


async def test_a_crowd_that_comes_at_once_is_served(container: Container, open_gateway: OpenGateway) -> None:
    """What the gateway has to ask before it asks once, however few calls a host is allowed at a time."""
    limits = Limits(max_connections_per_host=1, max_queued_calls_per_host=2)
    async with open_gateway(container.engine.address, limits=limits) as client:
        calls = [read(client) for _ in range(200)]
        await container.listened()
        container.give(sample(1))

        assert {second(await call.read()) for call in calls} == {1}
        for call in calls:
            call.cancel()
    assert container.opened == 1


async def test_a_later_reader_gets_the_newest_at_once(client: Client, container: Container) -> None:
    """A second reader need not wait for the next sample; nor does a call for one sample ask the engine."""
    first = read(client)
    await container.listened()
    container.give(sample(7))
    await first.read()

    assert second(await read(client).read()) == 7
    assert [second(message) async for message in read(client, stream=False)] == [7]
    assert container.opened == 1


async def test_a_slow_reader_gets_the_newest_and_a_count(container: Container) -> None:
    """Samples that a reader had no time for are left out, and counted."""
    engine = Engine("h1", Endpoint("", Address(path=container.engine.address.removeprefix("unix://"))))
    feeds = StatsFeeds(engine)
    async with feeds.samples("web") as slow, feeds.samples("web") as quick:
        await container.listened()
        container.give(sample(1))
        await anext(slow)
        await anext(quick)
        for number in range(2, 7):
            container.give(sample(number))
            await anext(quick)
        news = await anext(slow)
        assert not isinstance(news, Idle)
        newest, skipped = news
    engine.close()

    assert newest.stats is not None
    assert newest.stats.read_at.seconds % 60 == 6
    assert skipped == 4


async def test_a_container_that_does_not_run_gives_one_record(client: Client, container: Container) -> None:
    """Samples of zeros are never sent; samples begin when the container does, and end when it stops."""
    container.running = False
    call = read(client)
    message = await call.read()
    assert message.WhichOneof("record") == "not_running"

    await container.listened()
    container.give(ZEROS, ZEROS, ZEROS, sample(1))
    message = await call.read()
    assert message.HasField("stats")
    assert second(message) == 1
    assert message.stats.skipped == 0

    container.give(ZEROS, ZEROS)
    message = await call.read()
    assert message.HasField("not_running")
    assert not message.HasField("stats")
    container.give(ZEROS, sample(5))
    message = await call.read()
    assert second(message) == 5
    assert message.stats.summary.network_rx_bytes_per_second == 0


async def test_zeros_of_a_container_that_runs_are_no_statement(client: Client, container: Container) -> None:
    """A daemon that was just restarted sends zeros for containers that still run: they are left out."""
    call = read(client)
    await container.listened()
    container.give(sample(1))
    assert second(await call.read()) == 1

    container.give(ZEROS, ZEROS, sample(2))
    message = await call.read()

    assert message.HasField("stats")
    assert second(message) == 2


async def test_one_sample_of_a_container_that_does_not_run(client: Client, container: Container) -> None:
    """A call for one sample ends with that statement, and the engine is not asked for zeros."""
    container.running = False

    messages = [message async for message in read(client, stream=False)]

    assert messages == [containers_pb2.StreamStatsResponse(not_running=containers_pb2.ContainerNotRunning())]
    assert container.opened == 0


async def test_the_end_of_the_container_is_the_end_of_its_samples(client: Client, container: Container) -> None:
    """When the container is removed, the call ends with OK."""
    call = read(client)
    await container.listened()
    container.give(sample(1))
    await call.read()
    container.remove()

    async with asyncio.timeout(5):
        assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_a_cut_is_not_seen(client: Client, container: Container) -> None:
    """A stream that breaks, or ends though the container is there, is opened again for all readers."""
    calls = [read(client) for _ in range(3)]
    for number in range(1, 5):
        await container.listened(number)
        container.give(sample(number))
        assert [second(await call.read()) for call in calls] == [number] * 3
        container.cut()

    assert container.opened >= 4


async def test_rates_reach_over_a_cut(client: Client, container: Container) -> None:
    """The first sample of a new stream has none before it; the one from before the cut serves."""
    call = read(client)
    await container.listened()
    container.give(sample(10))
    await call.read()
    container.cut()
    await container.listened(2)
    container.give(sample(20) | {"preread": ZEROS["read"], "precpu_stats": {}})

    summary = (await call.read()).stats.summary

    assert summary.cpu_percent == pytest.approx(50)
    assert summary.network_rx_bytes_per_second == pytest.approx(1500)


async def test_a_host_that_stays_away_ends_the_call(container: Container) -> None:
    """When the reconnect timeout is over, the readers that waited get the reason."""
    engine = Engine("h1", Endpoint("", Address(path=container.engine.address.removeprefix("unix://"))))
    async with StatsFeeds(engine, reconnect_timeout_seconds=0.3).samples("web") as samples, asyncio.timeout(20):
        await container.listened()
        container.give(sample(1))
        await anext(samples)
        container.engine.on("GET", "/containers/{id}/stats", error="gone for good")
        container.cut()
        with pytest.raises(Exception, match="gone for good"):
            await anext(samples)
    engine.close()


async def test_a_container_that_is_not_there(client: Client, container: Container) -> None:
    """Asking for the samples of a container that does not exist is NOT_FOUND."""
    container.remove()

    for stream in (True, False):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await read(client, stream=stream).read()
        assert failed(caught.value).code is grpc.StatusCode.NOT_FOUND


async def test_one_shot_is_for_one_sample(client: Client, container: Container) -> None:
    """`one_shot` and a stream contradict each other."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read(client, one_shot=True).read()

    assert failed(caught.value).reason == "INVALID_FIELD"


# The numbers


@pytest.mark.parametrize(
    ("stats", "usage", "expected"),
    [
        ({"total_inactive_file": 30, "inactive_file": 50}, 100, 70),  # cgroups v1
        ({"inactive_file": 30}, 100, 70),  # v2
        ({"inactive_file": 130}, 100, 100),  # more than all: not to be subtracted
        ({}, 100, 100),
    ],
)
def test_memory_is_without_the_inactive_page_cache(stats: dict[str, int], usage: int, expected: int) -> None:
    """What the kernel can take back at once is not in use."""
    assert memory_in_use(containers_pb2.MemoryStats(usage=usage, stats=stats)) == expected


def test_without_a_sample_before_there_is_no_share() -> None:
    """The first sample of all would show the mean since the container's start."""
    assert usage(load(sample(0)), None).cpu_percent == 0


def test_processors_are_counted_where_engines_do_not_send_their_number() -> None:
    """Old engines list the time of each processor instead."""
    now, before = sample(5), sample(4)
    now["cpu_stats"] |= {"online_cpus": 0, "cpu_usage": {"total_usage": 2_500_000_000, "percpu_usage": [1] * 4}}

    assert usage(load(now), load(before)).cpu_percent == pytest.approx(100)


def test_on_windows_time_is_counted_in_other_units() -> None:
    """Windows counts units of 100 ns, for all processors, and sends no system time."""
    now = {
        "read": "2026-05-01T10:00:02Z",
        "preread": "2026-05-01T10:00:01Z",
        "num_procs": 4,
        "cpu_stats": {"cpu_usage": {"total_usage": 30_000_000}},
        "precpu_stats": {"cpu_usage": {"total_usage": 10_000_000}},
        "memory_stats": {"privateworkingset": 1234},
        "storage_stats": {"read_size_bytes": 50},
    }

    summary = usage(load(now), None)

    assert summary.cpu_percent == pytest.approx(50)  # 2 s of 4 x 1 s: here 100 is all of them
    assert summary.memory_bytes == 1234


def test_a_counter_that_went_back_has_no_rate() -> None:
    """After a restart of the container, counters begin anew."""
    summary = usage(load(sample(5)), load(sample(4, networks={"eth0": {"rx_bytes": 10**9}})))

    assert summary.network_rx_bytes_per_second == 0
