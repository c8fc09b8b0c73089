"""Room for each kind of calls at a host: what has none is refused at once, and takes nothing from the others."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2, system_pb2

from gateway.config.settings import Limits
from gateway.engine.codec import options
from gateway.engine.kinds import Kind
from tests.fleet.support import UP, list_of, state_of
from tests.support import contract
from tests.support.fake_engine import FakeEngine, hang
from tests.support.fake_events import Daemon
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import refusal, until

WEB: dict[str, Any] = {"host": "h1", "id": "web"}
CALLS: dict[str, Callable[[Client], Any]] = {
    "unary": lambda client: client.containers.InspectContainer(containers_pb2.InspectContainerRequest(**WEB)),
    "stream": lambda client: client.containers.WaitContainer(containers_pb2.WaitContainerRequest(**WEB)),
    "heavy": lambda client: client.system.GetDataUsage(system_pb2.GetDataUsageRequest(host="h1")),
}
HANGING = (
    ("GET", "/containers/{id}/json"),
    ("POST", "/containers/{id}/wait"),
    ("GET", "/system/df"),
    ("GET", "/containers/{id}/export"),
)
KEYS = {
    "unary": "limits.max_connections_per_host",
    "stream": "limits.max_streams_per_host",
    "heavy": "limits.max_heavy_calls_per_host",
}
PLACES, QUEUE = 3, 2
LIMITS = Limits(
    max_connections_per_host=PLACES,
    max_streams_per_host=PLACES,
    max_heavy_calls_per_host=PLACES,
    max_queued_calls_per_host=QUEUE,
)


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[Client]:
    """A client of a gateway before an engine that does not end what it is asked."""
    Daemon(engine)
    for verb, path in HANGING:
        engine.on(verb, path, hang())
    async with gateway_of(engine.address, limits=LIMITS, health_check_interval_seconds=0.1) as client:
        await state_of(client, "h1", UP)
        yield client


def series(client: Client, name: str, kind: str) -> float | None:
    """The value of a metric of the host for a kind."""
    return client.metrics.registry.get_sample_value(name, {"host": "h1", "kind": kind})


def has_one_call(client: Client, kind: str) -> bool:
    """Whether one call of *kind* is under way."""
    return series(client, "dockfleet_host_calls", kind) == 1


@pytest.mark.parametrize("kind", CALLS)
async def test_what_has_no_room_is_refused_at_once_and_others_do_not_notice(
    engine: FakeEngine, client: Client, kind: str
) -> None:
    """The refusal names the key; calls of the other kinds, probes and the subscription to events have room (B2 9)."""
    queue = 0 if kind == "stream" else QUEUE
    waiting = [asyncio.ensure_future(refusal(CALLS[kind](client))) for _ in range(PLACES + queue)]
    await until(lambda: series(client, "dockfleet_host_calls", kind) == PLACES)
    await until(lambda: kind == "stream" or series(client, "dockfleet_host_queued_calls", kind) == queue)

    refused = await refusal(CALLS[kind](client))
    for other in CALLS.keys() - {kind}:
        call = asyncio.ensure_future(refusal(CALLS[other](client)))
        waiting.append(call)
        await until(functools.partial(has_one_call, client, other))
    probes = len(engine.requests) - len(engine.asked)
    await engine.until(lambda: len(engine.requests) - len(engine.asked) > probes + 1)
    events = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1"))
    if kind != "unary":
        await events.initial_metadata()
        await list_of(client, "h1")

    assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "HOST_BUSY")
    assert KEYS[kind] in refused.message
    assert (await state_of(client, "h1", UP)).state == UP
    events.cancel()
    for call in waiting:
        call.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await until(lambda: not series(client, "dockfleet_host_calls", kind))


async def test_a_download_is_a_heavy_call(engine: FakeEngine, client: Client) -> None:
    """It has a connection of its own, and a place among the heavy calls."""
    export = containers_pb2.ExportContainerRequest(host="h1", id="web")
    calls = [asyncio.ensure_future(refusal(client.containers.ExportContainer(export))) for _ in range(PLACES)]
    await until(lambda: series(client, "dockfleet_host_calls", "heavy") == PLACES)

    await list_of(client, "h1")

    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await engine.until(lambda: engine.open_connections <= 2)


async def test_those_that_wait_are_timed(engine: FakeEngine, client: Client) -> None:
    """How long calls have waited for a place is in the metrics."""
    calls = [asyncio.ensure_future(refusal(CALLS["unary"](client))) for _ in range(PLACES)]
    await until(lambda: series(client, "dockfleet_host_calls", "unary") == PLACES)
    queued = list_of(client, "h1")
    await until(lambda: series(client, "dockfleet_host_queued_calls", "unary") == 1)

    calls[0].cancel()
    await queued

    assert series(client, "dockfleet_host_queue_seconds_count", "unary") == 1
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


HEAVY = {
    "BuildImage", "CommitContainer", "ExportContainer", "GetContainerArchive", "GetContainerChanges", "GetDataUsage",
    "ImportImage", "LoadImages", "PruneBuildCache", "PruneContainers", "PruneImages", "PruneVolumes", "PullImage",
    "PushImage", "PutContainerArchive", "RemoveContainer", "RemoveImage", "RemoveVolume", "SaveImage", "SaveImages",
    "SearchImages",
}  # fmt: skip
STREAMS = {
    "AttachContainer", "RestartContainer", "StartExec", "StopContainer", "StreamEvents", "StreamLogs", "StreamStats",
    "WaitContainer",
}  # fmt: skip


def test_the_contract_says_of_which_kind_a_call_is() -> None:
    """By its deadline and by the shape of its answer; an operation that is added has a kind without any code."""
    kinds: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    for file in contract.files():
        for service in file.services_by_name.values():
            for method in service.methods:
                if options.of_rpc(method).engine.WhichOneof("request"):
                    kinds[options.kind_of(method)].add(method.name)

    assert kinds[Kind.HEAVY] == HEAVY
    assert kinds[Kind.STREAM] == STREAMS
    assert kinds[Kind.UNARY] >= {"InspectContainer", "ListContainers", "Ping", "StartContainer", "KillContainer"}
