"""How a stream goes on after a break: the rules, without a gateway and without a clock."""

from __future__ import annotations

from typing import Any

import dockfleet
import grpc
import pytest
from dockfleet.calls import METHODS
from dockfleet.course import LONGEST_PAUSE, SHORTEST_PAUSE, Course
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import system_pb2 as system

ID = "c" * 64


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def course(rpc: str = "StreamLogs", patience: float = 60.0, clock: Clock | None = None, **fields: Any) -> Course:
    service = "system" if rpc == "StreamEvents" else "containers"
    method = METHODS[service][rpc]
    timeout = fields.pop("timeout", None)
    return Course(method, method.arguments("a", fields), patience, timeout, clock or Clock())


def batch(token: bytes, **fields: Any) -> containers.StreamLogsResponse:
    return containers.StreamLogsResponse(resume_token=token, container_id=ID, **fields)


def error(
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE, reason: str = "", **more: Any
) -> dockfleet.DockfleetError:
    return dockfleet.DockfleetError(code, "no", reason, **more)


def test_the_next_request_holds_the_last_token_in_place_of_the_beginning() -> None:
    """What says where to begin is gone, what says what to read stays; the container is named by its full id."""
    log = course(id="web", follow=True, tail=5, until={"seconds": 9}, stderr=True)

    log.took(batch(b"one"))
    log.took(batch(b"two"))

    assert log.request() == containers.StreamLogsRequest(
        host="a", id=ID, follow=True, until={"seconds": 9}, stderr=True, resume_token=b"two"
    )


def test_events_go_on_by_their_token_and_keep_their_filters() -> None:
    """So that what comes after the break is what was asked for before it."""
    events = course("StreamEvents", since={"seconds": 1}, filters={"type": "image"})

    events.took(system.StreamEventsResponse(resume_token=b"t"))

    assert events.request() == system.StreamEventsRequest(
        host="a", filters={"type": {"items": ["image"]}}, resume_token=b"t"
    )


def test_a_heartbeat_is_kept_back_and_its_place_is_not() -> None:
    """It is no news, but it tells how far the gateway has read."""
    events = course("StreamEvents")

    assert events.took(system.StreamEventsResponse(event={"action": "start"}, resume_token=b"1"))
    assert not events.took(system.StreamEventsResponse(heartbeat={}, resume_token=b"2"))

    assert events.request() == system.StreamEventsRequest(host="a", resume_token=b"2")


@pytest.mark.parametrize(
    ("rpc", "record"),
    [
        ("StreamLogs", containers.StreamLogsResponse(resume_token=b"t")),
        ("StreamEvents", system.StreamEventsResponse(resume_token=b"t")),
        ("StreamStats", containers.StreamStatsResponse()),
    ],
)
def test_a_record_that_is_not_known_is_passed_over(rpc: str, record: Any) -> None:
    """A newer gateway sends it; its place counts, as that of a heartbeat does."""
    stream = course(rpc, **({} if rpc == "StreamEvents" else {"id": "web"}))

    assert not stream.took(record)
    assert stream.broke(error()) > 0


def test_a_stream_without_a_place_in_it_is_asked_for_again() -> None:
    """Samples have no token: the next are as good."""
    stats = course("StreamStats", id="web")

    stats.took(containers.StreamStatsResponse(stats={"id": ID}))

    assert stats.broke(error()) > 0
    assert stats.request() == containers.StreamStatsRequest(host="a", id="web")


GOES_ON = {  # by code, for a failure: without a reason; with one; with one and `retry_safe`; with SLOW_READER
    grpc.StatusCode.CANCELLED: (True, False, True, True),
    grpc.StatusCode.UNKNOWN: (True, False, True, True),
    grpc.StatusCode.INVALID_ARGUMENT: (False, False, True, True),
    grpc.StatusCode.DEADLINE_EXCEEDED: (False, False, True, True),
    grpc.StatusCode.NOT_FOUND: (False, False, True, True),
    grpc.StatusCode.ALREADY_EXISTS: (False, False, True, True),
    grpc.StatusCode.PERMISSION_DENIED: (False, False, True, True),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (False, False, True, True),
    grpc.StatusCode.FAILED_PRECONDITION: (False, False, True, True),
    grpc.StatusCode.ABORTED: (False, False, True, True),
    grpc.StatusCode.OUT_OF_RANGE: (False, False, True, True),
    grpc.StatusCode.UNIMPLEMENTED: (False, False, True, True),
    grpc.StatusCode.INTERNAL: (True, False, True, True),
    grpc.StatusCode.UNAVAILABLE: (True, True, True, True),
    grpc.StatusCode.DATA_LOSS: (False, False, True, True),
    grpc.StatusCode.UNAUTHENTICATED: (False, False, True, True),
}
FAILURES = (("", False), ("SOME_REASON", False), ("SOME_REASON", True), ("SLOW_READER", False))


@pytest.mark.parametrize(
    ("code", "reason", "retry_safe", "goes_on"),
    [
        (code, *failure, goes_on)
        for code, row in GOES_ON.items()
        for failure, goes_on in zip(FAILURES, row, strict=True)
    ],
)
def test_the_rule_is_the_contracts(code: grpc.StatusCode, reason: str, retry_safe: bool, goes_on: bool) -> None:
    """It is at the beginning of common.proto, and all clients follow it."""
    log, told = course(id="web"), error(code, reason, retry_safe=retry_safe)
    log.took(batch(b"t"))

    if goes_on:
        assert log.broke(told) > 0
    else:
        with pytest.raises(dockfleet.DockfleetError) as raised:
            log.broke(told)
        assert raised.value is told


