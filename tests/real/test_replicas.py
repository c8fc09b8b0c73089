"""Two gateways with one registry, etcd, and one key: what clients of a load balancer see when parts die.

`DOCKFLEET_LONG=1` follows 20 containers on 4 hosts with 200 lines a second each.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2
from dockfleet.v1 import containers_pb2, system_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.private_engines.engine import PrivateEngine
from deploy.private_engines.provision import EngineError, install
from deploy.private_engines.stores import Etcd
from gateway.config.settings import HostSettings
from tests.real.processes import GatewayProcess
from tests.real.stores import Keys
from tests.real.support import IMAGE, Fleet, until
from tests.support.balancer import Balancer
from tests.support.gateway import Client

pytestmark = pytest.mark.usefixtures("private")

LONG = bool(os.environ.get("DOCKFLEET_LONG"))
CONTAINERS = 5 if LONG else 2  # of each host
WRITER = "n=0; while :; do n=$((n+1)); echo $n; [ $((n % {many})) = 0 ] && sleep 0.1; done"
LINES = 20 if LONG else 4  # a tenth of a second
LABEL = "dockfleet.test=replicas"
ALL = selectors_pb2.HostSelector(all=True)
MINE = selectors_pb2.ContainerSelector(
    labels=[
        selectors_pb2.LabelRequirement(
            key=LABEL.partition("=")[0], operator=selectors_pb2.LABEL_OPERATOR_EQUAL, values=["replicas"]
        )
    ]
)


class Reader:
    """A client that reads a stream forever: after each failure, with the token of the last response."""

    def __init__(self, call: Callable[[Any], Any], request: Any) -> None:
        self._call, self._request = call, request
        self.records: list[Any] = []
        self.ends: Counter[str] = Counter()
        self.task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            with suppress(grpc.aio.AioRpcError):
                try:
                    async for response in self._call(self._request):
                        self._request.resume_token = response.resume_token
                        if hasattr(self._request, "request"):
                            self._request.request.ClearField("since")  # the token says it from now on
                        self.records += response.changes if hasattr(response, "changes") else response.records
                except grpc.aio.AioRpcError as error:
                    self.ends[error.code().name] += 1
                    raise
            await asyncio.sleep(0.05)


class Clients:
    """Readers of a merged log, of merged events, and of the changes of containers."""

    def __init__(self, client: Client) -> None:
        follow = containers_pb2.StreamLogsRequest(follow=True)
        logs = pb.StreamLogsRequest(hosts=ALL, containers=MINE, request=follow)
        self.logs = Reader(client.fleet.StreamLogs, logs)
        filters = {"event": system_pb2.StreamEventsRequest().filters["event"]}
        filters["event"].items.append("rename")
        asked = system_pb2.StreamEventsRequest(filters=filters)
        asked.since.GetCurrentTime()  # else it begins when the gateway has subscribed, which no response shows
        events = pb.StreamEventsRequest(hosts=ALL, request=asked)
        self.events = Reader(client.fleet.StreamEvents, events)
        self.changes = Reader(client.fleet.WatchContainers, pb.WatchContainersRequest(hosts=ALL, containers=MINE))

    def lines(self, id: str) -> list[int]:
        """The numbers that a container has written."""
        return [
            int(entry.data)
            for record in self.logs.records
            if record.container_id == id
            for entry in record.batch.entries
        ]

    def names(self) -> list[tuple[str, str]]:
        """The new names of events, with the hosts."""
        return [
            (each.host, each.event.actor.attributes["name"]) for each in self.events.records if each.HasField("event")
        ]

    def known(self) -> dict[str, str]:
        """The containers by the changes: their names, by id."""
        known: dict[str, tuple[str, str]] = {}
        for change in self.changes.records:
            if change.HasField("put"):
                known[change.put.id] = change.host, change.put.names[0].removeprefix("/")
            elif change.HasField("removed"):
                known.pop(change.removed, None)
            elif change.HasField("forget") or change.HasField("left"):
                known = {id: one for id, one in known.items() if one[0] != change.host}
        return {id: name for id, (_, name) in known.items()}

    async def close(self) -> None:
        """Read no more."""
        tasks = [each.task for each in (self.logs, self.events, self.changes)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def started(engine: PrivateEngine, number: int) -> str:
    """Start a container that writes numbers."""
    key, _, value = LABEL.partition("=")
    config = {
        "Image": IMAGE,
        "Cmd": ["sh", "-c", WRITER.format(many=LINES)],
        "Labels": {key: value},
        "HostConfig": {"NetworkMode": "none"},
    }
    status, body = engine.request("POST", f"/containers/create?name=replicas-{number}", config)
    assert status == 201, body
    id = str(json.loads(body)["Id"])
    assert engine.request("POST", f"/containers/{id}/start")[0] == 204
    return id


@asynccontextmanager
async def replica(directory: Path, keys: Keys, key: Path) -> AsyncIterator[GatewayProcess]:
    """A gateway whose hosts are those of etcd."""
    etcd = ("--sources-etcd-endpoints", keys.etcd.address, "--sources-etcd-prefix", keys.prefix)
    async with GatewayProcess.running(directory, [], "--resume-key", str(key), *etcd) as process:
        yield process


@pytest.mark.timeout(600 if LONG else 180)
async def test_streams_continue_when_an_engine_a_gateway_and_etcd_die(
    fleet: Fleet, start_engine: Callable[..., PrivateEngine], tmp_path: Path
) -> None:
    """Nothing is lost and nothing comes twice, whichever part was killed; the gateways say that etcd is away."""
    install_etcd()
    lasting = await asyncio.to_thread(start_engine, "lasting", settings={"live-restore": True})
    engines = {name: fleet.engines[fleet.need(name)] for name in (("one", "two", "new") if LONG else ("one", "new"))}
    settings = {name: fleet.hosts[name] for name in engines}
    settings["lasting"] = HostSettings(name="lasting", address=lasting.address)
    engines["lasting"] = lasting
    (tmp_path / "key").write_bytes(os.urandom(32))
    ids: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        keys = Keys(stack.enter_context(Etcd(tmp_path)))
        for name, host in settings.items():
            keys.put(f"hosts/{name}", host.model_dump(mode="json", exclude={"name"}, exclude_none=True))
        directories = [tmp_path / "g0", tmp_path / "g1"]
        for directory in directories:
            directory.mkdir()
        gateways = [await stack.enter_async_context(replica(each, keys, tmp_path / "key")) for each in directories]
        balancer = await stack.enter_async_context(Balancer.to(*(f"{each}/gateway" for each in directories)))
        options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50)]
        address = f"127.0.0.1:{balancer.port}"
        client = Client(await stack.enter_async_context(grpc.aio.insecure_channel(address, options)))
        stack.push_async_callback(removed, engines, ids)
        for name, engine in engines.items():
            for _ in range(CONTAINERS):
                ids[await asyncio.to_thread(started, engine, len(ids))] = name
        clients = Clients(client)
        stack.push_async_callback(clients.close)
        renamed: list[tuple[str, str]] = []

        async def all_continue(what: str) -> None:
            """Wait until lines of all containers come, and an event and a change of each host."""
            before = {id: len(clients.lines(id)) for id in ids}
            new = {}
            for name, engine in engines.items():
                id = next(id for id, host in ids.items() if host == name)
                new[id] = f"{name}-{what}"
                renamed.append((name, new[id]))
                status, _ = await asyncio.to_thread(engine.request, "POST", f"/containers/{id}/rename?name={new[id]}")
                assert status == 204

            async def have_news() -> bool:
                known = clients.known()
                return (
                    all(len(clients.lines(id)) > before[id] for id in ids)
                    and all(known.get(id) == name for id, name in new.items())
                    and set(renamed) <= set(clients.names())
                )

            await until(have_news, 60)

        await until(lambda: all_synced(clients, len(engines)), 30)
        await all_continue("first")
        await asyncio.to_thread(lasting.kill)
        await asyncio.to_thread(lasting.start)
        await all_continue("engine-killed")
        serving = balancer.serving
        gateways[serving].signal(signal.SIGKILL)
        await all_continue("gateway-killed")
        assert balancer.serving != serving
        (directories[serving] / "gateway").unlink(missing_ok=True)
        gateways[serving] = await stack.enter_async_context(replica(directories[serving], keys, tmp_path / "key"))
        gateways[balancer.serving].signal(signal.SIGTERM)
        await until(lambda: serves(balancer, serving), 30)
        await all_continue("gateway-replaced")
        await asyncio.to_thread(keys.etcd.kill)
        await until(lambda: etcd_is_away(client), 30)
        known = {host.name for host in (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts}
        health = await health_pb2_grpc.HealthStub(client.channel).Check(health_pb2.HealthCheckRequest())
        await all_continue("etcd-killed")
        await clients.close()

    lines = {id: clients.lines(id) for id in ids}
    wrong = {id[:12]: ids[id] for id, found in lines.items() if found != list(range(1, len(found) + 1))}
    kinds = Counter((each.host, str(each.WhichOneof("record"))) for each in clients.logs.records)
    late = out_of_order(clients.logs.records)
    print(sum(map(len, lines.values())), "lines, late:", late, kinds)
    print("ends", clients.logs.ends, clients.events.ends, clients.changes.ends)
    assert wrong == {}
    assert not any(kind in ("gap", "failure", "end") for _, kind in kinds)
    assert late.keys() <= {host for host, kind in kinds if kind == "stalled"}  # the others are in order
    assert sorted(clients.names()) == sorted(renamed)
    assert known == settings.keys()
    assert health.status == health_pb2.HealthCheckResponse.SERVING


def install_etcd() -> None:
    """Have an etcd, or skip the test."""
    try:
        install("etcd")
    except EngineError as error:
        pytest.skip(f"there is no etcd: {error}")


async def removed(engines: dict[str, PrivateEngine], ids: dict[str, str]) -> None:
    """Remove containers, each from its engine."""
    for id, name in ids.items():
        await asyncio.to_thread(engines[name].request, "DELETE", f"/containers/{id}?force=1")


async def all_synced(clients: Clients, hosts: int) -> bool:
    """Whether all hosts are known."""
    return len({change.host for change in clients.changes.records if change.HasField("synced")}) == hosts


async def serves(balancer: Balancer, number: int) -> bool:
    """Whether a gateway has taken the newest connection."""
    return balancer.serving == number


async def etcd_is_away(client: Client) -> bool:
    """Whether ListHosts says so."""
    sources = (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).sources
    return any(source.name == "etcd" and not source.up for source in sources)


def out_of_order(records: list[Any]) -> Counter[str]:
    """How many lines of each host came after newer ones."""
    newest, late = 0, Counter[str]()
    for record in records:
        for entry in record.batch.entries:
            time = entry.time.ToNanoseconds()
            if time < newest:
                late[record.host] += 1
            newest = max(newest, time)
    return late
