"""Streams of many real hosts while hosts are replaced, renamed, removed and come back."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from dockfleet.v1 import common_pb2, containers_pb2

from deploy.private_engines.engine import PrivateEngine
from gateway.config.settings import HostSettings, Limits
from gateway.engine.inventory.gate import Gate
from gateway.fleet.dial import host_of
from tests.real.support import Containers, Fleet, until
from tests.support.gateway import Client, gateway_of

pytestmark = pytest.mark.usefixtures("private")

ALL = selectors_pb2.HostSelector(all=True)
WRITER = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.02; done"


class Streams:
    """One merged stream of each kind over all hosts: what came of each host, in order."""

    def __init__(
        self, client: Client, containers: selectors_pb2.ContainerSelector, hosts: selectors_pb2.HostSelector = ALL
    ) -> None:
        follow = containers_pb2.StreamLogsRequest(follow=True)
        self._calls: dict[str, Any] = {
            "logs": client.fleet.StreamLogs(pb.StreamLogsRequest(hosts=hosts, containers=containers, request=follow)),
            "events": client.fleet.StreamEvents(pb.StreamEventsRequest(hosts=hosts)),
            "stats": client.fleet.StreamStats(pb.StreamStatsRequest(hosts=hosts, containers=containers)),
            "changes": client.fleet.WatchContainers(pb.WatchContainersRequest(hosts=hosts, containers=containers)),
        }
        self.records: dict[str, list[Any]] = {name: [] for name in self._calls}
        self._readers = [asyncio.create_task(self._read(name)) for name in self._calls]

    async def _read(self, name: str) -> None:
        async for response in self._calls[name]:
            self.records[name] += response.changes if name == "changes" else response.records

    async def leave(self) -> None:
        """End all streams, which must be open."""
        assert not any(reader.done() for reader in self._readers)
        for call in self._calls.values():
            call.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    def of(self, name: str, host: str) -> list[Any]:
        """What came of a host in one of the streams."""
        return [record for record in self.records[name] if record.host == host]

    def numbers(self, host: str, id: str) -> list[int]:
        """The lines of a container."""
        found = [record for record in self.of("logs", host) if record.container_id == id]
        return [int(entry.data) for record in found for entry in record.batch.entries]

    def failures(self, name: str, host: str) -> list[int]:
        """The reasons of the failures of a host."""
        return [each.failure.reason for each in self.of(name, host) if each.HasField("failure")]

    async def have(self, host: str, id: str) -> None:
        """Wait until logs and samples of a container come, and the changes have it."""
        before = {name: len(records) for name, records in self.records.items()}

        def news(name: str, fits: Callable[[Any], bool]) -> bool:
            return any(record.host == host and fits(record) for record in self.records[name][before[name] :])

        async def all_have() -> bool:
            return news("logs", lambda record: record.container_id == id and record.HasField("batch")) and news(
                "stats", lambda record: record.container_id == id and record.HasField("stats")
            )

        await until(all_have, 30)
        await until(lambda: self._knows(host, id), 30)

    async def _knows(self, host: str, id: str) -> bool:
        return id in self.known(host)

    def known(self, host: str) -> set[str]:
        """The containers of a host, as the changes tell them."""
        known: set[str] = set()
        for change in self.of("changes", host):
            if change.HasField("put"):
                known.add(change.put.id)
            elif change.HasField("removed"):
                known.discard(change.removed)
            elif change.HasField("left") or change.HasField("forget"):
                known.clear()
        return known

    async def left(self, host: str, times: int = 1) -> None:
        """Wait until all streams have said, for the so-manieth time, that a host has left; nothing is known of it."""

        async def all_have() -> bool:
            changes = sum(change.HasField("left") for change in self.of("changes", host))
            failures = [self.failures(name, host) for name in ("logs", "events", "stats")]
            removed = [each.count(common_pb2.ERROR_REASON_HOST_REMOVED) for each in failures]
            return [changes, *removed] == [times] * 4

        try:
            await until(all_have, 30)
        except AssertionError:
            told = {name: [str(each)[:200] for each in self.of(name, host)][-5:] for name in self.records}
            raise AssertionError(f"not all streams say that {host} has left: {told}") from None


def used(client: Client) -> tuple[float, float, float]:
    """How many tasks, descriptors and series of hosts there are."""
    series = sum("host" in sample.labels for family in client.metrics.registry.collect() for sample in family.samples)
    return len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd")), series


async def test_merged_streams_say_which_hosts_leave_and_others_do_not_notice(fleet: Fleet, client: Client) -> None:
    """Replaced by another engine, renamed, and back under its name, where the lines continue; then nothing is left."""
    fleet.need("new")
    makers = {name: Containers(client, name) for name in ("one", "two", "new")}
    for maker in makers.values():
        maker.label = makers["one"].label
    key, _, value = makers["one"].label.partition("=")
    equal = selectors_pb2.LabelRequirement(key=key, operator=selectors_pb2.LABEL_OPERATOR_EQUAL, values=[value])
    selector = selectors_pb2.ContainerSelector(labels=[equal])
    ids = {name: await maker.start("sh", "-c", WRITER) for name, maker in makers.items()}
    stays = fleet.hosts["one"].model_copy(update={"name": "stays"})
    async with gateway_of(stays, inventory=True, health_check_interval_seconds=1) as own:

        def put(name: str, of: str) -> None:
            settings: HostSettings = fleet.hosts[of].model_copy(update={"name": name})
            own.hosts_of_gateway.put(host_of(settings, Limits(), own.metrics, Gate()))

        await until(lambda: is_known(own, "stays"))
        most = (math.inf, math.inf, math.inf)
        for _ in range(2):  # what the first round leaves of the host that stays is kept
            streams = Streams(own, selector)
            await streams.have("stays", ids["one"])
            put("guest", "new")
            await streams.have("guest", ids["new"])
            put("guest", "two")  # another engine under the same name
            await streams.left("guest")
            await streams.have("guest", ids["two"])
            assert streams.known("guest") == {ids["two"]}
            own.hosts_of_gateway.remove("guest")  # renamed
            put("visitor", "new")
            await streams.left("guest", 2)
            await streams.have("visitor", ids["new"])
            own.hosts_of_gateway.remove("visitor")
            await streams.left("visitor")
            put("visitor", "new")  # the same engine again
            await streams.have("visitor", ids["new"])
            own.hosts_of_gateway.remove("visitor")
            await streams.left("visitor", 2)
            await streams.have("stays", ids["one"])
            await streams.leave()
            await until(partial(is_within, own, most))
            most = used(own)
    await asyncio.gather(*(maker.remove_all() for maker in makers.values()))

    for host, id in (("stays", ids["one"]), ("visitor", ids["new"])):
        numbers = streams.numbers(host, id)
        assert numbers == list(range(1, len(numbers) + 1)), host
    for name in ("logs", "events"):
        kinds = {record.WhichOneof("record") for record in streams.of(name, "stays")}
        assert not kinds & {"failure", "stalled", "gap", "joined"}
    assert streams.failures("stats", "stays") == []
    assert not any(change.HasField("stale") or change.HasField("left") for change in streams.of("changes", "stays"))


async def test_merged_streams_continue_after_a_long_break_and_with_other_labels(
    start_engine: Callable[..., PrivateEngine],
) -> None:
    """Logs that have ended with the break continue when the host is up again, and when it is selected again."""
    engine = await asyncio.to_thread(start_engine, "lasting", settings={"live-restore": True})
    selected = selectors_pb2.LabelRequirement(key="site", operator=selectors_pb2.LABEL_OPERATOR_EQUAL, values=["north"])
    north = HostSettings(name="lasting", address=engine.address, labels={"site": "north"})
    limits = Limits(reconnect_timeout_seconds=0.5)
    async with gateway_of(north, inventory=True, health_check_interval_seconds=1, limits=limits) as own:
        host = own.hosts_of_gateway["lasting"]
        await until(lambda: is_known(own, "lasting"))
        id = await Containers(own, "lasting").start("sh", "-c", WRITER)
        every = selectors_pb2.ContainerSelector(all=True)
        streams = Streams(own, every, selectors_pb2.HostSelector(labels=[selected]))
        await streams.have("lasting", id)

        await asyncio.to_thread(engine.kill)
        await until(partial(have_failed, streams, "lasting", id), 30)
        await asyncio.to_thread(engine.start)
        await streams.have("lasting", id)
        for labels in ({"site": "south"}, {"site": "north"}):
            host.settings = north.model_copy(update={"labels": labels})
            own.hosts_of_gateway.changed(host)
            await streams.left("lasting")
        await streams.have("lasting", id)
        await Containers(own, "lasting").create("true", name="last")
        await until(partial(is_told, streams, "lasting", "last"))
        await streams.leave()

    numbers = streams.numbers("lasting", id)
    assert numbers == list(range(1, len(numbers) + 1))


async def have_failed(streams: Streams, host: str, id: str) -> bool:
    """Whether the log and the events of a host have ended with a failure."""
    logs = [each for each in streams.of("logs", host) if each.HasField("failure") and each.container_id == id]
    return bool(logs and streams.failures("events", host))


async def is_told(streams: Streams, host: str, name: str) -> bool:
    """Whether an event has reported the creation of a container."""
    events = [each.event for each in streams.of("events", host) if each.HasField("event")]
    return any((each.action, each.actor.attributes["name"]) == ("create", name) for each in events)


async def is_known(client: Client, host: str) -> bool:
    """Whether the containers of a host are known."""
    return bool(client.hosts_of_gateway[host].inventory.known)


async def is_within(client: Client, most: tuple[float, float, float]) -> bool:
    """Whether no more is used than *most*."""
    return all(now <= bound for now, bound in zip(used(client), most, strict=True))
