"""An exception -> google.rpc.Status.  What an engine's own refusals mean is in `refusals`.

Whose fault decides: UNAVAILABLE means that the same call may simply be sent again, FAILED_PRECONDITION that
something must change first, ABORTED that the caller must look what happened.  UNAUTHENTICATED is kept for
callers of the gateway itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode as Code

from gateway.engine.client import Incompatible, OutcomeUnknown, Refused
from gateway.engine.codec.json import InvalidField
from gateway.engine.codec.streams import OperationFailed, TornStream
from gateway.engine.logs.runs import LogGap
from gateway.engine.process.bounded_buffer import ReaderTooSlow
from gateway.engine.process.session import ExecStartFailed, StartedBefore
from gateway.engine.resumable.token import InvalidToken
from gateway.engine.transport import http as wire
from gateway.engine.versions import ApiTooNew, ApiTooOld
from gateway.fleet.hosts import HostRemoved, UnknownHost
from gateway.rpc import reasons

DOMAIN = "dockfleet"
_LONGEST = 1024  # bytes of text; past the limit of trailers a client would see another status altogether
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_MISSING = re.compile(r"[Nn]o such (\w+): ?(.+)")


class GoingAway(Exception):
    """The gateway is stopping."""

    def __init__(self) -> None:
        super().__init__("the gateway is stopping; ask another replica, or again in a moment")


class ClientDeadline(Exception):
    """The client's own deadline ran out."""

    def __init__(self, *, changes: bool) -> None:
        outcome = "; whether the request took effect is not known" if changes else ""
        super().__init__(f"the client's deadline ran out before the call ended{outcome}")


class GatewayBusy(Exception):
    """As many calls as allowed are under way at this gateway."""


# Exceptions of our own.  Where the text says all, the type decides alone; the first that fits counts.
_OWN: tuple[tuple[type[Exception], Code, str, bool], ...] = (
    (OutcomeUnknown, Code.ABORTED, "OUTCOME_UNKNOWN", False),
    (wire.Unreachable, Code.UNAVAILABLE, "HOST_UNREACHABLE", True),
    (wire.IdentityMismatch, Code.FAILED_PRECONDITION, "HOST_IDENTITY_MISMATCH", False),
    (wire.CredentialsRejected, Code.FAILED_PRECONDITION, "HOST_CREDENTIALS_REJECTED", False),
    (wire.Busy, Code.RESOURCE_EXHAUSTED, "HOST_BUSY", True),
    (wire.TimedOut, Code.DEADLINE_EXCEEDED, "HOST_TIMEOUT", True),
    (wire.Disconnected, Code.UNAVAILABLE, "CONNECTION_LOST", True),
    (TornStream, Code.DATA_LOSS, "BAD_ENGINE_RESPONSE", False),
    (wire.BadResponse, Code.INTERNAL, "BAD_ENGINE_RESPONSE", False),
    (Incompatible, Code.FAILED_PRECONDITION, "HOST_INCOMPATIBLE", False),
    (ExecStartFailed, Code.FAILED_PRECONDITION, "EXEC_START_FAILED", False),
    (StartedBefore, Code.FAILED_PRECONDITION, "CONFLICT", False),
    (LogGap, Code.DATA_LOSS, "GAP", False),
    (InvalidToken, Code.INVALID_ARGUMENT, "BAD_RESUME_TOKEN", False),
    (ClientDeadline, Code.DEADLINE_EXCEEDED, "CLIENT_DEADLINE", False),
    (GoingAway, Code.UNAVAILABLE, "GOING_AWAY", True),
    (GatewayBusy, Code.RESOURCE_EXHAUSTED, "GATEWAY_BUSY", True),
    (UnknownHost, Code.NOT_FOUND, "UNKNOWN_HOST", False),
    (HostRemoved, Code.FAILED_PRECONDITION, "HOST_REMOVED", False),
)
_NOT_ABOUT_THE_HOST = (
    InvalidField,
    InvalidToken,
    UnknownHost,
    HostRemoved,
    ClientDeadline,
    GoingAway,
    GatewayBusy,
    ReaderTooSlow,
)
_RETRY_SECONDS = {"HOST_UNREACHABLE": 2, "HOST_BUSY": 1, "GATEWAY_BUSY": 1, "REGISTRY_LIMIT": 60, "GOING_AWAY": 1}


