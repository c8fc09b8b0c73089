"""Why calls fail, sorted by whose fault it is.

    CallError
    ├── CallerError             the request: fix it
    │   ├── InvalidField
    │   ├── InvalidToken
    │   ├── ApiTooOld, ApiTooNew
    │   └── StartedBefore
    ├── TransportError          the way to the host, or what the host sent
    │   ├── Unreachable, Disconnected, TimedOut
    │   ├── IdentityMismatch, CredentialsRejected
    │   ├── Busy                our own bounds for this host
    │   ├── HostDown            nothing was sent: the host is known to fail
    │   ├── BadResponse
    │   │   └── TornStream
    │   └── OutcomeUnknown
    ├── Incompatible            the host's version
    ├── InventoryUnknown        what there is on the host, not yet
    ├── NoSuchObject            what a filter names, and the inventory does not have
    ├── Refused, NothingFound   the host said no; the SDK's APIError, with an HTTP status
    ├── OperationFailed         the host said no after its answer had begun
    ├── ExecStartFailed
    ├── LogGap                  the engine lost data
    └── ReaderTooSlow           the client does not read

`fleet` and `rpc` have a few more: a host that is not known, a gateway that is busy or stops.

A class says what it means for a caller: `status`, the name of a google.rpc.Code; `reason`, the contract's ErrorReason;
`retry_safe`, whether the same call may be sent again; `retry_after_seconds`, how long to wait before that, where it is
known; `about_host`, whether a message begins with the host's name.
`Refused` and `OperationFailed` have no fixed meaning: it depends on the operation, see `rpc/reasons.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime

from docker.errors import APIError, NotFound


class CallError(Exception):
    """The root: a failure that is no defect of the gateway."""

    status: str = ""
    reason: str = ""
    retry_safe: bool = False
    retry_after_seconds: float | None = None
    about_host: bool = True

    @property
    def metadata(self) -> dict[str, str]:
        """What a program may want to know besides the reason."""
        return {}

    @property
    def missing(self) -> tuple[str, str] | None:
        """The kind and the name of what does not exist, where that is the failure."""
        return None


# The caller's fault


class CallerError(CallError):
    """The request cannot be sent, or not to this host."""


class InvalidField(CallerError, ValueError):
    """A field of a request cannot be sent.  `field` is its path, `remedy` what it must be."""

    status, reason, about_host = "INVALID_ARGUMENT", "INVALID_FIELD", False

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(f"{field}: {remedy}")
        self.field = field
        self.remedy = remedy


class InvalidToken(CallerError, ValueError):
    """The token is not one of ours, or does not fit the request; *why* follows the word resume_token."""

    status, reason, about_host = "INVALID_ARGUMENT", "BAD_RESUME_TOKEN", False

    def __init__(self, why: str) -> None:
        super().__init__(f"resume_token: {why}")


class ApiTooOld(CallerError):
    """The request uses what the engine's API version does not have yet.  Versions are texts such as `1.44`."""

    status, reason = "FAILED_PRECONDITION", "API_VERSION_TOO_OLD"

    def __init__(self, field: str, required: str, actual: str) -> None:
        super().__init__(f"{field} needs API version {required}; the host has {actual}")
        self.field = field
        self.required = required
        self.actual = actual

    @property
    def metadata(self) -> dict[str, str]:
        """The method or field, and both versions."""
        what = "method" if self.field[0].isupper() else "field"  # RPCs are CamelCase, fields snake_case
        return {what: self.field, "required_version": self.required, "host_version": self.actual}


class ApiTooNew(CallerError):
    """The request uses what the engine's API version does not have any more.  Versions are texts such as `1.44`."""

    status, reason = "FAILED_PRECONDITION", "API_VERSION_TOO_NEW"

    def __init__(self, field: str, last: str, actual: str) -> None:
        super().__init__(f"{field} has no effect after API version {last}; the host has {actual}")
        self.field = field
        self.last = last
        self.actual = actual

    @property
    def metadata(self) -> dict[str, str]:
        """The field, and both versions."""
        return {"field": self.field, "last_version": self.last, "host_version": self.actual}


class StartedBefore(CallerError):
    """The exec was started before, and an exec starts only once."""

    status, reason = "FAILED_PRECONDITION", "CONFLICT"


# The fault of the host, or of the way to it


class TransportError(CallError):
    """A call failed below HTTP.  `sent` says whether the engine may have seen the request."""

    def __init__(self, message: str, *, sent: bool = False) -> None:
        super().__init__(message)
        self.sent = sent


class Unreachable(TransportError):
    """No connection could be made; nothing was sent."""

    status, reason, retry_safe = "UNAVAILABLE", "HOST_UNREACHABLE", True


