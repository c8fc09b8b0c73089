"""The one table: which status an engine's refusal, or a failure of a connection, becomes."""

from __future__ import annotations

import time

import orjson
import pytest
from dockfleet.v1 import common_pb2 as pb
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from grpc import StatusCode as Code

from gateway.engine.errors import (
    ApiTooNew,
    ApiTooOld,
    BadResponse,
    Busy,
    CredentialsRejected,
    Disconnected,
    ExecStartFailed,
    IdentityMismatch,
    Incompatible,
    InvalidField,
    OperationFailed,
    OutcomeUnknown,
    StartedBefore,
    TimedOut,
    TornStream,
    Unreachable,
)
from gateway.engine.sdk import engine_error
from gateway.engine.transport.http import Response
from gateway.fleet.host import HostRemoved
from gateway.fleet.registry import UnknownHost
from gateway.rpc.status import ClientDeadline, Failure, GoingAway, failure, safe
from tests.support.gateway import M, unpacked

# What refusals mean is in test_reasons.py; here is what is made of a meaning.
ENGINE_ANSWERS = [
    (400, Code.INVALID_ARGUMENT, "INVALID_REQUEST", "Invalid signal: NOPE"),
    (404, Code.NOT_FOUND, "NOT_FOUND", "No such container: web"),
    (409, Code.ABORTED, "BEING_CHANGED", "removal of container 0123 is already in progress"),
    (500, Code.INTERNAL, "ENGINE_ERROR", "something else altogether"),
    (418, Code.INTERNAL, "ENGINE_ERROR", "I am a teapot"),
]
FAILURES = [
    (Unreachable("x"), Code.UNAVAILABLE, "HOST_UNREACHABLE", True),
    (IdentityMismatch("x"), Code.FAILED_PRECONDITION, "HOST_IDENTITY_MISMATCH", False),
    (CredentialsRejected("x"), Code.FAILED_PRECONDITION, "HOST_CREDENTIALS_REJECTED", False),
    (Busy("x"), Code.RESOURCE_EXHAUSTED, "HOST_BUSY", True),
    (TimedOut("x", sent=True), Code.DEADLINE_EXCEEDED, "HOST_TIMEOUT", True),
    (Disconnected("x", sent=True), Code.UNAVAILABLE, "CONNECTION_LOST", True),
    (OutcomeUnknown("x", sent=True), Code.ABORTED, "OUTCOME_UNKNOWN", False),
    (TornStream("x", sent=True), Code.DATA_LOSS, "BAD_ENGINE_RESPONSE", False),
    (BadResponse("x", sent=True), Code.INTERNAL, "BAD_ENGINE_RESPONSE", False),
    (Incompatible("x"), Code.FAILED_PRECONDITION, "HOST_INCOMPATIBLE", False),
    (ApiTooOld("field", "1.44", "1.41"), Code.FAILED_PRECONDITION, "API_VERSION_TOO_OLD", False),
    (ExecStartFailed("x"), Code.FAILED_PRECONDITION, "EXEC_START_FAILED", False),
    (StartedBefore("x"), Code.FAILED_PRECONDITION, "CONFLICT", False),
    (ApiTooNew("field", "1.41", "1.45"), Code.FAILED_PRECONDITION, "API_VERSION_TOO_NEW", False),
    (ClientDeadline(changes=False), Code.DEADLINE_EXCEEDED, "CLIENT_DEADLINE", False),
    (GoingAway(), Code.UNAVAILABLE, "GOING_AWAY", True),
    (UnknownHost("x"), Code.NOT_FOUND, "UNKNOWN_HOST", False),
    (HostRemoved("x"), Code.FAILED_PRECONDITION, "HOST_REMOVED", False),
    (InvalidField("id", "must be set"), Code.INVALID_ARGUMENT, "INVALID_FIELD", False),
]


def answer(status: int, text: str, operation: str = "") -> Exception:
    """Return the exception of an engine's answer."""
    return engine_error(Response(status, {}, orjson.dumps({"message": text})), operation)


def failure_of(error: Exception, *, changes: bool = False) -> Failure:
    """Return the failure that the caller gets for *error*."""
    found = failure(error, "h1", changes=changes)
    assert found is not None
    return found


