"""What sees every call to an engine, and can keep one from being sent."""

from __future__ import annotations

from gateway.engine.call import Call
from gateway.engine.kinds import Kind


class Observer:
    """Sees nothing and keeps nothing back.  Subclasses do."""

    __slots__ = ()

    def admit(self, kind: Kind) -> None:
        """Raise why no call of *kind* can succeed at the moment, if that is known: a `CallError`."""

    def waited(self, kind: Kind, seconds: float) -> None:
        """A call of *kind* has waited in the queue."""

    def answered(self, call: Call, kind: Kind, status: int, seconds: float) -> None:
        """The engine has answered with an HTTP *status*, after *seconds*: the whole answer, or the head of a stream."""

    def failed(self, call: Call, kind: Kind, error: BaseException, seconds: float) -> None:
        """There was no answer: *error* says why, `asyncio.CancelledError` that the caller does not wait any more."""

    def lost(self) -> None:
        """The host has ended a connection, or could not be reached."""
