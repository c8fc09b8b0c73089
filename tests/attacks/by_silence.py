"""What a hostile client begins and does not finish."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dockfleet.v1 import containers_pb2, containers_pb2_grpc, system_pb2, system_pb2_grpc

from tests.attacks.attack import (
    HEALTHY,
    HOSTILE,
    PING,
    STREAMS,
    Attack,
    Bound,
    Seen,
    Target,
    code,
    connections,
    mib,
    sizes,
    spread,
)
from tests.attacks.http2 import prefixed
from tests.support.fake_engine import FakeEngine

_CALL_SECONDS = 60


class UnfinishedMessages(Attack):
    """Streams that announce all that a message may have, and never send the last byte"""

    name, kind = "unfinished-messages", 3
    streams = sizes(12, 160)
    announced = 4  # MiB

    def bounds(self) -> tuple[Bound, ...]:
        return (Bound("memory_peak", max(64, 1.6 * self.streams), "MiB of memory"),)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        size = mib(self.announced) - 1
        data = prefixed(b"", size) + bytes(size - 1)
        async with connections(target) as connected:
            pouring = [
                asyncio.create_task(connection.pour(connection.call(PING), data))
                async for connection in spread(connected, self.streams)
            ]
            taken = await asyncio.gather(*pouring)
            yield {"taken_whole": sum(taken)}


class SilentCalls(Attack):
    """Calls that never send their message"""

    name, kind = "calls-without-message", 3
    calls = sizes(2000, 20_000)
    seconds = sizes(0, 30)

    def bounds(self) -> tuple[Bound, ...]:
        kept = Bound("open_calls", 0, f"calls that are open after {self.seconds} s")
        waiting = max(64, self.calls // 64)  # grpc alone takes 15 KiB for each, before any is accepted
        return (STREAMS, Bound("memory_peak", waiting, "MiB of memory"), *((kept,) if self.seconds else ()))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with connections(target) as connected:
            calls = [(connection, connection.call(PING)) async for connection in spread(connected, self.calls)]
            for connection in connected:
                await connection.drain()
            await asyncio.sleep(self.seconds)
            waiting = sum(stream not in each.ended and not each.gone.is_set() for each, stream in calls)
            yield {"open_calls": waiting, "most_streams": max(each.most_streams for each in connected)}


class Connections(Attack):
    """Connections without end, to a gateway that may have 256 file descriptors"""

    name, kind = "connections", 3
    connections = sizes(400, 2000)
    seconds = sizes(1, 10)
    descriptors = 256

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("descriptors", 0.9 * (self.descriptors or 0), "descriptors in use"),
            Bound("failed_calls", 0, "calls on an open connection that fail"),
            Bound("refused_later", 0, "new connections refused after the attack"),
            Bound("cpu_seconds", 2 + 0.5 * self.seconds, "seconds of the processor"),
        )

    def configuration(self) -> dict[str, Any]:
        return {"health_check_interval_seconds": 3600}  # nothing has opened a connection to the hostile host lately

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stub = containers_pb2_grpc.ContainerServiceStub(channel)
            lists = containers_pb2.ListContainersRequest(host=HOSTILE)
            await code(stub.ListContainers(lists))
            async with connections(target) as connected:
                with contextlib.suppress(OSError):
                    for _ in range(self.connections):
                        connected.append(await target.connect())
                await asyncio.sleep(self.seconds)
                # More at once than there are connections to the host.
                ends = await asyncio.gather(*(code(stub.ListContainers(lists)) for _ in range(8)))
                opened = len(connected)
            async with target.channel() as later:
                system = system_pb2_grpc.SystemServiceStub(later)
                ping = await code(
                    system.Ping(system_pb2.PingRequest(host=HEALTHY), timeout=_CALL_SECONDS, wait_for_ready=True)
                )
        seen = {"connected": opened, "failed_calls": len(ends) - ends.count("OK"), "refused_later": int(ping != "OK")}
        async with connections(target) as connected:
            with contextlib.suppress(OSError):
                for _ in range(self.connections):
                    connected.append(await target.connect())
            yield seen

    def script(self, engine: FakeEngine) -> None:
        engine.on("GET", "/containers/json", json=[])


class SilentScrapers(Attack):
    """Connections to the metrics port that say nothing"""

    name, kind = "silent-scrapers", 3
    connections = sizes(166, 1000)

    def bounds(self) -> tuple[Bound, ...]:
        return (Bound("threads", 32, "threads"), Bound("memory_peak", 32, "MiB of memory"))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        writers = []
        for _ in range(self.connections):
            _, writer = await asyncio.open_connection(target.host, target.metrics_port)
            writers.append(writer)
        try:
            yield {}
        finally:
            for writer in writers:
                writer.transport.abort()
