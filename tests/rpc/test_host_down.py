"""What a call to a host that is known to be down fails with: the reason of the host's last failure."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from grpc import StatusCode as Code

from gateway.engine.errors import CallError, Disconnected, HostDown, IdentityMismatch, TimedOut, Unreachable
from gateway.engine.sdk import engine_error
from gateway.engine.transport.http import Response
from gateway.rpc.status import failure

SINCE = "2023-11-14T22:13:20Z"


def down(cause: CallError) -> HostDown:
    """A host that is down because of *cause*."""
    return HostDown("the host is down", cause, 1_700_000_000.0, 1.5)


@pytest.mark.parametrize(
    ("cause", "code", "reason"),
    [
        (Unreachable("no connection"), Code.UNAVAILABLE, "HOST_UNREACHABLE"),
        (TimedOut("no answer", sent=True), Code.UNAVAILABLE, "HOST_TIMEOUT"),  # no time ran out: nothing was sent
        (Disconnected("the connection broke", sent=True), Code.UNAVAILABLE, "CONNECTION_LOST"),
        (IdentityMismatch("a wrong certificate"), Code.FAILED_PRECONDITION, "HOST_IDENTITY_MISMATCH"),
        (engine_error(Response(503, {}, b"starting")), Code.UNAVAILABLE, "ENGINE_BACKEND"),
        (engine_error(Response(500, {}, b"broken")), Code.INTERNAL, "ENGINE_ERROR"),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("changes", [False, True])
def test_it_has_the_reason_of_the_last_failure(cause: CallError, code: Code, reason: str, changes: bool) -> None:
    """Whether the call changes anything or not.  Only what can pass by itself may be tried again, and when."""
    found = failure(down(cause), "h1", changes=changes)

    assert found is not None
    assert (found.code, found.reason, found.metadata["since"]) == (code, reason, SINCE)
    assert found.message.startswith(f"h1: the host is down since {SINCE}: ")
    assert found.retry_safe is (code is Code.UNAVAILABLE)
    assert found.retry_seconds == (1.5 if found.retry_safe else None)


def test_among_the_results_of_many_hosts_it_says_the_same() -> None:
    """Also how long to wait."""
    found = failure(down(Unreachable("no connection")), "h1", changes=False)

    assert found is not None
    message = found.message_of("h1")
    assert message.retry_after == Duration(seconds=1, nanos=500_000_000)
    assert (message.host, dict(message.metadata)) == ("h1", {"since": SINCE})
