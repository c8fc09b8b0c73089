"""What a hostile host does."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import itertools
import json
import sys
import termios
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from dockfleet.fleet.v1 import hosts_pb2, hosts_pb2_grpc
from dockfleet.v1 import (
    common_pb2,
    containers_pb2,
    containers_pb2_grpc,
    distribution_pb2,
    distribution_pb2_grpc,
    images_pb2,
    images_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
    volumes_pb2,
    volumes_pb2_grpc,
)

from gateway.engine.codec.timestamps import time_of
from tests.attacks.attack import HOSTILE, WORK, Attack, Bound, Seen, Target, code, mib, sizes, turned
from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.fake_log import LOGS, NOON, STATE, state

PULL = images_pb2.PullImageRequest(host=HOSTILE, image="busybox", tag="latest")
LIST = containers_pb2.ListContainersRequest(host=HOSTILE)
CHUNKED = {"Transfer-Encoding": "chunked"}
_FEW = 20
_SEVERAL = tuple(f"h{number}" for number in range(6))  # hosts, where many calls wait for what never comes
_AT_ONCE = 16  # pulls that a host serves at the same time (limits.max_heavy_calls_per_host)


def pulls(channel: grpc.aio.Channel) -> Any:
    """Return the stub of PullImage."""
    return images_pb2_grpc.ImageServiceStub(channel).PullImage


class ErrorText(Attack):
    """An error text of the engine that repeats a word which patterns look for"""

    name, kind = "error-text", 1
    kib = sizes(64, 1024)
    calls = sizes(4, 10)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("cpu_seconds", 1 + 0.05 * self.calls, "seconds of the processor"),
            Bound("log_bytes", self.calls * 2 * 8192, "bytes of log"),
            Bound("text_bytes", 4096, "bytes of a status's text"),
        )

    def script(self, engine: FakeEngine) -> None:
        text = "manifest no matching " * (self.kib * 1024 // 21)
        engine.on("GET", "/distribution/{name}/json", error=text, status=404)
        engine.on("POST", "/images/create", error="client version " * (self.kib * 1024 // 15), status=400)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        longest = 0
        async with target.channel() as channel:
            inspect = distribution_pb2_grpc.DistributionServiceStub(channel).InspectDistribution
            request = distribution_pb2.InspectDistributionRequest(host=HOSTILE, name="busybox")
            for _ in range(self.calls):
                for call in (inspect(request), pulls(channel)(PULL)):
                    await code(call)
                    longest = max(longest, len((await call.details() or "").encode()))
        yield {"text_bytes": longest}


class ProbeError(Attack):
    """A host whose ping is an error of many MiB, while clients list the hosts"""

    name, kind = "probe-error", 1
    mib = sizes(1, 20)
    calls = 3

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("list_ms", 20, "ms that the loop computes for a list of hosts"),
            Bound("log_bytes", 65_536, "bytes of log"),
            Bound("memory_peak", max(64, 6 * self.mib), "MiB of memory"),
        )

    def configuration(self) -> dict[str, Any]:
        return {"health_check_interval_seconds": 1}

    def script(self, engine: FakeEngine) -> None:
        text = "\x1b" * (mib(self.mib) // 6)  # six bytes each, as JSON
        engine.on("GET", "/containers/json", turned(engine, error=text, status=500))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stub = hosts_pb2_grpc.HostServiceStub(channel)
            await code(containers_pb2_grpc.ContainerServiceStub(channel).ListContainers(LIST))
            await until_down(stub)
            loop, work = gateway_work(target), []
            for _ in range(self.calls):
                before = loop()
                await stub.ListHosts(hosts_pb2.ListHostsRequest())
                work.append(loop() - before)
            yield {"list_ms": max(work) * 1000}


class Costly(Attack):
    """An answer whose bytes cost many times their size."""

    repeats = True
    mib: Any

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("memory_peak", min(256, 24 + 4 * self.mib), "MiB of memory"),
            Bound("work_ms", 250, "ms that the loop computes within one honest ping"),
        )


class EmptyObjects(Costly):
    """A list of containers that are all `{}`"""

    name, kind = "empty-objects", 2
    mib = sizes(2, 16)

    def script(self, engine: FakeEngine) -> None:
        engine.on("GET", "/containers/json", body=many("{}", self.mib))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            yield {"answer": await code(containers_pb2_grpc.ContainerServiceStub(channel).ListContainers(LIST))}


class ManyContainers(Costly):
    """A list of more containers than a host can have, as an engine writes them"""

    name, kind = "many-containers", 2
    mib = sizes(16, 16)

    def bounds(self) -> tuple[Bound, ...]:
        return *super().bounds(), Bound("unanswered", 0, "calls without the list")

    def script(self, engine: FakeEngine) -> None:
        count = mib(self.mib) // len(_container(0))
        engine.on("GET", "/containers/json", body=b"[%b]" % b",".join(map(_container, range(count))))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            answer = await code(containers_pb2_grpc.ContainerServiceStub(channel).ListContainers(LIST))
            yield {"unanswered": int(answer != "OK"), "answer": answer}


class FreeForm(Costly):
    """A volume whose free-form status is a list of `{}`"""

    name, kind = "free-form", 2
    mib = sizes(1, 16)

    def script(self, engine: FakeEngine) -> None:
        engine.on("GET", "/volumes/{name}", body=b'{"Name":"v","Status":{"a":' + many("{}", self.mib) + b"}}")

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            inspect = volumes_pb2_grpc.VolumeServiceStub(channel).InspectVolume
            yield {"answer": await code(inspect(volumes_pb2.InspectVolumeRequest(host=HOSTILE, name="v")))}


class TinyChunks(Costly):
    """A list of containers in chunks of one byte"""

    name, kind = "tiny-chunks", 2
    mib = sizes(2, 16)

    def script(self, engine: FakeEngine) -> None:
        async def answer(exchange: ResponseParser) -> None:
            exchange.head(200, CHUNKED)
            piece = b"1\r\n \r\n" * 4096
            await exchange.chunk(b"[")
            for _ in range(mib(self.mib) // 4096):
                exchange.write(piece)
                await exchange.drain()
            await exchange.chunk(b"]")
            await exchange.chunk(b"")

        engine.on("GET", "/containers/json", answer)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            yield {"answer": await code(containers_pb2_grpc.ContainerServiceStub(channel).ListContainers(LIST))}


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
    """A log of frames without data, for ever"""

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


class DeepPingError(Attack):
    """A host that lives, and then answers its ping with an error 995 objects deep"""

    name, kind = "deep-ping-error", 8
    depth = 995

    def bounds(self) -> tuple[Bound, ...]:
        return Bound("still_up", 0, "hosts that stay UP although their ping fails"), Bound(
            "log_bytes", 65_536, "bytes of log"
        )

    def configuration(self) -> dict[str, Any]:
        return {"health_check_interval_seconds": 0.2}

    def script(self, engine: FakeEngine) -> None:
        deep = b'{"message":' + b'{"a":' * self.depth + b"1" + b"}" * self.depth + b"}"
        engine.on("GET", "/containers/json", turned(engine, status=500, body=deep))

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stub = hosts_pb2_grpc.HostServiceStub(channel)
            await code(containers_pb2_grpc.ContainerServiceStub(channel).ListContainers(LIST))
            yield {"still_up": int(not await until_down(stub, tries=50))}


class Extremes(Attack):
    """Answers with an extreme value in each of their fields"""

    name, kind = "extremes", 8
    calls = sizes(400, 8000)
    serves = False

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("defects", 0, "calls that end as defects of the gateway"),
            Bound("defects_logged", 0, "defects in the log"),
            Bound("log_bytes", 4096 * self.calls, "bytes of log"),
        )

    def configuration(self) -> dict[str, Any]:
        limits = {"read_timeout_seconds": 2, "write_timeout_seconds": 2, "reconnect_timeout_seconds": 0}
        return {"health_check_interval_seconds": 0.5, "limits": limits}

    def hosts(self, target: Target) -> list[dict[str, Any]]:
        return [{"name": name, "address": f"unix://{target.hostile}-{name}"} for name in _SEVERAL]

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        from tests.attacks import extremes  # it knows all of the contract and of the gateway, and takes a second

        async with target.channel() as channel, AsyncExitStack() as stack:
            engines = {}
            for name in _SEVERAL:
                engines[name] = await stack.enter_async_context(FakeEngine(f"{target.hostile}-{name}"))
                engines[name].api_version = "1.56"
                await until_up(hosts_pb2_grpc.HostServiceStub(channel), name)
            calls, self.calls = self.calls, _FEW  # the second time, all that counts is that it is under way
            yield await extremes.provoke(engines, channel, calls)


class EchoedSecrets(Attack):
    """Error texts that quote the secrets of the request"""

    name, kind = "echoed-secrets", 10
    repeats = True
    secret = "hunter2-Zm9vYmFy"

    def bounds(self) -> tuple[Bound, ...]:
        return (Bound("leaks", 0, "places in the log, and answers, that quote a secret"),)

    def script(self, engine: FakeEngine) -> None:
        async def quote(exchange: ResponseParser) -> None:
            request = exchange.request
            header = request.headers.get("x-registry-auth", "")
            auth = base64.urlsafe_b64decode(header).decode() if header else ""
            text = f"unauthorized: {request.query} {request.body.decode()} {auth} {header}"
            await exchange.answer(error=text[:900], status=500)

        for verb, path in (("POST", "/images/create"), ("POST", "/auth"), ("POST", "/build")):
            engine.on(verb, path, quote)

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        credentials = common_pb2.AuthConfig(username="me", password=self.secret, server_address="registry.example")
        pull = images_pb2.PullImageRequest(host=HOSTILE, image="busybox", tag="1", registry_auth=credentials)
        build = images_pb2.BuildImageStart(
            host=HOSTILE, remote="https://a.example/x", build_args={"TOKEN": self.secret}
        )
        # The start of the base64 of the password depends on what is before it, its middle only on where it begins.
        coded = [base64.b64encode(b"x" * shift + self.secret.encode()).decode()[4:20] for shift in range(3)]
        secrets = [self.secret, *coded]
        async with target.channel() as channel:
            images = images_pb2_grpc.ImageServiceStub(channel)
            system = system_pb2_grpc.SystemServiceStub(channel)
            calls: list[Any] = [
                images.PullImage(pull),
                system.CheckAuth(system_pb2.CheckAuthRequest(host=HOSTILE, credentials=credentials)),
                images.BuildImage(iter([images_pb2.BuildImageRequest(start=build)])),
            ]
            leaks = 0
            for call in calls:
                await code(call)
                told = f"{await call.details()} {await call.trailing_metadata()}"
                leaks += any(secret in told for secret in secrets)
            yield {"leaks": leaks, "secrets": secrets}


# What they share


async def until_down(stub: Any, tries: int = 10_000) -> bool:
    """Wait until the gateway knows that the hostile host is down; return whether it does after so many looks."""
    return await _until(stub, HOSTILE, hosts_pb2.HOST_STATE_DOWN, tries)


async def until_up(stub: Any, host: str) -> bool:
    """Wait until the gateway knows that *host* is up."""
    return await _until(stub, host, hosts_pb2.HOST_STATE_UP, 10_000)


async def _until(stub: Any, host: str, state: Any, tries: int) -> bool:
    for _ in range(tries):
        if (await stub.GetHost(hosts_pb2.GetHostRequest(host=host))).host.state == state:
            return True
        await asyncio.sleep(0.1)
    return False


def gateway_work(target: Target) -> Any:
    """Return the function that tells how many seconds the gateway's main thread has computed."""
    schedstat = Path(f"/proc/{target.pid}/schedstat")
    return lambda: int(schedstat.read_text().split()[0]) / 1e9


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


