"""Times as the user writes them."""

from __future__ import annotations

import re
import time
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
AGO = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")
NANOSECONDS = 1_000_000_000


class TimestampParam(click.ParamType[Any]):
    """A time as `docker` takes it: a date, seconds since 1970, or a duration before now."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Timestamp:
        """Return the time in *value*, to the nanosecond."""
        from google.protobuf.timestamp_pb2 import Timestamp

        timestamp = Timestamp()
        try:
            timestamp.FromNanoseconds(_nanoseconds(value))
        except (ValueError, InvalidOperation, OverflowError):
            self.fail(f"{value!r} is not a time: try 10m, 2026-05-01T12:00:00Z or 1777636800", param, ctx)
        return timestamp


def _nanoseconds(text: str) -> int:
    if AGO.fullmatch(text):
        parts = re.findall(r"([\d.]+)([dhms])", text)
        return time.time_ns() - int(sum(Decimal(number) * UNITS[unit] for number, unit in parts) * NANOSECONDS)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return int(Decimal(text) * NANOSECONDS)
    from google.protobuf.timestamp_pb2 import Timestamp

    timestamp = Timestamp()
    if text.endswith("Z"):  # datetime has microseconds only
        timestamp.FromJsonString(text)
    else:
        timestamp.FromDatetime(datetime.fromisoformat(text).astimezone())  # local time, if it names no zone
    return timestamp.ToNanoseconds()
