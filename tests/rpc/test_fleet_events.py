"""FleetService.StreamEvents in front of scripted engines: when events begin."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from dockfleet.v1 import common_pb2, system_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.config.settings import Limits
from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.gateway import gateway_of, receive
from tests.support.upstream import Held

ALL = selectors_pb2.HostSelector(all=True)


async def test_a_stream_begins_when_all_hosts_are_listened_to() -> None:
    """So what a client does once it has the head of the response is in the stream."""
    async with FakeEngine() as quick, FakeEngine() as slow, gateway_of(quick.address, slow.address) as client:
        held = Held()
        slow.on("GET", "/events", held, times=1)
        call = client.fleet.StreamEvents(pb.StreamEventsRequest(hosts=ALL, max_wait=Duration(seconds=60)))
        head = asyncio.ensure_future(call.initial_metadata())
        await held.called.wait()
        await quick.request("GET", "/events")
        await client.system.Ping(system_pb2.PingRequest(host="h1"))
        begun: Any = head.done()
        await held.exchange.answer(status=200)
        await head
        call.cancel()

    assert not begun


async def test_a_host_that_does_not_answer_delays_the_beginning_for_max_wait_at_most() -> None:
    """The head of the response comes then."""
    async with FakeEngine() as quick, FakeEngine() as hung, gateway_of(quick.address, hung.address) as client:
        hung.on("GET", "/events", Held())
        call = client.fleet.StreamEvents(pb.StreamEventsRequest(hosts=ALL, max_wait=Duration(nanos=50_000_000)))
        await call.initial_metadata()
        call.cancel()


async def test_merged_events_continue_after_the_last_event_of_each_response() -> None:
    """The token of each response leads to the events after it: none is missing, and none comes twice."""
    async with FakeEngine() as engine, gateway_of(engine.address) as client:
        daemon = Daemon(engine)
        for number in range(200):
            daemon.happen("container", "start", f"{number:064x}", text="x" * 4000)

        async def read(count: int, **more: Any) -> list[pb.StreamEventsResponse]:
            found: list[pb.StreamEventsResponse] = []
            call = client.fleet.StreamEvents(pb.StreamEventsRequest(hosts=ALL, **more))
            while len(_events(found)) < count:
                found.append(await receive(call))
            call.cancel()
            return found

        responses = await read(200, request=system_pb2.StreamEventsRequest(since=Timestamp(seconds=1)))
        sent = [len(_events(responses[:number])) for number in (1, 2)]
        rests = [
            await read(200 - count, resume_token=response.resume_token)
            for count, response in zip(sent, responses, strict=False)
        ]

    assert _events(responses) == [f"{number:064x}" for number in range(200)]
    assert len(responses) > 2
    for number, rest in enumerate(rests, 1):
        assert _events(responses[:number] + rest) == _events(responses)


def _events(responses: list[pb.StreamEventsResponse]) -> list[str]:
    return [record.event.actor.id for response in responses for record in response.records if record.HasField("event")]


async def test_with_until_events_do_not_wait_for_a_host_that_does_not_answer() -> None:
    """The events of the others come, and the stream ends without waiting for its answer."""
    limits = Limits(fan_out_timeout_seconds=2)  # the quick host answers within it
    async with (
        FakeEngine() as quick,
        FakeEngine() as hung,
        gateway_of(quick.address, hung.address, limits=limits) as client,
    ):
        Daemon(quick).happen("container", "start", "c1")
        hung.on("GET", "/events", Held())
        now = int(time.time())
        asked = system_pb2.StreamEventsRequest(since=Timestamp(seconds=now - 60), until=Timestamp(seconds=now + 1))
        responses = [
            response async for response in client.fleet.StreamEvents(pb.StreamEventsRequest(hosts=ALL, request=asked))
        ]

    assert _events(responses) == ["c1"]
    last = [record for response in responses for record in response.records if record.HasField("failure")]
    assert [(record.host, record.failure.reason) for record in last] == [("h2", common_pb2.ERROR_REASON_HOST_TIMEOUT)]
