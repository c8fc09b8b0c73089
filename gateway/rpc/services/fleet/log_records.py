"""The records of merged logs, serialised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dockfleet.fleet.v1 import fleet_pb2 as pb
from dockfleet.v1.common_pb2 import Failure
from google.protobuf.duration_pb2 import Duration

from gateway.engine.client import APIError
from gateway.engine.codec.wire import delimited, tag
from gateway.engine.errors import CallError
from gateway.engine.logs.records import Record
from gateway.fleet.host import Host
from gateway.rpc.host_rpc import as_message
from gateway.rpc.services.fleet.log_places import Log, Place
from gateway.rpc.services.logs import message_of

_METHOD = pb.DESCRIPTOR.services_by_name["FleetService"].methods_by_name["StreamLogs"]
_RECORDS = tag(pb.StreamLogsResponse.DESCRIPTOR, "records")
_BATCH = tag(pb.LogRecord.DESCRIPTOR, "batch")

RESUMED: bytes = pb.LogRecord(resumed=pb.SourceResumed()).SerializeToString()
"""The body of the record of a log that is no longer stalled."""


@dataclass(slots=True)
class Other:
    """The body of a record that has no lines, and the place after it."""

    body: bytes
    after: Place | None = None


def of_log(log: Log, body: bytes) -> bytes:
    """Return the record of *log* with *body*, as a part of a response."""
    if not log.head:
        head = pb.LogRecord(host=log.host.name, container_id=log.id, container_name=log.name)
        log.head = head.SerializeToString()
    return delimited(_RECORDS, log.head + body)


def of_host(host: Host, *, id: str = "", name: str = "", **what: Any) -> bytes:
    """Return the record of *host*, or of one of its containers that is no log yet, as a part of a response."""
    record = pb.LogRecord(host=host.name, container_id=id, container_name=name, **what)
    return delimited(_RECORDS, record.SerializeToString())


def batch(entries: bytes) -> bytes:
    """Return the body of a record of lines, which are serialised already."""
    return delimited(_BATCH, entries)


def other(record: Record) -> bytes:
    """Return the body of a record of the log of one container."""
    message = message_of(record)
    name = message.WhichOneof("record")
    assert name is not None
    return pb.LogRecord(**{name: getattr(message, name)}).SerializeToString()


def stalled(idle_seconds: float) -> bytes:
    """Return the body of the record of a log that has sent nothing for *idle_seconds*."""
    idle = Duration()
    idle.FromNanoseconds(int(idle_seconds * 1e9))
    return pb.LogRecord(stalled=pb.SourceStalled(idle=idle)).SerializeToString()


def failed(host: Host, error: CallError | APIError) -> Other:
    """Return the record of a log that has ended with *error*."""
    return Other(pb.LogRecord(failure=failure_of(host, error)).SerializeToString())


def failure_of(host: Host, error: Exception) -> Failure:
    """Return *error* of *host* as a message."""
    return as_message(error, host.name, _METHOD)
