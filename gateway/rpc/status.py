"""Converts exceptions to google.rpc.Status.  `reasons` maps the error responses of engines.

The code says what the caller can do: UNAVAILABLE, send the same call again; FAILED_PRECONDITION, change something
first; ABORTED, find out what happened.  UNAUTHENTICATED is kept for
callers of the gateway itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dockfleet.v1 import common_pb2
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, ResourceInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import StatusCode as Code

from gateway.engine.errors import CallError, HostDown, InvalidField, OperationFailed, ReaderTooSlow, Refused
from gateway.rpc import reasons
from gateway.rpc.missing import missing

DOMAIN = "dockfleet"
_LONGEST = 1024  # bytes of text; beyond the size limit of trailers, the client would receive another status
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class GoingAway(CallError):
    """The gateway is stopping."""

    status, reason, retry_safe, about_host = "UNAVAILABLE", "GOING_AWAY", True, False

    def __init__(self) -> None:
        super().__init__("the gateway is stopping; ask another replica, or again in a moment")


class ClientDeadline(CallError):
    """The client's own deadline ran out."""

    status, reason, about_host = "DEADLINE_EXCEEDED", "CLIENT_DEADLINE", False

    def __init__(self, *, changes: bool) -> None:
        outcome = "; whether the request took effect is not known" if changes else ""
        super().__init__(f"the client's deadline ran out before the call ended{outcome}")


class GatewayBusy(CallError):
    """A bound on the open calls of this gateway is reached."""

    status, reason, retry_safe, about_host = "RESOURCE_EXHAUSTED", "GATEWAY_BUSY", True, False


class NoRequest(CallError):
    """The first message of a call did not arrive in time."""

    status, reason, retry_safe, about_host = "DEADLINE_EXCEEDED", "NO_REQUEST", True, False


class EmptyCall(CallError):
    """The client closed its side of a call without a message, and the call needs one."""

    status, reason, about_host = "INVALID_ARGUMENT", "NO_REQUEST", False


class MalformedMessage(CallError):
    """The bytes of a message do not decode as the request of the RPC."""

    status, reason, about_host = "INVALID_ARGUMENT", "MALFORMED_MESSAGE", False


_RETRY_SECONDS = {"HOST_UNREACHABLE": 2, "HOST_BUSY": 1, "GATEWAY_BUSY": 1, "REGISTRY_LIMIT": 60, "GOING_AWAY": 1}


@dataclass
class Failure(Exception):
    """A failure as the client receives it."""

    code: Code
    reason: str
    message: str
    retry_safe: bool = False
    metadata: dict[str, str] = field(default_factory=dict)
    details: list[Message] = field(default_factory=list)
    known_retry_seconds: float | None = None  # where the failure itself knows it

    @property
    def retry_seconds(self) -> float | None:
        """The seconds to wait before the same call may succeed; None when that is not known."""
        return self.known_retry_seconds or _RETRY_SECONDS.get(self.reason)

    def status(self) -> Status:
        """Return the google.rpc.Status that travels in the trailers."""
        info = ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        info.metadata["retry_safe"] = "true" if self.retry_safe else "false"
        details = [_pack(detail) for detail in (info, *self._details)]
        return Status(code=self._number, message=self.message, details=details)

    @property
    def _details(self) -> list[Message]:
        seconds = self.retry_seconds
        if seconds is None:
            return self.details
        delay = Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
        return [*self.details, RetryInfo(retry_delay=delay)]

    @property
    def _number(self) -> int:
        number: int = self.code.value[0]
        return number

    def message_of(self, host: str) -> common_pb2.Failure:
        """Return the failure of *host* as a message, for a response with the results of many calls."""
        message = common_pb2.Failure(
            code=self._number,
            reason=common_pb2.ErrorReason.Value(f"ERROR_REASON_{self.reason}"),
            message=self.message,
            host=host,
            retry_safe=self.retry_safe,
            engine_status=int(self.metadata.get("engine_status", 0)),
            metadata={key: value for key, value in self.metadata.items() if key not in ("host", "engine_status")},
        )
        for detail in self._details:
            match detail:
                case RetryInfo():
                    message.retry_after.CopyFrom(detail.retry_delay)
                case ResourceInfo():
                    message.resource_type, message.resource_name = detail.resource_type, detail.resource_name
                case BadRequest():
                    for violation in detail.field_violations:
                        message.field_violations.add(field=violation.field, description=violation.description)
        return message


def failure(error: Exception, host: str, *, changes: bool, operation: str = "") -> Failure | None:
    """Return *error* as a failure for the client; None for a defect of the gateway.

    *host* is the host of the call; *changes* says whether the call does more than read.  *operation* is the RPC; an
    error of a call with several steps names the RPC of its step.
    """
    found = _failure(error, changes, operation)
    if found is not None:
        if host:
            found.metadata.setdefault("host", host)
            if getattr(error, "about_host", True):
                found.message = f"{host}: {found.message}"
        found.message = safe(found.message)
        found.metadata = {key: safe(value)[:256] for key, value in found.metadata.items()}
    return found


def _failure(error: Exception, changes: bool, operation: str) -> Failure | None:
    match error:
        case Failure():
            return error
        case HostDown(failure=Refused() as refused):  # a probe; of the call, nothing was sent
            found = _refusal("Ping", refused.status_code, str(refused.explanation), False, ())
            found.message, found.metadata = str(error), found.metadata | error.metadata
            if found.code is Code.UNAVAILABLE:
                found.retry_safe, found.known_retry_seconds = True, error.retry_after_seconds
            return found
        case Refused():
            words = str(error.explanation)
            return _refusal(error.operation or operation, error.status_code, words, changes, error.named)
        case OperationFailed():
            status = error.http_status or reasons.WITHIN_ANSWER
            return _refusal(error.operation or operation, status, str(error), changes, error.named)
        case CallError():
            retry_safe = error.retry_safe or (isinstance(error, ReaderTooSlow) and not changes)
            found = Failure(Code[error.status], error.reason, str(error), retry_safe, error.metadata)
            found.known_retry_seconds = error.retry_after_seconds
            if isinstance(error, InvalidField):
                bad = BadRequest.FieldViolation(field=safe(error.field)[:256], description=safe(error.remedy))
                found.details.append(BadRequest(field_violations=[bad]))
            if error.missing:
                found.details.append(_resource(*error.missing))
            return found
    return None


def _refusal(operation: str, status: int, words: str, changes: bool, named: tuple[tuple[str, str], ...]) -> Failure:
    rule = reasons.meaning(operation, status, words)
    metadata = {"engine_status": str(status)}
    if rule is None:
        return Failure(Code.INTERNAL, "ENGINE_ERROR", words, metadata=metadata)
    code = rule.code_of_change if changes else rule.code
    found = Failure(code, rule.reason, words, rule.retry_safe, metadata)
    if code is Code.NOT_FOUND and (what := missing(operation, words[:_LONGEST], named)):
        found.details.append(_resource(*what))
    return found


def _resource(kind: str, name: str) -> ResourceInfo:
    return ResourceInfo(resource_type=kind, resource_name=safe(name)[:256])


def safe(text: str) -> str:
    """Return *text* safe for logs and trailers: at most 1 KiB, with control characters escaped."""
    beginning = text[:_LONGEST]  # first of all, because the text may have megabytes
    escaped = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", beginning)
    encoded = escaped.encode("utf-8", "backslashreplace")
    if len(encoded) <= _LONGEST and len(beginning) == len(text):
        return encoded.decode()
    return encoded[: _LONGEST - 3].decode(errors="ignore") + "…"


def _pack(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
