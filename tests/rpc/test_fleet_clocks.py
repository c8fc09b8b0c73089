"""Merged streams of hosts whose clocks differ by minutes: the times of a record are those of its host."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.fleet.v1 import selectors_pb2
from dockfleet.v1 import containers_pb2, system_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from tests.support.fake_engine import FakeEngine
from tests.support.fake_events import Daemon
from tests.support.fake_log import LOGS, SECOND, STATE, Log, state
from tests.support.fake_objects import container, full
from tests.support.gateway import Client, gateway_of, receive
from tests.support.upstream import until

ALL = selectors_pb2.HostSelector(all=True)
AHEAD = {"h1": 300, "h2": 0, "h3": -300}
"""By how many seconds the clock of each host is ahead of the gateway's."""


class Hosts:
    """Three hosts with a container each, which has written a line every ten seconds, by the clock of its host."""

    def __init__(self, client: Client, engines: dict[str, FakeEngine]) -> None:
        self.client = client
        self.now = time.time_ns() - 60 * SECOND  # the gateway's time of the last line
        self.daemons: dict[str, Daemon] = {}
        self.logs: dict[str, Log] = {}
        for name, engine in engines.items():
            self.daemons[name] = Daemon(engine)
            self.daemons[name].containers = [container("aa", "web", "running")]
            log = self.logs[name] = Log()
            engine.on(*LOGS, log)
            engine.on(*STATE, json=state() | {"Id": full("aa")})
            for seconds in (-20, -10, 0):
                self.write(name, seconds)

    def write(self, name: str, seconds: int) -> None:
        """Let the container write a line; its time is that of the last line of all containers, and some seconds."""
        text = f"{name} {seconds}\n".encode()
        self.logs[name].write((self.now + (AHEAD[name] + seconds) * SECOND, text, 1))

    async def known(self) -> None:
        """Wait until all containers are in the inventory."""
        hosts = [self.client.hosts_of_gateway[name] for name in AHEAD]
        await until(lambda: all(each.outdated is None and each.inventory.containers() for each in hosts))

    async def read(self, count: int, **more: Any) -> list[pb.StreamLogsResponse]:
        """Follow the logs until that number of lines is there."""
        any_of_them = selectors_pb2.ContainerSelector(all=True)
        more = {"request": containers_pb2.StreamLogsRequest(follow=True)} | more
        stream = self.client.fleet.StreamLogs(pb.StreamLogsRequest(hosts=ALL, containers=any_of_them, **more))
        responses: list[pb.StreamLogsResponse] = []
        while len(lines(responses)) < count:
            responses.append(await receive(stream))
        stream.cancel()
        return responses


@pytest.fixture
async def hosts() -> AsyncIterator[Hosts]:
    """The hosts, whose containers are known."""
    async with AsyncExitStack() as stack:
        engines = {name: await stack.enter_async_context(FakeEngine()) for name in AHEAD}
        for name, engine in engines.items():
            engine.clock_skew = AHEAD[name]
        addresses = [engine.address for engine in engines.values()]
        client = await stack.enter_async_context(gateway_of(*addresses, inventory=True))
        hosts = Hosts(client, engines)
        await hosts.known()
        yield hosts


def lines(responses: list[pb.StreamLogsResponse]) -> list[str]:
    """The lines, in their order."""
    records = [record for response in responses for record in response.records]
    return [entry.data.decode().strip() for record in records for entry in record.batch.entries]


async def test_what_was_written_before_comes_in_the_order_of_the_times_of_the_hosts(hosts: Hosts) -> None:
    """And what is written now comes at once, however far a clock is from the others."""
    responses = await hosts.read(9)
    stream = lines(responses)
    for name in ("h1", "h3", "h2"):
        hosts.write(name, 10)

    rest = lines(await hosts.read(3, resume_token=responses[-1].resume_token))

    assert stream == [f"{name} {seconds}" for name in ("h3", "h2", "h1") for seconds in (-20, -10, 0)]
    assert sorted(rest) == ["h1 10", "h2 10", "h3 10"]