def test_the_rule_is_complete() -> None:
    """Every code that a call can fail with has its row."""
    assert set(GOES_ON) == set(grpc.StatusCode) - {grpc.StatusCode.OK}


@pytest.mark.parametrize(
    ("code", "reason", "retry_safe"),
    [
        (grpc.StatusCode.UNAVAILABLE, "", False),  # no gateway
        (grpc.StatusCode.UNKNOWN, "", False),  # a gateway that was killed, as some libraries report it
        (grpc.StatusCode.CANCELLED, "", False),  # the same; a cancellation of this program's own never gets here
        (grpc.StatusCode.DEADLINE_EXCEEDED, "HOST_TIMEOUT", True),
        (grpc.StatusCode.UNAVAILABLE, "GOING_AWAY", True),
        (grpc.StatusCode.UNAVAILABLE, "HOST_UNREACHABLE", True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "HOST_BUSY", True),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER", False),
        (grpc.StatusCode.INTERNAL, "", False),  # a proxy's
    ],
)
def test_what_may_pass_is_waited_for(code: grpc.StatusCode, reason: str, retry_safe: bool) -> None:
    """A lost gateway, a lost host, too many streams at once, and a program that was itself too slow."""
    log = course(id="web")
    log.took(batch(b"t"))

    assert log.broke(error(code, reason, retry_safe=retry_safe)) > 0


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.DATA_LOSS, "GAP"),
        (grpc.StatusCode.INVALID_ARGUMENT, "BAD_RESUME_TOKEN"),
        (grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
        (grpc.StatusCode.INTERNAL, "INTERNAL"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, ""),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "CLIENT_DEADLINE"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, ""),  # a message that is larger than this program takes
    ],
)
def test_what_does_not_pass_is_told_at_once(code: grpc.StatusCode, reason: str) -> None:
    """Refusals, gaps, defects, and the caller's own deadline."""
    log, told = course(id="web"), error(code, reason)
    log.took(batch(b"t"))

    with pytest.raises(dockfleet.DockfleetError) as raised:
        log.broke(told)
    assert raised.value is told


@pytest.mark.parametrize("rpc", ["StreamLogs", "StreamEvents", "StreamStats"])
def test_what_has_never_begun_is_not_broken(rpc: str) -> None:
    """A gateway that is not there, or that never answered, is told at once."""
    fields = {} if rpc == "StreamEvents" else {"id": "web"}

    with pytest.raises(dockfleet.DockfleetError):
        course(rpc, **fields).broke(error())


def test_what_begins_with_a_token_has_begun() -> None:
    """Who goes on in another process finds the gateway away, or back."""
    log = course(id="web", resume_token=b"kept")

    assert log.broke(error()) > 0
    assert log.request() == containers.StreamLogsRequest(host="a", id="web", resume_token=b"kept")


def test_messages_without_a_token_are_not_gone_on_from() -> None:
    """A gateway from before tokens: to begin again would bring the same lines twice."""
    log = course(id="web")
    log.took(containers.StreamLogsResponse(batch={"entries": [{"data": b"x"}]}))

    with pytest.raises(dockfleet.DockfleetError):
        log.broke(error())


def test_the_pauses_grow_and_messages_end_them() -> None:
    """To a second, and a little by chance, so that many clients do not come at once."""
    log = course(id="web", patience=1e6)
    log.took(batch(b"t"))

    pauses = [log.broke(error()) for _ in range(8)]
    log.took(batch(b"u"))

    assert pauses[0] <= SHORTEST_PAUSE * 1.2
    assert pauses[:4] == sorted(pauses[:4])
    assert all(LONGEST_PAUSE * 0.8 <= pause <= LONGEST_PAUSE * 1.2 for pause in pauses[4:])
    assert log.broke(error()) <= SHORTEST_PAUSE * 1.2


def test_the_gateways_own_wish_is_heeded() -> None:
    """`RetryInfo` says when it is worth while."""
    log = course(id="web")
    log.took(batch(b"t"))

    assert log.broke(error(retry_after=7.0)) == 7.0


def test_patience_ends_when_nothing_has_come_for_so_long() -> None:
    """It is counted from the break, whatever the number of tries, and any message renews it."""
    clock = Clock()
    log = course(id="web", patience=60.0, clock=clock)
    log.took(batch(b"t"))

    log.broke(error())
    clock.now += 50
    log.broke(error())
    log.took(batch(b"t", heartbeat={}))
    clock.now += 50
    log.broke(error())
    clock.now += 61

    with pytest.raises(dockfleet.DockfleetError):
        log.broke(error())


def test_no_patience_means_one_call() -> None:
    """With `patience=0` every break is told."""
    log = course(id="web", patience=0)
    log.took(batch(b"t"))

    with pytest.raises(dockfleet.DockfleetError):
        log.broke(error())


def test_a_deadline_is_that_of_all_calls_together() -> None:
    """`timeout` is not renewed by a break."""
    clock = Clock()
    log = course(id="web", timeout=10.0, clock=clock)

    clock.now += 4
    assert log.timeout() == 6.0
    clock.now += 40
    assert log.timeout() == 0.0
    assert course(id="web").timeout() is None


def test_the_last_message_is_known() -> None:
    """After it, a break breaks nothing."""
    log = course(id="web")

    log.took(batch(b"t", batch={"entries": [{"data": b"x"}]}))
    assert not log.ended
    log.took(batch(b"u", end={"reason": containers.LOG_END_REASON_EXITED}))
    assert log.ended
