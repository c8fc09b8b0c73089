"""Streams that go on by themselves: what the second call asks for, and what the caller gets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import dockfleet
import grpc
import pytest
from dockfleet.course import BROKEN
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import system_pb2 as system

from clients.python.tests.scripted_gateway import Behaviour, Ended, Gateway, fail

ID = "c" * 64
LOST = (grpc.StatusCode.UNAVAILABLE, "the connection broke", "CONNECTION_LOST")


def lines(token: bytes, *data: bytes, **marker: Any) -> containers.StreamLogsResponse:
    record = marker or {"batch": {"entries": [{"data": each} for each in data]}}
    return containers.StreamLogsResponse(resume_token=token, container_id=ID, **record)


def event(token: bytes, action: str = "") -> system.StreamEventsResponse:
    return system.StreamEventsResponse(event={"action": action} if action else None, resume_token=token)


def calls(*behaviours: list[Any] | Behaviour) -> Behaviour:
    """Answer each call with the next of *behaviours*; a list ends with a lost host, unless it is the last."""
    left = list(behaviours)

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        current = left.pop(0)
        if callable(current):
            yield from current(request, context)
            return
        yield from current
        if left:
            fail(context, *LOST, host="a")

    return behave


def proxied(message: Any, code: grpc.StatusCode) -> Behaviour:
    """Send *message*, and then fail as something between the client and the gateway does."""

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield message
        fail(context, code, "reset", "SOME_REASON", domain="proxy.example.org")

    return behave


def away(request: Any, context: grpc.ServicerContext) -> Any:
    """A call that comes too early."""
    fail(context, *LOST, host="a")


def test_a_broken_log_goes_on_behind_the_last_batch(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The second call holds the token in place of `tail`; the caller gets all lines once and notices nothing."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1", b"2"), lines(b"t2", b"3")], [lines(b"t3", b"4")]))

    entries = list(fleet.host("a").logs("web", follow=True, tail=100))

    assert [entry.data for entry in entries] == [b"1", b"2", b"3", b"4"]
    assert gateway.requests == [
        containers.StreamLogsRequest(host="a", id="web", follow=True, strict=True, tail=100),
        containers.StreamLogsRequest(host="a", id=ID, follow=True, strict=True, resume_token=b"t2"),
    ]


def test_a_log_outlives_its_gateway(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The gateway goes with all its connections; one that comes in its place is asked to go on."""
    gateway.on("StreamLogs", Ended().endless(lines(b"t1", b"1")))
    entries = fleet.host("a").logs("web", follow=True)
    assert next(entries).data == b"1"

    gateway.stop()
    successor = Gateway(gateway.port)
    try:
        successor.on("StreamLogs", [lines(b"t2", b"2")])

        assert [entry.data for entry in entries] == [b"2"]
        assert [request.resume_token for request in successor.requests] == [b"t1"]
    finally:
        successor.stop()


@pytest.mark.parametrize("code", BROKEN)
def test_a_break_that_the_gateway_did_not_tell_of_is_gone_over(
    gateway: Gateway, fleet: dockfleet.Fleet, code: grpc.StatusCode
) -> None:
    """A proxy's failure has no details, or has somebody else's."""
    gateway.on("StreamLogs", calls(proxied(lines(b"t1", b"1"), code), [lines(b"t2", b"2")]))

    assert [entry.data for entry in fleet.host("a").logs("web", follow=True)] == [b"1", b"2"]
    assert [request.resume_token for request in gateway.requests] == [b"", b"t1"]


