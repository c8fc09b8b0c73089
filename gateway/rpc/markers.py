"""Records that all streams share: gaps and heartbeats."""

from __future__ import annotations

from dockfleet.v1 import common_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp


def gap(reason: pb.GapReason.ValueType, after: int, before: int, count: int = 0) -> pb.Gap:
    """Return the gap between two times, in nanoseconds since 1970; 0 where not known."""
    return pb.Gap(reason=reason, after=_timestamp(after), before=_timestamp(before), count=count)


def heartbeat(idle: float) -> pb.Heartbeat:
    """Return the heartbeat of a stream whose host has sent nothing for *idle* seconds."""
    return pb.Heartbeat(idle=Duration(seconds=int(idle), nanos=int(idle % 1 * 1e9)))


def _timestamp(nanoseconds: int) -> Timestamp | None:
    if not nanoseconds:
        return None
    seconds, nanos = divmod(nanoseconds, 1_000_000_000)
    return Timestamp(seconds=seconds, nanos=nanos)