async def test_each_token_of_such_a_stream_continues_it(hosts: Hosts) -> None:
    """Nothing is missing and nothing comes twice, for each host in its own order."""
    responses = await hosts.read(9)
    for number, response in enumerate(responses, 1):
        before = lines(responses[:number])
        if len(before) == 9:
            break
        rest = lines(await hosts.read(9 - len(before), resume_token=response.resume_token))
        assert before + rest == lines(responses)


async def test_since_is_by_the_clock_of_each_host(hosts: Hosts) -> None:
    """As it is for one host."""
    since = Timestamp()
    since.FromNanoseconds(hosts.now - 5 * SECOND)
    request = containers_pb2.StreamLogsRequest(since=since)
    any_of_them = selectors_pb2.ContainerSelector(all=True)
    asked = pb.StreamLogsRequest(hosts=ALL, containers=any_of_them, request=request)

    found = lines([response async for response in hosts.client.fleet.StreamLogs(asked)])

    assert found == ["h2 0", "h1 -20", "h1 -10", "h1 0"]


async def test_events_of_such_hosts_come_at_once_and_continue(hosts: Hosts) -> None:
    """In the order of their times where they are known, else as they happen."""
    since = Timestamp(seconds=1)
    for name, daemon in hosts.daemons.items():
        daemon.happen("container", "start", f"{name} before")

    async def read(count: int, **more: Any) -> list[pb.StreamEventsResponse]:
        call = hosts.client.fleet.StreamEvents(pb.StreamEventsRequest(hosts=ALL, **more))
        found: list[pb.StreamEventsResponse] = []
        while len(events(found)) < count:
            found.append(await receive(call))
        call.cancel()
        return found

    before = await read(3, request=system_pb2.StreamEventsRequest(since=since))
    for name in ("h2", "h1", "h3"):
        hosts.daemons[name].happen("container", "stop", f"{name} after")
    after = await read(3, resume_token=before[-1].resume_token)

    assert events(before) == ["h3 before", "h2 before", "h1 before"]
    assert sorted(events(after)) == ["h1 after", "h2 after", "h3 after"]


def events(responses: list[pb.StreamEventsResponse]) -> list[str]:
    """What has happened, in its order."""
    return [record.event.actor.id for response in responses for record in response.records if record.HasField("event")]


async def test_until_is_by_the_clock_of_each_host(hosts: Hosts) -> None:
    """Where that is slow, the time is not over yet, and the streams continue with it alone."""
    ends = Timestamp(seconds=int(time.time()) - 100)
    asked = system_pb2.StreamEventsRequest(since=Timestamp(seconds=1), until=ends)
    for name, daemon in hosts.daemons.items():
        daemon.happen("container", "start", f"{name} before")
    followed = hosts.client.fleet.StreamEvents(pb.StreamEventsRequest(hosts=ALL, request=asked))
    found = [await receive(followed)]
    while "h3 before" not in events(found):
        found.append(await receive(followed))
    hosts.daemons["h3"].happen("container", "stop", "h3 after")
    while "h3 after" not in events(found):
        found.append(await receive(followed))
    followed.cancel()
    request = containers_pb2.StreamLogsRequest(follow=True, until=ends)
    stream = hosts.client.fleet.StreamLogs(
        pb.StreamLogsRequest(hosts=ALL, containers=selectors_pb2.ContainerSelector(all=True), request=request)
    )
    written = [await receive(stream)]
    while len(lines(written)) < 3:
        written.append(await receive(stream))
    hosts.write("h3", 10)
    while len(lines(written)) < 4:
        written.append(await receive(stream))
    stream.cancel()

    assert events(found) == ["h3 before", "h3 after"]
    assert lines(written) == ["h3 -20", "h3 -10", "h3 0", "h3 10"]
