"""The resource usage of real containers: the engine's own numbers, the summary of `docker stats`, and one shared
stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2

from tests.real.support import IMAGE, Containers, Fleet, until
from tests.support.gateway import Client, gateway_of

if TYPE_CHECKING:
    from deploy.private_engines.engine import PrivateEngine

BUSY = "while :; do :; done"


def read(client: Client, host: str, container: str, **request: Any) -> Any:
    """Ask for the samples of a container."""
    return client.containers.StreamStats(containers_pb2.StreamStatsRequest(host=host, id=container, **request))


async def second(call: Any) -> Any:
    """Return the second sample of a stream, the first with rates."""
    await call.read()
    return await call.read()


@contextlib.asynccontextmanager
async def raw_samples(engine: PrivateEngine, container: str) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """Yield the samples that the engine gives to a reader of its own."""
    reader, writer = await asyncio.open_unix_connection(engine.socket, limit=1 << 22)

    async def samples() -> AsyncIterator[dict[str, Any]]:
        rest = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            *lines, rest = (rest + (await reader.readexactly(size + 2))[:-2]).split(b"\n")
            for line in lines:
                yield json.loads(line)

    try:
        writer.write(f"GET /containers/{container}/stats HTTP/1.1\r\nHost: docker\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        yield samples()
    finally:
        writer.close()


async def test_the_numbers_are_those_of_the_engine(
    client: Client, host: str, fleet: Fleet, containers: Containers, private: None
) -> None:
    """A sample is the very one that the engine gives to others, and its summary what the formulas make of it."""
    container = await containers.start("sh", "-c", f"dd if=/dev/zero of=/file bs=1M count=20; {BUSY}")
    call = read(client, host, container)
    ours: dict[int, Any] = {}
    theirs: dict[int, dict[str, Any]] = {}
    async with raw_samples(fleet.engines[host], container) as samples, asyncio.timeout(30):
        async for raw in samples:
            message = await call.read()
            ours[message.stats.read_at.ToNanoseconds()] = message
            theirs[nanoseconds(raw["read"])] = raw
            if len(common := sorted(ours.keys() & theirs.keys())) >= 3:
                break
    call.cancel()

    message, raw = ours[common[-1]], theirs[common[-1]]
    cpu, before = raw["cpu_stats"], raw["precpu_stats"]
    memory = raw["memory_stats"]
    used = cpu["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    spent = cpu["system_cpu_usage"] - before["system_cpu_usage"]
    inactive = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file"))
    assert message.stats.cpu_stats.cpu_usage.total_usage == cpu["cpu_usage"]["total_usage"]
    assert message.stats.memory_stats.usage == memory["usage"]
    assert message.stats.summary.cpu_percent == pytest.approx(used / spent * cpu["online_cpus"] * 100)
    assert message.stats.summary.memory_bytes == memory["usage"] - inactive
    assert message.stats.summary.memory_limit_bytes == memory["limit"]
    assert message.stats.summary.pids == 1
    assert 5 < message.stats.summary.cpu_percent < 110  # one process that never rests, on a machine that others use too
    assert 0 < message.stats.summary.memory_bytes < 20 << 20  # without most of the file that it wrote


def nanoseconds(text: str) -> int:
    """Return the Engine's time in nanoseconds since 1970."""
    stats = containers_pb2.ContainerStats()
    stats.read_at.FromJsonString(text)
    return int(stats.read_at.ToNanoseconds())


async def test_rates_are_those_of_the_traffic(client: Client, host: str, containers: Containers) -> None:
    """A container that writes has the rate of its writes; one that rests has none."""
    resting = await containers.start("sleep", "1000")

    message = await second(read(client, host, resting))

    assert message.HasField("stats")
    assert message.stats.summary.cpu_percent < 5
    assert message.stats.summary.block_write_bytes_per_second == 0
    assert message.stats.summary.network_rx_bytes_per_second == 0