@dataclass
class Failure(Exception):
    """A failure as the caller of an RPC sees it."""

    code: Code
    reason: str
    message: str
    retry_safe: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    details: list[Message] = field(default_factory=list)

    def status(self) -> Status:
        """Return the google.rpc.Status that travels in the trailers."""
        info = ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        info.metadata["retry_safe"] = "true" if self.retry_safe else "false"
        details: list[Message] = [info, *self.details]
        if seconds := _RETRY_SECONDS.get(self.reason):
            details.append(RetryInfo(retry_delay=Duration(seconds=seconds)))
        number: int = self.code.value[0]
        return Status(code=number, message=self.message, details=[_pack(detail) for detail in details])


def failure(error: Exception, host: str, *, changes: bool, operation: str = "") -> Failure | None:
    """Return what *error* is to the caller; None for a defect of the gateway.

    *host* is the one that was asked; *changes* tells whether the call does more than read.  *operation* is the RPC; a
    call may have several steps, each an RPC of its own, and its errors know which.
    """
    found = _failure(error, changes, operation)
    if found is not None:
        if host:
            found.metadata.setdefault("host", host)
            if not isinstance(error, _NOT_ABOUT_THE_HOST):
                found.message = f"{host}: {found.message}"
        found.message = safe(found.message)
        found.metadata = {key: safe(value)[:256] for key, value in found.metadata.items()}
    return found


def _failure(error: Exception, changes: bool, operation: str) -> Failure | None:
    if isinstance(error, Failure):
        return error
    if isinstance(error, Refused):
        return _refusal(error.operation or operation, error.status_code, str(error.explanation), changes)
    if isinstance(error, OperationFailed):
        status = error.status or reasons.WITHIN_ANSWER
        return _refusal(error.operation or operation, status, str(error), changes)
    if isinstance(error, InvalidField):
        bad = BadRequest.FieldViolation(field=safe(error.field)[:256], description=safe(error.remedy))
        return Failure(Code.INVALID_ARGUMENT, "INVALID_FIELD", str(error), details=[BadRequest(field_violations=[bad])])
    if isinstance(error, ApiTooOld):
        what = "method" if error.field[0].isupper() else "field"  # RPCs are CamelCase, fields snake_case
        versions = {what: error.field, "required_version": error.required, "host_version": error.actual}
        return Failure(Code.FAILED_PRECONDITION, "API_VERSION_TOO_OLD", str(error), metadata=versions)
    if isinstance(error, ApiTooNew):
        versions = {"field": error.field, "last_version": error.last, "host_version": error.actual}
        return Failure(Code.FAILED_PRECONDITION, "API_VERSION_TOO_NEW", str(error), metadata=versions)
    if isinstance(error, ReaderTooSlow):
        return Failure(Code.RESOURCE_EXHAUSTED, "SLOW_READER", str(error), retry_safe=not changes)
    for kind, code, reason, retry_safe in _OWN:
        if isinstance(error, kind):
            return Failure(code, reason, str(error), retry_safe)
    return None


def _refusal(operation: str, status: int, words: str, changes: bool) -> Failure:
    rule = reasons.meaning(operation, status, words)
    metadata = {"engine_status": str(status)}
    if rule is None:
        return Failure(Code.INTERNAL, "ENGINE_ERROR", words, metadata=metadata)
    code = rule.code_of_change if changes else rule.code
    found = Failure(code, rule.reason, words, rule.retry_safe, metadata)
    if code is Code.NOT_FOUND and (missing := _MISSING.search(words[:_LONGEST])):
        found.details.append(ResourceInfo(resource_type=missing[1], resource_name=safe(missing[2])[:256]))
    return found


def safe(text: str) -> str:
    """Return *text* fit for logs and trailers: at most 1 KiB, control characters escaped."""
    text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) <= _LONGEST:
        return encoded.decode()
    return encoded[: _LONGEST - 3].decode(errors="ignore") + "…"


def _pack(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
