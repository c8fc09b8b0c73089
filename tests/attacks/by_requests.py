"""What a hostile client writes into its requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dockfleet.v1 import containers_pb2, containers_pb2_grpc, system_pb2, system_pb2_grpc

from tests.attacks.attack import (
    HEALTHY,
    PING,
    Attack,
    Bound,
    Seen,
    Target,
    code,
    mib,
    sizes,
)


class HostName(Attack):
    """Pings to a host whose name is all ESC"""

    name, kind = "host-name", 1
    mib = sizes(1, 15)
    calls = sizes(2, 5)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("log_bytes", self.calls * 8192, "bytes of log"),
            Bound("memory_peak", max(64, 4 * self.mib), "MiB of memory"),
        )

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            ping = system_pb2_grpc.SystemServiceStub(channel).Ping
            request = system_pb2.PingRequest(host="\x1b" * mib(self.mib))
            yield {"answers": dict(Counter([await code(ping(request)) for _ in range(self.calls)]))}


class ResumeToken(Attack):
    """Resume tokens of many MiB"""

    name, kind = "resume-token", 1
    mib = sizes(3, 15)
    calls = sizes(60, 60)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("cpu_seconds", 1 + 0.01 * self.mib * self.calls, "seconds of the processor"),
            Bound("memory_peak", max(64, 4 * self.mib), "MiB of memory"),
            Bound("log_bytes", self.calls * 8192, "bytes of log"),
        )

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            logs = containers_pb2_grpc.ContainerServiceStub(channel).StreamLogs
            request = containers_pb2.StreamLogsRequest(host=HEALTHY, id="web", resume_token=bytes(mib(self.mib)))
            yield {"answers": dict(Counter([await code(logs(request)) for _ in range(self.calls)]))}


class Undecodable(Attack):
    """Requests whose bytes are no message"""

    name, kind = "undecodable", 9
    calls = sizes(500, 20_000)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("log_bytes", 65_536, "bytes of log"),
            Bound("not_invalid", 0, "answers that are not INVALID_ARGUMENT"),
            Bound("leaks", 0, "answers that name a class of Python"),
        )

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        codes, leaks = Counter[str](), 0
        async with target.channel() as channel:
            for _ in range(self.calls // 50):
                ping: Any = channel.unary_unary(PING)  # its request is bytes here, which are no message
                calls = [ping(b"\xff" * 20) for _ in range(50)]
                codes.update(await asyncio.gather(*map(code, calls)))
                leaks += sum(["<class" in (await call.details() or "") for call in calls])
        yield {"not_invalid": codes.total() - codes["INVALID_ARGUMENT"], "answers": dict(codes), "leaks": leaks}
