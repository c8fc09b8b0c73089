"""The standard health service: of the gateway, its services and its hosts."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.config.settings import HostSettings, Limits
from gateway.fleet.dial import host_of
from gateway.rpc.health import HealthReporter
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import refusal

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


async def health_of(client: Client, service: str) -> int:
    """Return what the standard health service says of *service*."""
    stub = health_pb2_grpc.HealthStub(client.channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=service))).status)


async def health_until(client: Client, service: str, status: int) -> None:
    """Watch the health of *service* until it is *status*."""
    stub = health_pb2_grpc.HealthStub(client.channel)
    async for answer in stub.Watch(health_pb2.HealthCheckRequest(service=service)):
        if answer.status == status:
            return


async def test_the_gateway_and_every_service_have_an_entry() -> None:
    """A load balancer asks for the empty name or for a service."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        statuses = [await health_of(client, name) for name in ("", "dockfleet.v1.ContainerService")]

    assert statuses == [SERVING, SERVING]


async def test_each_host_has_an_entry_that_changes_when_the_host_goes_and_comes_back() -> None:
    """The entry of a host is `host/NAME`; it follows the probes."""
    async with FakeEngine() as engine, gateway_of(engine.address, health_check_interval_seconds=0.1) as client:
        await health_until(client, "host/h1", SERVING)
        engine.on("GET", "/_ping", error="shutting down", status=503)
        await health_until(client, "host/h1", NOT_SERVING)
        engine.on("GET", "/_ping", body=b"OK")
        await health_until(client, "host/h1", SERVING)

        assert await health_of(client, "host/h1") == SERVING


async def test_the_health_of_a_name_that_is_not_known_is_not_found() -> None:
    """A watcher of it gets SERVICE_UNKNOWN, and then its status when it is known."""
    async with FakeEngine() as engine, gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        stub = health_pb2_grpc.HealthStub(client.channel)
        refused = await refusal(stub.Check(health_pb2.HealthCheckRequest(service="host/lab")))
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="host/lab"))
        statuses = [(await watch.read()).status]
        settings = HostSettings(name="lab", address=engine.address)
        client.hosts_of_gateway.put(host_of(settings, Limits(), client.metrics))
        statuses.append((await watch.read()).status)
        client.hosts_of_gateway.remove("lab")
        statuses.append((await watch.read()).status)
        watch.cancel()

    assert refused.code is grpc.StatusCode.NOT_FOUND
    assert statuses == [UNKNOWN, SERVING, UNKNOWN]


async def test_health_lists_all_names() -> None:
    """One call returns the gateway, its services and its hosts."""
    async with FakeEngine() as engine, gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        await health_until(client, "host/h1", SERVING)
        listed = await health_pb2_grpc.HealthStub(client.channel).List(health_pb2.HealthListRequest())

    assert {name: status.status for name, status in listed.statuses.items()}.items() >= {
        "": SERVING,
        "dockfleet.v1.ContainerService": SERVING,
        "grpc.health.v1.Health": SERVING,
        "host/h1": SERVING,
    }.items()


async def test_nothing_serves_when_the_gateway_drains() -> None:
    """Later changes of a service or a host do not matter."""
    reporter = HealthReporter()
    reporter.serve(["one"])
    reporter.drain()
    reporter.serve(["one"])

    listed = await reporter.List(health_pb2.HealthListRequest(), None)
    assert {name: status.status for name, status in listed.statuses.items()} == {"": NOT_SERVING, "one": NOT_SERVING}


async def test_a_status_that_changes_while_it_is_sent_is_sent_too() -> None:
    """A reader that is slow gets the newest status, and is not left with an old one."""
    reporter = HealthReporter()
    reporter.serve([])
    watch = reporter.Watch(health_pb2.HealthCheckRequest(), None)
    first = await anext(watch)
    reporter.drain()
    reporter.close()

    assert [first.status] + [answer.status async for answer in watch] == [SERVING, NOT_SERVING]