class IdentityMismatch(TransportError):
    """The peer did not prove by certificate that it is the host it should be."""

    status, reason = "FAILED_PRECONDITION", "HOST_IDENTITY_MISMATCH"


class CredentialsRejected(TransportError):
    """The peer, or the permissions of its socket, refused this gateway."""

    status, reason = "FAILED_PRECONDITION", "HOST_CREDENTIALS_REJECTED"


class Disconnected(TransportError):
    """The connection ended before the response did."""

    status, reason, retry_safe = "UNAVAILABLE", "CONNECTION_LOST", True


class TimedOut(TransportError):
    """The time allowed ran out."""

    status, reason, retry_safe = "DEADLINE_EXCEEDED", "HOST_TIMEOUT", True


class Busy(TransportError):
    """As many calls as allowed are under way, and as many as allowed wait."""

    status, reason, retry_safe = "RESOURCE_EXHAUSTED", "HOST_BUSY", True


class HostDown(TransportError):
    """The host is known to fail such calls; nothing was sent.

    *failure* is how that is known; its reason is that of this error, too.  *what* says in words what fails, and *since*
    when, in seconds since 1970.  After *retry_after_seconds* more is known.
    """

    def __init__(self, what: str, failure: CallError, since: float, retry_after_seconds: float) -> None:
        at = datetime.fromtimestamp(since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        super().__init__(f"{what} since {at}: {failure}")
        self.failure = failure
        # No time ran out here.  And an engine's own refusal has a meaning for a caller only where the caller asked.
        self.status = "UNAVAILABLE" if failure.status in ("DEADLINE_EXCEEDED", "") else failure.status
        self.reason = failure.reason or "ENGINE_ERROR"
        self.retry_safe = self.status == "UNAVAILABLE"
        if self.retry_safe:
            self.retry_after_seconds = retry_after_seconds
        self._since = at

    @property
    def metadata(self) -> dict[str, str]:
        """Since when it fails."""
        return {"since": self._since}


class BadResponse(TransportError):
    """The peer's bytes are no response of the Engine API, or more than allowed."""

    status, reason = "INTERNAL", "BAD_ENGINE_RESPONSE"


class TornStream(BadResponse):
    """A stream ended within a piece, or turned into nonsense: what came before is true, the rest is lost."""

    status = "DATA_LOSS"


class OutcomeUnknown(TransportError):
    """The connection broke after a request that changes something was sent."""

    status, reason = "ABORTED", "OUTCOME_UNKNOWN"


class Incompatible(CallError):
    """The engine speaks no API version that the gateway speaks."""

    status, reason = "FAILED_PRECONDITION", "HOST_INCOMPATIBLE"


class InventoryUnknown(CallError):
    """The gateway does not know yet what there is on the host."""

    status, reason, retry_safe = "UNAVAILABLE", "INVENTORY_UNKNOWN", True

    def __init__(self) -> None:
        super().__init__("the gateway does not know yet what there is on the host; try again in a moment")


class NoSuchObject(CallError):
    """The host has no object of this kind and name."""

    status, reason = "NOT_FOUND", "NOT_FOUND"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"No such {kind}: {name}")
        self._object = kind, name

    @property
    def missing(self) -> tuple[str, str]:
        """The object."""
        return self._object


# What the engine said


class Refused(APIError, CallError):
    """An engine's response that is an error.

    `operation` is the RPC that was asked for, where it is known; `named`, the objects that the request names, by kind.
    """

    operation = ""
    named: tuple[tuple[str, str], ...] = ()
    status_code: int


class NothingFound(Refused, NotFound):
    """The same with status 404."""


class OperationFailed(CallError):
    """An operation failed after its response had begun: the response reports it.

    `http_status` is the status that the engine gave with it, 0 when none; `operation` and `named` as for `Refused`.
    """

    operation = ""
    named: tuple[tuple[str, str], ...] = ()

    def __init__(self, message: str, http_status: int = 0) -> None:
        super().__init__(message)
        self.http_status = http_status


class ExecStartFailed(CallError):
    """The command of an exec could not be started; the engine's words are in the text."""

    status, reason = "FAILED_PRECONDITION", "EXEC_START_FAILED"


class LogGap(CallError):
    """Entries of a log are lost, and its reader asked to fail then."""

    status, reason = "DATA_LOSS", "GAP"


# The client's way of reading


class ReaderTooSlow(CallError):
    """The client reads less than there is, for longer or by more than allowed."""

    status, reason, about_host = "RESOURCE_EXHAUSTED", "SLOW_READER", False
