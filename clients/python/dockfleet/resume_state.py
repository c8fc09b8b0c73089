"""When and how a broken stream is called again.  No I/O.

A stream continues at the token of the last response.  So nothing is lost and nothing comes twice.  A stream without a
token fails at once, and so does one that the gateway or the engine refuses.  The rule is that of the contract: see the
beginning of protos/dockfleet/v1/common.proto.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import Message

from dockfleet.calls import Method, check_deadline
from dockfleet.errors import DockfleetError

RETRY_SECONDS = 60.0
"""For how long a broken stream is called again by default: as long as a gateway tries to reach a host."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between two calls
BROKEN = (  # what gRPC libraries and proxies report for a broken connection
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
)
SILENT_FIELDS = ("heartbeat", "resume_token")  # of responses without anything new
START_FIELDS = ("since", "tail")  # say where a stream starts; a token replaces them


class ResumeState:
    """The state of one stream across its calls."""

    def __init__(
        self,
        method: Method,
        arguments: Message,
        retry_seconds: float = RETRY_SECONDS,
        deadline: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with the request *arguments*.

        After a failure, calls are repeated for *retry_seconds* (0: never).  All calls end *deadline* seconds from now.
        """
        check_deadline(deadline)
        if isinstance(retry_seconds, bool) or not isinstance(retry_seconds, (int, float)):
            raise TypeError(f"retry_seconds must be a number of seconds, not {type(retry_seconds).__name__}")
        if not retry_seconds >= 0:
            raise ValueError("retry_seconds must be 0 or more; 0 means that a failure ends the stream")
        request_fields = method.descriptor.input_type.fields_by_name
        response_fields = method.descriptor.output_type.fields_by_name
        self.ended = False
        self._arguments: Any = arguments
        self._start_place = "request" if "request" in request_fields else ""  # of a call to the fleet
        self._has_tokens = "resume_token" in response_fields
        self._has_container_id = "container_id" in response_fields
        self._has_end = "end" in response_fields
        self._has_records = "record" in method.descriptor.output_type.oneofs_by_name
        self._token = arguments.resume_token if self._has_tokens else b""  # type: ignore[attr-defined]
        self._container_id = ""
        self._any_received = False
        self._any_requested = False
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._deadline = None if deadline is None else clock() + deadline
        self._failed_at: float | None = None
        self._pause = SHORTEST_PAUSE

    def request(self) -> Message:
        """Return the request of the next call.

        Raises `DockfleetError` after a call that was cancelled before its first response: where to continue is unknown.
        """
        if self._any_requested and not self._can_continue:
            raise DockfleetError(
                grpc.StatusCode.CANCELLED,
                "the call was cancelled before its first response: the stream cannot continue",
            )
        self._any_requested = True
        request: Any = type(self._arguments)()
        request.CopyFrom(self._arguments)
        if self._token:
            start = getattr(request, self._start_place) if self._start_place else request
            for name in START_FIELDS:
                if name in start.DESCRIPTOR.fields_by_name:
                    start.ClearField(name)
            request.resume_token = self._token
        if self._container_id:
            request.id = self._container_id  # another container may have the name by now
        return request  # type: ignore[no-any-return]

    def timeout(self) -> float | None:
        """Return the seconds that are left; None without a deadline."""
        return None if self._deadline is None else max(self._deadline - self._clock(), 0.0)

    def received(self, response: Any) -> bool:
        """Record *response*, and return whether the caller gets it.

        The caller gets no heartbeats and no records that this client does not know; those look unset.
        """
        self._any_received = True
        self._failed_at, self._pause = None, SHORTEST_PAUSE
        if self._has_tokens:
            self._token = response.resume_token or self._token
        if self._has_container_id:
            self._container_id = response.container_id
        self.ended = self._has_end and response.HasField("end")
        if self._has_records:
            return response.WhichOneof("record") not in (None, "heartbeat")
        return any(field.name not in SILENT_FIELDS for field, _ in response.ListFields())

    def failed(self, error: DockfleetError) -> float:
        """Return the seconds to wait before the next call.  Raises *error* when there is no next call."""
        now = self._clock()
        if self._failed_at is None:
            self._failed_at = now
        pause = max(self._pause * random.uniform(0.8, 1.2), error.retry_after or 0.0)
        if not self._can_continue or not _may_recover(error) or now + pause > self._failed_at + self._retry_seconds:
            raise error
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        return pause

    @property
    def _can_continue(self) -> bool:
        return bool(self._token) if self._has_tokens else self._any_received


def _may_recover(error: DockfleetError) -> bool:
    """Return whether another call may succeed."""
    if not error.reason:  # it does not come from the gateway
        return error.code in BROKEN
    return error.code is grpc.StatusCode.UNAVAILABLE or error.retry_safe or error.reason == "SLOW_READER"
