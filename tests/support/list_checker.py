"""Lists of the gateway's inventory beside those of the engine: random queries, which must have the same answers."""

from __future__ import annotations

import difflib
import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import grpc
from dockfleet.v1 import containers_pb2, images_pb2, networks_pb2, volumes_pb2
from dockfleet.v1.common_pb2 import ANSWER_SOURCE_INVENTORY, StringList
from google.protobuf import text_format
from google.protobuf.duration_pb2 import Duration

from tests.support.gateway import Client

OLD = Duration(seconds=30)
STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
Query = dict[str, Any]


class ListChecker:
    """Compares lists of the host *name*.  `compared` counts those that the inventory answered, by RPC."""

    def __init__(self, client: Client, name: str, seed: int) -> None:
        self.chance = random.Random(seed)
        self.compared: Counter[str] = Counter()
        self.from_engine = 0
        self.differ: list[str] = []
        self._name = name
        self._lists: dict[str, tuple[Any, Any]] = {
            "containers": (client.containers.ListContainers, containers_pb2.ListContainersRequest),
            "images": (client.images.ListImages, images_pb2.ListImagesRequest),
            "networks": (client.networks.ListNetworks, networks_pb2.ListNetworksRequest),
            "volumes": (client.volumes.ListVolumes, volumes_pb2.ListVolumesRequest),
        }

    async def compare(self, queries: int) -> None:
        """Compare so many random lists of containers, and a quarter as many of each of the others."""
        known = {kind: list(getattr(await self._list(kind, {}, old=False), kind)) for kind in self._lists}
        known["containers"] = list((await self._list("containers", {"all": True}, old=False)).containers)
        for number in range(queries):
            await self._compare("containers", self._of_containers(known))
            if not number % 4:
                await self._compare("images", self._of_images(known))
                await self._compare("networks", self._of_networks(known))
                await self._compare("volumes", self._of_volumes(known))

    async def _compare(self, kind: str, query: Query) -> None:
        """Ask the engine, the inventory, and the engine again: words may age in between, but not twice.

        The engine's clock is known to some milliseconds, longer when the machine is busy.  So a word may change a
        little too late or too early: words that differ are compared again, and are wrong when they differ three times.
        """
        for _ in range(3):
            before, found, after = await self._answers(kind, query)
            if isinstance(found, grpc.StatusCode) or isinstance(before, grpc.StatusCode):
                same = words_same = found == before
            else:
                if found.freshness.source != ANSWER_SOURCE_INVENTORY:
                    self.from_engine += 1
                    return
                rows = [canonical(kind, getattr(response, kind)) for response in (before, found, after)]
                same = rows[1] in (rows[0], rows[2])
                words_same = kind != "containers" or words_fit(before, found, after)
            if words_same or not same:
                break
        self.compared[kind] += 1
        if not (same and words_same):
            self.differ.append(_difference(kind, query, before, found))

    async def _answers(self, kind: str, query: Query) -> list[Any]:
        """Return the answers of the engine, the inventory, and the engine again, all within a second."""
        while True:
            began = time.monotonic()
            answers = [await self._answer(kind, query, old=old) for old in (False, True, False)]
            if time.monotonic() - began < 0.9:
                return answers

    async def _answer(self, kind: str, query: Query, *, old: bool) -> Any:
        try:
            return await self._list(kind, query, old=old)
        except grpc.aio.AioRpcError as error:
            return error.code()

    async def _list(self, kind: str, query: Query, *, old: bool) -> Any:
        call, request = self._lists[kind]
        query = query | ({"max_age": OLD} if old else {})
        return await call(request(host=self._name, **query))

    # Random queries

    def _of_containers(self, known: dict[str, list[Any]]) -> Query:
        rows, some = known["containers"], self._some
        names = [name for row in rows for name in row.names]
        ports = [str(port.public_port or port.private_port) for row in rows for port in row.ports]
        values = {
            "ancestor": [*(row.image for row in rows), *(row.image_id for row in rows), "none"],
            "before": [*names, *(name[1:] for name in names), *(row.id for row in rows)],
            "exited": ["0", "1", "3", "127", "137", "143"],
            "expose": [*ports, "80", "53/udp", "1-100/tcp"],
            "health": ["none", "starting", "healthy", "unhealthy"],
            "id": [*(row.id for row in rows), *(row.id[:8] for row in rows), *(row.id[:1] for row in rows), ""],
            "isolation": ["x"],
            "label": ["app", "app=shop", "app=", "tier", "tier=1", "none", "of"],
            "name": [
                *names,
                *(name[-3:] for name in names),
                "churn",
                "^/churn",
                "[0-9]1$",
                "^churn.*-1",
                "(",
                ".",
                r"\d5",
            ],
            "network": ["bridge", "none", "", *(network.name for network in known["networks"])]
            + [network.id[:12] for network in known["networks"]],
            "publish": [*ports, "20000-20010", "0/udp", "1-65535"],
            "since": [*names, *(row.id for row in rows)],
            "status": STATES,
            "volume": ["/data", *(mount.name for row in rows for mount in row.mounts), "none"],
        }
        query: Query = {"filters": some(values, 3)}
        if self.chance.random() < 0.5:
            query["all"] = True
        if self.chance.random() < 0.2:
            query["limit"] = self.chance.randrange(1, 10)
        for key in ("before", "since"):
            if key in query["filters"]:
                del query["filters"][key].items[1:]
        return query

    def _of_images(self, known: dict[str, list[Any]]) -> Query:
        tags = [tag for row in known["images"] for tag in row.repo_tags]
        named = [*tags, *(row.id for row in known["images"]), *(row.id[7:19] for row in known["images"])]
        values = {
            "dangling": ["true", "false"],
            "label": ["a", "a=b"],
            "before": [*named, "none"],
            "since": named,
            "reference": [
                *tags,
                "churn*",
                "churn-*-[0-1]",
                "*:latest",
                "b*x",
                "busy?ox",
                "a/*",
                "[^a-b]*",
                r"\churn*",
            ],
        }
        query: Query = {"filters": self._some(values, 2)} | ({"all": True} if self.chance.random() < 0.5 else {})
        for key in ("before", "since", "dangling"):
            if key in query["filters"]:
                del query["filters"][key].items[1:]
        return query

    def _of_networks(self, known: dict[str, list[Any]]) -> Query:
        rows = known["networks"]
        values = {
            "dangling": ["true", "false", "1", "0"],
            "driver": ["bridge", "host", "null", "none"],
            "id": [row.id[:5] for row in rows],
            "label": ["of", "of=none"],
            "name": [*(row.name for row in rows), "n", "^churn", "o.*t"],
            "scope": ["local", "swarm"],
            "type": ["builtin", "custom", "wrong"],
        }
        query: Query = {"filters": self._some(values, 3)}
        if "dangling" in query["filters"]:
            del query["filters"]["dangling"].items[1:]
        return query

    def _of_volumes(self, known: dict[str, list[Any]]) -> Query:
        values = {
            "dangling": ["true", "false", "1", "0"],
            "driver": ["local", "none"],
            "label": ["of", "of=none"],
            "name": [*(row.name for row in known["volumes"]), "churn", "-1$", "unused"],
        }
        query: Query = {"filters": self._some(values, 3)}
        if "dangling" in query["filters"]:
            del query["filters"]["dangling"].items[1:]
        return query

    def _some(self, values: Mapping[str, Sequence[str]], most: int) -> dict[str, StringList]:
        """Return filters of up to *most* keys, each with one or two values."""
        keys = self.chance.sample([key for key in values if values[key]], self.chance.randrange(most + 1))
        return {
            key: StringList(items=self.chance.choices(values[key], k=self.chance.choice((1, 1, 2)))) for key in keys
        }


