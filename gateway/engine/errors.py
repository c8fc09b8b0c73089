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
    │   ├── Busy                a bound of the gateway for this host
    │   ├── HostDown            nothing was sent: the host is known to fail
    │   ├── BadResponse
    │   │   └── TornStream
    │   └── OutcomeUnknown
    ├── Incompatible            the host's version
    ├── InventoryUnknown        the inventory is not complete yet
    ├── NoSuchObject            a filter names an object that does not exist
    ├── Refused, NothingFound   the host refused: the SDK's APIError, with an HTTP status
    ├── OperationFailed         the host reported a failure after its response had begun
    ├── ExecStartFailed
    ├── LogGap                  the engine lost data
    └── ReaderTooSlow           the client does not read

`fleet` and `rpc` have a few more: a host that is not known, a gateway that is busy or stops.

A class has the meaning of the error for a caller: `status`, the name of a google.rpc.Code; `reason`, the contract's
ErrorReason; `retry_safe`, whether the same call may be sent again; `retry_after_seconds`, how long to wait before that,
if it is known; `about_host`, whether the message begins with the host's name.
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
        """Further values for programs."""
        return {}

    @property
    def missing(self) -> tuple[str, str] | None:
        """The kind and the name of the object that does not exist, if that is the failure."""
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
    """The token is invalid, or does not fit the request.  *why* completes the sentence "resume_token …"."""

    status, reason, about_host = "INVALID_ARGUMENT", "BAD_RESUME_TOKEN", False

    def __init__(self, why: str) -> None:
        super().__init__(f"resume_token: {why}")


class ApiTooOld(CallerError):
    """The request uses a feature that is newer than the engine's API version.  Versions are texts such as `1.44`."""

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
    """The request uses a feature that the engine's API version has removed.  Versions are texts such as `1.44`."""

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
    """All places for calls are in use, and the queue is full."""

    status, reason, retry_safe = "RESOURCE_EXHAUSTED", "HOST_BUSY", True


class HostDown(TransportError):
    """The host is known to fail such calls; nothing was sent.

    *failure* is the failure that shows this; this error has the same reason.  *what* describes what fails; *since* is
    in seconds since 1970.  The next probe takes place in *retry_after_seconds*.
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
    """The peer's bytes are not a response of the Engine API, or exceed a bound."""

    status, reason = "INTERNAL", "BAD_ENGINE_RESPONSE"


class TornStream(BadResponse):
    """A stream broke off within a message, or became malformed.  The data before that is valid; the rest is lost."""

    status = "DATA_LOSS"


class OutcomeUnknown(TransportError):
    """The connection broke after a request that changes something was sent."""

    status, reason = "ABORTED", "OUTCOME_UNKNOWN"


class Incompatible(CallError):
    """The engine speaks no API version that the gateway speaks."""

    status, reason = "FAILED_PRECONDITION", "HOST_INCOMPATIBLE"


class InventoryUnknown(CallError):
    """The inventory of the host is not complete yet."""

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


# Error responses of the engine


class Refused(APIError, CallError):
    """An engine's response that is an error.

    `operation` is the RPC, if it is known; `named` are the objects that the request names, by kind.
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
    """The client has read too little for too long."""

    status, reason, about_host = "RESOURCE_EXHAUSTED", "SLOW_READER", False
