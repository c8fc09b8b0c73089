"""Every field of FleetService and HostService, but for those of the host's own RPC, with values that cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import hosts_pb2, selectors_pb2
from dockfleet.v1 import common_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import BadRequest

from tests.rpc.test_fleet_selectors import METHODS as OF_FLEET
from tests.rpc.test_fleet_selectors import request_to
from tests.support import contract
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client
from tests.support.statuses import Asked, Status, outcome, status_of

engine = engine_fixture(scope="module")
client = client_fixture(scope="module")

METHODS = [*OF_FLEET, *hosts_pb2.DESCRIPTOR.services_by_name["HostService"].methods]
NEITHER = [Duration(seconds=10**18), Duration(nanos=2 * 10**9), Duration(seconds=1, nanos=-1)]  # is a duration
OF_LABELS: list[Any] = [
    ("[0].key", selectors_pb2.LabelRequirement(operator=selectors_pb2.LABEL_OPERATOR_EXISTS)),
    ("[0].operator", selectors_pb2.LabelRequirement(key="a")),
    ("[0].values", selectors_pb2.LabelRequirement(key="a", operator=selectors_pb2.LABEL_OPERATOR_IN)),
]
OF_PORTS = [("[0]", 0), ("[0]", 65536)]
EMPTY = [("[0]", "")]

# By the end of the field's path: values, or for a repeated field pairs of the place that the error names and a value.
WRONG: dict[str, list[Any]] = {
    "host_timeout": [Duration(), Duration(seconds=-1), *NEITHER],
    "max_wait": [Duration(seconds=-1), Duration(seconds=61), *NEITHER],
    "group_pause": [Duration(seconds=-1), *NEITHER],
    "target_timeout": [Duration(), Duration(seconds=-1), *NEITHER],
    "batch.parallelism": [0, 1025],
    "parallelism_per_host": [0, 1025],
    "group_size": [0],
    "max_failures": [0],
    "parallelism": [0, 65],
    "hosts.names": EMPTY,
    "hosts.labels": OF_LABELS,
    "to.names": EMPTY,
    "to.labels": OF_LABELS,
    "selector.names": EMPTY,
    "selector.labels": OF_LABELS,
    "containers.names": [*EMPTY, ("[0]", "/")],
    "containers.labels": OF_LABELS,
    "containers.images": EMPTY,
    "containers.states": [("[0]", "runing")],
    "containers.published_ports": OF_PORTS,
    "strategy": [99],
    "resource": [99],
    "image": ["", "Upper", "a b"],
    "services": EMPTY,
    "labels": OF_LABELS,
    "container_port": [0, 65536],
    "resume_token": [b"forged"],
    "host": [""],
}
# Every value of these can be; or tests/fleet/test_host_changes.py has the wrong ones.
RIGHT = ("all", "dry_run", "prefer_image", "include_unhealthy", "spec")


def fields_of(message: Descriptor, path: str = "") -> Iterator[tuple[str, FieldDescriptor]]:
    """Yield the fields of a request, with their paths; what a host is asked is the matter of its own RPC."""
    for field in message.fields:
        where = f"{path}{field.name}"
        kind = field.message_type
        if where == "request" or field.name in RIGHT:
            continue
        if kind is not None and kind.full_name.startswith("dockfleet.fleet") and not field.is_repeated:
            yield from fields_of(kind, f"{where}.")
        else:
            yield where, field


def wrong_of(path: str) -> list[Any]:
    """Return the wrong values of a field, which there must be."""
    return WRONG[max((end for end in WRONG if f".{path}".endswith(f".{end}")), key=len)]


def with_value(method: MethodDescriptor, path: str, field: FieldDescriptor, value: Any) -> Message:
    """Return a request that is right but for one field."""
    request: Any
    if method in OF_FLEET:
        request = request_to(method, selectors_pb2.HostSelector(all=True))
    else:
        request = GetMessageClass(method.input_type)()
        if "host" in method.input_type.fields_by_name:
            request.host = "h1"
    at = request
    for part in path.split(".")[:-1]:
        at = getattr(at, part)
    if field.is_repeated:
        if "all" in at.DESCRIPTOR.fields_by_name:
            at.all = False
        getattr(at, field.name).append(value)
    elif field.message_type is not None:
        getattr(at, field.name).CopyFrom(value)
    else:
        setattr(at, field.name, value)
    return request  # type: ignore[no-any-return]


@pytest.mark.parametrize("method", METHODS, ids=contract.name_of)
async def test_a_value_that_cannot_be_is_refused_by_the_name_of_its_field(
    client: Client, method: MethodDescriptor
) -> None:
    """The error says what is right, too; a new field needs a row here."""
    wrong = []
    for path, field in fields_of(method.input_type):
        for case in wrong_of(path):
            place, value = case if field.is_repeated else ("", case)
            request = with_value(method, path, field, value)
            found = await outcome(client.channel, contract.name_of(method), Asked(request))
            if field.name == "resume_token":
                right = status_of(found) == Status("INVALID_ARGUMENT", "BAD_RESUME_TOKEN")
            else:
                right = status_of(found) == Status("INVALID_ARGUMENT", "INVALID_FIELD")
                violations = found.detail(BadRequest).field_violations if found is not None and right else []
                named = [(each.field, bool(each.description)) for each in violations]
                right = right and named == [(f"{path}{place}", True)]
            if not right:
                wrong.append((path, value, found))

    assert wrong == []


NO_TIMES = [Timestamp(seconds=10**15), Timestamp(seconds=1, nanos=-1), Timestamp(nanos=2 * 10**9)]


@pytest.mark.parametrize(
    ("rpc", "path", "values"),
    [
        ("StreamLogs", "request.since", NO_TIMES),
        ("StreamLogs", "request.until", NO_TIMES),
        ("StreamEvents", "request.since", NO_TIMES),
        ("StreamEvents", "request.until", NO_TIMES),
        ("ListContainers", "request.max_age", [Duration(seconds=-1)]),
    ],
)
async def test_what_a_host_is_asked_is_named_with_the_path_in_the_whole_request(
    client: Client, rpc: str, path: str, values: list[Any]
) -> None:
    """A time that is none reaches no host."""
    method = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name[rpc]
    asked = method.input_type.fields_by_name["request"].message_type
    assert asked is not None
    field = asked.fields_by_name[path.partition(".")[2]]
    for value in values:
        found = await outcome(client.channel, contract.name_of(method), Asked(with_value(method, path, field, value)))

        assert found is not None
        assert [each.field for each in found.detail(BadRequest).field_violations] == [path]


async def test_a_filter_of_events_that_there_is_not_is_named(client: Client) -> None:
    """With its path in the whole request."""
    method = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name["StreamEvents"]
    request = request_to(method, selectors_pb2.HostSelector(all=True))
    request.request.filters["nope"].CopyFrom(common_pb2.StringList(items=["x"]))

    found = await outcome(client.channel, contract.name_of(method), Asked(request))

    assert found is not None
    assert [each.field for each in found.detail(BadRequest).field_violations] == ["request.filters['nope']"]
