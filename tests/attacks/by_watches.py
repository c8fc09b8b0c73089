"""What a hostile client watches, and takes from others with that."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from dockfleet.v1 import containers_pb2, containers_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from tests.attacks.attack import (
    HOSTILE,
    Attack,
    Bound,
    Seen,
    Target,
    code,
    connections,
    sizes,
    spread,
    turned,
)
from tests.support.fake_engine import FakeEngine

WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
_CALL_SECONDS = 60


class HealthWatch(Attack):
    """Watches of a host's health that give the server no window, while the host goes down"""

    name, kind = "health-watch", 5
    watches = sizes(2, 100)
    checks = sizes(5, 50)

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("failed_checks", 0, "health checks of others that fail"),
            Bound("silent", 0, "watches of others that are told nothing"),
            Bound("stale", 0, "dead hosts that health calls SERVING"),
        )

    def configuration(self) -> dict[str, Any]:
        return {"health_check_interval_seconds": 0.1}

    def script(self, engine: FakeEngine) -> None:
        engine.on("GET", "/containers/json", turned(engine, error="dead", status=500))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        asked = health_pb2.HealthCheckRequest(service=f"host/{HOSTILE}")
        async with target.channel() as channel, connections(target) as connected:
            health = health_pb2_grpc.HealthStub(channel)
            lists = containers_pb2_grpc.ContainerServiceStub(channel).ListContainers
            for _ in range(self.watches):
                connected.append(await target.connect(initial_window_size=0))
                await connected[-1].settled.wait()
                connected[-1].call(WATCH, asked.SerializeToString(), end=True)
                await connected[-1].drain()
            await code(lists(containers_pb2.ListContainersRequest(host=HOSTILE)))
            stale = True
            with contextlib.suppress(grpc.RpcError, TimeoutError):
                async with asyncio.timeout(_CALL_SECONDS):
                    while stale:
                        answer = await health.Check(asked, timeout=_CALL_SECONDS / 4)
                        stale = answer.status == health_pb2.HealthCheckResponse.SERVING
                        await asyncio.sleep(0.1)
            checks = [health.Check(health_pb2.HealthCheckRequest(), timeout=_CALL_SECONDS) for _ in range(self.checks)]
            ends = await asyncio.gather(*map(code, checks))
            watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=_CALL_SECONDS)
            silent = True
            with contextlib.suppress(grpc.RpcError):
                silent = await watch.read() is grpc.aio.EOF
            watch.cancel()
            yield {"stale": int(stale), "failed_checks": len(ends) - ends.count("OK"), "silent": int(silent)}


class IdleReflection(Attack):
    """Idle reflection streams, as many as the gateway serves streams"""

    name, kind = "idle-reflection", 6
    streams = sizes(100, 2000)

    def bounds(self) -> tuple[Bound, ...]:
        return Bound("refused", 0, "streams of others that are refused"), Bound("memory_peak", 64, "MiB of memory")

    def configuration(self) -> dict[str, Any]:
        return {"limits": {"max_concurrent_streams": self.streams}}

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        asked = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()
        async with connections(target) as connected, target.channel() as channel:
            number = 0
            async for connection in spread(connected, self.streams):
                connection.call(REFLECT, asked)
                number += 1
                if number % 100 == 0:  # gRPC refuses calls when too many wait to be accepted
                    await connection.all_answered()
            for connection in connected:
                await connection.all_answered()
            export = containers_pb2_grpc.ContainerServiceStub(channel).ExportContainer
            request = containers_pb2.ExportContainerRequest(host=HOSTILE, id="web")
            ends = Counter([await code(export(request)) for _ in range(5)])
            yield {"refused": ends.total() - ends["OK"], "connections": len(connected)}

    def script(self, engine: FakeEngine) -> None:
        engine.on("GET", "/containers/{id}/export", body=b"tar")
