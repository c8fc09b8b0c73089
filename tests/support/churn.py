"""Everything on a host changes, all the time: some through a gateway, some directly on the engine.

After a change through the gateway, a list from its inventory must show it.  `list_checker` compares lists afterwards.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import grpc
from dockfleet.v1 import containers_pb2 as pb
from dockfleet.v1 import images_pb2, networks_pb2
from dockfleet.v1.common_pb2 import ANSWER_SOURCE_INVENTORY, StringList
from dockfleet.v1.container_config_pb2 import ContainerSpec
from google.protobuf.duration_pb2 import Duration

from gateway.engine.client import APIError, Call, Endpoint, Engine
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Address
from tests.support.gateway import Client

OLD = Duration(seconds=30)
WORKERS = 24
MOST = 60  # containers
LABELS: tuple[dict[str, str], ...] = ({"app": "shop"}, {"app": "shop", "tier": "front"}, {"app": ""}, {"tier": "1"}, {})
COMMANDS = (
    *(["sleep", "100000"], ["sh", "-c", "sleep 0.4; exit 3"], ["true"], ["/nonexistent"]),
    ["sh", "-c", 'trap "exit 3" TERM; while :; do sleep 0.05; done'],
)
WEIGHTS = {  # of the kinds of changes
    "rename": 35,
    "create": 18,
    "remove": 16,
    "update": 15,
    "start": 6,
    "tag": 4,
    "pause": 1.5,
    "unpause": 1.5,
    "kill": 1,
    "restart": 0.7,
    "stop": 0.7,
    "connect": 0.7,
    "disconnect": 0.7,
}
# The states that a list may show after a change, of a container that can end by itself.
EXPECTED = {
    "start": ("running", "exited"),
    "restart": ("running", "exited"),
    "unpause": ("running", "exited"),
    "pause": ("paused",),
    "kill": ("exited",),
    "stop": ("exited", "created"),  # one that was never started has nothing to stop
}


@dataclass
class One:
    """A container, which one worker changes at a time."""

    id: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Churn:
    """Changes the host *name*.  `changes` are those that the engine accepted; `wrong` lists did not show one."""

    def __init__(self, client: Client, name: str, address: str, image: str, seed: int) -> None:
        self.client = client
        self.name = name
        self.image = image
        self.chance = random.Random(seed)
        self.engine = Engine("direct", Endpoint(address, Address(path=address.removeprefix("unix://"))))
        self.label = f"churn-{seed}"
        self.tags = [f"churn-{seed}-{number}" for number in range(4)]
        self.networks = [f"churn-{seed}-{number}" for number in range(3)]
        self.changes: Counter[str] = Counter()
        self.waits: list[float] = []  # seconds of the lists that came from the inventory
        self.from_engine = 0  # lists that the inventory could not answer
        self.wrong: list[str] = []
        self._all: list[One] = []
        self._names = 0
        self._port = 20_000

    async def prepare(self) -> None:
        """Make networks and a volume."""
        for network in self.networks:
            await self._direct("POST", "/networks/create", {"Name": network, "Labels": {"of": self.label}})
        await self._direct("POST", "/volumes/create", {"Name": f"{self.label}-unused", "Labels": {"of": self.label}})

    async def run(self, seconds: float) -> None:
        """Change for so long."""
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._work(until) for _ in range(WORKERS)))

    async def clean(self) -> None:
        """Remove all that was made."""
        for one in self._all:
            with suppress(APIError):
                await self._direct("DELETE", f"/containers/{one.id}?force=1&v=1")
        for tag in self.tags:
            with suppress(APIError):
                await self._direct("DELETE", f"/images/{tag}")
        for network in self.networks:
            with suppress(APIError):
                await self._direct("DELETE", f"/networks/{network}")
        volumes = await self.engine.call(Engine.volumes, {"label": f"of={self.label}"})
        for volume in volumes["Volumes"] or ():
            with suppress(APIError):
                await self._direct("DELETE", f"/volumes/{volume['Name']}")
        self.engine.close()

    async def _work(self, until: float) -> None:
        while time.monotonic() < until:
            kind = self.chance.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
            own = self.chance.random() < 0.6
            try:
                await self._change(kind, own)
            except (APIError, grpc.aio.AioRpcError):
                continue  # it is in a state that does not allow it
            await asyncio.sleep(self.chance.uniform(0, 0.2))

    async def _change(self, kind: str, own: bool) -> None:
        if kind == "create":
            if len(self._all) < MOST:
                await self._create(own)
        elif kind == "tag":
            await self._tag(own)
        elif idle := [one for one in self._all if not one.lock.locked()]:
            one = self.chance.choice(idle)
            async with one.lock:
                await self._change_one(kind, one, own)

    async def _create(self, own: bool) -> None:
        self._names += 1
        name = f"{self.label}-{self._names}"
        labels = {**self.chance.choice(LABELS), "of": self.label}
        host: dict[str, Any] = {"NetworkMode": self.chance.choice(("none", "none", "none", self.networks[0]))}
        body: dict[str, Any] = {"Image": self.chance.choice((self.image, *self.tags)), "Labels": labels}
        body |= {"Cmd": self.chance.choice(COMMANDS), "HostConfig": host}
        if host["NetworkMode"] != "none":
            self._port += 1
            body["ExposedPorts"] = {"80/tcp": {}, "53/udp": {}}
            host["PortBindings"] = {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(self._port)}]}
        if self.chance.random() < 0.3:
            host["Binds"] = [f"{self.label}-{self.chance.randrange(3)}:/data"]
        if self.chance.random() < 0.2:
            body["Healthcheck"] = {"Test": ["CMD", "test", "-e", "/tmp/well"], "Interval": 500_000_000, "Retries": 2}
        if own:
            made = await self.client.containers.CreateContainer(_created(self.name, name, body))
            id = made.id
        else:
            id = (await self._direct("POST", f"/containers/create?name={name}", body))["Id"]
        self.changes["create"] += 1
        if own:
            await self._see("create", id, lambda row: row is not None and row.state == "created")
        self._all.append(One(id))

    async def _tag(self, own: bool) -> None:
        tag, source = self.chance.choice(self.tags), self.chance.choice((self.image, self.image, *self.tags))
        if own:
            await self.client.images.TagImage(
                images_pb2.TagImageRequest(host=self.name, name=source, repo=tag, tag="latest")
            )
        else:
            await self._direct("POST", f"/images/{quote(source, safe='')}/tag?repo={tag}&tag=latest")
        self.changes["tag"] += 1
        if own and self.chance.random() < 0.5:
            request = images_pb2.ListImagesRequest(host=self.name, max_age=OLD)
            found = await self.client.images.ListImages(request)
            if not any(f"{tag}:latest" in row.repo_tags for row in found.images):
                self.wrong.append(f"tag {tag}: {[list(row.repo_tags) for row in found.images]}")

    async def _change_one(self, kind: str, one: One, own: bool) -> None:
        self._names += 1
        name = f"{self.label}-{self._names}"
        network = self.chance.choice(self.networks)
        await (self._by_gateway if own else self._by_engine)(kind, one.id, name, network)
        self.changes[kind] += 1
        if kind == "remove":
            self._all.remove(one)
        if not own:
            return
        shows: Callable[[Any], bool] = {
            "rename": lambda row: f"/{name}" in row.names,
            "connect": lambda row: network in row.network_settings.networks,
            "disconnect": lambda row: network not in row.network_settings.networks,
            "update": lambda row: True,
        }.get(kind, lambda row: row.state in EXPECTED[kind])
        await self._see(
            kind, one.id, (lambda row: row is None) if kind == "remove" else lambda row: row is not None and shows(row)
        )

    async def _by_gateway(self, kind: str, id: str, name: str, network: str) -> None:
        containers, networks = self.client.containers, self.client.networks
        target: dict[str, Any] = {"host": self.name, "id": id}
        changes: dict[str, Callable[[], Awaitable[Any]]] = {
            "rename": lambda: containers.RenameContainer(pb.RenameContainerRequest(**target, name=name)),
            "remove": lambda: containers.RemoveContainer(
                pb.RemoveContainerRequest(**target, force=True, remove_volumes=True)
            ),
            "update": lambda: containers.UpdateContainer(pb.UpdateContainerRequest(**target, cpu_shares=512)),
            "start": lambda: containers.StartContainer(pb.StartContainerRequest(**target)),
            "restart": lambda: containers.RestartContainer(pb.RestartContainerRequest(**target, timeout_seconds=0)),
            "stop": lambda: containers.StopContainer(pb.StopContainerRequest(**target, timeout_seconds=1)),
            "kill": lambda: containers.KillContainer(pb.KillContainerRequest(**target)),
            "pause": lambda: containers.PauseContainer(pb.PauseContainerRequest(**target)),
            "unpause": lambda: containers.UnpauseContainer(pb.UnpauseContainerRequest(**target)),
            "connect": lambda: networks.ConnectNetwork(
                networks_pb2.ConnectNetworkRequest(host=self.name, id=network, container=id)
            ),
            "disconnect": lambda: networks.DisconnectNetwork(
                networks_pb2.DisconnectNetworkRequest(host=self.name, id=network, container=id)
            ),
        }
        await changes[kind]()

    async def _by_engine(self, kind: str, id: str, name: str, network: str) -> None:
        of = f"/containers/{id}"
        # Connecting a container that does not run has no event: who does that on the engine itself is seen late.
        method, target, body = {
            "rename": ("POST", f"{of}/rename?name={name}", None),
            "remove": ("DELETE", f"{of}?force=1&v=1", None),
            "update": ("POST", f"{of}/update", {"CpuShares": 512}),
            "restart": ("POST", f"{of}/restart?t=0", None),
            "stop": ("POST", f"{of}/stop?t=1", None),
        }.get(kind, ("POST", f"{of}/{kind}", None))
        if kind in ("connect", "disconnect"):
            await self._by_gateway(kind, id, name, network)
        else:
            await self._direct(method, target, body)

    async def _see(self, kind: str, id: str, shows: Callable[[Any], bool]) -> None:
        """List from the inventory what was changed."""
        if self.chance.random() < 0.5:
            return
        request = pb.ListContainersRequest(
            host=self.name, all=True, filters={"id": StringList(items=[id])}, max_age=OLD
        )
        began = time.monotonic()
        found = await self.client.containers.ListContainers(request)
        if found.freshness.source == ANSWER_SOURCE_INVENTORY:
            self.waits.append(time.monotonic() - began)
        else:
            self.from_engine += 1
        row = found.containers[0] if found.containers else None
        if not shows(row):
            self.wrong.append(f"{kind} of {id[:12]}: {row and (row.state, list(row.names))} {found.freshness.source}")

    async def _direct(self, method: str, target: str, body: Any = None) -> Any:
        from gateway.engine.codec.json import parse

        response = await self.engine.fetch(Call(Request(method, target, _JSON if body else {}, document=body)))
        return parse(response.body) if response.body else None


_JSON = {"Content-Type": "application/json"}


def _created(host: str, name: str, body: dict[str, Any]) -> pb.CreateContainerRequest:
    from gateway.engine.codec.json import loader

    spec: Any = loader(ContainerSpec.DESCRIPTOR)(body)
    return pb.CreateContainerRequest(host=host, name=name, config=spec)