def detail(found: Failure, kind: type[M]) -> M:
    """Return the only detail of a kind in a status."""
    [detail] = [each for each in map(unpacked, found.status().details) if isinstance(each, kind)]
    return detail


@pytest.mark.parametrize(("status", "code", "reason", "text"), ENGINE_ANSWERS)
def test_an_engines_refusal_keeps_its_words(status: int, code: Code, reason: str, text: str) -> None:
    """Code and reason are those of the meaning; the engine's words and its status are kept."""
    found = failure_of(answer(status, text))

    assert (found.code, found.reason, found.retry_safe) == (code, reason, False)
    assert found.message == f"h1: {text}"
    assert found.metadata["engine_status"] == str(status)


def test_an_error_knows_the_step_that_it_is_of() -> None:
    """A call of several steps fails like the step; an error without a step fails like the RPC."""
    words = "network gone not found"
    step = failure(answer(404, words, "StartContainer"), "h1", changes=True, operation="RunContainer")
    rpc = failure(answer(404, words), "h1", changes=True, operation="StartContainer")

    assert step is not None
    assert step.reason == rpc.reason == "START_FAILED" if rpc else False
    assert failure_of(answer(404, words)).reason == "NOT_FOUND"


def test_a_backend_that_fails_leaves_the_outcome_of_a_change_open() -> None:
    """A backend of the engine did not answer: a read may be repeated, the outcome of a change is open."""
    assert failure_of(answer(503, "x")).code is Code.UNAVAILABLE
    assert failure_of(answer(503, "x"), changes=True).code is Code.ABORTED


def test_a_pull_may_be_repeated_when_its_registry_is_away() -> None:
    """Asking again repeats no work."""
    found = failure_of(answer(500, "dial tcp 192.0.2.1:443: i/o timeout", "PullImage"))

    assert (found.reason, found.retry_safe) == ("REGISTRY_UNREACHABLE", True)


@pytest.mark.parametrize(("error", "code", "reason", "retry_safe"), FAILURES)
def test_each_failure_of_a_connection_has_one_meaning(
    error: Exception, code: Code, reason: str, retry_safe: bool
) -> None:
    """Only the kind of a failure decides."""
    found = failure_of(error)

    assert (found.code, found.reason, found.retry_safe) == (code, reason, retry_safe)
    assert detail(found, ErrorInfo).domain == "dockfleet"
    assert detail(found, ErrorInfo).metadata["host"] == "h1"
    assert detail(found, ErrorInfo).metadata["retry_safe"] == str(retry_safe).lower()


def test_every_reason_is_one_of_the_contract() -> None:
    """No other reason is given."""
    reasons = {row[2] for row in FAILURES}

    assert reasons <= {name.removeprefix("ERROR_REASON_") for name in pb.ErrorReason.DESCRIPTOR.values_by_name}


@pytest.mark.parametrize(
    ("operation", "code", "reason"),
    [
        ("PullImage", Code.UNAVAILABLE, "REGISTRY_UNREACHABLE"),
        ("BuildImage", Code.FAILED_PRECONDITION, "OPERATION_FAILED"),
        ("", Code.FAILED_PRECONDITION, "OPERATION_FAILED"),
    ],
)
def test_the_meaning_of_a_failure_within_an_answer_depends_on_the_operation(
    operation: str, code: Code, reason: str
) -> None:
    """Pull, push, build and load answer 200 and report their failure in the last line."""
    error = OperationFailed("dial tcp 192.0.2.1:443: i/o timeout")
    error.operation = operation

    found = failure_of(error, changes=True)

    assert (found.code, found.reason) == (code, reason)


def test_a_status_within_an_answer_means_the_same_as_any_other() -> None:
    """The `code` of an `errorDetail` is the status that the engine meant."""
    assert failure_of(OperationFailed("manifest unknown: x", 404)).code is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"cause":"no such container","message":"no such container","response":404}', "no such container"),
        (b"Not Found\n", "Not Found"),
        (b'{"error":"without message"}', '{"error":"without message"}'),
        (b'["not","an object"]', '["not","an object"]'),
        (b"\xff\xfe broken", "\\xff\\xfe broken"),
        (b'{"message": null}', '{"message": null}'),
        (b"", "HTTP 404"),
    ],
)
def test_an_error_of_any_shape_has_a_message(body: bytes, expected: str) -> None:
    """Podman's errors, plain text, JSON without a message and broken text become the message as they are."""
    found = failure_of(engine_error(Response(404, {}, body)))

    assert (found.code, found.message) == (Code.NOT_FOUND, f"h1: {expected}")


