"""A host that is drained takes no new work, and everything else continues."""

from __future__ import annotations

import grpc
import pytest
from dockfleet.options.v1 import options_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.support import contract
from tests.support.contract import asked, name_of, rules
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import gateway_of
from tests.support.statuses import Asked, outcome

OF_ONE_HOST = contract.methods_of("dockfleet.v1")
NEW_WORK = [method for method in OF_ONE_HOST if rules(method).new_work]


def test_what_makes_or_starts_something_is_new_work() -> None:
    """All that creates is, but for the image of a container, by which one leaves a host; and what starts one is."""
    made = {name_of(each) for each in OF_ONE_HOST if rules(each).access == options_pb2.ACCESS_LEVEL_CREATE}
    started = {"ContainerService.StartContainer", "ContainerService.RestartContainer"}

    assert {name_of(method) for method in NEW_WORK} == made - {"ImageService.CommitContainer"} | started


@pytest.mark.parametrize("method", NEW_WORK, ids=name_of)
async def test_new_work_is_refused(method: MethodDescriptor) -> None:
    """Nothing is sent to the host."""
    async with FakeEngine() as engine, gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        client.hosts_of_gateway["h1"].draining = True
        found = await outcome(client.channel, name_of(method), Asked(GetMessageClass(asked(method))(host="h1")))

    assert found is not None
    assert (found.code, found.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "HOST_DRAINING")
    assert not [request for request in engine.requests if request.method not in ("GET", "HEAD")]


@pytest.mark.parametrize("method", [each for each in OF_ONE_HOST if each not in NEW_WORK], ids=name_of)
async def test_all_else_reaches_the_host(method: MethodDescriptor) -> None:
    """Whatever is wrong with a request in which only the host is set, it is not that the host is drained."""
    async with FakeEngine() as engine, gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        client.hosts_of_gateway["h1"].draining = True
        found = await outcome(client.channel, name_of(method), Asked(GetMessageClass(asked(method))(host="h1")))

    assert found is None or found.reason != "HOST_DRAINING"
