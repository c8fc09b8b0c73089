"""Converts the times and durations of requests, and refuses invalid ones."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine.errors import InvalidField

_SECOND_NANOS = 1_000_000_000
_LONGEST_SECONDS = 315_576_000_000
_FIRST_SECONDS, _LAST_SECONDS = -62_135_596_800, 253_402_300_799


def seconds_of(given: Duration, field: str) -> float:
    """Return *given* in seconds.  Raises `InvalidField`; *field* is its place in the request."""
    if abs(given.seconds) > _LONGEST_SECONDS or abs(given.nanos) >= _SECOND_NANOS or given.seconds * given.nanos < 0:
        words = f"at most {_LONGEST_SECONDS} seconds, and nanos of less than a second, with the same sign"
        raise InvalidField(field, f"must be a duration: {words}")
    return given.seconds + given.nanos / _SECOND_NANOS


def nanoseconds_of(given: Timestamp, field: str) -> int:
    """Return *given* in nanoseconds since 1970.  Raises `InvalidField`; *field* is its place in the request."""
    if not (_FIRST_SECONDS <= given.seconds <= _LAST_SECONDS and 0 <= given.nanos < _SECOND_NANOS):
        raise InvalidField(field, "must be a time from the year 1 to 9999, with nanos from 0 to 999999999")
    return given.seconds * _SECOND_NANOS + given.nanos