def test_all_of_a_batch_is_delivered_before_a_break_behind_it_counts(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Who is in the midst of a batch when the call breaks still gets the rest of it, from here."""
    ended = Ended()

    def first(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        ended.watch(context)
        yield lines(b"t1", b"1", b"2", b"3")
        fail(context, *LOST, host="a")

    gateway.on("StreamLogs", calls(first, [lines(b"t2", b"4")]))

    entries = fleet.host("a").logs("web")
    assert next(entries).data == b"1"
    assert ended.wait(10)

    assert [entry.data for entry in entries] == [b"2", b"3", b"4"]
    assert [request.resume_token for request in gateway.requests] == [b"", b"t1"]


def test_messages_carry_all_it_takes_to_go_on_elsewhere(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Another process begins with the token of the last message that was dealt with, and says nothing else of where."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1"), lines(b"t2", b"2")], [lines(b"t2", b"2")]))

    with fleet.host("a").log_messages("web", follow=True) as messages:
        kept = next(messages).resume_token
    with fleet.host("a").log_messages("web", follow=True, resume_token=kept) as messages:
        assert [entry.data for message in messages for entry in message.batch.entries] == [b"2"]

    assert gateway.requests[1] == containers.StreamLogsRequest(host="a", id="web", follow=True, resume_token=b"t1")


def test_markers_come_with_the_messages_and_heartbeats_do_not(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A gap, a new run and the end are told at their place."""
    gateway.on(
        "StreamLogs",
        [
            lines(b"t1", b"1"),
            lines(b"t1", heartbeat={"idle": {"seconds": 15}}),
            lines(b"t2", gap={"reason": common.GAP_REASON_ROTATED}),
            lines(b"t3", restarted={}),
            lines(b"t4", end={"reason": containers.LOG_END_REASON_EXITED, "exit_code": 3}),
        ],
    )

    with fleet.host("a").log_messages("web", follow=True) as messages:
        markers = [message.WhichOneof("record") for message in messages]

    assert markers == ["batch", "gap", "restarted", "end"]
    assert not gateway.requests[0].strict


def test_a_gap_is_an_error_of_logs(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """It can not pass unnoticed: the lines before it come, and then the reason GAP; it is not tried again."""

    def behave(request: containers.StreamLogsRequest, context: grpc.ServicerContext) -> Iterator[Any]:
        assert request.strict
        yield lines(b"t1", b"1")
        fail(context, grpc.StatusCode.DATA_LOSS, "the engine has lost lines", "GAP", host="a")

    gateway.on("StreamLogs", behave)

    entries = fleet.host("a").logs("web")
    assert next(entries).data == b"1"
    with pytest.raises(dockfleet.DockfleetError, match="a: GAP: the engine has lost lines"):
        next(entries)
    assert len(gateway.requests) == 1


def test_a_gap_is_passed_over_by_who_says_so(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """With `strict=False`, what there is comes."""
    gateway.on("StreamLogs", [lines(b"t1", b"1"), lines(b"t2", gap={}), lines(b"t3", b"9")])

    assert [entry.data for entry in fleet.host("a").logs("web", strict=False)] == [b"1", b"9"]


def test_a_log_that_has_ended_is_not_asked_for_again(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """When the connection breaks between the last message and the status, all has been said."""
    end = lines(b"t2", end={"reason": containers.LOG_END_REASON_REMOVED})
    gateway.on("StreamLogs", calls([lines(b"t1", b"1"), end], [end]))

    with fleet.host("a").log_messages("web", follow=True) as messages:
        assert [message.WhichOneof("record") for message in messages] == ["batch", "end"]

    assert len(gateway.requests) == 1


def test_patience_comes_to_an_end(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """When no message has come for so long, the last failure is raised; until then the same place is asked for."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1")], *[away] * 20))

    entries = fleet.host("a").logs("web", patience=0.5)
    assert next(entries).data == b"1"
    with pytest.raises(dockfleet.DockfleetError, match="a: CONNECTION_LOST"):
        next(entries)

    assert len(gateway.requests) >= 2
    assert {request.resume_token for request in gateway.requests[1:]} == {b"t1"}


def test_without_patience_nothing_is_tried(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`patience=0` is for those who do it themselves."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1")], [lines(b"t2", b"2")]))

    entries = fleet.host("a").logs("web", patience=0)
    next(entries)
    with pytest.raises(dockfleet.DockfleetError, match="CONNECTION_LOST"):
        next(entries)

    assert len(gateway.requests) == 1


def test_a_log_that_never_began_fails_at_once(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A host that can not be reached is told, not waited for."""
    gateway.on("StreamLogs", lambda request, context: fail(context, host="a"))

    with pytest.raises(dockfleet.DockfleetError, match="a: HOST_UNREACHABLE"):
        next(fleet.host("a").logs("web"))


def test_events_go_on_behind_the_last_one(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """With the same filters, without `since`; heartbeats are kept back, and their places are not."""
    beat = system.StreamEventsResponse(heartbeat={}, resume_token=b"t2")
    gateway.on("StreamEvents", calls([event(b"t1", "create"), beat], [event(b"t3", "start")]))

    with fleet.host("a").events(since={"seconds": 5}, filters={"type": "container"}) as events:
        assert [message.event.action for message in events] == ["create", "start"]

    filters = {"type": common.StringList(items=["container"])}
    assert gateway.requests == [
        system.StreamEventsRequest(host="a", since={"seconds": 5}, filters=filters),
        system.StreamEventsRequest(host="a", filters=filters, resume_token=b"t2"),
    ]


def test_a_gap_among_events_is_a_message(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """It stands at its place, before the synthetic events that make up for it."""
    gap = system.StreamEventsResponse(gap={"reason": common.GAP_REASON_ENGINE_RESTARTED}, resume_token=b"t1")
    made_up = system.StreamEventsResponse(event={"action": "die", "synthetic": True}, resume_token=b"t2")
    gateway.on("StreamEvents", [gap, made_up])

    with fleet.host("a").events() as events:
        assert [(message.HasField("gap"), message.event.synthetic) for message in events] == [
            (True, False),
            (False, True),
        ]


def test_who_waits_for_the_beginning_misses_no_event(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`begun` returns when the gateway has said that it listens, though nothing has happened yet."""
    listening = threading.Event()

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        context.send_initial_metadata(())
        assert listening.wait(10)
        yield event(b"t", "start")

    gateway.on("StreamEvents", behave)

    with fleet.host("a").events() as events:
        events.begun()
        listening.set()
        assert next(events).event.action == "start"


def test_waiting_for_a_beginning_that_is_refused_ends(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Why, the iteration says."""
    gateway.on("StreamEvents", lambda request, context: fail(context, grpc.StatusCode.NOT_FOUND, "", "UNKNOWN_HOST"))

    with fleet.host("x").events() as events:
        events.begun()
        with pytest.raises(dockfleet.DockfleetError, match="UNKNOWN_HOST"):
            next(events)


def test_stats_go_on(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """They are asked for in the same way; there is no place to go on from."""
    sample = containers.StreamStatsResponse(stats={"id": ID})
    gateway.on("StreamStats", calls([sample], [sample]))

    with fleet.host("a").stats("web") as samples:
        assert [each.HasField("stats") for each in samples] == [True, True]

    assert gateway.requests == [containers.StreamStatsRequest(host="a", id="web")] * 2


def test_leaving_ends_the_call(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The gateway sees it, and the stream then is at its end."""
    ended = Ended()
    gateway.on("StreamLogs", ended.endless(lines(b"t", b"1")))

    with fleet.host("a").log_messages("web", follow=True) as messages:
        next(messages)

    assert ended.wait(10)
    assert list(messages) == []
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("close", ["stream", "fleet"])
def test_closing_ends_a_wait_for_the_gateway(gateway: Gateway, fleet: dockfleet.Fleet, close: str) -> None:
    """Another thread may close the stream, which then simply ends, or the fleet, which is an error of the stream."""
    tried = threading.Event()

    def behave(request: Any, context: grpc.ServicerContext) -> Any:
        tried.set()
        away(request, context)

    gateway.on("StreamLogs", calls([lines(b"t", b"1")], *[behave] * 1000))
    messages = fleet.host("a").log_messages("web", follow=True, patience=1e6)
    next(messages)
    got: list[Any] = []

    def read() -> None:
        try:
            got.extend(messages)
        except dockfleet.DockfleetError as error:
            got.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert tried.wait(10)
    (messages if close == "stream" else fleet).close()
    reader.join(10)

    assert not reader.is_alive()
    assert [type(each) for each in got] == ([] if close == "stream" else [dockfleet.DockfleetError])


@pytest.mark.parametrize(
    "follow",
    [
        lambda host: host.logs("web", timeout=0.5),
        lambda host: host.log_messages("web", timeout=0.5),
        lambda host: host.events(timeout=0.5),
    ],
)
def test_a_deadline_ends_a_stream_that_goes_on(
    gateway: Gateway, fleet: dockfleet.Fleet, follow: Callable[[dockfleet.HostView], Iterator[Any]]
) -> None:
    """However often it breaks, `timeout` is for the whole."""
    gateway.on("StreamLogs", lambda request, context: calls([lines(b"t", b"1")], [])(request, context))
    gateway.on("StreamEvents", lambda request, context: calls([event(b"t", "start")], [])(request, context))

    with pytest.raises(dockfleet.DockfleetError) as error:
        for _ in follow(fleet.host("a")):
            pass

    assert error.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