def words_fit(before: Any, found: Any, after: Any) -> bool:
    """Return whether each `Status` of a list is that of the list before it or after it."""
    words = [[row.status for row in response.containers] for response in (found, before, after)]
    return all(word in around for word, *around in zip(*words, strict=False))


def canonical(kind: str, rows: Iterable[Any]) -> list[bytes]:
    """Return rows as bytes that are equal when they are, without what ages and without orders that mean nothing."""
    found = []
    for row in rows:
        copy = type(row)()
        copy.CopyFrom(row)
        if kind == "containers":
            copy.ClearField("status")
            copy.ports.sort(key=lambda port: (port.private_port, port.type, port.ip, port.public_port))
            copy.mounts.sort(key=lambda mount: mount.destination)
        found.append(copy.SerializeToString(deterministic=True))
    return found if kind == "containers" else sorted(found)


def _difference(kind: str, query: Query, before: Any, found: Any) -> str:
    """Return in words how two answers differ."""
    asked = {key: list(value.items()) if key == "filters" else value for key, value in query.items()}
    if isinstance(before, grpc.StatusCode) or isinstance(found, grpc.StatusCode):
        return f"{kind} {asked}: {before if isinstance(before, grpc.StatusCode) else 'an answer'}, {found}"
    ours, theirs = ([_text(row) for row in getattr(response, kind)] for response in (found, before))
    lines = difflib.unified_diff(theirs, ours, "the engine", "the inventory", lineterm="", n=0)
    return "\n".join((f"{kind} {asked}", *lines))


def _text(row: Any) -> str:
    return text_format.MessageToString(row, as_one_line=True)
