"""What a hostile client does."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
from dockfleet.v1 import containers_pb2, containers_pb2_grpc, system_pb2, system_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from tests.attacks import http2
from tests.attacks.attack import HEALTHY, HOSTILE, WORK, Attack, Bound, Seen, Target, code, mib, sizes, turned
from tests.attacks.http2 import Connection, prefixed
from tests.support.fake_engine import FakeEngine

PING = "/dockfleet.v1.SystemService/Ping"
WATCH = "/grpc.health.v1.Health/Watch"
REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
STREAMS = Bound("most_streams", 250, "streams that a connection may have")
_CALL_SECONDS = 10


class Nothing(Attack):
    """Nothing: what the figures are without an attack"""

    name, kind = "nothing", 0

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        yield {}


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
        waiting = max(64, self.calls / 80)  # what waits to be accepted takes about 10 KiB
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


class RapidReset(Attack):
    """Two connections that begin and cancel calls as fast as they can"""

    name, kind = "rapid-reset", 4
    resets = sizes(5000, 100_000)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        return STREAMS, Bound("stayed", 0, "of the two connections that the gateway keeps")

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with connections(target) as connected:
            for _ in range(2):
                connected.append(await target.connect())
            await asyncio.gather(*(self._reset(connection) for connection in connected))
            stayed = sum(not connection.gone.is_set() for connection in connected)
            yield {"stayed": stayed, "most_streams": max(each.most_streams for each in connected)}

    async def _reset(self, connection: Connection) -> None:
        message = system_pb2.PingRequest(host=HEALTHY).SerializeToString()
        for number in range(self.resets):
            if connection.gone.is_set():
                return
            connection.reset(connection.call(PING, message, end=True))
            if number % 50 == 0:
                await connection.drain()
                await asyncio.sleep(0)


class FrameFloods(Attack):
    """Connections that send one kind of small frame as fast as they can, and others that say nothing at all"""

    name, kind = "frame-floods", 4
    frames = sizes(5000, 100_000)
    silent = sizes(50, 400)
    seconds = sizes(0, 8)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        kept = Bound("silent_kept", 0, f"silent connections that are kept after {self.seconds} s")
        return WORK, Bound("memory_peak", 64, "MiB of memory"), *((kept,) if self.seconds else ())

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with connections(target) as connected, AsyncExitStack() as stack:
            ends = []
            for _ in range(self.silent):
                reader, writer = await asyncio.open_connection(target.host, target.port)
                stack.callback(writer.close)  # and it stays open until then
                ends.append(asyncio.create_task(reader.read()))
            kinds = (self._pings, self._settings, self._empty_data, self._continuations)
            for _ in kinds:
                connected.append(await target.connect())
            await asyncio.gather(*(self._flood(*pair) for pair in zip(connected, kinds, strict=True)))
            await asyncio.sleep(self.seconds)
            yield {"silent_kept": sum(not end.done() for end in ends)}
            for end in ends:
                end.cancel()

    async def _flood(self, connection: Connection, frame: Callable[[Connection], Callable[[], None]]) -> None:
        send = frame(connection)
        for number in range(self.frames):
            if connection.gone.is_set():
                return
            send()
            if number % 50 == 0:
                await connection.drain()
                await asyncio.sleep(0)

    def _pings(self, connection: Connection) -> Callable[[], None]:
        return lambda: connection.send(http2.PING, 0, 0, bytes(8))

    def _settings(self, connection: Connection) -> Callable[[], None]:
        return lambda: connection.send(http2.SETTING, 0, 0)

    def _empty_data(self, connection: Connection) -> Callable[[], None]:
        stream = connection.call(PING)
        return lambda: connection.send(http2.DATA, 0, stream)

    def _continuations(self, connection: Connection) -> Callable[[], None]:
        stream = connection.begin_head(PING)
        return lambda: connection.send(http2.CONTINUATION, 0, stream, b"\0\1x\1y" * 20)


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
            checks = [health.Check(health_pb2.HealthCheckRequest(), timeout=5) for _ in range(self.checks)]
            ends = await asyncio.gather(*map(code, checks))
            watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=5)
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
                calls: list[Any] = [channel.unary_unary(PING)(b"\xff" * 20) for _ in range(50)]  # type: ignore[arg-type]
                codes.update(await asyncio.gather(*map(code, calls)))
                leaks += sum(["<class" in (await call.details() or "") for call in calls])
        yield {"not_invalid": codes.total() - codes["INVALID_ARGUMENT"], "answers": dict(codes), "leaks": leaks}


@asynccontextmanager
async def connections(target: Target) -> AsyncIterator[Connected]:
    """Give a list of raw connections, to be added to; all are closed at the end."""
    connected = Connected(target)
    try:
        yield connected
    finally:
        for connection in connected:
            connection.close()


class Connected(list[Connection]):
    """The raw connections to a target."""

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target


async def spread(connected: Connected, calls: int) -> AsyncIterator[Connection]:
    """Yield a connection for each of so many calls, and open another one whenever the server's bound is reached."""
    room = 0
    for _ in range(calls):
        if not room:
            try:
                connected.append(await connected.target.connect())
            except OSError:
                return
            await connected[-1].settled.wait()
            room = connected[-1].most_streams
        room -= 1
        yield connected[-1]
