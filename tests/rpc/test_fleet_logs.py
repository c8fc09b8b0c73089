"""FleetService.StreamLogs in front of scripted engines: the order and the tokens of merged logs."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from dockfleet.v1 import containers_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine.logs.entries import Entry
from gateway.engine.transport.response_parser import ResponseParser as Received
from gateway.rpc.context import StreamContext
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_events import Daemon
from tests.support.fake_log import LOGS, STATE, Log, state
from tests.support.fake_objects import container, full
from tests.support.gateway import Client, gateway_of, receive
from tests.support.held_turns import HeldTurns
from tests.support.upstream import until

COUNT = 300
"""Lines of each of two logs, of some KiB each: more than one response can have."""


def _log(name: str, first: int, count: int = COUNT) -> Log:
    lines = [b"%s %d %s\n" % (name.encode(), number, b"x" * 3000) for number in range(count)]
    return Log(*lines, stamps=[(2 * number + first) * 1000 for number in range(count)])


def _lines(responses: list[pb.StreamLogsResponse]) -> list[bytes]:
    records = [record for response in responses for record in response.records]
    return [b" ".join(entry.data.split()[:2]) for record in records for entry in record.batch.entries]


async def _read(client: Client, **more: Any) -> list[pb.StreamLogsResponse]:
    request = pb.StreamLogsRequest(
        hosts=selectors_pb2.HostSelector(all=True),
        containers=selectors_pb2.ContainerSelector(all=True),
        max_wait=Duration(seconds=60),  # on a busy machine, a log would be left out after one second
        **more,
    )
    return [response async for response in client.fleet.StreamLogs(request)]


@asynccontextmanager
async def _two_logs(status: str, count: int = COUNT, asked: list[str] | None = None) -> AsyncIterator[Client]:
    """Serve two containers with *count* lines each; the gateway of the client knows them.

    *asked* gets the paths of requests for their logs and states.
    """
    asked = [] if asked is None else asked
    logs = {full("aa"): _log("a", 0, count), full("bb"): _log("b", 1, count)}

    async def answer(exchange: ResponseParser) -> None:
        asked.append(exchange.request.path)
        await logs[exchange.request.path.split("/")[2]](exchange)

    async def inspect(exchange: ResponseParser) -> None:
        asked.append(exchange.request.path)
        await exchange.answer(json=state(running=status == "running") | {"Id": exchange.request.path.split("/")[2]})

    async with FakeEngine() as engine, gateway_of(engine.address, inventory=True) as client:
        Daemon(engine).containers = [container("aa", "a", status), container("bb", "b", status)]
        engine.on(*LOGS, answer)
        engine.on(*STATE, inspect)
        host = client.hosts_of_gateway["h1"]
        await until(lambda: host.outdated is None and len(host.inventory.containers()) == 2)
        yield client


async def test_a_merged_log_continues_after_the_last_line_of_each_response() -> None:
    """The token of each response leads to the lines after it: none is missing, and none comes twice."""
    async with _two_logs("exited") as client:
        responses = await _read(client)
        rests = [_lines(await _read(client, resume_token=response.resume_token)) for response in responses[:3]]

    whole = [b"%s %d" % (name, number) for number in range(COUNT) for name in (b"a", b"b")]
    assert _lines(responses) == whole
    assert len(responses) > 3
    for number, rest in enumerate(rests, 1):
        assert _lines(responses[:number]) + rest == whole


async def test_merged_logs_that_are_followed_end_at_until() -> None:
    """When the last of them has ended, no other can begin."""
    async with FakeEngine() as engine, gateway_of(engine.address, inventory=True) as client:
        Daemon(engine).containers = [container("aa", "a", "running")]
        engine.on(*LOGS, Log(b"1\n"))
        engine.on(*STATE, json=state() | {"Id": full("aa")})
        host = client.hosts_of_gateway["h1"]
        await until(lambda: host.outdated is None and len(host.inventory.containers()) == 1)
        followed = containers_pb2.StreamLogsRequest(follow=True, until=Timestamp(seconds=int(time.time()) + 1))
        responses = await _read(client, request=followed)

    assert _lines(responses) == [b"1"]
    assert responses[-1].records[-1].end.reason == containers_pb2.LOG_END_REASON_COMPLETE


async def test_merged_logs_begin_in_turns_of_their_host() -> None:
    """A client that begins many of them would keep the loop from the others otherwise: nothing is requested before."""
    asked: list[str] = []
    async with _two_logs("exited", 1, asked) as client:
        asked.clear()  # of what the inventory has requested
        turns = client.hosts_of_gateway["h1"].engine._pool.turns = HeldTurns()
        reading = asyncio.create_task(_read(client))
        await turns.waiting.wait()
        before = list(asked)
        turns.begin.set()
        responses = await reading

    assert not before
    assert _lines(responses) == [b"a 0", b"b 0"]


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Keep the garbage collector off: what reference cycles hold stays."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _kept() -> list[object]:
    """Return what a stream holds of a log, and what holds a stream."""
    return [
        each
        for each in gc.get_objects()
        if type(each) in (Entry, StreamContext) or (type(each) is Received and each.size)
    ]


@pytest.mark.usefixtures("no_collector")
async def test_nothing_is_kept_of_merged_logs_that_a_client_has_left() -> None:
    """Their lines are freed at once: a client that comes and goes would fill the memory before a collection."""
    async with _two_logs("running", 20 * COUNT) as client:
        before = _kept()
        request = pb.StreamLogsRequest(request=containers_pb2.StreamLogsRequest(follow=True))
        request.hosts.all = request.containers.all = True
        call = client.fleet.StreamLogs(request)
        while not (await receive(call)).records:
            pass
        during = len(_kept())
        call.cancel()
        await until(lambda: len(_kept()) <= len(before))

    assert during > len(before)
