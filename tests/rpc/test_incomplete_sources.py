"""The sources of hosts that fleet answers name because hosts of them may be missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2
from dockfleet.v1 import containers_pb2, system_pb2

from gateway.config.sources import Sources
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import Client, gateway_of

ALL = selectors_pb2.HostSelector(all=True)
ANY = selectors_pb2.ContainerSelector(all=True)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a gateway with a good host, a file with a typo, and an etcd that has never answered."""
    (tmp_path / "h2.yaml").write_text("name: h2\naddres: tcp://127.0.0.1:2375\n")
    sources = Sources.model_validate({"directory": tmp_path, "etcd": {"endpoints": ["127.0.0.1:1"]}})
    async with FakeEngine() as engine, gateway_of(engine.address, inventory=True, sources=sources) as client:
        yield client


QUESTIONS: dict[str, Callable[[], Any]] = {
    "GetVersion": lambda: pb.GetVersionRequest(hosts=ALL, request=system_pb2.GetVersionRequest()),
    "FindContainers": lambda: pb.FindContainersRequest(hosts=ALL, containers=ANY),
    "StopContainers": lambda: pb.StopContainersRequest(
        hosts=ALL, containers=ANY, request=containers_pb2.StopContainerRequest(), batch=pb.BatchOptions(dry_run=True)
    ),
}


@pytest.mark.parametrize("rpc", QUESTIONS)
async def test_the_summary_names_the_sources_that_may_have_more_hosts(client: Client, rpc: str) -> None:
    """Why, and since when it has not answered: never."""
    responses = [response async for response in getattr(client.fleet, rpc)(QUESTIONS[rpc]())]

    assert _said(responses[-1].summary.incomplete_sources) == ["calls", "directory: h2.yaml", "etcd"]


async def test_the_endpoints_of_services_name_the_incomplete_sources(client: Client) -> None:
    """Endpoints on unknown hosts are missing."""
    response = await client.fleet.DiscoverServices(pb.DiscoverServicesRequest(hosts=ALL))

    assert _said(response.incomplete_sources) == ["calls", "directory: h2.yaml", "etcd"]


STREAMS: dict[str, Callable[[], Any]] = {
    "StreamLogs": lambda: pb.StreamLogsRequest(
        hosts=ALL, containers=ANY, request=containers_pb2.StreamLogsRequest(follow=True)
    ),
    "StreamStats": lambda: pb.StreamStatsRequest(
        hosts=ALL, containers=ANY, request=containers_pb2.StreamStatsRequest()
    ),
    "StreamEvents": lambda: pb.StreamEventsRequest(hosts=ALL, request=system_pb2.StreamEventsRequest()),
    "WatchContainers": lambda: pb.WatchContainersRequest(hosts=ALL, containers=ANY),
    "WatchServices": lambda: pb.WatchServicesRequest(services=pb.DiscoverServicesRequest(hosts=ALL)),
}


@pytest.mark.parametrize("rpc", STREAMS)
async def test_the_first_response_of_a_stream_names_the_incomplete_sources(client: Client, rpc: str) -> None:
    """Containers of unknown hosts are not in the stream."""
    call = getattr(client.fleet, rpc)(STREAMS[rpc]())
    first = await call.read()
    call.cancel()

    assert _said(first.incomplete_sources) == ["calls", "directory: h2.yaml", "etcd"]


async def test_a_watch_of_hosts_names_the_incomplete_sources_after_all_hosts(client: Client) -> None:
    """Other hosts may follow when the sources answer."""
    call: Any = client.hosts.WatchHosts(hosts_pb2.WatchHostsRequest())
    while not (response := await call.read()).synced:
        pass
    call.cancel()

    assert _said(response.incomplete_sources) == ["calls", "directory: h2.yaml", "etcd"]


def _said(sources: Any) -> list[str]:
    for source in sources:
        assert source.up is (source.name == "directory")
        assert bool(source.message) is not source.up
        assert source.HasField("last_success_time") is source.up
    return [": ".join((each.name, *(Path(entry.place).name for entry in each.refused_entries))) for each in sources]
