"""Hosts that fail: their states, who is notified, and which calls are refused."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from dockfleet.fleet.v1 import hosts_pb2
from dockfleet.v1 import common_pb2, containers_pb2, system_pb2
from google.rpc.error_details_pb2 import RetryInfo

from gateway.config.settings import Limits
from tests.fleet.support import DEGRADED, DOWN, DRAINING, UP, host_when, list_of, state_of
from tests.support.fake_engine import FakeEngine, ResponseParser, answering, hang
from tests.support.fake_log import state
from tests.support.gateway import Client, Failed, gateway_of
from tests.support.upstream import refusal, until

QUICK = {"health_check_interval_seconds": 0.1, "health_check_timeout_seconds": 0.4}
IMPATIENT = Limits(read_timeout_seconds=0.4)
HANG = hang()


def inspect(
    client: Client, id: str, **how: Any
) -> grpc.aio.UnaryUnaryCall[Any, containers_pb2.InspectContainerResponse]:
    """Inspect a container."""
    return client.containers.InspectContainer(containers_pb2.InspectContainerRequest(host="h1", id=id), **how)


def retry_seconds(refused: Failed) -> float:
    """How long a client is to wait."""
    [info] = [detail for detail in refused.details if isinstance(detail, RetryInfo)]
    return info.retry_delay.ToTimedelta().total_seconds()


@pytest.fixture
async def client(engine: FakeEngine) -> AsyncIterator[Client]:
    """A client of a gateway that probes often, and whose questions do not take long."""
    engine.on("GET", "/containers/{id}/json", json=state())
    async with gateway_of(engine.address, limits=IMPATIENT, **QUICK) as client:
        await state_of(client, "h1", UP)
        yield client


async def test_calls_to_a_host_that_is_known_to_hang_fail_at_once(engine: FakeEngine, client: Client) -> None:
    """With the reason of the last failure, since when, and when more is known; nothing is sent (B2 2)."""
    before = time.time()
    engine.on("GET", "/_ping", HANG)
    await state_of(client, "h1", DEGRADED)  # after the first silence
    host = await state_of(client, "h1", DOWN)  # after the second
    sent = len(engine.asked)
    events = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1"))
    wait = client.containers.WaitContainer(containers_pb2.WaitContainerRequest(host="h1", id="web"))
    usage = client.system.GetDataUsage(system_pb2.GetDataUsageRequest(host="h1"))
    refusals = [await refusal(call) for call in (list_of(client, "h1"), events, wait, usage)]

    assert {(each.code, each.reason) for each in refusals} == {(grpc.StatusCode.UNAVAILABLE, "HOST_TIMEOUT")}
    assert len(engine.asked) == sent
    since = host.state_time.ToDatetime().strftime("%Y-%m-%dT%H:%M:%SZ")
    for refused in refusals:
        assert refused.metadata == {
            "host": "h1", "since": since, "retry_safe": "true", "request_id": refused.metadata["request_id"],
        }  # fmt: skip
        assert f"the host is down since {since}: the host did not respond within 0.4 s" in refused.message
        assert 0 < retry_seconds(refused) <= 1.2
    assert host.reason == common_pb2.ERROR_REASON_HOST_TIMEOUT
    assert "health_check_timeout_seconds" in host.message
    assert before <= host.state_time.ToNanoseconds() / 1e9 <= time.time()


async def test_a_host_that_is_wanted_is_found_when_it_is_back() -> None:
    """Calls that are refused bring the next probe forward, however long the interval is; changes, too."""
    keys = {"health_check_interval_seconds": 3600, "health_check_timeout_seconds": 0.4}
    async with FakeEngine() as engine:
        engine.on("GET", "/_ping", error="starting", status=503)
        engine.on("POST", "/containers/{id}/stop", status=204)
        async with gateway_of(engine.address, **keys) as client:
            await state_of(client, "h1", DOWN)
            refused = await refusal(list_of(client, "h1"))
            engine.on("GET", "/_ping", body=b"OK")
            stop = containers_pb2.StopContainerRequest(host="h1", id="web")
            while await client.containers.StopContainer(stop).code() is not grpc.StatusCode.OK:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

            assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "ENGINE_BACKEND")
            assert (await state_of(client, "h1", UP)).message == ""
            assert [request.path for request in engine.asked] == ["/containers/web/stop"]


async def test_a_host_whose_calls_pile_up_is_probed_at_once(engine: FakeEngine) -> None:
    """They may all hang; a busy host answers the probe, one that hangs does not."""
    how = {"health_check_interval_seconds": 3600, "health_check_timeout_seconds": 0.4}
    limits = Limits(max_connections_per_host=1, max_queued_calls_per_host=1)
    async with gateway_of(engine.address, limits=limits, **how) as client:
        await host_when(client, "h1", lambda host: host.engine_id)
        engine.on("GET", "/containers/json", HANG)
        calls = [asyncio.ensure_future(refusal(list_of(client, "h1"))) for _ in range(2)]
        budgets = {kind.value: budget for kind, budget in client.hosts_of_gateway["h1"].engine.budgets.items()}
        await until(lambda: budgets["unary"].queued == 1)
        pings = len(engine.requests) - len(engine.asked)
        busy = await refusal(list_of(client, "h1"))
        await engine.until(lambda: len(engine.requests) - len(engine.asked) > pings)
        up = await host_when(client, "h1", lambda host: True)
        engine.on("GET", "/_ping", HANG)
        assert (await refusal(list_of(client, "h1"))).reason == "HOST_BUSY"
        down = await state_of(client, "h1", DOWN)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    assert (busy.reason, up.state) == ("HOST_BUSY", UP)
    assert down.reason == common_pb2.ERROR_REASON_HOST_TIMEOUT


async def test_calls_that_wait_for_a_connection_fail_when_the_host_is_down(engine: FakeEngine) -> None:
    """Nothing of them was sent, and they need not wait for their own timeouts."""
    limits = Limits(max_connections_per_host=1)
    async with gateway_of(engine.address, limits=limits, **QUICK) as client:
        await state_of(client, "h1", UP)
        engine.on("GET", "/containers/json", HANG)
        calls = [asyncio.ensure_future(refusal(list_of(client, "h1"))) for _ in range(4)]
        budgets = {kind.value: budget for kind, budget in client.hosts_of_gateway["h1"].engine.budgets.items()}
        await until(lambda: budgets["unary"].queued == 3)
        engine.on("GET", "/_ping", HANG)

        ended, [hanging] = await asyncio.wait(calls[1:]), calls[:1]

        assert {(each.result().code, each.result().reason) for each in ended[0]} == {
            (grpc.StatusCode.UNAVAILABLE, "HOST_TIMEOUT")
        }
        assert not hanging.done()
        hanging.cancel()
        await asyncio.gather(hanging, return_exceptions=True)


async def test_a_clients_own_deadline_says_nothing_about_a_host(engine: FakeEngine) -> None:
    """However many run out, and about whatever: no breaker opens, and the host is not suspected."""
    engine.on("GET", "/containers/{id}/json", HANG)
    async with gateway_of(engine.address, health_check_interval_seconds=0.1) as client:
        await state_of(client, "h1", UP)
        refusals = await asyncio.gather(*(refusal(inspect(client, f"c{n}", timeout=0.1)) for n in range(20)))
        probes = len(engine.requests) - len(engine.asked)
        await engine.until(lambda: len(engine.requests) - len(engine.asked) > probes + 2)
        host = await state_of(client, "h1", UP, DEGRADED, DOWN)

    assert {each.code for each in refusals} == {grpc.StatusCode.DEADLINE_EXCEEDED}
    assert (host.state, list(host.breakers)) == (UP, [])
    assert not [request for request in engine.asked if request.path == "/containers/json"]  # the prober's own read


async def test_one_container_that_hangs_is_not_the_host(engine: FakeEngine, client: Client) -> None:
    """Calls about it time out, and those about others are answered as before (B2 8)."""
    engine.on("GET", "/containers/stuck/json", HANG)

    for _ in range(6):
        assert (await refusal(inspect(client, "stuck"))).reason == "HOST_TIMEOUT"
        host = (await client.hosts.GetHost(hosts_pb2.GetHostRequest(host="h1"))).host
        assert (host.state, list(host.breakers)) == (UP, [])
    read = await engine.request("GET", "/containers/json")
    await inspect(client, "web")

    assert dict(read.query) == {"limit": "1"}  # the prober made sure


async def fails_often(client: Client, engine: FakeEngine) -> None:
    """Let five questions about five containers time out."""
    engine.on("GET", "/containers/{id}/json", HANG)
    refusals = await asyncio.gather(*(refusal(inspect(client, f"c{n}")) for n in range(5)))
    assert {each.reason for each in refusals} == {"HOST_TIMEOUT"}


async def test_an_engine_that_answers_only_pings_has_an_open_breaker(engine: FakeEngine, client: Client) -> None:
    """Calls of that kind fail at once; those of other kinds do not.  The prober's own read closes it."""
    engine.on("GET", "/containers/json", HANG)
    engine.on("GET", "/system/df", json={})
    await fails_often(client, engine)
    host = await host_when(client, "h1", lambda host: host.breakers)
    sent = len([request for request in engine.asked if "limit" not in dict(request.query)])
    refused = await refusal(inspect(client, "web"))
    unsent = len([request for request in engine.asked if "limit" not in dict(request.query)]) == sent
    await client.system.GetDataUsage(system_pb2.GetDataUsageRequest(host="h1"))  # is heavy
    shown = client.metrics.registry.get_sample_value
    is_open = shown("dockfleet_host_breaker_open", {"host": "h1", "kind": "unary"})

    [breaker] = host.breakers
    assert (host.state, host.reason) == (DEGRADED, common_pb2.ERROR_REASON_HOST_TIMEOUT)
    assert "answers pings, but not what containers it has" in host.message
    assert breaker.kind == "unary"
    assert breaker.failure.reason == common_pb2.ERROR_REASON_HOST_TIMEOUT
    assert (breaker.failure.host, breaker.failure.retry_safe) == ("h1", True)
    assert (refused.code, refused.reason) == (grpc.StatusCode.UNAVAILABLE, "HOST_TIMEOUT")
    assert "unary calls to the host fail since" in refused.message
    assert retry_seconds(refused) > 0
    assert unsent
    assert is_open == 1

    engine.on("GET", "/containers/{id}/json", json=state())
    engine.on("GET", "/containers/json", json=[])
    host = await state_of(client, "h1", UP)
    await inspect(client, "web")

    assert list(host.breakers) == []
    assert shown("dockfleet_host_breaker_open", {"host": "h1", "kind": "unary"}) is None


