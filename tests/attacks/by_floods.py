"""What a hostile host does that sends without end."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import sys
import termios
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from dockfleet.fleet.v1 import fleet_pb2, fleet_pb2_grpc
from dockfleet.v1 import (
    containers_pb2,
    containers_pb2_grpc,
    images_pb2,
    images_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)

from gateway.engine.codec.timestamps import time_of
from tests.attacks.attack import HOSTILE, WORK, Attack, Bound, Seen, Target, mib, sizes
from tests.attacks.by_answers import CHUNKED
from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.fake_events import Daemon
from tests.support.fake_log import LOGS, NOON, STATE, state
from tests.support.fake_objects import container

PULL = images_pb2.PullImageRequest(host=HOSTILE, image="busybox", tag="latest")
_LINES = 1000  # in a MiB of a log
_AT_ONCE = 16  # pulls that a host serves at the same time (limits.max_heavy_calls_per_host)


def pulls(channel: grpc.aio.Channel) -> Any:
    """Return the stub of PullImage."""
    return images_pb2_grpc.ImageServiceStub(channel).PullImage


class EventsFlood(Attack):
    """Events without end, to many readers"""

    name, kind = "events-flood", 7
    readers = sizes(4, 20)
    events = sizes(500, 5000)

    def bounds(self) -> tuple[Bound, ...]:
        return WORK, Bound("memory_peak", 128, "MiB of memory")

    def script(self, engine: FakeEngine) -> None:
        async def events(exchange: ResponseParser) -> None:
            if "until" in dict(exchange.request.query):
                await exchange.answer(lines=[])
                return
            exchange.head(200, CHUNKED)
            for number in itertools.count(1_790_000_000_000_000_000, 1000):
                await exchange.chunk(b"".join(_event(number + place) for place in range(100)))

        engine.on("GET", "/events", events)
        engine.on("GET", "/info", json={"SystemTime": "2026-09-21T00:00:00Z"})
        for path in ("/containers/json", "/images/json", "/networks"):
            engine.on("GET", path, json=[])
        engine.on("GET", "/volumes", json={"Volumes": []})

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stream = system_pb2_grpc.SystemServiceStub(channel).StreamEvents
            calls = [stream(system_pb2.StreamEventsRequest(host=HOSTILE)) for _ in range(self.readers)]
            async with reading(calls, self.events):
                yield {}


class MergedEventsFlood(EventsFlood):
    """Merged events of such a host, to many readers"""

    name, kind = "merged-events-flood", 7
    readers = sizes(4, 20)
    events = sizes(10, 100)  # responses, with many events each

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        request = fleet_pb2.StreamEventsRequest()
        request.hosts.names.append(HOSTILE)
        async with target.channel() as channel:
            stub = fleet_pb2_grpc.FleetServiceStub(channel)
            async with reading([stub.StreamEvents(request) for _ in range(self.readers)], self.events):
                yield {}


class PullFlood(Attack):
    """Pulls whose progress has no end"""

    name, kind = "pull-flood", 7
    pulls = sizes(40, 700)

    def bounds(self) -> tuple[Bound, ...]:
        return WORK, Bound("memory_peak", 64 + self.pulls / 2, "MiB of memory")

    def script(self, engine: FakeEngine) -> None:
        async def progress(exchange: ResponseParser) -> None:
            exchange.head(200, CHUNKED)
            for number in itertools.count():
                lines = (
                    b'{"status":"Downloading","progressDetail":{"current":%d,"total":%d},"id":"%012x"}\n'
                    % (number, 1 << 30, layer)
                    for layer in range(200)
                )
                await exchange.chunk(b"".join(lines))

        engine.on("POST", "/images/create", progress)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            calls = [pulls(channel)(PULL) for _ in range(self.pulls)]
            async with reading(calls, 1, _AT_ONCE):  # the others wait until one of these ends, or are refused
                yield {}


class EmptyFrames(Attack):
    """A log of frames without data, forever"""

    name, kind = "empty-frames", 7
    readers = sizes(8, 20)
    seconds = sizes(0, 20)

    def bounds(self) -> tuple[Bound, ...]:
        life = Bound("without_heartbeat", 0, "readers without a heartbeat")
        return WORK, Bound("memory_peak", 64, "MiB of memory"), *((life,) if self.seconds else ())

    def script(self, engine: FakeEngine) -> None:
        async def frames(exchange: ResponseParser) -> None:
            exchange.head(200, CHUNKED)
            while True:
                await exchange.chunk(frame(1, b"") * 8192)

        engine.on(*STATE, json=state())
        engine.on(*LOGS, frames)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        request = containers_pb2.StreamLogsRequest(host=HOSTILE, id="web", follow=True)
        async with target.channel() as channel:
            stub = containers_pb2_grpc.ContainerServiceStub(channel)
            counts = [Counter[str]() for _ in range(self.readers)]
            tasks = [asyncio.create_task(_records(stub.StreamLogs(request), count)) for count in counts]
            await asyncio.sleep(self.seconds or 1)
            yield {"without_heartbeat": sum(not count["heartbeat"] for count in counts)}
            for task in tasks:
                task.cancel()


class LogFlood(Attack):
    """Followed logs of containers that write lines as fast as they can"""

    name, kind = "log-flood", 7
    followers = sizes(4, 20)
    responses = sizes(10, 100)  # that each follower has read when it counts

    def bounds(self) -> tuple[Bound, ...]:
        return WORK, Bound("memory_peak", 128, "MiB of memory"), Bound("ended", 0, "followed logs that end")

    def script(self, engine: FakeEngine) -> None:
        written = Counter[str]()  # lines, by container

        async def logs(exchange: ResponseParser) -> None:
            path, query = exchange.request.path, dict(exchange.request.query)
            tail = int(query["tail"]) if query.get("tail", "all") != "all" else written[path]
            exchange.head(200, CHUNKED)
            if last := range(max(written[path] - tail, 0), written[path]):
                await exchange.chunk(b"".join(map(_line, last)))
            while query["follow"] == "true":
                first = written[path]
                written[path] += 200
                await exchange.chunk(b"".join(map(_line, range(first, first + 200))))
                await asyncio.sleep(0)  # where the gateway reads fast, writing never waits
            await exchange.chunk(b"")

        async def inspect(exchange: ResponseParser) -> None:
            await exchange.answer(json=state() | {"Id": exchange.request.path.split("/")[2]})

        engine.on(*STATE, inspect)
        engine.on(*LOGS, logs)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stub = containers_pb2_grpc.ContainerServiceStub(channel)
            ids = [f"{number:064x}" for number in range(self.followers)]
            calls = [
                stub.StreamLogs(containers_pb2.StreamLogsRequest(host=HOSTILE, id=each, follow=True)) for each in ids
            ]
            async with reading(calls, self.responses):
                yield {"ended": sum(call.done() for call in calls)}


class MergedLogFlood(LogFlood):
    """Merged logs of such containers, to many readers"""

    name, kind = "merged-log-flood", 7
    followers = sizes(4, 8)  # of as many containers, each
    responses = sizes(10, 50)

    def script(self, engine: FakeEngine) -> None:
        Daemon(engine).containers = [container(f"{number:064x}", f"c{number}") for number in range(self.followers)]
        super().script(engine)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        request = fleet_pb2.StreamLogsRequest(request=containers_pb2.StreamLogsRequest(follow=True))
        request.hosts.names.append(HOSTILE)
        request.containers.all = True
        async with target.channel() as channel:
            stub = fleet_pb2_grpc.FleetServiceStub(channel)
            calls = [stub.StreamLogs(request) for _ in range(self.followers)]
            async with reading(calls, self.responses):
                yield {"ended": sum(call.done() for call in calls)}


class WholeLog(Attack):
    """A log that is read from its beginning to its end, and is longer than the memory that it may take"""

    name, kind = "whole-log", 7
    mib = sizes(80, 1024)

    def bounds(self) -> tuple[Bound, ...]:
        return Bound("memory_peak", 64, "MiB of memory"), Bound("missing", 0, "lines of the log that do not come")

    def script(self, engine: FakeEngine) -> None:
        async def logs(exchange: ResponseParser) -> None:
            exchange.head(200, CHUNKED)
            for first in range(0, self.mib * _LINES, _LINES):
                await exchange.chunk(b"".join(_long_line(number) for number in range(first, first + _LINES)))
            await exchange.chunk(b"")

        engine.on(*STATE, json=state(running=False))
        engine.on(*LOGS, logs)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stub = containers_pb2_grpc.ContainerServiceStub(channel)
            request = containers_pb2.StreamLogsRequest(host=HOSTILE, id="web")
            lines = [len(response.batch.entries) async for response in stub.StreamLogs(request)]
            yield {"missing": self.mib * _LINES - sum(lines)}


class LineInPieces(Attack):
    """A line of a pull's progress that comes in small pieces"""

    name, kind = "line-in-pieces", 7
    mib = sizes(0.5, 3.9)
    piece = sizes(128, 256)

    def bounds(self) -> tuple[Bound, ...]:
        return Bound("cpu_seconds", 0.8 * self.mib, "seconds of the processor"), WORK

    def script(self, engine: FakeEngine) -> None:
        async def line(exchange: ResponseParser) -> None:
            exchange.head(200, CHUNKED)
            await exchange.chunk(b'{"status":"')
            for _ in range(mib(self.mib) // self.piece):
                await exchange.chunk(b"x" * self.piece)
                for _ in iter(lambda: _unread(exchange), 0):  # so that each is read alone
                    await asyncio.sleep(0)
            await exchange.chunk(b'"}\n')
            await exchange.wait_closed()

        engine.on("POST", "/images/create", line)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel, reading([pulls(channel)(PULL)], 1):
            yield {}


@asynccontextmanager
async def reading(calls: list[Any], least: int, some: int | None = None) -> AsyncIterator[None]:
    """Read streams; the block begins when *some* or else all have each brought *least* responses, or all have ended."""
    counts = [asyncio.Semaphore(0) for _ in calls]
    tasks = [asyncio.create_task(_drain(call, count)) for call, count in zip(calls, counts, strict=True)]

    async def enough(task: asyncio.Task[None], count: asyncio.Semaphore) -> bool:
        waiting = asyncio.create_task(_take(count, least))
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        return not waiting.cancel()

    brought = 0
    for begun in asyncio.as_completed([enough(*pair) for pair in zip(tasks, counts, strict=True)]):
        brought += await begun
        if brought == some:
            break
    assert brought, "no stream has brought anything: this is no attack"
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _take(count: asyncio.Semaphore, times: int) -> None:
    for _ in range(times):
        await count.acquire()


async def _drain(call: Any, count: asyncio.Semaphore) -> None:
    try:
        async for _ in call:
            count.release()
    except grpc.aio.AioRpcError:
        return


async def _records(call: Any, count: Counter[str]) -> None:
    try:
        async for response in call:
            count[response.WhichOneof("record")] += 1
    except grpc.aio.AioRpcError:
        return


def _unread(exchange: ResponseParser) -> int:
    """Return how many bytes the gateway has not taken from its socket yet."""
    sock = exchange._writer.get_extra_info("socket")
    return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)


def _line(number: int) -> bytes:
    return frame(1, b"%b a line of a container that writes without end\n" % time_of(NOON + number * 1000))


def _event(nanoseconds: int) -> bytes:
    return (
        b'{"Type":"container","Action":"start","Actor":{"ID":"c%d","Attributes":{"name":"web"}},"scope":"local",'
        b'"time":%d,"timeNano":%d}\n' % (nanoseconds % 1000, nanoseconds // 1_000_000_000, nanoseconds)
    )


def _long_line(number: int) -> bytes:
    return frame(1, time_of(NOON + number * 1000) + b" " + b"x" * 1000 + b"\n")
