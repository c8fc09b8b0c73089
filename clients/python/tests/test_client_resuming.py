"""Streams that resume: what the second call requests, and what the caller gets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import dockfleet
import grpc
import pytest
from dockfleet.resume_state import BROKEN
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
    """Use the next of *behaviours* for each call; a list ends with a lost host, unless it is the last."""
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
    """Send *message*, and then fail as a proxy does."""

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        yield message
        fail(context, code, "reset", "SOME_REASON", domain="proxy.example.org")

    return behave


def away(request: Any, context: grpc.ServicerContext) -> Any:
    """Fail: the host is still lost."""
    fail(context, *LOST, host="a")


def test_a_broken_log_continues_after_the_last_batch(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The second call has the token in place of `tail`; the caller gets all lines once."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1", b"2"), lines(b"t2", b"3")], [lines(b"t3", b"4")]))

    entries = list(fleet.host("a").logs("web", follow=True, tail=100))

    assert [entry.data for entry in entries] == [b"1", b"2", b"3", b"4"]
    assert gateway.requests == [
        containers.StreamLogsRequest(host="a", id="web", follow=True, strict=True, tail=100),
        containers.StreamLogsRequest(host="a", id=ID, follow=True, strict=True, resume_token=b"t2"),
    ]


def test_a_log_continues_after_a_restart_of_the_gateway(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """All connections break; the next gateway continues."""
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
def test_a_failure_without_a_dockfleet_reason_is_retried(
    gateway: Gateway, fleet: dockfleet.Fleet, code: grpc.StatusCode
) -> None:
    """The failure of a proxy has no details, or details of another domain."""
    gateway.on("StreamLogs", calls(proxied(lines(b"t1", b"1"), code), [lines(b"t2", b"2")]))

    assert [entry.data for entry in fleet.host("a").logs("web", follow=True)] == [b"1", b"2"]
    assert [request.resume_token for request in gateway.requests] == [b"", b"t1"]


def test_a_batch_is_delivered_to_its_end_before_the_next_call(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """When the call breaks, the caller still gets the rest of the batch."""
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


def test_a_response_has_the_token_to_continue_in_another_process(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Another process starts with the token of the last processed response."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1"), lines(b"t2", b"2")], [lines(b"t2", b"2")]))

    with fleet.host("a").log_messages("web", follow=True) as messages:
        kept = next(messages).resume_token
    with fleet.host("a").log_messages("web", follow=True, resume_token=kept) as messages:
        assert [entry.data for message in messages for entry in message.batch.entries] == [b"2"]

    assert gateway.requests[1] == containers.StreamLogsRequest(host="a", id="web", follow=True, resume_token=b"t1")


def test_all_records_but_heartbeats_are_delivered(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A gap, a new run and the end come in their order."""
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
    """The lines before it come, then an error with the reason GAP; there is no second call."""

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


