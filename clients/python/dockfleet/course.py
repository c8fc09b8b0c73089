"""How a stream goes on after a break: what to ask for next, when, and for how long to try.  No I/O.

A stream continues from the token of the last response that came, and nothing is lost or comes twice.  A stream that
has no token yet has failed: its caller learns so at once.  The same holds for refusals of the engine and the gateway,
for which waiting is no remedy.  The rule is the contract's: see the beginning of protos/dockfleet/v1/common.proto.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import Message

from dockfleet.calls import Method, check_timeout
from dockfleet.errors import DockfleetError

PATIENCE_SECONDS = 60.0
"""For how long a broken stream is tried again when its caller does not say: as long as a gateway tries a host."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between two tries
BROKEN = (  # what gRPC libraries and proxies report of a broken connection
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.INTERNAL,
)
BEGINNINGS = ("since", "tail")  # fields that say where a stream begins, which a token says instead


class Course:
    """The way of one stream through the calls that it takes."""

    def __init__(
        self,
        method: Method,
        arguments: Message,
        patience: float = PATIENCE_SECONDS,
        timeout: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin as *arguments* say; try for *patience* seconds after a break, and end *timeout* seconds from now."""
        check_timeout(timeout)
        asked, told = method.descriptor.input_type.fields_by_name, method.descriptor.output_type.fields_by_name
        self.ended = False
        self._arguments: Any = arguments
        self._beginnings = [name for name in BEGINNINGS if name in asked]
        self._has_tokens = "resume_token" in told
        self._names_container = "container_id" in told
        self._ends = "end" in told
        self._token = arguments.resume_token if self._has_tokens else b""  # type: ignore[attr-defined]
        self._container = ""
        self._begun = False
        self._asked = False
        self._patience = patience
        self._clock = clock
        self._deadline = None if timeout is None else clock() + timeout
        self._broken_at: float | None = None
        self._pause = SHORTEST_PAUSE

    def request(self) -> Message:
        """Return what to ask for now.  Raises `DockfleetError` when that is not known, after a call that was left."""
        if self._asked and not self._can_go_on:
            raise DockfleetError(
                grpc.StatusCode.CANCELLED, "the call was left before anything had come: where to go on is not known"
            )
        self._asked = True
        request: Any = type(self._arguments)()
        request.CopyFrom(self._arguments)
        if self._token:
            for name in self._beginnings:
                request.ClearField(name)
            request.resume_token = self._token
        if self._container:
            request.id = self._container  # the name may be another container's by now
        return request  # type: ignore[no-any-return]

    def timeout(self) -> float | None:
        """Return how many seconds are left; None when there is no deadline."""
        return None if self._deadline is None else max(self._deadline - self._clock(), 0.0)

    def took(self, message: Any) -> bool:
        """Take note that *message* has come, and tell whether it is for the caller.

        Heartbeats are not, and neither are records that this client does not know: they look unset.
        """
        self._begun = True
        self._broken_at, self._pause = None, SHORTEST_PAUSE
        if self._has_tokens:
            self._token = message.resume_token or self._token
        if self._names_container:
            self._container = message.container_id
        self.ended = self._ends and message.HasField("end")
        return message.WhichOneof("record") not in (None, "heartbeat")

    def broke(self, error: DockfleetError) -> float:
        """Return how many seconds to wait before the next call.  Raises *error* when there is to be none."""
        now = self._clock()
        if self._broken_at is None:
            self._broken_at = now
        pause = max(self._pause * random.uniform(0.8, 1.2), error.retry_after or 0.0)
        if not self._can_go_on or not _may_pass(error) or now + pause > self._broken_at + self._patience:
            raise error
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        return pause

    @property
    def _can_go_on(self) -> bool:
        return bool(self._token) if self._has_tokens else self._begun


def _may_pass(error: DockfleetError) -> bool:
    """Tell whether a further call may succeed."""
    if not error.reason:  # the gateway did not say it
        return error.code in BROKEN
    return error.code is grpc.StatusCode.UNAVAILABLE or error.retry_safe or error.reason == "SLOW_READER"
