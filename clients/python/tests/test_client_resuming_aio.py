"""Streams that resume, for asyncio: the same promises, and cancellation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import dockfleet
import dockfleet.aio
import grpc
import pytest
from dockfleet.resume_state import BROKEN
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import system_pb2 as system
from google.rpc.error_details_pb2 import RetryInfo

from clients.python.tests.scripted_gateway import Ended, Gateway, fail
from clients.python.tests.test_client_resuming import ID, away, calls, event, lines, proxied


@pytest.fixture
async def host(gateway: Gateway) -> AsyncIterator[dockfleet.aio.HostView]:
    async with dockfleet.aio.connect(gateway.address) as fleet:
        yield fleet.host("a")


async def test_a_broken_log_continues_after_the_last_batch(gateway: Gateway, host: dockfleet.aio.HostView) -> None:
    """As with the blocking client, on the wire and for the caller."""
    beat = lines(b"t2", heartbeat={})
    gateway.on("StreamLogs", calls([lines(b"t1", b"1", b"2"), beat], [lines(b"t3", b"3")]))

    entries = [entry.data async for entry in host.logs("web", follow=True, tail=100)]

    assert entries == [b"1", b"2", b"3"]
    assert gateway.requests == [
        containers.StreamLogsRequest(host="a", id="web", follow=True, strict=True, tail=100),
        containers.StreamLogsRequest(host="a", id=ID, follow=True, strict=True, resume_token=b"t2"),
    ]


async def test_a_log_continues_after_a_restart_of_the_gateway(gateway: Gateway, host: dockfleet.aio.HostView) -> None:
    """The next gateway continues."""
    gateway.on("StreamLogs", Ended().endless(lines(b"t1", b"1")))
    entries = host.logs("web", follow=True)
    assert (await anext(entries)).data == b"1"

    await asyncio.to_thread(gateway.stop)
    successor = Gateway(gateway.port)
    try:
        successor.on("StreamLogs", [lines(b"t2", b"2")])

        assert [entry.data async for entry in entries] == [b"2"]
        assert [request.resume_token for request in successor.requests] == [b"t1"]
    finally:
        await asyncio.to_thread(successor.stop)


@pytest.mark.parametrize("code", BROKEN)
async def test_a_failure_without_a_dockfleet_reason_is_retried(
    gateway: Gateway, host: dockfleet.aio.HostView, code: grpc.StatusCode
) -> None:
    """Also CANCELLED, when this program has not cancelled the call."""
    gateway.on("StreamLogs", calls(proxied(lines(b"t1", b"1"), code), [lines(b"t2", b"2")]))

    assert [entry.data async for entry in host.logs("web", follow=True)] == [b"1", b"2"]
    assert [request.resume_token for request in gateway.requests] == [b"", b"t1"]


async def test_a_gap_is_an_error_of_logs(gateway: Gateway, host: dockfleet.aio.HostView) -> None:
    """`logs` is strict by default."""

    def behave(request: Any, context: grpc.ServicerContext) -> Any:
        fail(context, grpc.StatusCode.DATA_LOSS, "lost", "GAP", host="a")

    gateway.on("StreamLogs", behave)

    with pytest.raises(dockfleet.DockfleetError, match="a: GAP: lost"):
        await anext(host.logs("web"))
    with pytest.raises(dockfleet.DockfleetError):
        await anext(host.logs("web", strict=False))

    assert [request.strict for request in gateway.requests] == [True, False]


async def test_events_and_stats_continue(gateway: Gateway, host: dockfleet.aio.HostView) -> None:
    """Events with their token, samples without."""
    gateway.on("StreamEvents", calls([event(b"t1", "create")], [event(b"t2", "start")]))
    sample = containers.StreamStatsResponse(stats={"id": ID})
    gateway.on("StreamStats", calls([sample], [sample]))

    async with host.events(since={"seconds": 5}) as events:
        await events.wait_started()
        assert [message.event.action async for message in events] == ["create", "start"]
    async with host.stats("web") as samples:
        assert [each.HasField("stats") async for each in samples] == [True, True]

    assert gateway.requests[1] == system.StreamEventsRequest(host="a", resume_token=b"t1")


async def test_the_last_failure_is_raised_after_retry_seconds(gateway: Gateway, host: dockfleet.aio.HostView) -> None:
    """Every call has the token of the last response."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1")], *[away] * 20))

    entries = host.logs("web", retry_seconds=0.5)
    assert (await anext(entries)).data == b"1"
    with pytest.raises(dockfleet.DockfleetError, match="a: CONNECTION_LOST"):
        await anext(entries)

    assert len(gateway.requests) >= 2
    assert {request.resume_token for request in gateway.requests[1:]} == {b"t1"}


