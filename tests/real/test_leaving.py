"""Cancel means cancel: when a client leaves, its host has nothing left of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from dockfleet.v1 import containers_pb2, exec_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from deploy.private_engines.engine import PrivateEngine
from gateway.config.settings import Limits
from tests.real.support import Containers, until
from tests.support.gateway import Client, gateway_of

HOW_MANY = 20


@pytest.fixture
async def quiet(start_engine: Callable[..., PrivateEngine]) -> AsyncIterator[Client]:
    """A client of a gateway whose only host, `h1`, does nothing but what the test asks.

    The gateway keeps one connection for all single calls: of more, there would be now fewer and now more.
    """
    limits = Limits(max_connections_per_host=1)
    async with gateway_of(start_engine("quiet").address, health_check_interval_seconds=3600, limits=limits) as client:
        yield client


async def goroutines(client: Client) -> int:
    """Return how many goroutines the engine has."""
    return (await client.system.GetInfo(system_pb2.GetInfoRequest(host="h1"))).info.goroutines


async def follow_logs(client: Client, container: str) -> Any:
    """Follow a log."""
    return client.containers.StreamLogs(containers_pb2.StreamLogsRequest(host="h1", id=container, follow=True))


async def follow_stats(client: Client, container: str) -> Any:
    """Follow the use of resources."""
    return client.containers.StreamStats(containers_pb2.StreamStatsRequest(host="h1", id=container))


async def follow_events(client: Client, container: str) -> Any:
    """Follow events; there is one already."""
    return client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1", since=Timestamp(seconds=1)))


async def attach(client: Client, container: str) -> Any:
    """Attach to a container."""
    start = containers_pb2.AttachContainerStart(host="h1", id=container, stream=True, attach_stdout=True)
    call = client.containers.AttachContainer()
    await call.write(containers_pb2.AttachContainerRequest(start=start))
    return call


async def execute_cat(client: Client, container: str) -> Any:
    """Run what waits for input, and ends when there is none."""
    start = exec_pb2.ExecStart(host="h1", id=container, cmd=["cat"], attach_stdin=True)
    call = client.exec.Exec()
    await call.write(exec_pb2.ExecRequest(start=start))
    return call


@pytest.mark.parametrize("begin", [follow_logs, follow_stats, follow_events, attach, execute_cat])
async def test_nothing_is_left_of_clients_that_left(quiet: Client, begin: Callable[..., Any]) -> None:
    """After streams and sessions were cancelled, the engine has as many goroutines as before, and no process more."""
    container = await Containers(quiet, "h1").start("sh", "-c", "while :; do echo line; sleep 0.05; done")
    base = await goroutines(quiet)

    calls = [await begin(quiet, container) for _ in range(HOW_MANY)]
    for call in calls:
        await call.read()
    during = await goroutines(quiet)
    for call in calls:
        call.cancel()

    async def back() -> bool:
        return await goroutines(quiet) < base + HOW_MANY // 2

    async def alone() -> bool:
        top = containers_pb2.TopContainerRequest(host="h1", id=container, ps_args="-o pid,comm")
        processes = (await quiet.containers.TopContainer(top)).processes
        return "cat" not in [process.items[1] for process in processes]

    assert during > base  # readers of the same share what is open
    await until(back)
    await until(alone)  # each has read the end of its input, and needs a moment to end itself

    async def closed() -> bool:
        # The one subscription to a host's events outlives its last watcher by a minute.
        return quiet.hosts_of_gateway["h1"].engine.open_streams == (begin is follow_events)

    await until(closed)  # who looks for processes to kill takes turns, and may be at it when none is left
