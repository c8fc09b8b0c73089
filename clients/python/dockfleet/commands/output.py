"""What commands print: JSON, bytes, and messages on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import click
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from dockfleet.errors import DockfleetError
from dockfleet.table import printable
from dockfleet.v1 import common_pb2 as pb

GAPS = {
    pb.GAP_REASON_ROTATED: "the engine has removed old parts of the log",
    pb.GAP_REASON_REPLACED: "another log has replaced this one",
    pb.GAP_REASON_CLOCK_STEP: "the clock of the host was set back",
    pb.GAP_REASON_ENGINE_RESTARTED: "the engine was restarted",
    pb.GAP_REASON_OVERRUN: "the engine does not keep so many events",
    pb.GAP_REASON_SLOW_READER: "this program read too slowly",
}


def fields(message: Message) -> dict[str, Any]:
    """Return *message* as JSON: with the Engine's names for the Engine's fields, and with empty fields."""
    return MessageToDict(message, always_print_fields_with_no_presence=True)


def print_json(documents: Iterable[dict[str, Any]]) -> None:
    """Print each document on a line of its own."""
    for document in documents:
        click.echo(json.dumps(document))


def say(text: str) -> None:
    """Print a message that is not output of the command."""
    click.echo(f"dockfleet: {printable(text)}", err=True)


def say_failure(host: str, error: DockfleetError) -> None:
    """Print the failure of one host."""
    click.echo(printable(f"{host}: {error.reason or error.code.name}: {error.message}"), err=True)


def gap_text(what: str, gap: pb.Gap) -> str:
    """Return how many *what* are missing, where and why."""
    count = f"{gap.count} " if gap.count else ""
    after = f" after {time_text(gap.after)}" if gap.HasField("after") else ""
    before = f" before {time_text(gap.before)}" if gap.HasField("before") else ""
    bounds = " and".join(part for part in (after, before) if part)
    return f"{count}{what} are missing{bounds}: {GAPS.get(gap.reason, 'the reason is not known')}"


def time_text(time: Timestamp) -> str:
    """Return *time* with nine digits, so that lines are aligned and `--since` is exact."""
    seconds = datetime.fromtimestamp(time.seconds, UTC)
    return f"{seconds:%Y-%m-%dT%H:%M:%S}.{time.nanos:09}Z"


def write(stream: pb.StandardStream.ValueType, data: bytes) -> None:
    """Write *data* to the standard stream that it comes from."""
    (sys.stderr if stream == pb.STANDARD_STREAM_STDERR else sys.stdout).buffer.write(data)


def flush() -> None:
    """Send what was written."""
    sys.stdout.buffer.flush()
    sys.stderr.buffer.flush()
