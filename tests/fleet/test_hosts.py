"""Hosts as the gateway knows them: each by itself, whatever befalls the others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2

from gateway.config.settings import HostSettings, Limits
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import Held, refusal

UP, DOWN, INCOMPATIBLE = hosts_pb2.HOST_STATE_UP, hosts_pb2.HOST_STATE_DOWN, hosts_pb2.HOST_STATE_INCOMPATIBLE


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """A scripted engine without containers."""
    async with FakeEngine() as engine:
        engine.on("GET", "/containers/json", json=[])
        yield engine


async def state_of(client: Client, name: str, *states: int) -> hosts_pb2.Host:
    """Return a host once it is in one of *states*."""
    while True:
        host = (await client.hosts.GetHost(hosts_pb2.GetHostRequest(host=name))).host
        if host.state in states:
            return host
        await asyncio.sleep(0.02)


def list_of(client: Client, host: str) -> grpc.aio.UnaryUnaryCall:
    """Ask for the containers of *host*."""
    return client.containers.ListContainers(containers_pb2.ListContainersRequest(host=host))


async def test_a_host_that_answers_is_up(engine: FakeEngine) -> None:
    """Its version and the time of its last answer are known without asking it again."""
    settings = HostSettings(name="lab-1", address=engine.address, labels={"rack": "7"})
    async with gateway_of(settings, health_check_interval_seconds=3600) as client:
        host = await state_of(client, "lab-1", UP)
        asked = len(engine.requests)
        listed = (await client.hosts.ListHosts(hosts_pb2.ListHostsRequest())).hosts

    assert (host.name, host.address, dict(host.labels)) == ("lab-1", engine.address, {"rack": "7"})
    assert (host.api_version, host.message) == ("1.41", "")
    assert host.last_contact_time.seconds > 1_700_000_000
    assert list(listed) == [host]
    assert len(engine.requests) == asked


@pytest.mark.parametrize(
    ("version", "state", "text"),
    [("1.24", INCOMPATIBLE, "1.24"), (None, DOWN, "version"), ("nonsense", DOWN, "nonsense")],
)
async def test_a_host_of_another_age_is_told_apart(
    engine: FakeEngine, version: str | None, state: int, text: str
) -> None:
    """One that is too old is incompatible, and one that does not say is down; both are told why (A5 59)."""
    engine.api_version = version
    async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        host = await state_of(client, "h1", DOWN, INCOMPATIBLE)
        refused = await refusal(list_of(client, "h1"))

    assert host.state == state
    assert text in host.message
    expected = (
        (grpc.StatusCode.FAILED_PRECONDITION, "HOST_INCOMPATIBLE")
        if state == INCOMPATIBLE
        else (grpc.StatusCode.INTERNAL, "BAD_ENGINE_RESPONSE")
    )
    assert (refused.code, refused.reason) == expected


async def test_a_host_that_is_not_there_is_unreachable_until_it_is(tmp_path: Path) -> None:
    """It is told at once, nothing was sent, and the host is back by itself (B2 1)."""
    path = str(tmp_path / "docker.sock")
    async with gateway_of(f"unix://{path}", health_check_interval_seconds=0.1) as client:
        await state_of(client, "h1", DOWN)
        refused = await refusal(list_of(client, "h1"))
        async with FakeEngine(path) as engine:
            engine.on("GET", "/containers/json", json=[])
            await state_of(client, "h1", UP)
            await list_of(client, "h1")
        await state_of(client, "h1", DOWN)

    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "HOST_UNREACHABLE")
    assert refused.metadata["retry_safe"] == "true"


async def test_an_engine_that_was_replaced_is_spoken_to_in_its_own_version(tmp_path: Path) -> None:
    """A restart with another version costs no call its answer (B2 7)."""
    path = str(tmp_path / "docker.sock")
    async with gateway_of(f"unix://{path}", health_check_interval_seconds=3600) as client:
        for version in ("1.41", "1.44", "1.41"):
            async with FakeEngine(path) as engine:
                engine.api_version = version
                engine.min_api_version = "1.44" if version == "1.44" else "1.12"
                engine.on("GET", "/containers/json", json=[])
                for _ in range(2):
                    await list_of(client, "h1")

                assert [request.version for request in engine.requests if request.version] == [version] * 2


async def test_hosts_that_hang_hurt_nobody_else(engine: FakeEngine) -> None:
    """Neither the start of the gateway nor calls to other hosts wait for them (L14, B2 2)."""
    async with contextlib.AsyncExitStack() as stack:
        sick = [await stack.enter_async_context(FakeEngine()) for _ in range(5)]
        for host in sick:
            host.on("GET", "/_ping", Held())
            host.on("GET", "/containers/json", Held())
        deaf = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        hosts = [engine.address, *(host.address for host in sick), f"tcp://127.0.0.1:{deaf.getsockname()[1]}"]
        client = await stack.enter_async_context(
            gateway_of(
                *hosts, limits=Limits(max_connections_per_host=2, max_queued_calls_per_host=2, read_timeout_seconds=60)
            )
        )
        waiting = [asyncio.ensure_future(refusal(list_of(client, f"h{2 + number % 6}"))) for number in range(60)]
        await asyncio.gather(*(host.request("GET", "/_ping") for host in sick))

        for _ in range(50):
            await list_of(client, "h1")

        assert (await state_of(client, "h1", UP)).state == UP
        assert len([call for call in waiting if not call.done()]) > 0
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_busy_host_refuses_at_once_and_others_do_not(engine: FakeEngine) -> None:
    """As many calls as allowed are under way, as many wait, and more hear that the host is busy (B2 9)."""
    async with FakeEngine() as other:
        other.on("GET", "/containers/json", json=[])
        engine.on("GET", "/containers/json", Held())
        limits = Limits(max_connections_per_host=2, max_queued_calls_per_host=3)
        async with gateway_of(
            engine.address, other.address, limits=limits, health_check_interval_seconds=3600
        ) as client:
            await state_of(client, "h1", UP)
            calls = [asyncio.ensure_future(refusal(list_of(client, "h1"))) for _ in range(8)]
            await engine.until(lambda: len([r for r in engine.requests if r.version]) == 2)
            done, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            while len(done) < 3:
                more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                done |= more
            await list_of(client, "h2")

            refusals = [call.result() for call in done]
            assert {(refused.code, refused.reason) for refused in refusals} == {
                (grpc.StatusCode.RESOURCE_EXHAUSTED, "HOST_BUSY")
            }
            assert len(waiting) == 5
            for call in waiting:
                call.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_busy_host_is_not_down(engine: FakeEngine) -> None:
    """Calls of our own that are in the way of a probe say nothing about the engine."""
    engine.on("GET", "/containers/json", Held())
    limits = Limits(max_connections_per_host=1, max_queued_calls_per_host=1)
    async with gateway_of(engine.address, limits=limits, health_check_interval_seconds=0.1) as client:
        await state_of(client, "h1", UP)
        calls = [asyncio.ensure_future(refusal(list_of(client, "h1"))) for _ in range(2)]
        await engine.request("GET", "/containers/json")
        await asyncio.sleep(0.5)  # some probes long

        assert (await state_of(client, "h1", UP, DOWN)).state == UP
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def test_what_a_host_says_is_bounded_and_escaped(engine: FakeEngine) -> None:
    """Why a host is down is a line of text, whatever the host sent (A5 17)."""
    engine.on("GET", "/_ping", status=500, error="it broke\x1b]0;owned\x07\r\n" + "x" * 50_000)
    async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        message = (await state_of(client, "h1", DOWN)).message

    assert "it broke" in message
    assert message.isprintable()
    assert len(message) <= 1024


@pytest.mark.parametrize("name", ["", "h", "h11", "H1", "h1 ", "*", "h1,h2"])
async def test_a_host_is_chosen_by_its_whole_name(engine: FakeEngine, name: str) -> None:
    """There is no default, no prefix and no wildcard (A5 27)."""
    async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        for call in (list_of(client, name), client.hosts.GetHost(hosts_pb2.GetHostRequest(host=name))):
            refused = await refusal(call)

            assert (refused.code, refused.reason) == (
                (grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST")
                if name
                else (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
            )
    assert not [request for request in engine.requests if request.version]