async def test_a_log_that_has_ended_is_not_requested_again(gateway: Gateway, host: dockfleet.aio.HostView) -> None:
    """A connection that breaks between the last response and the status changes nothing."""
    gateway.on("StreamLogs", calls([lines(b"t1", end={})], []))

    async with host.log_messages("web") as messages:
        assert [message.WhichOneof("record") async for message in messages] == ["end"]

    assert len(gateway.requests) == 1


async def test_a_cancelled_wait_loses_nothing(gateway: Gateway, host: dockfleet.aio.HostView) -> None:
    """It ends the call; the next wait continues after the last response."""
    ended = Ended()
    gateway.on("StreamLogs", calls(ended.endless(lines(b"t1", b"1")), [lines(b"t2", b"2")]))

    async with host.log_messages("web", follow=True) as messages:
        assert (await anext(messages)).batch.entries[0].data == b"1"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(messages), 0.05)
        assert await asyncio.to_thread(ended.wait, 10)
        assert [entry.data async for message in messages for entry in message.batch.entries] == [b"2"]

    assert [request.resume_token for request in gateway.requests] == [b"", b"t1"]


async def test_a_wait_for_the_gateway_may_be_cancelled_and_repeated(
    gateway: Gateway, host: dockfleet.aio.HostView
) -> None:
    """It does not end the stream."""
    tried, back = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        if not back.is_set():
            loop.call_soon_threadsafe(tried.set)
            fail(context, grpc.StatusCode.UNAVAILABLE, "", "GOING_AWAY", RetryInfo(retry_delay={"seconds": 30}))
        yield lines(b"t2", b"2")

    gateway.on("StreamLogs", calls([lines(b"t1", b"1")], *[behave] * 20))

    async with host.log_messages("web", follow=True) as messages:
        await anext(messages)
        waiting = asyncio.ensure_future(anext(messages))
        await tried.wait()
        await asyncio.wait([waiting], timeout=2)  # it usually waits for the 30 seconds then; any state will do
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        back.set()
        assert (await anext(messages)).batch.entries[0].data == b"2"

    assert {request.resume_token for request in gateway.requests[1:]} == {b"t1"}


async def test_a_wait_that_is_cancelled_before_the_first_response_is_an_error_of_the_next(
    gateway: Gateway, host: dockfleet.aio.HostView
) -> None:
    """The stream cannot continue without a token, and must not end silently."""
    gateway.on("StreamEvents", Ended().endless())

    async with host.events() as events:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.05)
        with pytest.raises(dockfleet.DockfleetError, match="before its first response"):
            await anext(events)


async def test_a_cancelled_task_ends_its_call_and_stays_cancelled(
    gateway: Gateway, host: dockfleet.aio.HostView
) -> None:
    """A cancellation is not a failure."""
    ended, first = Ended(), asyncio.Event()
    gateway.on("StreamLogs", ended.endless(lines(b"t", b"1")))

    async def follow() -> None:
        async for _ in host.logs("web", follow=True):
            first.set()

    task = asyncio.create_task(follow())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(ended.wait, 10)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("waits_for", ["a message", "the gateway"])
async def test_a_stream_that_another_task_closes_ends(
    gateway: Gateway, host: dockfleet.aio.HostView, waits_for: str
) -> None:
    """While it waits for a response, and while it waits for the gateway."""
    tried = asyncio.Event()
    loop = asyncio.get_running_loop()

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        loop.call_soon_threadsafe(tried.set)
        if waits_for == "a message":
            yield from Ended().endless(lines(b"t2", heartbeat={}))(request, context)
        away(request, context)

    gateway.on("StreamLogs", calls([lines(b"t1", b"1")], *[behave] * 1000))
    messages = host.log_messages("web", follow=True, retry_seconds=1e6)
    await anext(messages)

    async def close() -> None:
        await tried.wait()
        messages.close()

    closing = asyncio.create_task(close())
    assert [message async for message in messages] == []
    assert [message async for message in messages] == []
    await closing
