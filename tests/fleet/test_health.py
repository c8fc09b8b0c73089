"""Whether a host lives: how the gateway finds out, and what it reports."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2

from gateway.config.settings import HostSettings, Limits
from tests.fleet.support import DOWN, INCOMPATIBLE, UP, host_when, list_of, state_of
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import gateway_of
from tests.support.upstream import Held, refusal


async def test_a_host_that_answers_is_up(engine: FakeEngine) -> None:
    """Its version and the time of its last answer are known without asking it again."""
    settings = HostSettings(name="lab-1", address=engine.address, labels={"rack": "7"})
    async with gateway_of(settings, health_check_interval_seconds=3600) as client:
        host = await host_when(client, "lab-1", lambda host: host.engine_id)
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
async def test_a_host_of_another_age_has_a_state_of_its_own(
    engine: FakeEngine, version: str | None, state: int, text: str
) -> None:
    """A host that is too old is incompatible, one without a version is down; both have a message (A5 59)."""
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
    """A call fails at once, nothing was sent, and the host is found again without a restart (B2 1)."""
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


async def test_a_busy_host_is_not_down(engine: FakeEngine) -> None:
    """Probes have a budget of their own: they reach an engine whose connections for calls are all in use."""
    engine.on("GET", "/containers/json", Held())
    limits = Limits(max_connections_per_host=1, max_queued_calls_per_host=1)
    async with gateway_of(engine.address, limits=limits, health_check_interval_seconds=0.1) as client:
        await state_of(client, "h1", UP)
        calls = [asyncio.ensure_future(refusal(list_of(client, "h1"))) for _ in range(3)]
        refused, waiting = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        probes = sum(request.path == "/_ping" for request in engine.requests)
        await engine.request("GET", "/_ping", nth=probes + 3)

        assert [call.result().reason for call in refused] == ["HOST_BUSY"]
        assert (await state_of(client, "h1", UP, DOWN)).state == UP
        for call in waiting:
            call.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_what_a_host_says_is_bounded_and_escaped(engine: FakeEngine) -> None:
    """The message of a host that is down is one line of text, whatever the host sent (A5 17)."""
    engine.on("GET", "/_ping", status=500, error="it broke\x1b]0;owned\x07\r\n" + "x" * 50_000)
    async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        message = (await state_of(client, "h1", DOWN)).message

    assert "it broke" in message
    assert message.isprintable()
    assert len(message) <= 1024
