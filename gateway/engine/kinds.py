"""The kinds of calls to a host.  Each kind has a budget of its own, so that no kind waits for another."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """How a call uses its host.  `codec/options.py` derives it from the options of the RPC."""

    UNARY = "unary"
    """A short request: a read or a change."""
    STREAM = "stream"
    """A request that mostly waits: a stream, a session, a wait, a stop."""
    HEAVY = "heavy"
    """Work on a disk or over a network: an export, a pull, a build, a removal."""
    PROBE = "probe"
    """The gateway's own health probe."""
    WATCH = "watch"
    """The gateway's own requests for the inventory."""
    SAMPLE = "sample"
    """The gateway's own samples of containers, for the metrics."""
    CLEANUP = "cleanup"
    """The gateway's own cleanup after a client that has disconnected."""


OF_CLIENTS = (Kind.UNARY, Kind.STREAM, Kind.HEAVY)
