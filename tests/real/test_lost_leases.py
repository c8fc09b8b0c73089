"""A host whose lease in etcd ends while a batch changes its containers, or while its logs are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from dockfleet.v1 import common_pb2, containers_pb2

from deploy.private_engines.provision import EngineError, install
from deploy.private_engines.stores import Etcd
from tests.real.stores import Keys
from tests.real.support import Containers, Fleet, until
from tests.support.gateway import Client, gateway_of, receive

pytestmark = pytest.mark.usefixtures("private")

ALL = selectors_pb2.HostSelector(all=True)
STAYS, LEASED = "one", "new"
LEASE_SECONDS = 5
EACH = 10  # containers of each host
ENDS_AT_ONCE = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
IGNORES_TERM = "trap '' TERM; while :; do sleep 0.1; done"
WRITES = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.05; done"


class Leased:
    """Two hosts in etcd, the entry of one bound to a lease; and the containers of one test on both."""

    def __init__(self, keys: Keys, fleet: Fleet, client: Client) -> None:
        self._keys = keys
        self.makers = {name: Containers(client, fleet.need(name)) for name in (STAYS, LEASED)}
        self.makers[LEASED].label = self.makers[STAYS].label
        self._addresses = {name: {"address": fleet.hosts[name].address} for name in self.makers}
        self._lease = keys.lease(LEASE_SECONDS)
        keys.put(f"hosts/{STAYS}", self._addresses[STAYS])
        keys.put(f"hosts/{LEASED}", self._addresses[LEASED], lease=self._lease)
        self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            await asyncio.to_thread(self._keys.call, "lease/keepalive", {"ID": self._lease})
            await asyncio.sleep(LEASE_SECONDS / 10)

    async def lapse(self) -> None:
        """Keep the lease no more: it ends by itself."""
        self._keeper.cancel()
        with suppress(asyncio.CancelledError):
            await self._keeper

    def register(self) -> None:
        """Write the entry of the host again, without a lease."""
        self._keys.put(f"hosts/{LEASED}", self._addresses[LEASED])

    @property
    def containers(self) -> selectors_pb2.ContainerSelector:
        """The containers of the test."""
        key, _, value = self.makers[STAYS].label.partition("=")
        equal = selectors_pb2.LabelRequirement(key=key, operator=selectors_pb2.LABEL_OPERATOR_EQUAL, values=[value])
        return selectors_pb2.ContainerSelector(labels=[equal])

    async def remove(self) -> None:
        """Keep nothing."""
        await self.lapse()
        await asyncio.gather(*(maker.remove_all() for maker in self.makers.values()))


@asynccontextmanager
async def leased_host(fleet: Fleet, client: Client, directory: Path) -> AsyncIterator[tuple[Client, Leased]]:
    """A gateway whose two hosts are known, and these."""
    try:
        install("etcd")
    except EngineError as error:
        pytest.skip(f"there is no etcd: {error}")
    with Etcd(directory) as etcd:
        keys = Keys(etcd)
        leased = Leased(keys, fleet, client)
        sources = {"etcd": {"endpoints": [etcd.address], "prefix": keys.prefix}, "absence_timeout_seconds": 3600}
        try:
            async with gateway_of(inventory=True, health_check_interval_seconds=1, sources=sources) as own:
                yield own, leased
        finally:
            await leased.remove()


async def all_known(client: Client, containers: selectors_pb2.ContainerSelector, count: int) -> bool:
    """Whether the gateway knows so many containers."""
    found = 0
    async for response in client.fleet.FindContainers(pb.FindContainersRequest(hosts=ALL, containers=containers)):
        found += sum(len(answer.containers) for answer in response.answers)
    return found == count


async def test_a_lease_that_ends_during_a_batch_fails_the_targets_of_its_host(
    fleet: Fleet, client: Client, tmp_path: Path
) -> None:
    """The target under way has an unknown outcome, those that wait are not changed; the other host's are done."""
    async with leased_host(fleet, client, tmp_path) as (own, leased):
        stays, leaves = [
            {await leased.makers[host].start("sh", "-c", script) for _ in range(EACH)}
            for host, script in ((STAYS, ENDS_AT_ONCE), (LEASED, IGNORES_TERM))
        ]
        await until(lambda: all_known(own, leased.containers, 2 * EACH), 30)
        request = pb.StopContainersRequest(hosts=ALL, containers=leased.containers)
        request.request.timeout_seconds = 600
        request.batch.parallelism_per_host = 1

        results: list[Any] = []
        async for response in own.fleet.StopContainers(request, timeout=120):
            results += response.results
            if len(results) == EACH:
                await leased.lapse()
        running = {id for id in leaves if (await leased.makers[LEASED].inspect(id)).state.running}

    failures = {result.target.container_id: result.failure for result in results if result.HasField("failure")}
    unknown = {id for id, why in failures.items() if why.reason == common_pb2.ERROR_REASON_OUTCOME_UNKNOWN}
    unsent = {id for id, why in failures.items() if why.reason == common_pb2.ERROR_REASON_HOST_REMOVED}
    assert sorted(result.target.container_id for result in results) == sorted(stays | leaves)
    assert (response.summary.succeeded, response.summary.failed, response.summary.skipped) == (EACH, EACH, 0)
    assert failures.keys() == leaves == unknown | unsent
    assert len(unknown) == 1
    assert unsent <= running
    for why in failures.values():
        assert why.host == LEASED
        assert f"no longer has the host '{LEASED}'" in why.message


async def test_a_lease_that_ends_takes_the_logs_of_its_host_out_of_a_merged_stream(
    fleet: Fleet, client: Client, tmp_path: Path
) -> None:
    """The stream says so, and the other logs continue.  When the host is back, its logs continue where they were."""
    async with leased_host(fleet, client, tmp_path) as (own, leased):
        ids = {host: await maker.start("sh", "-c", WRITES) for host, maker in leased.makers.items()}
        follow = containers_pb2.StreamLogsRequest(follow=True)
        call = own.fleet.StreamLogs(pb.StreamLogsRequest(hosts=ALL, containers=leased.containers, request=follow))
        records: list[Any] = []

        async def read_until(condition: Callable[[], bool]) -> None:
            while not condition():
                records.extend((await receive(call)).records)

        def numbers(host: str) -> list[int]:
            return [int(line.data) for each in records if each.host == host for line in each.batch.entries]

        async def read_more(*hosts: str) -> None:
            before = {host: len(numbers(host)) for host in hosts}
            await read_until(lambda: all(len(numbers(host)) >= before[host] + 20 for host in hosts))

        await read_more(STAYS, LEASED)
        await leased.lapse()
        await read_until(lambda: any(each.HasField("failure") for each in records))
        await read_more(STAYS)
        leased.register()
        await read_more(STAYS, LEASED)
        call.cancel()

    failures = [each for each in records if each.HasField("failure")]
    assert [(each.host, each.failure.reason) for each in failures] == [(LEASED, common_pb2.ERROR_REASON_HOST_REMOVED)]
    assert {each.WhichOneof("record") for each in records if each.host == STAYS} == {"batch"}
    assert {each.container_id for each in records if each.HasField("batch")} == set(ids.values())
    for host in ids:
        assert numbers(host) == list(range(1, len(numbers(host)) + 1))
