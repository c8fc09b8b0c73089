"""The one error of this package, read from what the gateway sends with a failed call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DETAILS = "grpc-status-details-bin"
_DOMAIN = "dockfleet"


class Violation(NamedTuple):
    """A field of the request that is missing or malformed, and why."""

    field: str
    description: str


class Resource(NamedTuple):
    """An object that the failure is about: its kind, such as `container`, and its name."""

    kind: str
    name: str


@dataclass(eq=False)
class DockfleetError(Exception):
    """A call failed.

    *message* says why, in words for people; *reason* is the word to decide by.
    """

    code: grpc.StatusCode
    """The gRPC status code."""

    message: str
    """What went wrong: the engine's own words where it was the engine that refused."""

    reason: str = ""
    """One of the contract's `ErrorReason` without its prefix, such as `UNKNOWN_HOST`.  Empty when the answer did
    not come from a gateway, such as when none could be reached."""

    host: str = ""
    """The host that the call was for, where one was chosen."""

    engine_status: int | None = None
    """The HTTP status of the engine's answer; None when the engine did not answer."""

    retry_safe: bool = False
    """Whether the same call may be made again: it may help, and does no harm."""

    retry_after: float | None = None
    """After how many seconds a further attempt makes sense; None when waiting does not help."""

    violations: tuple[Violation, ...] = ()
    """What is wrong with the request, field by field."""

    resource: Resource | None = None
    """The object that does not exist, or is in the way."""

    def __str__(self) -> str:
        """Name the host, the reason and the message in one line."""
        return ": ".join(part for part in (self.host, self.reason or self.code.name, self.message) if part)

    @classmethod
    def of(cls, error: grpc.RpcError) -> DockfleetError:
        """Read *error*.  Details that are absent or unreadable leave their attributes at the defaults."""
        call = cast(_FailedCall, error)
        failure = cls(call.code(), call.details() or "")
        for key, value in call.trailing_metadata() or ():
            if key == _DETAILS and isinstance(value, bytes):
                failure._read(value)
        return failure

    def _read(self, details: bytes) -> None:
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
                    self.reason = info.reason
                    self.host = info.metadata.get("host", "")
                    self.message = self.message.removeprefix(f"{self.host}: ")  # the status names it for other clients
                    self.engine_status = _number(info.metadata.get("engine_status", ""))
                    self.retry_safe = info.metadata.get("retry_safe") == "true"
                elif detail.Unpack(bad):
                    self.violations = tuple(Violation(each.field, each.description) for each in bad.field_violations)
                elif detail.Unpack(retry):
                    self.retry_after = retry.retry_delay.ToTimedelta().total_seconds()
                elif detail.Unpack(resource):
                    self.resource = Resource(resource.resource_type, resource.resource_name)
        except DecodeError:  # some proxy's invention; the code and the message stand
            return


class _FailedCall(Protocol):
    """What every `grpc.RpcError` of a call is, blocking or not, though grpc's types do not say so."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
