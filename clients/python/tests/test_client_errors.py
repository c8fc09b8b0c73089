"""Failures and their attributes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import dockfleet
import grpc
import pytest
from dockfleet.fleet.v1.hosts_pb2 import ListHostsRequest
from dockfleet.reasons import CLASSES
from dockfleet.v1 import containers_pb2 as containers
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ResourceInfo, RetryInfo

from clients.python.tests.scripted_gateway import Gateway, drained, fail

CALLS: dict[str, Callable[[dockfleet.HostView], Any]] = {
    "InspectContainer": lambda host: host.containers.rpc("InspectContainer")(id="web"),
    "StreamLogs": lambda host: list(host.logs("web")),
    "PutContainerArchive": lambda host: host.containers.rpc("PutContainerArchive")(b"x", id="web", path="/"),
    "LoadImages": lambda host: list(host.images.rpc("LoadImages")(b"x")),
    "Exec": lambda host: host.execute("web", ["true"]),
    "AttachContainer": lambda host: list(host.containers.rpc("AttachContainer")(id="web")),
    "WaitContainer": lambda host: host.containers.rpc("WaitContainer")(id="web"),
}


@pytest.mark.parametrize("rpc", CALLS)
def test_every_shape_of_call_fails_with_a_dockfleet_error(gateway: Gateway, fleet: dockfleet.Fleet, rpc: str) -> None:
    """The failure of every shape of RPC is a `DockfleetError` raised from the `grpc.RpcError`."""
    gateway.on(
        rpc,
        lambda request, context: fail(
            context, grpc.StatusCode.NOT_FOUND, "No such container: web", "NOT_FOUND", host="a", engine_status="404"
        ),
    )

    with pytest.raises(dockfleet.DockfleetError) as raised:
        CALLS[rpc](fleet.host("a"))

    error = raised.value
    assert (
        error.code,
        error.reason,
        error.host,
        error.engine_status,
    ) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND", "a", 404)
    assert str(error) == "a: NOT_FOUND: No such container: web"
    assert isinstance(error.__context__, grpc.RpcError)
    assert error.__suppress_context__  # a traceback shows the failure once


def test_the_details_of_a_failure_are_attributes(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Field violations, the time to wait, the object, and whether a repeat is safe."""
    gateway.on(
        "InspectContainer",
        lambda request, context: fail(
            context,
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "busy",
            "HOST_BUSY",
            BadRequest(field_violations=[{"field": "id", "description": "too long"}]),
            RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000)),
            ResourceInfo(resource_type="container", resource_name="web"),
            retry_safe="true",
        ),
    )

    with pytest.raises(dockfleet.DockfleetError) as raised:
        fleet.host("a").containers.rpc("InspectContainer")(id="web")

    error = raised.value
    assert (dockfleet.Violation("id", "too long"),) == error.violations
    assert error.retry_after == 1.5
    assert dockfleet.Resource("container", "web") == error.resource
    assert error.retry_safe
    assert error.engine_status is None


@pytest.mark.parametrize("details", [b"\xff\xff", b"", None])
def test_unreadable_details_leave_the_code_and_the_message(
    gateway: Gateway, fleet: dockfleet.Fleet, details: bytes | None
) -> None:
    """A proxy that damages the details does not hide the failure."""

    def behave(request: Any, context: grpc.ServicerContext) -> None:
        if details is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", details),))
        context.abort(grpc.StatusCode.INTERNAL, "oops")

    gateway.on("InspectContainer", behave)

    with pytest.raises(dockfleet.DockfleetError, match=r"^INTERNAL: oops$") as raised:
        fleet.host("a").containers.rpc("InspectContainer")(id="web")
    assert raised.value.reason == ""


def test_a_failure_comes_after_the_responses_before_it(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A broken log yields its lines and then raises; it does not end silently."""

    def behave(request: Any, context: grpc.ServicerContext) -> Any:
        yield containers.StreamLogsResponse(batch={"entries": [{"data": b"one"}]})
        fail(context, reason="CONNECTION_LOST", host="a")

    gateway.on("StreamLogs", behave)
    entries = fleet.host("a").logs("web")

    assert next(entries).data == b"one"
    with pytest.raises(dockfleet.DockfleetError, match="CONNECTION_LOST"):
        next(entries)


def test_a_deadline_that_passes_is_a_dockfleet_error(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`deadline` is in seconds and holds for the whole call."""
    gateway.on("Exec", drained([]))

    with pytest.raises(dockfleet.DockfleetError) as raised:
        list(fleet.host("a").exec.rpc("Exec")(id="web", cmd=["sleep"], deadline=0.2))
    assert grpc.StatusCode.DEADLINE_EXCEEDED is raised.value.code


def test_the_stubs_raise_the_errors_of_grpc(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`hosts.list` is no stub and raises `DockfleetError`."""
    gateway.on("ListHosts", lambda request, context: fail(context, grpc.StatusCode.PERMISSION_DENIED, "no", "X"))

    with pytest.raises(grpc.RpcError):
        fleet.stubs.hosts.ListHosts(ListHostsRequest())
    with pytest.raises(dockfleet.DockfleetError, match="X: no"):
        fleet.hosts.list()


def test_a_missing_gateway_is_an_error_without_reason() -> None:
    """`UNAVAILABLE` with a reason is about a host; without a reason, the gateway is unreachable."""
    with dockfleet.connect("127.0.0.1:1") as fleet, pytest.raises(dockfleet.DockfleetError) as raised:
        fleet.hosts.list(deadline=10)

    assert (raised.value.code, raised.value.reason) == (grpc.StatusCode.UNAVAILABLE, "")


def test_an_error_survives_pickling() -> None:
    """Errors can be passed between processes, as in a pool of workers."""
    error = dockfleet.DockfleetError(grpc.StatusCode.ABORTED, "lost", reason="OUTCOME_UNKNOWN", host="a")

    copy = pickle.loads(pickle.dumps(error))

    assert str(error) == str(copy)
    assert vars(error) == vars(copy)


@pytest.mark.parametrize(("reason", "kind"), CLASSES.items())
def test_each_reason_is_a_class_of_its_own(
    gateway: Gateway, fleet: dockfleet.Fleet, reason: str, kind: type[dockfleet.DockfleetError]
) -> None:
    gateway.on("Ping", lambda request, context: fail(context, reason=reason))

    with pytest.raises(kind) as caught:
        fleet.host("a").system.rpc("Ping")()

    assert (type(caught.value), caught.value.reason) == (kind, reason)


def test_a_reason_of_a_newer_gateway_is_the_base_class(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    gateway.on("Ping", lambda request, context: fail(context, reason="OF_TOMORROW"))

    with pytest.raises(dockfleet.DockfleetError, match="OF_TOMORROW") as caught:
        fleet.host("a").system.rpc("Ping")()

    assert type(caught.value) is dockfleet.DockfleetError


def test_a_name_in_use_is_a_conflict_too(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """As with docker-py, where both are the status 409."""
    gateway.on(
        "CreateContainer",
        lambda request, context: fail(context, grpc.StatusCode.ALREADY_EXISTS, "in use", "NAME_IN_USE", host="a"),
    )

    with pytest.raises(dockfleet.Conflict, match="a: NAME_IN_USE: in use") as raised:
        fleet.host("a").containers.create("alpine", name="web")

    assert type(raised.value).__name__ == "NameInUse"
