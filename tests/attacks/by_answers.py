"""What a hostile host does with one answer, whose bytes cost many times their size."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dockfleet.v1 import (
    containers_pb2,
    containers_pb2_grpc,
    volumes_pb2,
    volumes_pb2_grpc,
)

from gateway.engine.transport.large_responses import OWN_BYTES
from tests.attacks.attack import HOSTILE, Attack, Bound, Seen, Target, code, mib, sizes
from tests.support.fake_engine import FakeEngine, ResponseParser

LIST = containers_pb2.ListContainersRequest(host=HOSTILE)
CHUNKED = {"Transfer-Encoding": "chunked"}


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


class ManyAnswers(ManyContainers):
    """Such lists, many at once"""

    name, kind = "many-answers", 2
    mib = sizes(6, 20)
    calls = sizes(8, 32)

    def bounds(self) -> tuple[Bound, ...]:
        room = OWN_BYTES / mib(1) + self.mib  # of the host, and of its oldest response
        return (
            Bound("memory_peak", 16 + 3 * room, "MiB of memory"),
            Bound("others", 0, "calls without a list that do not end in time"),
        )

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with target.channel() as channel:
            stub = containers_pb2_grpc.ContainerServiceStub(channel)
            answers = Counter(await asyncio.gather(*(code(stub.ListContainers(LIST)) for _ in range(self.calls))))
            others = self.calls - answers["OK"] - answers["DEADLINE_EXCEEDED"]
            yield {"others": others, "answers": dict(answers)}


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
