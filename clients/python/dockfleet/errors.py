"""The error of this package, read from the status of a failed call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from dockfleet.v1.common_pb2 import Failure

_DETAILS = "grpc-status-details-bin"
_DOMAIN = "dockfleet"
_NO_CONNECTION = (
    ("CERTIFICATE_VERIFY_FAILED", "no authority in tls_ca has signed the certificate of the gateway"),
    (
        "Hostname Verification",
        "the certificate of the gateway is for another name: use that name as the target, or give "
        "channel_options=[('grpc.ssl_target_name_override', NAME)]",
    ),
    ("WRONG_VERSION_NUMBER", "the gateway does not use TLS: leave out tls, tls_ca, tls_cert and tls_key"),
    ("HTTP/2|SETTINGS frame|ALPN", "what listens there is no gRPC server: check the port of the target"),
    ("errors resolving", "the name of the gateway is not known: check the target"),
    (
        "failed to connect.*(Socket closed|Connection reset|Broken pipe|EOF)",
        "the gateway closed the connection at once: it may require TLS, or a client certificate that it trusts",
    ),
)
"""Why there is no connection to a gateway, by a pattern of gRPC's message."""

CANCELLED_HERE = "the call was cancelled, such as by closing the fleet"
_CHANNEL_CLOSED = re.compile(r"Channel closed|Locally cancelled")
CODES = {int(code.value[0]): code for code in grpc.StatusCode}


class Violation(NamedTuple):
    """A field of the request that is missing or wrong, and why."""

    field: str
    description: str


class Resource(NamedTuple):
    """The object of a failure: its kind, such as `container`, and its name."""

    kind: str
    name: str


@dataclass(eq=False)
class DockfleetError(Exception):
    """A call failed.

    *message* is for people; programs decide by *reason*.
    """

    code: grpc.StatusCode
    """The gRPC status code."""

    message: str
    """What failed; the engine's own text when the engine refused."""

    reason: str = ""
    """A value of the contract's `ErrorReason` without its prefix, such as `UNKNOWN_HOST`.  Empty when the failure does
    not come from a gateway, such as when there is no connection."""

    host: str = ""
    """The host of the call, if any."""

    engine_status: int | None = None
    """The HTTP status of the engine's response; None without a response."""

    retry_safe: bool = False
    """Whether the same call may be repeated: it may help and does no harm."""

    retry_after: float | None = None
    """The seconds to wait before the call is repeated; None when waiting does not help."""

    violations: tuple[Violation, ...] = ()
    """What is wrong with the request, by field."""

    resource: Resource | None = None
    """The object that does not exist or is in conflict."""

    def __str__(self) -> str:
        """Return the host, the reason and the message in one line."""
        return ": ".join(part for part in (self.host, self.reason or self.code.name, self.message) if part)

    @classmethod
    def of(cls, error: BaseException) -> DockfleetError:
        """Return the failure in *error*, which gRPC raised, as the class of its reason: see `dockfleet.reasons`.

        Without readable details, attributes have their defaults.
        """
        from dockfleet.reasons import CLASSES  # they are subclasses of this one

        call = cast(_FailedCall, error)
        message = call.details() or ""
        details: dict[str, Any] = {}
        for key, value in call.trailing_metadata() or ():
            if key == _DETAILS and isinstance(value, bytes):
                details |= _read(value)
        if not details and call.code() is grpc.StatusCode.UNAVAILABLE:
            message = _without_connection(message)
        if call.code() is grpc.StatusCode.CANCELLED and _CHANNEL_CLOSED.search(message):
            message = CANCELLED_HERE  # the same text with asyncio
        if host := details.get("host"):
            message = message.removeprefix(f"{host}: ")  # it is there for other clients
        return CLASSES.get(details.get("reason", ""), cls)(call.code(), message, **details)

    @classmethod
    def of_failure(cls, failure: Failure) -> DockfleetError:
        """Return the failure of one host or of one target of a call to the fleet, as the class of its reason."""
        from dockfleet.reasons import CLASSES
        from dockfleet.v1.common_pb2 import ErrorReason

        known = failure.reason in ErrorReason.values() and failure.reason
        reason = ErrorReason.Name(failure.reason).removeprefix("ERROR_REASON_") if known else ""
        retry_after = failure.retry_after.ToTimedelta().total_seconds() if failure.HasField("retry_after") else None
        return CLASSES.get(reason, cls)(
            CODES.get(failure.code, grpc.StatusCode.UNKNOWN),
            failure.message,
            reason=reason,
            host=failure.host,
            engine_status=failure.engine_status or None,
            retry_safe=failure.retry_safe,
            retry_after=retry_after,
            violations=tuple(Violation(each.field, each.description) for each in failure.field_violations),
            resource=Resource(failure.resource_type, failure.resource_name) if failure.resource_type else None,
        )


def _without_connection(message: str) -> str:
    """Return gRPC's *message* with the reason in plain words before it, where that is known."""
    reason = next((reason for pattern, reason in _NO_CONNECTION if re.search(pattern, message)), "")
    return f"{reason} ({message})" if reason else message


def _read(details: bytes) -> dict[str, Any]:
    """Return the attributes that *details* have."""
    found: dict[str, Any] = {}
    try:
        status = status_pb2.Status.FromString(details)
        info, bad, retry, resource = (
            error_details_pb2.ErrorInfo(),
            error_details_pb2.BadRequest(),
            error_details_pb2.RetryInfo(),
            error_details_pb2.ResourceInfo(),
        )
        for detail in status.details:
            if detail.Unpack(info) and info.domain == _DOMAIN:
                found["reason"] = info.reason
                found["host"] = info.metadata.get("host", "")
                found["engine_status"] = _number(info.metadata.get("engine_status", ""))
                found["retry_safe"] = info.metadata.get("retry_safe") == "true"
            elif detail.Unpack(bad):
                found["violations"] = tuple(Violation(each.field, each.description) for each in bad.field_violations)
            elif detail.Unpack(retry) and retry.HasField("retry_delay"):
                found["retry_after"] = retry.retry_delay.ToTimedelta().total_seconds()
            elif detail.Unpack(resource):
                found["resource"] = Resource(resource.resource_type, resource.resource_name)
    except DecodeError:  # a proxy may have changed them; the code and the message are still right
        pass
    return found


class _FailedCall(Protocol):
    """The methods of every `grpc.RpcError` of a call, which the types of grpc lack."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
