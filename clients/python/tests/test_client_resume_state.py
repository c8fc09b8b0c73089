"""When and how a broken stream is called again: the rules, without a gateway and a clock."""

from __future__ import annotations

from typing import Any

import dockfleet
import grpc
import pytest
from dockfleet.calls import METHODS
from dockfleet.resume_state import LONGEST_PAUSE, SHORTEST_PAUSE, ResumeState
from dockfleet.v1 import containers_pb2 as containers
from dockfleet.v1 import system_pb2 as system

ID = "c" * 64


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def state(
    rpc: str = "StreamLogs", retry_seconds: float = 60.0, clock: Clock | None = None, **fields: Any
) -> ResumeState:
    service = "system" if rpc == "StreamEvents" else "containers"
    method = METHODS[service][rpc]
    deadline = fields.pop("deadline", None)
    return ResumeState(method, method.arguments("a", fields), retry_seconds, deadline, clock or Clock())


def batch(token: bytes, **fields: Any) -> containers.StreamLogsResponse:
    return containers.StreamLogsResponse(resume_token=token, container_id=ID, **fields)


def error(
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE, reason: str = "", **more: Any
) -> dockfleet.DockfleetError:
    return dockfleet.DockfleetError(code, "no", reason, **more)


def test_the_next_request_has_the_last_token_in_place_of_the_start() -> None:
    """`since` and `tail` are gone, the other fields stay, and the container has its full id."""
    log = state(id="web", follow=True, tail=5, until={"seconds": 9}, stderr=True)

    log.received(batch(b"one"))
    log.received(batch(b"two"))

    assert log.request() == containers.StreamLogsRequest(
        host="a", id=ID, follow=True, until={"seconds": 9}, stderr=True, resume_token=b"two"
    )


def test_events_continue_by_their_token_with_their_filters() -> None:
    """The events after a failure are those that the first request selects."""
    events = state("StreamEvents", since={"seconds": 1}, filters={"type": "image"})

    events.received(system.StreamEventsResponse(resume_token=b"t"))

    assert events.request() == system.StreamEventsRequest(
        host="a", filters={"type": {"items": ["image"]}}, resume_token=b"t"
    )


def test_a_heartbeat_is_not_delivered_but_its_token_counts() -> None:
    """It has no news; its token says how far the gateway has read."""
    events = state("StreamEvents")

    assert events.received(system.StreamEventsResponse(event={"action": "start"}, resume_token=b"1"))
    assert not events.received(system.StreamEventsResponse(heartbeat={}, resume_token=b"2"))

    assert events.request() == system.StreamEventsRequest(host="a", resume_token=b"2")


@pytest.mark.parametrize(
    ("rpc", "record"),
    [
        ("StreamLogs", containers.StreamLogsResponse(resume_token=b"t")),
        ("StreamEvents", system.StreamEventsResponse(resume_token=b"t")),
        ("StreamStats", containers.StreamStatsResponse()),
    ],
)
def test_an_unknown_record_is_skipped(rpc: str, record: Any) -> None:
    """A newer gateway sends it; its token counts, as that of a heartbeat does."""
    stream = state(rpc, **({} if rpc == "StreamEvents" else {"id": "web"}))

    assert not stream.received(record)
    assert stream.failed(error()) > 0


def test_a_stream_without_tokens_is_requested_again() -> None:
    """Samples have no token: the next ones are as good."""
    stats = state("StreamStats", id="web")

    stats.received(containers.StreamStatsResponse(stats={"id": ID}))

    assert stats.failed(error()) > 0
    assert stats.request() == containers.StreamStatsRequest(host="a", id="web")


CONTINUES = {  # by code, for a failure: without a reason; with one; with one and `retry_safe`; with SLOW_READER
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
    ("code", "reason", "retry_safe", "continues"),
    [
        (code, *failure, continues)
        for code, row in CONTINUES.items()
        for failure, continues in zip(FAILURES, row, strict=True)
    ],
)
def test_the_rule_is_that_of_the_contract(
    code: grpc.StatusCode, reason: str, retry_safe: bool, continues: bool
) -> None:
    """It is at the beginning of common.proto, and all clients follow it."""
    log, failure = state(id="web"), error(code, reason, retry_safe=retry_safe)
    log.received(batch(b"t"))

    if continues:
        assert log.failed(failure) > 0
    else:
        with pytest.raises(dockfleet.DockfleetError) as raised:
            log.failed(failure)
        assert raised.value is failure