async def test_calls_that_fail_open_no_breaker_while_the_engine_answers_the_gateway(
    engine: FakeEngine, client: Client
) -> None:
    """Two witnesses are needed."""
    await fails_often(client, engine)
    await engine.request("GET", "/containers/json")  # the prober's own read

    host = await state_of(client, "h1", UP)

    assert list(host.breakers) == []


async def test_a_list_that_hangs_degrades_a_host_and_blocks_no_other_call(engine: FakeEngine, client: Client) -> None:
    """Some engines hang in lists, because of one container, and answer all else."""
    engine.on("GET", "/containers/json", HANG)
    for _ in range(6):
        assert (await refusal(list_of(client, "h1"))).reason == "HOST_TIMEOUT"
    host = await state_of(client, "h1", DEGRADED)
    await inspect(client, "web")

    assert list(host.breakers) == []


async def test_every_change_of_state_is_logged_once(
    engine: FakeEngine, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """With the reason; a host that stays down says nothing more."""
    caplog.set_level(logging.INFO, "gateway.fleet")
    engine.on("GET", "/_ping", HANG)
    await state_of(client, "h1", DOWN)
    pings = len(engine.requests) - len(engine.asked)
    await engine.until(lambda: len(engine.requests) - len(engine.asked) > pings + 2)
    engine.on("GET", "/_ping", body=b"OK")
    await state_of(client, "h1", UP)

    lines = [vars(record)["fields"] for record in caplog.records if record.getMessage() == "host"]
    assert [(fields["state"], fields.get("reason")) for fields in lines] == [
        ("degraded", "HOST_TIMEOUT"), ("down", "HOST_TIMEOUT"), ("up", None),
    ]  # fmt: skip
    assert {fields["host"] for fields in lines} == {"h1"}


async def test_the_engine_is_known_and_asked_again_after_a_break(tmp_path: Path) -> None:
    """Its id and version are asked for when it is there, once, and when another may be at its place (B2 7)."""
    path = str(tmp_path / "docker.sock")
    async with gateway_of(f"unix://{path}", **QUICK) as client:
        async with FakeEngine(path) as engine:
            first = await host_when(client, "h1", lambda host: host.engine_id)
            probes = len(engine.requests)
            await engine.until(lambda: len(engine.requests) > probes + 3)
            asked = [request.path for request in engine.requests].count("/info")
        async with FakeEngine(path) as engine:
            engine.on("GET", "/info", json={"ID": "OTHER", "ServerVersion": "26.1.5"})
            second = await host_when(client, "h1", lambda host: host.engine_id != first.engine_id)
            info = client.metrics.registry.get_sample_value(
                "dockfleet_host_engine_info", {"host": "h1", "api_version": "1.41", "engine_version": "26.1.5"}
            )

    assert (first.engine_id, first.engine_version, asked) == ("HGDL:IRVN", "20.10.24", 1)
    assert (second.engine_id, second.engine_version, info) == ("OTHER", "26.1.5", 1)


@pytest.mark.parametrize(
    ("answer", "id", "version"),
    [
        (answering(status=403, error="forbidden"), "", "20.10.24"),  # a proxy that lets little through
        (answering(json={"ID": ["no"], "ServerVersion": "x" * 9999}), "", "x" * 128),
        (answering(json=[]), "", ""),
        (answering(body=b"{"), "", ""),
        (HANG, "", ""),
    ],
    ids=["refused", "misfit", "array", "torn", "hangs"],
)
async def test_an_engine_that_does_not_say_who_it_is_is_up(
    engine: FakeEngine, answer: Any, id: str, version: str
) -> None:
    """What it says is bounded, and nothing waits for it."""
    engine.on("GET", "/info", answer)
    async with gateway_of(engine.address, **QUICK) as client:
        await engine.request("GET", "/info", nth=1 if version else 2)  # it is asked again where it did not answer
        await list_of(client, "h1")
        host = await host_when(client, "h1", lambda host: host.state == UP and host.engine_version == version)

    assert (host.engine_id, host.engine_version) == (id, version)


async def test_the_clock_of_a_host_is_known(engine: FakeEngine) -> None:
    """The offset is correct even after the clock was set, because responses have a date (B2 13)."""
    engine.clock_skew = 3600.0
    async with gateway_of(engine.address, **QUICK) as client:
        host = client.hosts_of_gateway["h1"]
        await until(lambda: host.clock_offset_seconds is not None)
        first = host.clock_offset_seconds
        engine.clock_skew = -3600.0
        await until(lambda: (host.clock_offset_seconds or 0) < 0)
        second = host.clock_offset_seconds
        shown = client.metrics.registry.get_sample_value("dockfleet_host_clock_offset_seconds", {"host": "h1"})

    assert first == pytest.approx(3600, abs=60)
    assert second == pytest.approx(-3600, abs=60)
    assert shown == second


async def test_a_host_that_is_drained_says_so_while_it_is_up(engine: FakeEngine, client: Client) -> None:
    """It is down when it is down, and drained again when it is back."""
    host = client.hosts_of_gateway["h1"]
    host.draining = True
    drained = await state_of(client, "h1", DRAINING)
    await list_of(client, "h1")
    engine.on("GET", "/_ping", status=500, error="broken")
    down = await state_of(client, "h1", DOWN)
    engine.on("GET", "/_ping", body=b"OK")
    again = await state_of(client, "h1", UP, DRAINING)
    host.draining = False

    assert (drained.draining, drained.reason) == (True, common_pb2.ERROR_REASON_HOST_DRAINING)
    assert (down.draining, down.reason) == (True, common_pb2.ERROR_REASON_ENGINE_ERROR)
    assert again.state == DRAINING
    assert (await state_of(client, "h1", UP)).draining is False


async def test_what_a_host_is_is_in_the_metrics(engine: FakeEngine, client: Client) -> None:
    """One series for its state and the reason of that, which ends with the state."""

    def states() -> list[tuple[str, str]]:
        return [
            (sample.labels["state"], sample.labels["reason"])
            for family in client.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "dockfleet_host_state" and sample.value == 1
        ]

    assert states() == [("up", "")]
    engine.on("GET", "/_ping", HANG)
    host = await state_of(client, "h1", DOWN)
    assert states() == [("down", "HOST_TIMEOUT")]
    since = client.metrics.registry.get_sample_value("dockfleet_host_state_timestamp_seconds", {"host": "h1"})
    assert since == pytest.approx(host.state_time.ToNanoseconds() / 1e9, abs=0.001)
    assert client.metrics.registry.get_sample_value("dockfleet_host_up", {"host": "h1"}) == 0


async def test_a_host_that_breaks_a_connection_is_probed_soon(engine: FakeEngine) -> None:
    """A lost connection may be the end of the host, so the next probe runs before the interval."""

    async def close(exchange: ResponseParser) -> None:
        exchange.close()

    async with gateway_of(engine.address, health_check_interval_seconds=3600) as client:
        await engine.request("GET", "/info")
        engine.on("GET", "/containers/json", close)
        engine.on("GET", "/_ping", close)

        assert (await refusal(list_of(client, "h1"))).reason == "CONNECTION_LOST"
        assert (await state_of(client, "h1", DOWN)).reason == common_pb2.ERROR_REASON_CONNECTION_LOST


async def test_calls_do_not_pile_up_at_a_host_that_answers_nothing(engine: FakeEngine) -> None:
    """They would fill their client's connection, and hold up its calls to other hosts, until the host is known to be
    down: after a second without any answer, also to a probe, a host with many calls takes no more."""
    async with FakeEngine() as other, gateway_of(engine.address, other.address) as client:
        waiting = await hanging(client, engine)
        schedule = client.hosts_of_gateway["h1"].health.schedule
        await until(lambda: schedule.unanswered_seconds > 1)
        refused = await refusal(inspect(client, "web"))
        await client.system.Ping(system_pb2.PingRequest(host="h2"))

        assert (refused.code, refused.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "HOST_BUSY")
        assert refused.metadata["retry_safe"] == "true"
        assert "17 calls wait for it" in refused.message
        assert await state_of(client, "h1", UP)  # it is not known to be down yet
        for call in waiting:
            call.cancel()


async def test_calls_do_not_pile_up_when_a_second_probe_begins(engine: FakeEngine) -> None:
    """A host that has not answered the first probe takes no more calls."""
    async with gateway_of(engine.address, health_check_timeout_seconds=2) as client:
        waiting = await hanging(client, engine)
        schedule = client.hosts_of_gateway["h1"].health.schedule
        await state_of(client, "h1", DEGRADED)  # after the first probe
        await until(lambda: schedule.probing)
        refused = await refusal(inspect(client, "web", timeout=1))
        for call in waiting:
            call.cancel()

    assert refused.reason in ("HOST_BUSY", "HOST_TIMEOUT")  # after the second probe, it is known to be down


async def hanging(client: Client, engine: FakeEngine) -> list[Any]:
    """Let the host `h1` answer nothing any more, and return 17 calls that wait for it; a probe is under way."""
    await state_of(client, "h1", UP)
    host = client.hosts_of_gateway["h1"].engine
    engine.on("GET", "/containers/{id}/json", HANG)
    waiting = [inspect(client, "web") for _ in range(16)]
    await engine.request("GET", "/containers/{id}/json", nth=16)
    engine.on("GET", "/_ping", HANG)
    await until(lambda: time.time() - (host.last_contact or 0) > 1)
    return [*waiting, inspect(client, "web")]  # the last one lets the host be probed
