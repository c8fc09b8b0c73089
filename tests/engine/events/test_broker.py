"""The events of a host: one subscription for all watchers, nothing lost or repeated, gaps named."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import pytest
from dockfleet.v1 import common_pb2, system_pb2

from gateway.engine.client import Endpoint, Engine
from gateway.engine.events import event_buffer
from gateway.engine.events.broker import EventBroker
from gateway.engine.events.event_buffer import EventCursor, Gap, Record
from gateway.engine.events.filter import Filter
from gateway.engine.events.source import EventSource
from gateway.engine.inventory.changes import Synced
from gateway.engine.transport.pool import Address
from gateway.fleet import registry
from tests.support.fake_engine import FakeEngine, hang
from tests.support.fake_events import Daemon
from tests.support.fake_objects import container, full, serve
from tests.support.gateway import Client, OpenGateway, failed


@pytest.fixture
async def daemon() -> AsyncIterator[Daemon]:
    """A fake engine on which things happen."""
    async with FakeEngine() as engine:
        yield Daemon(engine)


@pytest.fixture
async def client(daemon: Daemon, open_gateway: OpenGateway) -> AsyncIterator[Client]:
    """A client of a gateway in front of that engine, which is `h1`."""
    async with open_gateway(daemon.engine.address) as client:
        yield client


async def watch(client: Client, **request: Any) -> Any:
    """Watch `h1`, from now on; return the call when no event can be missed."""
    call = client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1", **request))
    await call.initial_metadata()
    return call


async def take(call: Any, count: int) -> list[Any]:
    """Return the next messages that are news."""
    found: list[Any] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            message = await call.read()
            if message is grpc.aio.EOF or not message.HasField("heartbeat"):
                found.append(message)
    return found


async def news(items: AsyncIterator[Record]) -> Record:
    """Return the next item of a broker that is news."""
    while (item := await anext(items)).idle is not None:
        pass
    return item


def times(messages: Iterable[Any]) -> list[int]:
    """Return the times of events."""
    return [message.event.time_nano for message in messages]


def of(events: Iterable[dict[str, Any]]) -> list[int]:
    """Return the times of events as the engine wrote them."""
    return [event["timeNano"] for event in events]


def summaries(messages: Iterable[Any]) -> list[tuple[str, str, str]]:
    """Return the type, the action and the id of events."""
    return [(message.event.type, message.event.action, message.event.actor.id) for message in messages]


async def test_an_event_arrives_as_the_engine_sent_it(client: Client, daemon: Daemon) -> None:
    """All parts of the event are there; it is not marked as synthetic."""
    call = await watch(client)
    happened = daemon.happen("container", "die", "c1", name="web", exitCode="137")

    (message,) = await take(call, 1)

    assert not message.event.synthetic
    assert message.resume_token
    assert (message.event.type, message.event.action, message.event.actor.id) == ("container", "die", "c1")
    assert dict(message.event.actor.attributes) == {"name": "web", "exitCode": "137"}
    assert message.event.scope == "local"
    assert message.event.time_nano == happened["timeNano"]
    assert message.event.time.seconds == happened["time"]


async def test_any_number_of_watchers_share_one_subscription(client: Client, daemon: Daemon) -> None:
    """A hundred watchers of a host are one for its engine, and each gets all."""
    calls = [await watch(client) for _ in range(100)]
    happened = [daemon.happen("container", "start", f"c{number}") for number in range(20)]

    for call in calls:
        assert times(await take(call, 20)) == of(happened)
    assert daemon.subscriptions == daemon.listeners == 1


async def test_a_new_watcher_gets_new_events_alone(client: Client, daemon: Daemon) -> None:
    """A call does not get events from before it, whether it opens the subscription or joins it."""
    daemon.happen("container", "create", "old")
    first = await watch(client)
    daemon.happen("container", "start", "between")
    await take(first, 1)
    second = await watch(client)
    last = daemon.happen("container", "die", "last")

    assert times(await take(first, 1)) == of([last])
    assert times(await take(second, 1)) == of([last])


async def test_the_past_comes_first_and_joins_the_present(client: Client, daemon: Daemon) -> None:
    """With `since`, remembered events come in order, then the new ones, each once; from exactly that time on."""
    happened = [daemon.happen("container", "create", f"c{number}") for number in range(10)]
    request = system_pb2.StreamEventsRequest(host="h1")
    request.since.FromNanoseconds(happened[4]["timeNano"])

    call = client.system.StreamEvents(request)
    await call.initial_metadata()
    new = daemon.happen("container", "start", "new")

    assert times(await take(call, 7)) == of([*happened[4:], new])


async def test_the_past_alone_comes_to_an_end(client: Client, daemon: Daemon) -> None:
    """With an `until` in the past, the call sends the events up to it, and ends with OK."""
    happened = [daemon.happen("container", "create", f"c{number}") for number in range(10)]
    request = system_pb2.StreamEventsRequest(host="h1")
    request.until.FromNanoseconds(happened[6]["timeNano"])

    call = client.system.StreamEvents(request)

    assert times([message async for message in call]) == of(happened[:7])
    assert await call.code() is grpc.StatusCode.OK


async def test_a_call_ends_when_its_time_has_come(client: Client, daemon: Daemon) -> None:
    """With an `until` in the future, the call sends the events up to it, and ends with OK."""
    request = system_pb2.StreamEventsRequest(host="h1")
    now = time.time_ns()
    request.since.FromNanoseconds(now)
    request.until.FromNanoseconds(now + 500_000_000)
    call = client.system.StreamEvents(request)
    await call.initial_metadata()
    happened = daemon.happen("container", "create", "c1")

    assert times([message async for message in call if not message.HasField("heartbeat")]) == of([happened])
    assert await call.code() is grpc.StatusCode.OK
    assert time.time_ns() >= now + 500_000_000


async def test_filters_are_applied_for_each_watcher(client: Client, daemon: Daemon) -> None:
    """Watchers with different filters share the subscription, and get what they asked for."""

    def filters(**wanted: str) -> dict[str, common_pb2.StringList]:
        return {name: common_pb2.StringList(items=[value]) for name, value in wanted.items()}

    dead = await watch(client, filters=filters(event="die"))
    web = await watch(client, filters=filters(container="web"))
    daemon.happen("container", "start", "c1", name="db")
    one = daemon.happen("container", "start", "c2", name="web")
    two = daemon.happen("container", "die", "c1", name="db")

    assert times(await take(dead, 1)) == of([two])
    assert times(await take(web, 1)) == of([one])
    assert daemon.subscriptions == 1


async def test_an_unknown_filter_is_refused(client: Client, daemon: Daemon) -> None:
    """A filter that does not exist would pass for one that everything fits."""
    request = system_pb2.StreamEventsRequest(host="h1", filters={"colour": common_pb2.StringList(items=["red"])})

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.system.StreamEvents(request).read()

    assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed(caught.value).reason == "INVALID_FIELD"
    assert daemon.subscriptions == 0


# Breaks


async def test_a_cut_connection_is_not_seen(client: Client, daemon: Daemon) -> None:
    """Events during a broken connection arrive once, in order, without a gap."""
    call = await watch(client)
    happened = [daemon.happen("container", "start", "c1")]
    await take(call, 1)

    for number in range(5):
        daemon.cut()
        happened += [daemon.happen("container", "start", f"{number}.{part}") for part in range(7)]
        await daemon.subscribed(number + 2)
        happened.append(daemon.happen("container", "die", f"{number}"))

    assert times(await take(call, 40)) == of(happened[1:])


async def test_what_the_engine_repeats_comes_once(client: Client, daemon: Daemon) -> None:
    """An event that happens while the gateway subscribes is both remembered and sent: it is one event."""
    call = await watch(client)
    first = daemon.happen("container", "start", "c1")
    for queue in daemon._subscribers:
        queue.put_nowait(first)
    second = daemon.happen("container", "die", "c1")

    assert times(await take(call, 2)) == of([first, second])


async def test_more_than_the_engine_remembers_is_a_gap(client: Client, daemon: Daemon) -> None:
    """When more than 256 events happened during a break, a gap comes before those that are left."""
    call = await watch(client)
    daemon.happen("container", "start", "c1")
    await take(call, 1)

    daemon.cut()
    happened = [daemon.happen("container", "exec_create: true", f"c{number}") for number in range(300)]

    gap, *rest = await take(call, 257)
    assert gap.gap.reason == common_pb2.GAP_REASON_OVERRUN
    assert not gap.HasField("event")
    assert gap.gap.after.ToNanoseconds() == daemon.history[0]["timeNano"]
    assert gap.gap.before.ToNanoseconds() == happened[44]["timeNano"]
    assert times(rest) == of(happened[44:])


@asynccontextmanager
async def knowing(daemon: Daemon, open_gateway: OpenGateway) -> AsyncIterator[Client]:
    """Yield a client of a gateway that knows what there is on the host now."""
    async with open_gateway(daemon.engine.address, inventory=True) as client:
        async with aclosing(client.hosts_of_gateway["h1"].inventory.subscribe()) as changes:
            async for change in changes:
                if isinstance(change, Synced):
                    break
        yield client


async def test_after_a_restart_the_difference_is_sent(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """What changed unseen while an engine was restarted comes as synthetic events after the gap."""
    daemon.containers = [
        container("c1", "web", Labels={"team": "blue"}),
        container("c2", "db"),
        container("c3", "job", "exited"),
    ]
    daemon.images = [{"Id": "sha256:1", "RepoTags": ["a:1", "a:2"], "Labels": None}]
    daemon.networks = [{"Id": "n1", "Name": "front", "Driver": "bridge"}]
    daemon.volumes = [{"Name": "v1", "Driver": "local"}]
    daemon.happen("container", "start", full("c2"), name="db", image="busybox")
    async with knowing(daemon, open_gateway) as client:
        call = await watch(client)

        daemon.containers = [
            container("c1", "web", "exited", code=137, Labels={"team": "blue"}),
            container("c2", "db"),
            container("c4", "new"),
        ]
        daemon.images = [{"Id": "sha256:1", "RepoTags": ["a:2", "a:3"], "Labels": None}]
        daemon.networks = []
        daemon.volumes = [{"Name": "v1", "Driver": "local"}, {"Name": "v2", "Driver": "local"}]
        daemon.restart()

        gap, *rest = await take(call, 9)
        assert gap.gap.reason == common_pb2.GAP_REASON_ENGINE_RESTARTED
        assert gap.gap.after.ToNanoseconds() == daemon.history[-1]["timeNano"]
        assert not gap.gap.HasField("before")
        assert all(message.event.synthetic for message in rest)
        assert sorted(summaries(rest)) == [
            ("container", "create", full("c4")),
            ("container", "destroy", full("c3")),
            ("container", "die", full("c1")),
            ("container", "start", full("c4")),
            ("image", "tag", "sha256:1"),
            ("image", "untag", "sha256:1"),
            ("network", "destroy", "n1"),
            ("volume", "create", "v2"),
        ]
        died = next(message.event for message in rest if message.event.action == "die")
        assert dict(died.actor.attributes) == {"name": "web", "image": "busybox", "exitCode": "137", "team": "blue"}


async def test_a_gap_is_counted_once(client: Client, daemon: Daemon) -> None:
    """The number of watchers that get it does not matter."""

    def count() -> float:
        labels = {"host": "h1", "stream": "events", "reason": "engine_restarted"}
        return client.metrics.registry.get_sample_value("dockfleet_stream_gaps_total", labels) or 0.0

    before = count()
    calls = [await watch(client) for _ in range(3)]
    happened = daemon.happen("container", "start", full("c1"))
    assert [times(await take(call, 1)) for call in calls] == [of([happened])] * 3
    daemon.restart()
    assert all([(await take(call, 1))[0].HasField("gap") for call in calls])

    assert count() == before + 1


async def test_a_gap_of_one_watcher_counts_too(daemon: Daemon, engine: Engine) -> None:
    """Only this watcher had a cursor that the buffer does not know."""
    broker = EventBroker(engine)
    gaps: list[Gap] = []
    broker.gap_found = gaps.append
    async with broker.watch(Filter()), broker.watch(Filter(), cursor=EventCursor(bytes(8), 7, 5)) as items:
        gap = (await anext(items)).gap
    broker.close()

    assert gaps == [gap]


async def test_a_change_that_was_an_event_is_not_sent_again(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """The difference after a gap counts the events before it, also when no list has shown it yet."""
    daemon.containers = [container("c1", "web")]
    async with knowing(daemon, open_gateway) as client:
        call = await watch(client)
        daemon.engine.on("GET", "/containers/{id}/json", hang())  # the engine is stuck with all of them
        daemon.happen("container", "die", full("c1"), name="web", exitCode="1")
        daemon.happen("container", "create", full("c2"), name="new")
        await take(call, 2)

        daemon.containers = [container("c1", "web", "exited"), container("c2", "newer", "created")]
        serve(daemon.engine, lambda: daemon.containers)
        daemon.restart()

        gap, renamed = await take(call, 2)
        assert gap.HasField("gap")
        assert summaries([renamed]) == [("container", "rename", full("c2"))]
        assert renamed.event.actor.attributes["name"] == "newer"


async def test_what_happens_while_nobody_watches_is_there_for_who_comes_back(
    daemon: Daemon, open_gateway: OpenGateway
) -> None:
    """The subscription is the inventory's then, and keeps no events: the engine remembers them."""
    async with knowing(daemon, open_gateway) as client:
        daemon.happen("container", "start", "c1")
        call = await watch(client, since={"nanos": 1})
        [first] = await take(call, 1)
        call.cancel()
        client.hosts_of_gateway["h1"].events.idle()  # after a while
        missed = daemon.happen("container", "die", "c1")
        resumed = await watch(client, resume_token=first.resume_token)
        last = daemon.happen("container", "start", "c1")

        assert times(await take(resumed, 2)) == of([missed, last])
        assert daemon.subscriptions == 1