def test_the_rule_is_complete() -> None:
    """Every code of a failure has a row."""
    assert set(CONTINUES) == set(grpc.StatusCode) - {grpc.StatusCode.OK}


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
def test_failures_that_may_end_are_retried(code: grpc.StatusCode, reason: str, retry_safe: bool) -> None:
    """A lost gateway, a lost host, too many streams, and a slow reader."""
    log = state(id="web")
    log.received(batch(b"t"))

    assert log.failed(error(code, reason, retry_safe=retry_safe)) > 0


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
def test_other_failures_are_raised_at_once(code: grpc.StatusCode, reason: str) -> None:
    """Refusals, gaps, defects, and the deadline of the caller."""
    log, failure = state(id="web"), error(code, reason)
    log.received(batch(b"t"))

    with pytest.raises(dockfleet.DockfleetError) as raised:
        log.failed(failure)
    assert raised.value is failure


@pytest.mark.parametrize("rpc", ["StreamLogs", "StreamEvents", "StreamStats"])
def test_an_initial_failure_is_not_retried(rpc: str) -> None:
    """A gateway that is not there, or has never responded, is an error at once."""
    fields = {} if rpc == "StreamEvents" else {"id": "web"}

    with pytest.raises(dockfleet.DockfleetError):
        state(rpc, **fields).failed(error())


def test_a_stream_that_starts_with_a_token_is_retried() -> None:
    """A program that continues a stream waits for the gateway."""
    log = state(id="web", resume_token=b"kept")

    assert log.failed(error()) > 0
    assert log.request() == containers.StreamLogsRequest(host="a", id="web", resume_token=b"kept")


def test_a_stream_with_tokens_does_not_continue_without_one() -> None:
    """A gateway without tokens: a second call would return the same lines again."""
    log = state(id="web")
    log.received(containers.StreamLogsResponse(batch={"entries": [{"data": b"x"}]}))

    with pytest.raises(dockfleet.DockfleetError):
        log.failed(error())


def test_the_pauses_grow_until_a_response_comes() -> None:
    """Up to a second, with a random part, so that many clients do not call at the same time."""
    log = state(id="web", retry_seconds=1e6)
    log.received(batch(b"t"))

    pauses = [log.failed(error()) for _ in range(8)]
    log.received(batch(b"u"))

    assert pauses[0] <= SHORTEST_PAUSE * 1.2
    assert pauses[:4] == sorted(pauses[:4])
    assert all(LONGEST_PAUSE * 0.8 <= pause <= LONGEST_PAUSE * 1.2 for pause in pauses[4:])
    assert log.failed(error()) <= SHORTEST_PAUSE * 1.2


def test_the_delay_of_the_gateway_is_respected() -> None:
    """`RetryInfo` says when the next call makes sense."""
    log = state(id="web")
    log.received(batch(b"t"))

    assert log.failed(error(retry_after=7.0)) == 7.0


def test_retries_end_after_retry_seconds_without_a_response() -> None:
    """The time starts with the first failure after a response."""
    clock = Clock()
    log = state(id="web", retry_seconds=60.0, clock=clock)
    log.received(batch(b"t"))

    log.failed(error())
    clock.now += 50
    log.failed(error())
    log.received(batch(b"t", heartbeat={}))
    clock.now += 50
    log.failed(error())
    clock.now += 61

    with pytest.raises(dockfleet.DockfleetError):
        log.failed(error())


def test_zero_retry_seconds_mean_one_call() -> None:
    """With `retry_seconds=0` every failure is raised."""
    log = state(id="web", retry_seconds=0)
    log.received(batch(b"t"))

    with pytest.raises(dockfleet.DockfleetError):
        log.failed(error())


def test_a_deadline_holds_for_all_calls_together() -> None:
    """`deadline` does not start again after a failure."""
    clock = Clock()
    log = state(id="web", deadline=10.0, clock=clock)

    clock.now += 4
    assert log.timeout() == 6.0
    clock.now += 40
    assert log.timeout() == 0.0
    assert state(id="web").timeout() is None


def test_the_end_of_a_stream_is_known() -> None:
    """A failure after the last response changes nothing."""
    log = state(id="web")

    log.received(batch(b"t", batch={"entries": [{"data": b"x"}]}))
    assert not log.ended
    log.received(batch(b"u", end={"reason": containers.LOG_END_REASON_EXITED}))
    assert log.ended
