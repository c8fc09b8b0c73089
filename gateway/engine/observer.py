"""The hook that sees every call to an engine, and can refuse it."""

from __future__ import annotations

from gateway.engine.call import Call
from gateway.engine.kinds import Kind


class Observer:
    """Observes nothing and refuses nothing.  Subclasses override its methods."""

    __slots__ = ()

    def admit(self, kind: Kind) -> None:
        """Raise a `CallError` if no call of *kind* can succeed now."""

    def waited(self, kind: Kind, seconds: float) -> None:
        """A call of *kind* has waited in the queue for *seconds*."""

    def answered(self, call: Call, kind: Kind, status: int, seconds: float) -> None:
        """The engine has answered with an HTTP *status*, after *seconds*: the whole answer, or the head of a stream."""

    def failed(self, call: Call, kind: Kind, error: BaseException, seconds: float) -> None:
        """There was no answer: *error* says why, `asyncio.CancelledError` that the caller does not wait any more."""

    def lost(self) -> None:
        """The host has ended a connection, or could not be reached."""