async def test_fifty_readers_are_one_for_the_engine(
    client: Client, host: str, fleet: Fleet, containers: Containers, private: None
) -> None:
    """The engine has one stream for all readers of a container; without readers it has none."""
    container = await containers.start("sh", "-c", BUSY)
    engine = client.hosts_of_gateway[host].engine
    streams, goroutines = engine.open_streams, running(fleet.engines[host])
    first = read(client, host, container)
    await first.read()
    with_one = running(fleet.engines[host])
    calls = [first, *[read(client, host, container) for _ in range(49)]]
    messages = [await call.read() for call in calls]
    with_fifty = running(fleet.engines[host])

    assert all(message.HasField("stats") for message in messages)
    assert engine.open_streams == streams + 1
    assert with_fifty - with_one < 40  # of kept connections for calls; 49 streams would be twice as many and more
    for call in calls:
        call.cancel()

    async def closed() -> bool:
        return engine.open_streams == streams

    await until(closed, 5)
    print(f"goroutines: {goroutines} before, {with_one} with one reader, {with_fifty} with fifty")


def running(engine: PrivateEngine) -> int:
    """Return the number of goroutines of a daemon."""
    return int(json.loads(engine.request("GET", "/info")[1])["NGoroutines"])


async def test_a_created_container_has_samples_when_it_starts(
    client: Client, host: str, containers: Containers
) -> None:
    """No zeros pass for a measurement, before the start, after the exit and after the next start."""
    container = await containers.create("sh", "-c", "sleep 3")
    call = read(client, host, container)
    seen: list[str] = []

    async def next_of(running: bool) -> Any:
        async with asyncio.timeout(30):
            while (message := await call.read()).HasField("stats") is not running:
                seen.append(message.WhichOneof("record"))
        seen.append(message.WhichOneof("record"))
        return message

    created = await next_of(running=False)
    await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))
    started = await next_of(running=True)
    exited = await next_of(running=False)
    await client.containers.StartContainer(containers_pb2.StartContainerRequest(host=host, id=container))
    again = await next_of(running=True)
    call.cancel()

    for message in (created, exited):
        assert message.HasField("not_running")
    for message in (started, again):
        assert message.stats.HasField("read_at")
        assert message.stats.HasField("summary")
        assert message.stats.cpu_stats.cpu_usage.total_usage > 0
    assert seen.count("not_running") == 2  # once each


async def test_one_sample_of_an_exited_container(client: Client, host: str, containers: Containers) -> None:
    """A call for one sample is answered at once: it does not run."""
    container = await containers.run("true")

    for one_shot in (False, True):
        messages = [m async for m in read(client, host, container, stream=False, one_shot=one_shot)]
        assert messages == [containers_pb2.StreamStatsResponse(not_running=containers_pb2.ContainerNotRunning())]


async def test_a_container_that_does_not_exist(client: Client, host: str) -> None:
    """There is nothing to measure."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read(client, host, "no-such-container").read()

    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_restart_of_the_daemon_is_outlived(start_engine: Callable[..., PrivateEngine]) -> None:
    """Samples continue in the same call when the engine is back; the container has kept running."""
    engine = start_engine("stats", settings={"live-restore": True})
    config = {"Image": IMAGE, "Cmd": ["sh", "-c", BUSY], "HostConfig": {"NetworkMode": "none"}}
    id = json.loads(engine.request("POST", "/containers/create", config)[1])["Id"]
    engine.request("POST", f"/containers/{id}/start")
    async with gateway_of(engine.address) as client:
        call = read(client, "h1", id)
        before = await call.read()
        await asyncio.to_thread(engine.kill)
        await asyncio.to_thread(engine.start)
        async with asyncio.timeout(40):
            after = before
            while (after := await call.read()).stats.read_at.seconds <= before.stats.read_at.seconds + 1:
                pass
        call.cancel()

    assert after.stats.cpu_stats.cpu_usage.total_usage > before.stats.cpu_stats.cpu_usage.total_usage
    assert 0 < after.stats.summary.cpu_percent < 210
