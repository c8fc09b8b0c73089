"""The kinds of calls to a host.  Each has room of its own, so that no kind waits for another."""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """What a call takes of a host, by the options of its RPC: see `codec/options.py`."""

    UNARY = "unary"
    """A question or a change that takes an engine moments."""
    STREAM = "stream"
    """It waits for something to happen, and costs little meanwhile: a stream, a session, a wait, a stop."""
    HEAVY = "heavy"
    """Work on a disk or over a network: an export, a pull, a build, a removal."""
    PROBE = "probe"
    """The gateway itself wants to know whether the host lives."""
    WATCH = "watch"
    """The gateway itself follows what there is on the host."""
    SAMPLE = "sample"
    """The gateway itself asks what containers use, for the metrics."""
    CLEANUP = "cleanup"
    """The gateway itself takes back what it has made for a client that has left."""


OF_CLIENTS = (Kind.UNARY, Kind.STREAM, Kind.HEAVY)