def many(item: str, size: float) -> bytes:
    """Return a JSON array of *item* that has *size* MiB."""
    return b"[" + b",".join([item.encode()] * (mib(size) // (len(item) + 1))) + b"]"


def _container(number: int) -> bytes:
    """Return what a list has of a container."""
    container = {
        "Id": f"{number:064x}",
        "Names": [f"/shop-{number % 40}-{number}"],
        "Image": "registry.example/shop/web:1.25",
        "ImageID": f"sha256:{number % 50:064x}",
        "Command": "/docker-entrypoint.sh nginx -g 'daemon off;'",
        "Created": 1_790_000_000 + number,
        "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 20_000 + number, "Type": "tcp"}],
        "Labels": {f"com.docker.compose.{key}": f"{key}-{number % 40}" for key in ("project", "service", "version")},
        "State": "running",
        "Status": f"Up {number % 59 + 1} minutes",
        "HostConfig": {"NetworkMode": "shop_default"},
        "NetworkSettings": {
            "Networks": {
                "shop_default": {
                    "IPAMConfig": None,
                    "Links": None,
                    "Aliases": None,
                    "NetworkID": "5e" * 32,
                    "EndpointID": f"{number:064x}",
                    "Gateway": "172.18.0.1",
                    "IPAddress": f"172.18.{number >> 8 & 255}.{number & 255}",
                    "IPPrefixLen": 16,
                    "MacAddress": "02:42:ac:12:00:02",
                }
            }
        },
        "Mounts": [{"Type": "volume", "Name": f"data-{number}", "Destination": "/data", "RW": True, "Mode": "z"}],
    }
    return json.dumps(container, separators=(",", ":")).encode()


def _line(number: int) -> bytes:
    return frame(1, b"%b a line of a container that writes without end\n" % time_of(NOON + number * 1000))


def _event(nanoseconds: int) -> bytes:
    return (
        b'{"Type":"container","Action":"start","Actor":{"ID":"c%d","Attributes":{"name":"web"}},"scope":"local",'
        b'"time":%d,"timeNano":%d}\n' % (nanoseconds % 1000, nanoseconds // 1_000_000_000, nanoseconds)
    )