def test_what_is_missing_is_named() -> None:
    """ResourceInfo has the kind and the name of the missing object."""
    found = detail(failure_of(answer(404, "No such container: web")), ResourceInfo)

    assert (found.resource_type, found.resource_name) == ("container", "web")


def test_a_field_that_is_wrong_is_named() -> None:
    """BadRequest has the field and what it must be."""
    [violation] = detail(failure_of(InvalidField("config.image", "must be set")), BadRequest).field_violations

    assert (violation.field, violation.description) == ("config.image", "must be set")


def test_versions_that_differ_are_named() -> None:
    """A request that is too new names the field and both versions."""
    metadata = failure_of(ApiTooOld("config.annotations", "1.44", "1.41")).metadata

    assert metadata["field"] == "config.annotations"
    assert (metadata["required_version"], metadata["host_version"]) == ("1.44", "1.41")


def test_a_request_that_is_too_old_names_the_last_version() -> None:
    """The metadata hold the field, the last version that has it, and that of the host."""
    metadata = failure_of(ApiTooNew("config.mac_address", "1.51", "1.52")).metadata

    assert metadata["field"] == "config.mac_address"
    assert (metadata["last_version"], metadata["host_version"]) == ("1.51", "1.52")


@pytest.mark.parametrize("error", [Unreachable("x"), Busy("x"), answer(429, "toomanyrequests", "PullImage")])
def test_a_failure_that_may_pass_has_a_delay(error: Exception) -> None:
    """RetryInfo holds a delay."""
    assert detail(failure_of(error), RetryInfo).retry_delay.ToTimedelta().total_seconds() >= 1


HOSTILE = "\r\n\x00\x1b]0;owned\x07\x9b31m\u202etxt\u2028 {}%s" + "Ä" * 20_000


def test_text_of_an_engine_is_escaped_and_bounded() -> None:
    """No control character passes, and no more than trailers can carry (A5 17, [G11])."""
    found = failure_of(answer(404, f"No such container: {HOSTILE}"))

    assert found.code is Code.NOT_FOUND
    assert len(found.message.encode()) <= 1024
    assert found.message.startswith("h1: No such container: \\x0d\\x0a\\x00\\x1b]0;owned\\x07\\x9b31m\\x202etxt\\x2028")
    assert len(found.status().SerializeToString()) < 6 << 10
    assert not set(found.status().SerializeToString().decode(errors="ignore")) & set("\u202e\u2028\x9b\x1b")


def test_a_field_of_any_length_is_bounded() -> None:
    """A path into a request may hold a key that the client chose."""
    found = failure_of(InvalidField(f"networks[{HOSTILE!r}].id", HOSTILE))

    assert found.code is Code.INVALID_ARGUMENT
    assert len(found.status().SerializeToString()) < 6 << 10


def test_text_of_megabytes_costs_no_more_than_its_beginning() -> None:
    """It is cut before anything looks at it."""
    before = time.process_time()
    text = safe("\x1b" * (64 << 20))

    assert time.process_time() - before < 1  # all of it takes a minute
    assert len(text) <= 1024


def test_metadata_of_an_engine_are_bounded() -> None:
    """Each value of the metadata is short and holds no control character."""
    found = failure_of(ApiTooOld(HOSTILE, "1.44", "1.41"))

    assert len(found.metadata["field"]) <= 256
    assert "\n" not in found.metadata["field"]


def test_two_calls_with_the_same_exception_share_nothing() -> None:
    """An exception that is raised more than once keeps nothing of the call before."""
    shared = Unreachable("no connection")

    assert failure_of(shared).message == failure_of(shared).message == "h1: no connection"
    assert failure_of(shared).metadata == failure_of(shared).metadata == {"host": "h1"}


@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("secret"), AttributeError("secret")])
def test_a_defect_is_not_in_the_table(error: Exception) -> None:
    """An exception that the table does not have is a defect of the gateway; its text is not sent."""
    assert failure(error, "h1", changes=False) is None
