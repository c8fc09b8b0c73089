"""Hosts are independent: a failure of one does not affect the others."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import grpc
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import containers_pb2

from gateway.config.settings import Limits
from tests.fleet.support import UP, list_of, state_of
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import gateway_of
from tests.support.upstream import Held, refusal, until


async def test_an_engine_that_was_replaced_is_asked_in_its_own_version(tmp_path: Path) -> None:
    """A restart with another version costs no call its answer (B2 7)."""
    path = str(tmp_path / "docker.sock")
    async with gateway_of(f"unix://{path}", health_check_interval_seconds=3600) as client:
        for version in ("1.41", "1.44", "1.41"):
            async with FakeEngine(path) as engine:
                engine.api_version = version
                engine.min_api_version = "1.44" if version == "1.44" else "1.12"
                engine.on("GET", "/containers/json", json=[])
                if client.hosts_of_gateway["h1"].engine.last_contact is None:  # it was not there at the start
                    await client.hosts.ProbeHost(hosts_pb2.ProbeHostRequest(host="h1"))
                for _ in range(2):
                    await list_of(client, "h1")

                assert [request.version for request in engine.asked] == [version] * 2


async def test_a_host_forgets_calls_that_have_ended(engine: FakeEngine) -> None:
    """However they end; only those that are open end with it."""
    held = Held()
    engine.on("GET", "/containers/{id}/top", held)
    async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        await list_of(client, "h1")
        top = client.containers.TopContainer(containers_pb2.TopContainerRequest(host="h1", id="web"))
        await held.called.wait()
        host = client.hosts_of_gateway["h1"]
        await until(lambda: len(host.calls) == 1)
        top.cancel()
        await until(lambda: not host.calls)


async def test_hosts_that_hang_hurt_nobody_else(engine: FakeEngine) -> None:
    """The start of the gateway and calls to other hosts do not wait for them (L14, B2 2)."""
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
    """As many calls as allowed are under way, as many wait, and more fail with HOST_BUSY (B2 9)."""
    async with FakeEngine() as other:
        other.on("GET", "/containers/json", json=[])
        engine.on("GET", "/containers/json", Held())
        limits = Limits(max_connections_per_host=2, max_queued_calls_per_host=3)
        async with gateway_of(
            engine.address, other.address, limits=limits, health_check_interval_seconds=3600
        ) as client:
            await state_of(client, "h1", UP)
            calls = [asyncio.ensure_future(refusal(list_of(client, "h1"))) for _ in range(8)]
            await engine.until(lambda: len(engine.asked) == 2)
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
