"""What a hostile client asks for that costs more than it sends."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from dockfleet.fleet.v1 import fleet_pb2, fleet_pb2_grpc, selectors_pb2
from dockfleet.v1 import container_config_pb2, containers_pb2, containers_pb2_grpc, images_pb2, images_pb2_grpc
from dockfleet.v1.common_pb2 import StringList
from google.protobuf.duration_pb2 import Duration

from tests.attacks.attack import HOSTILE, Attack, Bound, Seen, Target, code, sizes
from tests.support.fake_engine import FakeEngine, hang
from tests.support.fake_events import Daemon
from tests.support.fake_objects import container

_HOST = selectors_pb2.HostSelector(names=[HOSTILE])
_MOMENT_SECONDS = 2  # in which calls are refused that will be


class ManyContainersHost(Attack):
    """A host whose inventory has many containers"""

    containers: Any

    def script(self, engine: FakeEngine) -> None:
        ids = [f"{number:064x}" for number in range(self.containers)]
        labels = {"prometheus.io/scrape": "true"} | {f"label-{number}": "value" for number in range(20)}
        Daemon(engine).containers = [container(id, f"shop-{int(id, 16)}", Labels=labels) for id in ids]

    @asynccontextmanager
    async def known(self, target: Target) -> AsyncIterator[Any]:
        """Yield the stub of the fleet's service, once the gateway knows the containers; grpcio alone knows none."""
        asked = fleet_pb2.FindContainersRequest(hosts=_HOST, containers=selectors_pb2.ContainerSelector(names=["a"]))
        async with target.channel() as channel:
            stub = fleet_pb2_grpc.FleetServiceStub(channel)
            answered = 0
            while target.hostile and not answered:
                await asyncio.sleep(0.2)  # between two questions: nothing tells when the gateway knows them
                async for answer in stub.FindContainers(asked):
                    answered = answer.summary.answered
            yield stub


class CostlySelectors(ManyContainersHost):
    """Selectors and filters of as many values as fit into a message, for a host with many containers"""

    name, kind = "costly-selectors", 2
    containers = sizes(500, 2000)
    values = sizes(20_000, 300_000)
    rounds = sizes(1, 10)
    repeats = True

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("work_ms", 250, "ms that the loop computes within one honest ping"),
            Bound("memory_peak", 128, "MiB of memory"),
            Bound("log_bytes", 65_536, "bytes of log"),
        )

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        codes = Counter[str]()
        async with self.known(target) as fleet, target.channel() as channel:
            for _ in range(self.rounds):
                for count in (50, 1000, self.values):  # as many as are taken, and more
                    for call in self._calls(fleet, channel, count):
                        codes[await code(call)] += 1
            yield {"answers": dict(codes)}

    def _calls(self, fleet: Any, channel: grpc.aio.Channel, count: int) -> Iterator[Any]:
        pb = fleet_pb2
        names = [f"{number:x}" for number in range(count)]
        patterns = [f"*{name}*" for name in names]
        label = selectors_pb2.LabelRequirement(key="label", operator=selectors_pb2.LABEL_OPERATOR_NOT_EXISTS)
        selectors: tuple[dict[str, Any], ...] = (
            {"names": names},
            {"names": patterns},
            {"images": names},
            {"labels": [label] * count},
        )
        for selector in selectors:
            containers = selectors_pb2.ContainerSelector(**selector)
            yield fleet.FindContainers(pb.FindContainersRequest(hosts=_HOST, containers=containers))
        yield fleet.DiscoverServices(pb.DiscoverServicesRequest(hosts=_HOST, services=patterns))
        yield fleet.Ping(pb.PingRequest(hosts=selectors_pb2.HostSelector(names=patterns)))
        ports = [f"{number % 65_534 + 1}-65535" for number in range(count)]
        for name in ("name", "id", "ancestor", "network", "publish"):
            filters = {name: StringList(items=ports if name == "publish" else names)}
            asked = containers_pb2.ListContainersRequest(host=HOSTILE, filters=filters, max_age=Duration(seconds=3600))
            yield containers_pb2_grpc.ContainerServiceStub(channel).ListContainers(asked)
        filters = {"reference": StringList(items=["x" * count])}
        images = images_pb2.ListImagesRequest(host=HOSTILE, filters=filters, max_age=Duration(seconds=3600))
        yield images_pb2_grpc.ImageServiceStub(channel).ListImages(images)


class PipelinedScrapes(ManyContainersHost):
    """Connections that ask for the pages of the metrics port again and again, without waiting for answers"""

    name, kind = "pipelined-scrapes", 3
    containers = sizes(500, 2000)
    connections = sizes(10, 50)
    seconds = sizes(2, 10)
    pages = ("/metrics", "/metrics/containers", "/sd/containers", "/sd/containers?left_out", "/sd/hosts", "/none")

    def bounds(self) -> tuple[Bound, ...]:
        return (
            Bound("work_p90_ms", 50, "ms that the loop computes within nine of ten honest pings"),
            Bound("memory_peak", 128, "MiB of memory"),
        )

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        async with self.known(target), asyncio.TaskGroup() as scrapers:
            pages = (self.pages[number % len(self.pages)] for number in range(self.connections))
            tasks = [scrapers.create_task(self._scrape(target, page)) for page in pages]
            await asyncio.sleep(self.seconds)
            yield {}
            for task in tasks:
                task.cancel()

    async def _scrape(self, target: Target, page: str) -> None:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(target.host, target.metrics_port)
            try:
                while True:
                    writer.write(f"GET {page} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 10)
                    if not await reader.read(1 << 20):
                        return
            finally:
                writer.transport.abort()


class LargeRequests(Attack):
    """Calls that keep requests as large as a message may be, while the host never answers"""

    name, kind = "large-requests", 6
    calls = sizes(12, 200)

    def bounds(self) -> tuple[Bound, ...]:
        # grpc receives the messages of all calls before the gateway looks at the first.
        return Bound("memory_peak", 320 + 6 * self.calls, "MiB of memory"), Bound("log_bytes", 262_144, "bytes of log")

    def script(self, engine: FakeEngine) -> None:
        engine.on("POST", "/containers/create", hang())

    @asynccontextmanager
    async def strike(self, target: Target) -> AsyncIterator[Seen]:
        create = "/dockfleet.v1.ContainerService/CreateContainer"
        many = container_config_pb2.ContainerSpec(image="x", env=["A=1"] * 700_000)
        few = container_config_pb2.ContainerSpec(image="x", env=["x" * 400_000] * 9)
        async with target.channel() as channel:
            calls: list[Any] = []
            for config in (many, few):
                request = containers_pb2.CreateContainerRequest(host=HOSTILE, config=config).SerializeToString()
                method: Any = channel.unary_unary(create)
                calls += [method(request) for _ in range(self.calls // 2)]
            ends = [asyncio.ensure_future(code(call)) for call in calls]
            refused, kept = await asyncio.wait(ends, timeout=_MOMENT_SECONDS)
            yield {"refused": len(refused), "kept": len(kept)}
            for call in calls:
                call.cancel()
            await asyncio.gather(*kept)
