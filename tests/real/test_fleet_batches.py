"""A batch on many containers of four hosts; one host hangs.  `DOCKFLEET_LONG=1` stops 200 of them."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections import Counter
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from dockfleet.v1 import common_pb2, containers_pb2

from tests.real.support import Containers, Fleet, until
from tests.support.gateway import Client, gateway_of

LONG = bool(os.environ.get("DOCKFLEET_LONG"))
EACH = 50 if LONG else 10  # containers of each host
HANGS = "new"
ALL = selectors_pb2.HostSelector(all=True)


async def results(call: Any) -> tuple[list[Any], Any]:
    """Return the results of a batch, and the summary."""
    found: list[Any] = []
    summary = None
    async for response in call:
        found += response.results
        summary = response.summary if response.HasField("summary") else summary
    return found, summary


def names(found: list[Any]) -> set[tuple[str, str]]:
    """The targets."""
    return {(result.target.host, result.target.container_name) for result in found}


@pytest.mark.timeout(600 if LONG else 180)
async def test_a_batch_stops_all_but_those_of_a_host_that_hangs(fleet: Fleet, client: Client) -> None:
    """The dry run names the same targets.  Each has a result, and a failure that says that nothing was sent is true."""
    makers = {name: Containers(client, fleet.need(name)) for name in ("one", "two", "podman", HANGS)}
    for maker in makers.values():
        maker.label = makers["one"].label
    key, _, value = makers["one"].label.partition("=")
    equal = selectors_pb2.LabelRequirement(key=key, operator=selectors_pb2.LABEL_OPERATOR_EQUAL, values=[value])
    request = pb.StopContainersRequest(
        hosts=ALL,
        containers=selectors_pb2.ContainerSelector(labels=[equal], states=["running"]),
        request=containers_pb2.StopContainerRequest(timeout_seconds=0),
    )

    async def make(name: str) -> None:
        for number in range(EACH):
            await makers[name].start("sleep", "10000", name=f"batch-{name}-{number}-{uuid.uuid4().hex[:6]}")

    async with gateway_of(
        *(fleet.hosts[name] for name in makers),
        inventory=True,
        health_check_interval_seconds=1,
        health_check_timeout_seconds=2,
    ) as own:
        await asyncio.gather(*map(make, makers))
        await until(lambda: all_known(own, request, EACH * len(makers)), 30)
        request.batch.dry_run = True
        planned, _ = await results(own.fleet.StopContainers(request))
        request.batch.dry_run = False
        fleet.engines[HANGS].pause()
        try:
            began = time.monotonic()
            done, summary = await results(own.fleet.StopContainers(request))
            print(f"{len(done)} results after {time.monotonic() - began:.1f} s")
        finally:
            fleet.engines[HANGS].resume()
        await makers[HANGS].run("true")  # the stops that the host has got are done before
        states = {
            id: (await maker.inspect(id)).state.status for maker in makers.values() for id in await maker.all_ids()
        }
    await asyncio.gather(*(maker.remove_all() for maker in makers.values()))

    assert names(planned) == names(done)
    assert len(done) == len(planned) == EACH * len(makers)
    assert (summary.succeeded, summary.failed, summary.skipped) == (EACH * (len(makers) - 1), EACH, 0)
    failures = [result.failure for result in done if result.HasField("failure")]
    print(Counter(common_pb2.ErrorReason.Name(failure.reason) for failure in failures))
    assert {failure.host for failure in failures} == {HANGS}
    assert all(failure.reason and failure.message for failure in failures)
    for result in done:
        if result.HasField("response"):
            assert states[result.target.container_id] == "exited"
        elif result.failure.reason != common_pb2.ERROR_REASON_OUTCOME_UNKNOWN:
            assert states[result.target.container_id] == "running"


async def all_known(client: Client, request: pb.StopContainersRequest, count: int) -> bool:
    """Whether the gateway knows so many containers."""
    asked = pb.FindContainersRequest(hosts=ALL, containers=request.containers)
    found: list[Any] = []
    async for response in client.fleet.FindContainers(asked):
        found += [container for answer in response.answers for container in answer.containers]
    return len(found) == count
