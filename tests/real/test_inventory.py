"""The inventory on real engines: its lists are the engine's, and who changes something sees it.

`DOCKFLEET_CHURN=25` lets a host change for 25 seconds at a time, five times; `DOCKFLEET_SEED` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2, images_pb2, networks_pb2, volumes_pb2
from dockfleet.v1.common_pb2 import StringList
from google.protobuf.duration_pb2 import Duration

from tests.real.support import IMAGE, Fleet, until
from tests.support.churn import Churn
from tests.support.gateway import Client, gateway_of
from tests.support.list_checker import ListChecker

SECONDS = float(os.environ.get("DOCKFLEET_CHURN", "4"))
SEED = int(os.environ.get("DOCKFLEET_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
LONG = SECONDS > 10


@pytest.mark.timeout(600 if LONG else 180)
async def test_its_lists_are_those_of_the_engine(fleet: Fleet, host: str, private: None) -> None:
    """At rest, after everything has changed: filter by filter, in order, with the same words; and all along, who has
    changed something through the gateway sees it."""
    print(f"DOCKFLEET_SEED={SEED}")
    settings = fleet.hosts[host]
    async with gateway_of(settings, inventory=True, health_check_interval_seconds=1) as client:
        churn = Churn(client, host, settings.address, IMAGE, SEED)
        checker = ListChecker(client, host, SEED)
        await churn.prepare()
        try:
            for _ in range(5 if LONG else 1):
                await churn.run(SECONDS)
                await at_rest(client, host)
                await checker.compare(25)
        finally:
            await churn.clean()
        questions = sum(questions_of(client).values())
    changes = churn.changes.total()
    print(
        f"{host}: {changes} changes, {questions / changes:.2f} questions for each; {checker.compared} compared,"
        f" {checker.from_engine} only the engine could answer; {len(churn.waits)} lists after a change,"
        f" {churn.from_engine} by the engine, median {sorted(churn.waits)[len(churn.waits) // 2] * 1e3:.1f} ms"
    )

    assert checker.differ == []
    assert churn.wrong == []
    assert checker.compared["containers"] > 10


async def at_rest(client: Client, host: str) -> None:
    """Wait until the containers have ended that end by themselves, and all is put down."""
    inventory = client.hosts_of_gateway[host].inventory
    await asyncio.sleep(2.5)

    async def calm() -> bool:
        return inventory.age_seconds is not None and inventory.age_seconds < 1.2

    await until(calm)


def questions_of(client: Client) -> dict[str, float]:
    """Return how many questions the inventory has asked, by question."""
    return {
        sample.labels["question"]: sample.value
        for metric in client.metrics.registry.collect()
        for sample in metric.samples
        if sample.name == "dockfleet_inventory_questions_total"
    }


# By RPC: filters with a wrong value, and filters that name what is not there.
WRONG: dict[str, list[tuple[str, str]]] = {
    "ListContainers": [
        *(("nope", "x"), ("status", "bad"), ("health", "bad"), ("exited", "x"), ("is-task", "x")),
        *(("publish", "x"), ("publish", "80:81"), ("publish", "90-80"), ("expose", "80/nope"), ("expose", "99999")),
    ],
    "ListImages": [("nope", "x"), ("dangling", "x"), ("reference", "["), ("until", "x")],
    "ListNetworks": [("nope", "x"), ("dangling", "x"), ("type", "x")],
    "ListVolumes": [("nope", "x"), ("dangling", "x")],
}
MISSING: dict[str, list[tuple[str, str]]] = {
    "ListContainers": [("before", "nothing"), ("since", "nothing")],
    "ListImages": [("before", "nothing"), ("since", "nothing")],
}


@pytest.mark.parametrize("max_age", [None, Duration(seconds=3600)], ids=["fresh", "remembered"])
async def test_wrong_filters_are_the_mistake_of_the_client(fleet: Fleet, host: str, max_age: Duration | None) -> None:
    """For every version of the engine, and for answers of the engine and of the inventory."""
    async with gateway_of(fleet.hosts[host], inventory=True, health_check_interval_seconds=1) as client:
        inventory = client.hosts_of_gateway[host].inventory

        async def known() -> bool:
            return inventory.known

        await until(known)
        found = {
            (rpc, key, value): await code_of(client, host, rpc, key, value, max_age)
            for rpc, wrong in [*WRONG.items(), *MISSING.items()]
            for key, value in wrong
        }
    invalid = {(rpc, *filter): grpc.StatusCode.INVALID_ARGUMENT for rpc, wrong in WRONG.items() for filter in wrong}
    missing = {(rpc, *filter): grpc.StatusCode.NOT_FOUND for rpc, wrong in MISSING.items() for filter in wrong}

    assert found == invalid | missing


async def code_of(
    client: Client, host: str, rpc: str, key: str, value: str, max_age: Duration | None
) -> grpc.StatusCode:
    """Return how a list with a filter ends."""
    service: Any = getattr(client, rpc.removeprefix("List").lower())
    requests = {
        "ListContainers": containers_pb2.ListContainersRequest,
        "ListImages": images_pb2.ListImagesRequest,
        "ListNetworks": networks_pb2.ListNetworksRequest,
        "ListVolumes": volumes_pb2.ListVolumesRequest,
    }
    request: Any = requests[rpc](host=host, filters={key: StringList(items=[value])}, max_age=max_age)
    try:
        await getattr(service, rpc)(request)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK
