"""Lists of many hosts, from their inventories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2
from dockfleet.v1 import common_pb2, containers_pb2

from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fake_objects import container
from tests.support.gateway import failed, gateway_of
from tests.support.upstream import until

ALL = selectors_pb2.HostSelector(all=True)


async def test_hosts_that_are_known_are_not_asked(tmp_path: Path) -> None:
    """Their answers are those of the inventory; a host that is gone is named, and a wrong filter is refused."""
    async with (
        FakeEngine() as one,
        FakeEngine() as two,
        gateway_of(one.address, two.address, f"unix://{tmp_path}/gone", inventory=True) as client,
    ):
        for engine, name in ((one, "web"), (two, "db")):
            Daemon(engine).containers = [container(name.encode().hex(), name)]
        hosts = client.hosts_of_gateway
        await until(
            lambda: all(not hosts[name].outdated and hosts[name].inventory.containers() for name in ("h1", "h2"))
        )

        def lists() -> list[int]:
            return [sum(request.path == "/containers/json" for request in engine.asked) for engine in (one, two)]

        known = (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts
        before = lists()

        def listing(**request: Any) -> Any:
            wanted = containers_pb2.ListContainersRequest(all=True, **request)
            return client.fleet.ListContainers(pb.ListContainersRequest(hosts=ALL, request=wanted))

        responses = [response async for response in listing()]
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            [response async for response in listing(filters={"nope": common_pb2.StringList(items=["x"])})]

    answers = {answer.host: answer for response in responses for answer in response.answers}
    assert {host: [row.names[0] for row in answers[host].response.containers] for host in answers} == {
        "h1": ["/web"],
        "h2": ["/db"],
        "h3": [],
    }
    assert [host.HasField("inventory") for host in known] == [True, True, False]  # none of h3, which never answered
    assert answers["h1"].response.freshness.source == common_pb2.ANSWER_SOURCE_INVENTORY
    assert answers["h3"].failure.host == "h3"
    assert (responses[-1].summary.selected, responses[-1].summary.answered) == (3, 2)
    assert lists() == before
    refused: Any = failed(raised.value).details[0]
    assert refused.field_violations[0].field == "request.filters['nope']"


async def test_logs_that_no_container_has_still_name_the_host_that_is_down(tmp_path: Path) -> None:
    """It may have such containers: the stream says so before it ends."""
    async with FakeEngine() as engine, gateway_of(engine.address, f"unix://{tmp_path}/gone", inventory=True) as client:
        Daemon(engine).containers = []
        hosts = client.hosts_of_gateway
        await until(lambda: hosts["h1"].outdated is None and hosts["h2"].failure is not None)
        request = pb.StreamLogsRequest(
            hosts=ALL,
            containers=selectors_pb2.ContainerSelector(names=["web"]),
            request=containers_pb2.StreamLogsRequest(stdout=True),
        )
        records = [record async for response in client.fleet.StreamLogs(request) for record in response.records]

    assert [(record.host, record.WhichOneof("record")) for record in records] == [("h2", "stalled")]
    assert records[0].stalled.failure.reason == common_pb2.ERROR_REASON_HOST_UNREACHABLE
