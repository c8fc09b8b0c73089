"""The interface for spans of requests to engines; the default creates none."""

from __future__ import annotations

from typing import Protocol

from gateway.engine.call import Call
from gateway.engine.kinds import Kind


class Span(Protocol):
    """One call, from before it is sent."""

    def on(self, call: Call) -> Call:
        """Return *call* with the headers that let an engine continue the trace."""

    def answered(self, status: int) -> None:
        """The engine has answered with an HTTP *status*."""

    def end(self, error: BaseException | None) -> None:
        """The call has ended; *error* is why it failed."""


class Tracer(Protocol):
    """Begins spans."""

    def call(self, host: str, call: Call, kind: Kind) -> Span | None:
        """Begin the span of a request to an engine; None when the request is part of no trace."""


class NoTracer:
    """Traces nothing."""

    def call(self, host: str, call: Call, kind: Kind) -> None:
        """Return None: the request is part of no trace."""