async def test_a_quiet_engine_that_was_not_restarted_has_no_gap(client: Client, daemon: Daemon) -> None:
    """A cut on an engine without any events loses nothing, and gives no gap."""
    call = await watch(client)
    daemon.cut()
    await daemon.subscribed(2)
    happened = daemon.happen("container", "start", "c1")

    assert times(await take(call, 1)) == of([happened])


async def test_the_gateway_asks_for_what_was_dropped_during_a_standstill(
    client: Client, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine silently drops events for a subscriber that does not read: the gateway asks after a standstill."""
    monkeypatch.setattr(registry, "_STANDSTILL_SECONDS", 0.3)
    call = await watch(client)
    happened = [daemon.happen("container", "start", "c1")]
    await take(call, 1)
    subscribers, daemon._subscribers = daemon._subscribers, {}
    happened.append(daemon.happen("container", "die", "c1"))  # is remembered, and sent to no subscriber
    daemon._subscribers = subscribers

    time.sleep(1.5)  # noqa: ASYNC251  # the whole process stands still, and the gateway with it

    assert times(await take(call, 1)) == of(happened[1:])
    assert daemon.subscriptions == 2


# Tokens


async def test_a_token_continues_after_its_event(client: Client, daemon: Daemon) -> None:
    """A new call with a token gets the later events, once."""
    call = await watch(client)
    happened = [daemon.happen("container", "start", f"c{number}") for number in range(10)]
    messages = await take(call, 4)
    call.cancel()

    resumed = await watch(client, resume_token=messages[-1].resume_token)

    assert times(await take(resumed, 6)) == of(happened[4:])


async def test_a_token_works_on_another_gateway(daemon: Daemon, open_gateway: OpenGateway, tmp_path: Any) -> None:
    """A gateway that shares the key continues where the other one was, also after that one's end."""
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    async with open_gateway(daemon.engine.address, resume_key=key) as client:
        call = await watch(client)
        happened = [daemon.happen("container", "start", f"c{number}") for number in range(10)]
        token = (await take(call, 4))[-1].resume_token
    async with open_gateway(daemon.engine.address, resume_key=key) as client:
        resumed = await watch(client, resume_token=token)
        happened.append(daemon.happen("container", "die", "c1"))

        assert times(await take(resumed, 7)) == of(happened[4:])


@pytest.mark.parametrize("last", range(1, 20))
async def test_an_engine_that_remembers_in_another_order_than_it_sent_repeats_nothing(
    daemon: Daemon, open_gateway: OpenGateway, tmp_path: Any, last: int
) -> None:
    """Engines remember and send events of one time in different orders; a token means the order that was sent."""
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    async with open_gateway(daemon.engine.address, resume_key=key) as client:
        call = await watch(client)
        happened = [daemon.happen("container", "start", f"c{number}") for number in range(20)]
        told_before = await take(call, last)
    swapped = [event for pair in zip(happened[1::2], happened[::2], strict=True) for event in pair]
    daemon.remembered.clear()
    daemon.remembered.extend(swapped)
    async with open_gateway(daemon.engine.address, resume_key=key) as client:
        resumed = await watch(client, resume_token=told_before[-1].resume_token)
        happened.append(daemon.happen("container", "die", "c1"))
        told_after = await take(resumed, len(happened) - last)

    assert sorted(times(told_before) + times(told_after)) == of(happened)


async def test_a_token_of_a_gap_repeats_no_older_events(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """A client that leaves right after a gap, and resumes at the same gateway, gets no older events."""
    async with open_gateway(daemon.engine.address) as client:
        daemon.happen("container", "start", "c1")
        call = await watch(client, since={"nanos": 1})
        await take(call, 1)
        daemon.restart()
        later = daemon.happen("container", "die", "c1")
        [gap] = [message for message in await take(call, 2) if message.HasField("gap")]
        again = await watch(client, resume_token=gap.resume_token)

        assert times(await take(again, 1)) == of([later])


async def test_a_token_of_forgotten_events_begins_with_a_gap(
    daemon: Daemon, open_gateway: OpenGateway, tmp_path: Any
) -> None:
    """When neither gateway nor engine know the token's event, a gap comes before the later events."""
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    async with open_gateway(daemon.engine.address, resume_key=key) as client:
        call = await watch(client)
        last = daemon.happen("container", "start", "c1")
        token = (await take(call, 1))[-1].resume_token
    daemon.restart()
    later = daemon.happen("container", "die", "c1")
    async with open_gateway(daemon.engine.address, resume_key=key) as client:
        gap, message = await take(await watch(client, resume_token=token), 2)

    assert gap.gap.reason == common_pb2.GAP_REASON_ENGINE_RESTARTED
    assert gap.gap.after.ToNanoseconds() == last["timeNano"]
    assert gap.gap.before.ToNanoseconds() == later["timeNano"]
    assert times([message]) == of([later])


@pytest.mark.parametrize("spoil", ["forged", "short", "foreign", "other host"])
async def test_a_token_that_is_not_ours_is_refused(daemon: Daemon, open_gateway: OpenGateway, spoil: str) -> None:
    """Forged, truncated and foreign tokens, and those of another host, have a reason of their own."""
    async with open_gateway(daemon.engine.address, daemon.engine.address) as client:
        call = await watch(client)
        daemon.happen("container", "start", "c1")
        token = (await take(call, 1))[0].resume_token
        request = system_pb2.StreamEventsRequest(host="h1", resume_token=token)
        if spoil == "forged":
            request.resume_token = token[:5] + bytes([token[5] ^ 1]) + token[6:]
        elif spoil == "short":
            request.resume_token = token[:7]
        elif spoil == "other host":
            request.host = "h2"
        else:
            async with open_gateway(daemon.engine.address) as other:
                foreign = await watch(other)
                daemon.happen("container", "start", "c2")
                request.resume_token = (await take(foreign, 1))[0].resume_token

        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.system.StreamEvents(request).read()

    assert failed(caught.value).code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed(caught.value).reason == "BAD_RESUME_TOKEN"


# Slow watchers, and hosts that are away


@pytest.fixture
def small_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway keeps 1 MiB of events."""
    monkeypatch.setattr(event_buffer, "_MAX_BYTES", 1 << 20)


@pytest.mark.usefixtures("small_buffer")
async def test_a_stalled_watcher_delays_no_other(client: Client, daemon: Daemon) -> None:
    """A watcher that does not read gets a gap when it reads again; the other watchers get every event."""
    stalled = await watch(client)
    assert (await stalled.read()).HasField("heartbeat")
    reader = await watch(client)
    text = "x" * 20_000
    for _ in range(15):
        happened = [daemon.happen("container", "start", f"c{number}", name=text) for number in range(20)]
        assert times(await take(reader, 20)) == of(happened)

    before: list[Any] = []
    while not (message := await stalled.read()).HasField("gap"):
        before.append(message)
    after = [message, *await take(stalled, 1)]
    position = before[-1].event.time_nano
    assert times(before) == of(daemon.history[: len(before)])
    assert message.gap.reason == common_pb2.GAP_REASON_SLOW_READER
    assert message.gap.after.ToNanoseconds() == position
    next_one = daemon.history[len(before) + message.gap.count]
    assert message.gap.before.ToNanoseconds() == after[1].event.time_nano == next_one["timeNano"]


@pytest.fixture
async def engine(daemon: Daemon) -> AsyncIterator[Engine]:
    """The client of the fake engine."""
    engine = Engine("h1", Endpoint(daemon.engine.address, Address(path=daemon.engine.address.removeprefix("unix://"))))
    yield engine
    engine.close()


async def test_the_buffer_keeps_a_number_of_events(daemon: Daemon, engine: Engine) -> None:
    """A watcher that is too slow learns how many events it has missed, and continues with the oldest one kept."""
    broker = EventBroker(engine, size=50)
    async with broker.watch(Filter()) as items, asyncio.timeout(20):
        happened = [daemon.happen("container", "start", f"c{number}") for number in range(200)]
        async with broker.watch(Filter()) as others:
            first: list[Record] = []
            async for item in others:  # the buffer has dropped some of them
                first.append(item)
                if item.cursor.time == happened[-1]["timeNano"]:
                    break
        gap = await news(items)
        rest = [await news(items) for _ in range(50)]
    broker.close()

    assert gap.gap is not None
    assert gap.gap.count == 150
    assert [item.cursor.time for item in rest] == of(happened[150:])


async def test_a_host_that_cannot_be_reached_is_an_error_at_once(daemon: Daemon, open_gateway: OpenGateway) -> None:
    """A new watcher of a host that is away does not wait."""
    async with open_gateway("unix:///tmp/nothing-listens-here.sock") as client, asyncio.timeout(5):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.system.StreamEvents(system_pb2.StreamEventsRequest(host="h1")).read()

    assert failed(caught.value).code is grpc.StatusCode.UNAVAILABLE
    assert failed(caught.value).reason == "HOST_UNREACHABLE"


async def test_a_watcher_outlives_an_absence_of_its_host(client: Client, daemon: Daemon) -> None:
    """Watchers wait while a host gives no usable answer; when it is back, they get what it remembers."""
    call = await watch(client)
    happened = [daemon.happen("container", "start", "c1")]
    assert times(await take(call, 1)) == of(happened)
    daemon.engine.on("GET", "/info", error="not now", times=3)
    daemon.cut()
    happened.append(daemon.happen("container", "die", "c1"))

    assert times(await take(call, 1)) == of(happened[1:])
    assert daemon.subscriptions == 2


async def test_an_absence_that_lasts_ends_the_call(daemon: Daemon, engine: Engine) -> None:
    """When the reconnect timeout is over, the watchers that waited get the reason."""
    broker = EventBroker(engine, reconnect_timeout_seconds=0.3)
    async with broker.watch(Filter()) as items, asyncio.timeout(20):
        daemon.engine.on("GET", "/info", error="gone for good")
        daemon.cut()
        with pytest.raises(Exception, match="gone for good"):
            await news(items)
    broker.close()


async def test_a_watcher_that_resumes_after_an_absence_continues_where_it_was(daemon: Daemon, engine: Engine) -> None:
    """Its call has ended, and events that it has not read are still there."""
    broker = EventBroker(engine, reconnect_timeout_seconds=0.1)
    async with broker.watch(Filter()) as items, asyncio.timeout(20):
        happened = [daemon.happen("container", "start", f"c{number}") for number in range(3)]
        first = await news(items)
        daemon.engine.on("GET", "/info", error="not now")
        daemon.cut()
        with pytest.raises(Exception, match="not now"):
            while True:
                await news(items)
    daemon.tell_time()
    daemon.forget()
    async with broker.watch(Filter(), cursor=first.cursor) as items, asyncio.timeout(20):
        read = [(await news(items)).cursor.time for _ in range(2)]
        assert read == of(happened[1:])
        gap = (await news(items)).gap
        assert gap is not None
        assert gap.after == happened[-1]["timeNano"]
    broker.close()


async def test_the_subscription_ends_some_time_after_its_last_watcher(daemon: Daemon, engine: Engine) -> None:
    """Without watchers there is no subscription; a new watcher opens one."""
    broker = EventBroker(engine, linger_timeout_seconds=0.05)
    async with broker.watch(Filter()):
        assert daemon.listeners == 1
    async with asyncio.timeout(20):
        await daemon.engine.until(lambda: not daemon.listeners)
        async with broker.watch(Filter()) as items:
            happened = daemon.happen("container", "start", "c1")
            assert (await news(items)).cursor.time == happened["timeNano"]
    assert daemon.subscriptions == 2
    broker.close()


@pytest.mark.parametrize("misfit", [{"Actor": 7}, {"Type": 1}, {"timeNano": "soon"}, {"timeNano": 10**300}])
async def test_an_event_loses_what_does_not_fit(daemon: Daemon, engine: Engine, misfit: Any) -> None:
    """The rest of it arrives, and its neighbours do; the subscription continues."""
    hub = EventBroker(engine, reconnect_timeout_seconds=0)
    async with hub.watch(Filter()) as items, asyncio.timeout(20):
        for queue in daemon._subscribers:
            queue.put_nowait({"Action": "start"} | misfit)
        happened = daemon.happen("container", "start", "c1")
        first, second = [await news(items) for _ in range(2)]
        assert first.event is not None
        assert first.event.action == "start"
        assert second.event is not None
        assert second.event.time_nano == happened["timeNano"]
    assert daemon.subscriptions == 1
    hub.close()


@pytest.mark.parametrize("nonsense", [["no", "object"], 7, "event"])
async def test_nonsense_is_no_event(daemon: Daemon, engine: Engine, nonsense: Any) -> None:
    """What does not fit the contract breaks the subscription, and is never sent."""
    broker = EventBroker(engine)
    async with broker.watch(Filter()) as items, asyncio.timeout(20):
        for queue in daemon._subscribers:
            queue.put_nowait(nonsense)
        happened = daemon.happen("container", "start", "c1")
        assert (await news(items)).cursor.time == happened["timeNano"]
    broker.close()


async def test_a_watcher_without_news_gets_heartbeats(daemon: Daemon, engine: Engine) -> None:
    """Also one whose filter passes no event; tokens of heartbeats move on, so that a resumed call repeats nothing."""
    broker = EventBroker(engine, heartbeat_seconds=0.2)
    async with broker.watch(Filter({"type": ["volume"]})) as items, asyncio.timeout(20):
        happened = daemon.happen("container", "start", "c1")
        beat = await anext(items)
        while beat.cursor.time != happened["timeNano"]:
            assert beat.event is None
            assert beat.idle is not None
            beat = await anext(items)
        wanted = daemon.happen("volume", "create", "v1")
        async with broker.watch(Filter(), cursor=beat.cursor) as others:
            assert (await news(others)).cursor.time == wanted["timeNano"]
        assert (await news(items)).cursor.time == wanted["timeNano"]
    broker.close()


async def test_a_watcher_has_a_token_before_the_first_event(client: Client, daemon: Daemon) -> None:
    """It misses no event while it is away, though it has not got any before."""
    call = await watch(client)
    beat = await call.read()
    assert beat.HasField("heartbeat")
    call.cancel()
    happened = daemon.happen("container", "start", "c1")

    assert times(await take(await watch(client, resume_token=beat.resume_token), 1)) == of([happened])


async def test_a_heartbeat_says_for_how_long_the_host_has_been_silent(daemon: Daemon, engine: Engine) -> None:
    """It grows while nothing comes, whatever is the reason."""
    broker = EventBroker(engine, heartbeat_seconds=0.1)
    async with broker.watch(Filter()) as items, asyncio.timeout(20):
        beats = [(await anext(items)).idle or 0.0 for _ in range(3)]
    broker.close()

    assert 0 <= beats[0] < beats[1] < beats[2]


async def test_what_an_engine_forgets_while_it_is_asked_keeps_its_place(
    daemon: Daemon, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The subscription begins with events that are forgotten when the past is asked for: they still come first."""
    happened = [daemon.happen("container", "start", f"c{number}") for number in range(256)]
    ask = EventSource.past

    async def late(source: EventSource, until: int) -> list[system_pb2.EngineEvent]:
        await daemon.subscribed(1)
        happened.extend(daemon.happen("container", "die", f"c{number}") for number in range(5))
        return await ask(source, until)

    monkeypatch.setattr(EventSource, "past", late)
    broker = EventBroker(engine)
    async with broker.watch(Filter(), since=1) as items, asyncio.timeout(20):
        read = [(await news(items)).cursor.time for _ in range(len(happened))]
    broker.close()

    assert read == of(happened)
