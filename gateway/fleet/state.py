"""The states of a host, and the table of transitions.  No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    """The state of a host."""

    CONNECTING = "connecting"
    """It was not probed yet."""
    UP = "up"
    """It answers."""
    DEGRADED = "degraded"
    """It answers pings only, or has not answered one probe."""
    DOWN = "down"
    """It does not answer."""
    INCOMPATIBLE = "incompatible"
    """It answers, but shares no API version with the gateway."""
    DRAINING = "draining"
    """It is up, and takes no new work."""


class Event(Enum):
    """What the gateway learns of a host."""

    ANSWERED = "a probe was answered"
    PARTLY_ANSWERED = "a probe was answered, but not the read that followed it"
    SILENT = "a probe was not answered in time"
    REFUSED = "a probe has failed at once, or was answered by an error"
    TOO_OLD = "a probe was answered by an engine of another age"
    DRAIN = "somebody has asked to drain it"
    UNDRAIN = "somebody has asked to let it take work again"


S, E = State, Event
_AFTER: Mapping[State, Mapping[Event, State]] = {
    S.CONNECTING: {
        E.ANSWERED: S.UP,
        E.PARTLY_ANSWERED: S.DEGRADED,
        E.SILENT: S.DOWN,
        E.REFUSED: S.DOWN,
        E.TOO_OLD: S.INCOMPATIBLE,
    },
    S.UP: {
        E.PARTLY_ANSWERED: S.DEGRADED,
        E.SILENT: S.DEGRADED,  # one failure proves nothing: a process may have been suspended
        E.REFUSED: S.DOWN,
        E.TOO_OLD: S.INCOMPATIBLE,
        E.DRAIN: S.DRAINING,
    },
    S.DRAINING: {
        E.PARTLY_ANSWERED: S.DEGRADED,
        E.SILENT: S.DEGRADED,
        E.REFUSED: S.DOWN,
        E.TOO_OLD: S.INCOMPATIBLE,
        E.UNDRAIN: S.UP,
    },
    S.DEGRADED: {
        E.ANSWERED: S.UP,
        E.SILENT: S.DOWN,
        E.REFUSED: S.DOWN,
        E.TOO_OLD: S.INCOMPATIBLE,
    },
    S.DOWN: {
        E.ANSWERED: S.UP,
        E.PARTLY_ANSWERED: S.DEGRADED,
        E.TOO_OLD: S.INCOMPATIBLE,
    },
    S.INCOMPATIBLE: {
        E.ANSWERED: S.UP,
        E.PARTLY_ANSWERED: S.DEGRADED,
        E.SILENT: S.DOWN,
        E.REFUSED: S.DOWN,
    },
}
"""The transitions.  An event that is not in a state's row changes nothing."""

ANSWERING = frozenset({State.UP, State.DEGRADED, State.DRAINING})
"""The states in which calls can succeed."""
FAILING = frozenset({State.DOWN, State.INCOMPATIBLE})
"""The states in which none can."""


def after(state: State, event: Event, *, draining: bool = False) -> State:
    """Return the state after an event; *draining* says whether the host takes no new work."""
    following = _AFTER[state].get(event, state)
    return State.DRAINING if draining and following is State.UP else following