def test_a_gap_is_skipped_without_strict(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """With `strict=False`, the remaining lines come."""
    gateway.on("StreamLogs", [lines(b"t1", b"1"), lines(b"t2", gap={}), lines(b"t3", b"9")])

    assert [entry.data for entry in fleet.host("a").logs("web", strict=False)] == [b"1", b"9"]


def test_a_log_that_has_ended_is_not_requested_again(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """A connection that breaks between the last response and the status changes nothing."""
    end = lines(b"t2", end={"reason": containers.LOG_END_REASON_REMOVED})
    gateway.on("StreamLogs", calls([lines(b"t1", b"1"), end], [end]))

    with fleet.host("a").log_messages("web", follow=True) as messages:
        assert [message.WhichOneof("record") for message in messages] == ["batch", "end"]

    assert len(gateway.requests) == 1


def test_the_last_failure_is_raised_after_retry_seconds(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """Until then, every call has the token of the last response."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1")], *[away] * 20))

    entries = fleet.host("a").logs("web", retry_seconds=0.5)
    assert next(entries).data == b"1"
    with pytest.raises(dockfleet.DockfleetError, match="a: CONNECTION_LOST"):
        next(entries)

    assert len(gateway.requests) >= 2
    assert {request.resume_token for request in gateway.requests[1:]} == {b"t1"}


def test_zero_retry_seconds_mean_no_second_call(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`retry_seconds=0` raises the first failure."""
    gateway.on("StreamLogs", calls([lines(b"t1", b"1")], [lines(b"t2", b"2")]))

    entries = fleet.host("a").logs("web", retry_seconds=0)
    next(entries)
    with pytest.raises(dockfleet.DockfleetError, match="CONNECTION_LOST"):
        next(entries)

    assert len(gateway.requests) == 1


def test_an_initial_failure_is_raised_at_once(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """An unreachable host is an error."""
    gateway.on("StreamLogs", lambda request, context: fail(context, host="a"))

    with pytest.raises(dockfleet.DockfleetError, match="a: HOST_UNREACHABLE"):
        next(fleet.host("a").logs("web"))


def test_events_continue_after_the_last_one(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """With the same filters and without `since`; the token of a heartbeat counts."""
    beat = system.StreamEventsResponse(heartbeat={}, resume_token=b"t2")
    gateway.on("StreamEvents", calls([event(b"t1", "create"), beat], [event(b"t3", "start")]))

    with fleet.host("a").events(since={"seconds": 5}, filters={"type": "container"}) as events:
        assert [message.event.action for message in events] == ["create", "start"]

    filters = {"type": common.StringList(items=["container"])}
    assert gateway.requests == [
        system.StreamEventsRequest(host="a", since={"seconds": 5}, filters=filters),
        system.StreamEventsRequest(host="a", filters=filters, resume_token=b"t2"),
    ]


def test_a_gap_among_events_is_a_response(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """It comes before the synthetic events."""
    gap = system.StreamEventsResponse(gap={"reason": common.GAP_REASON_ENGINE_RESTARTED}, resume_token=b"t1")
    made_up = system.StreamEventsResponse(event={"action": "die", "synthetic": True}, resume_token=b"t2")
    gateway.on("StreamEvents", [gap, made_up])

    with fleet.host("a").events() as events:
        assert [(message.HasField("gap"), message.event.synthetic) for message in events] == [
            (True, False),
            (False, True),
        ]


def test_no_event_is_missed_after_wait_started(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """`wait_started` returns when the gateway listens, before the first event."""
    listening = threading.Event()

    def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        context.send_initial_metadata(())
        assert listening.wait(10)
        yield event(b"t", "start")

    gateway.on("StreamEvents", behave)

    with fleet.host("a").events() as events:
        events.wait_started()
        listening.set()
        assert next(events).event.action == "start"


def test_wait_started_returns_for_a_refused_call(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The iteration raises the reason."""
    gateway.on("StreamEvents", lambda request, context: fail(context, grpc.StatusCode.NOT_FOUND, "", "UNKNOWN_HOST"))

    with fleet.host("x").events() as events:
        events.wait_started()
        with pytest.raises(dockfleet.DockfleetError, match="UNKNOWN_HOST"):
            next(events)


def test_stats_continue(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The second request is equal to the first; samples have no tokens."""
    sample = containers.StreamStatsResponse(stats={"id": ID})
    gateway.on("StreamStats", calls([sample], [sample]))

    with fleet.host("a").stats("web") as samples:
        assert [each.HasField("stats") for each in samples] == [True, True]

    assert gateway.requests == [containers.StreamStatsRequest(host="a", id="web")] * 2


def test_leaving_ends_the_call(gateway: Gateway, fleet: dockfleet.Fleet) -> None:
    """The gateway sees the end, and the iteration ends."""
    ended = Ended()
    gateway.on("StreamLogs", ended.endless(lines(b"t", b"1")))

    with fleet.host("a").log_messages("web", follow=True) as messages:
        next(messages)

    assert ended.wait(10)
    assert list(messages) == []
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("close", ["stream", "fleet"])
def test_closing_ends_a_wait_for_the_gateway(gateway: Gateway, fleet: dockfleet.Fleet, close: str) -> None:
    """Another thread may close the stream, which then ends, or the fleet, which is an error of the stream."""
    tried = threading.Event()

    def behave(request: Any, context: grpc.ServicerContext) -> Any:
        tried.set()
        away(request, context)

    gateway.on("StreamLogs", calls([lines(b"t", b"1")], *[behave] * 1000))
    messages = fleet.host("a").log_messages("web", follow=True, retry_seconds=1e6)
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
        lambda host: host.logs("web", deadline=0.5),
        lambda host: host.log_messages("web", deadline=0.5),
        lambda host: host.events(deadline=0.5),
    ],
)
def test_a_deadline_ends_a_stream_that_resumes(
    gateway: Gateway, fleet: dockfleet.Fleet, follow: Callable[[dockfleet.HostView], Iterator[Any]]
) -> None:
    """`deadline` holds for all calls together."""
    gateway.on("StreamLogs", lambda request, context: calls([lines(b"t", b"1")], [])(request, context))
    gateway.on("StreamEvents", lambda request, context: calls([event(b"t", "start")], [])(request, context))

    with pytest.raises(dockfleet.DockfleetError) as error:
        for _ in follow(fleet.host("a")):
            pass

    assert error.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
