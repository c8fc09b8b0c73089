"""Every RPC of FleetService refuses what it cannot do for any host, before it asks one."""

from __future__ import annotations

from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.support import contract
from tests.support.fake_engine import FakeEngine
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client
from tests.support.statuses import Asked, Status, outcome, status_of

UNKNOWN_HOST = Status.of("NOT_FOUND (UNKNOWN_HOST)")
INVALID_FIELD = Status.of("INVALID_ARGUMENT (INVALID_FIELD)")
OF_SERVICES = {("FleetService", UNKNOWN_HOST), ("FleetService", INVALID_FIELD)}
METHODS = list(pb.DESCRIPTOR.services_by_name["FleetService"].methods)


engine = engine_fixture(scope="module")
client = client_fixture(scope="module")


def request_to(method: MethodDescriptor, hosts: selectors_pb2.HostSelector | None) -> Any:
    """A request of an RPC that selects *hosts*, and all containers; what else it needs has some value."""
    request: Any = GetMessageClass(method.input_type)()
    fields = method.input_type.fields_by_name
    selecting = request.services if method.name == "WatchServices" else request
    name = "to" if "to" in fields else "hosts"
    if hosts is not None:
        getattr(selecting, name).CopyFrom(hosts)
    if "containers" in fields:
        request.containers.all = True
    if method.name == "CopyImage":
        request.host, request.image = "h1", "busybox"
    return request


@pytest.mark.parametrize("method", METHODS, ids=contract.name_of)
@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (selectors_pb2.HostSelector(names=["nowhere"]), UNKNOWN_HOST),
        (selectors_pb2.HostSelector(), INVALID_FIELD),
        (None, INVALID_FIELD),
        (selectors_pb2.HostSelector(all=True, names=["h1"]), INVALID_FIELD),
        (selectors_pb2.HostSelector(labels=[selectors_pb2.LabelRequirement(key="a")]), INVALID_FIELD),
    ],
    ids=["unknown", "empty", "absent", "all-and-names", "no-operator"],
)
async def test_hosts_that_cannot_be_selected_are_refused(
    client: Client,
    engine: FakeEngine,
    method: MethodDescriptor,
    hosts: selectors_pb2.HostSelector | None,
    status: Status,
) -> None:
    """Nothing is sent to the host that there is."""
    found = await outcome(client.channel, contract.name_of(method), Asked(request_to(method, hosts)))

    assert status_of(found) == status
    assert {request.path for request in engine.requests} <= {"/_ping", "/info", "/version"}


@pytest.mark.parametrize(
    "method", [method for method in METHODS if "containers" in method.input_type.fields_by_name], ids=contract.name_of
)
@pytest.mark.parametrize(
    "containers",
    [
        selectors_pb2.ContainerSelector(),
        selectors_pb2.ContainerSelector(all=True, names=["web"]),
        selectors_pb2.ContainerSelector(states=["runing"]),
        selectors_pb2.ContainerSelector(labels=[selectors_pb2.LabelRequirement(key="a")]),
    ],
    ids=["empty", "all-and-names", "state", "no-operator"],
)
async def test_containers_that_cannot_be_selected_are_refused(
    client: Client, method: MethodDescriptor, containers: selectors_pb2.ContainerSelector
) -> None:
    """A misspelt state is an error, and not an empty selection."""
    request = request_to(method, selectors_pb2.HostSelector(all=True))
    request.containers.CopyFrom(containers)

    found = await outcome(client.channel, contract.name_of(method), Asked(request))

    assert status_of(found) == INVALID_FIELD
