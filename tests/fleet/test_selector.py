"""Which hosts a selector selects."""

from __future__ import annotations

from typing import cast

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.fleet.v1 import selectors_pb2 as pb
from google.rpc.error_details_pb2 import BadRequest

from gateway.config.settings import HostSettings
from gateway.engine.inventory.matching import meeting
from tests.support.gateway import Client, failed, gateway_of

LABELS = {"site": "north", "rack": "7", "empty": ""}
HOSTS = {  # name to labels
    "ber-1": {"site": "berlin", "gpu": ""},
    "ber-2": {"site": "berlin"},
    "cgn-1": {"site": "cologne", "gpu": "2"},
    "lab": {},
}


@pytest.mark.parametrize(
    ("key", "operator", "values", "meant"),
    [
        ("site", "EQUAL", ["north"], True),
        ("site", "EQUAL", ["south"], False),
        ("none", "EQUAL", [""], False),
        ("empty", "EQUAL", [""], True),
        ("site", "NOT_EQUAL", ["south"], True),
        ("site", "NOT_EQUAL", ["north"], False),
        ("none", "NOT_EQUAL", ["x"], True),
        ("rack", "IN", ["6", "7"], True),
        ("rack", "IN", ["6"], False),
        ("none", "IN", ["6"], False),
        ("rack", "NOT_IN", ["6"], True),
        ("rack", "NOT_IN", ["6", "7"], False),
        ("none", "NOT_IN", ["6"], True),
        ("empty", "EXISTS", [], True),
        ("none", "EXISTS", [], False),
        ("none", "NOT_EXISTS", [], True),
        ("empty", "NOT_EXISTS", [], False),
    ],
)
def test_a_label_is_compared_as_its_operator_says(key: str, operator: str, values: list[str], meant: bool) -> None:
    """An absent label is not equal to anything, and has none of any values, as in Kubernetes."""
    requirement = pb.LabelRequirement(
        key=key, operator=pb.LabelOperator.Value(f"LABEL_OPERATOR_{operator}"), values=values
    )

    assert meeting([requirement])(LABELS) is meant


def test_every_operator_is_compared() -> None:
    """One that the contract adds needs a comparison."""
    for operator in pb.LabelOperator.values()[1:]:
        meeting([pb.LabelRequirement(key="site", operator=operator, values=["x"])])(LABELS)


async def listed(client: Client, selector: pb.HostSelector | None) -> list[str]:
    """The names of the hosts that ListHosts returns."""
    response = await client.hosts.ListHosts(hosts_pb2.ListHostsRequest(selector=selector))
    return [host.name for host in response.hosts]


def label(key: str, operator: pb.LabelOperator.ValueType, *values: str) -> pb.LabelRequirement:
    """A requirement of a label."""
    return pb.LabelRequirement(key=key, operator=operator, values=values)


async def test_list_hosts_returns_the_hosts_that_are_selected() -> None:
    """By exact names, by patterns, by labels, by both, or all."""
    settings = [HostSettings(name=name, address="unix:///none", labels=labels) for name, labels in HOSTS.items()]
    async with gateway_of(*settings, health_check_interval_seconds=3600) as client:
        assert await listed(client, None) == ["ber-1", "ber-2", "cgn-1", "lab"]
        assert await listed(client, pb.HostSelector(all=True)) == ["ber-1", "ber-2", "cgn-1", "lab"]
        assert await listed(client, pb.HostSelector(names=["lab", "ber-1", "lab"])) == ["ber-1", "lab"]
        assert await listed(client, pb.HostSelector(names=["*-1"])) == ["ber-1", "cgn-1"]
        assert await listed(client, pb.HostSelector(names=["b*-*2", "x*"])) == ["ber-2"]
        assert await listed(client, pb.HostSelector(labels=[label("gpu", pb.LABEL_OPERATOR_EXISTS)])) == [
            "ber-1",
            "cgn-1",
        ]
        berlin = label("site", pb.LABEL_OPERATOR_EQUAL, "berlin")
        no_gpu = label("gpu", pb.LABEL_OPERATOR_NOT_EXISTS)
        assert await listed(client, pb.HostSelector(labels=[berlin, no_gpu])) == ["ber-2"]
        assert await listed(client, pb.HostSelector(names=["*-1"], labels=[berlin])) == ["ber-1"]
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await listed(client, pb.HostSelector(names=["ber-1", "ber-9"]))

    assert (failed(unknown.value).reason, "'ber-9'" in failed(unknown.value).message) == ("UNKNOWN_HOST", True)


async def test_a_pattern_costs_no_more_than_the_names_are_long() -> None:
    """A hostile pattern of many stars is compared at once."""
    settings = HostSettings(name="a" * 63, address="unix:///none")
    async with gateway_of(settings, health_check_interval_seconds=3600) as client:
        assert await listed(client, pb.HostSelector(names=["*a" * 500 + "b"] * 50)) == []


@pytest.mark.parametrize(
    ("selector", "field"),
    [
        (pb.HostSelector(), "selector"),
        (pb.HostSelector(all=True, names=["lab"]), "selector.all"),
        (pb.HostSelector(labels=[label("", pb.LABEL_OPERATOR_EXISTS)]), "selector.labels[0].key"),
        (pb.HostSelector(labels=[label("site", pb.LABEL_OPERATOR_UNSPECIFIED)]), "selector.labels[0].operator"),
        (pb.HostSelector(labels=[label("site", cast(pb.LabelOperator.ValueType, 77))]), "selector.labels[0].operator"),
        (pb.HostSelector(labels=[label("site", pb.LABEL_OPERATOR_EQUAL)]), "selector.labels[0].values"),
        (pb.HostSelector(labels=[label("site", pb.LABEL_OPERATOR_EQUAL, "a", "b")]), "selector.labels[0].values"),
        (
            pb.HostSelector(labels=[label("a", pb.LABEL_OPERATOR_EXISTS), label("site", pb.LABEL_OPERATOR_IN)]),
            "selector.labels[1].values",
        ),
        (pb.HostSelector(labels=[label("site", pb.LABEL_OPERATOR_EXISTS, "x")]), "selector.labels[0].values"),
        # What is compared with each host, or container, has bounds.
        (pb.HostSelector(names=["lab"] * 1001), "selector.names"),
        (pb.HostSelector(names=["l*"] * 51), "selector.names"),
        (pb.HostSelector(names=["lab", "x" * 1025]), "selector.names[1]"),
        (pb.HostSelector(labels=[label("site", pb.LABEL_OPERATOR_EXISTS)] * 51), "selector.labels"),
        (
            pb.HostSelector(labels=[label(key, pb.LABEL_OPERATOR_IN, *("x",) * 501) for key in "ab"]),
            "selector.labels[1].values",
        ),
    ],
)
async def test_a_malformed_selector_is_refused(selector: pb.HostSelector, field: str) -> None:
    """BadRequest names the place."""
    async with gateway_of("unix:///none", health_check_interval_seconds=3600) as client:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await listed(client, selector)

    refused = failed(error.value)
    bad = refused.detail(BadRequest)
    assert (refused.code, [each.field for each in bad.field_violations]) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
