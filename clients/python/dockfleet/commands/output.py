"""What commands print: JSON for programs, bytes as they are, and on standard error what there is to say besides."""

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
    pb.GAP_REASON_REPLACED: "the log was replaced by another one",
    pb.GAP_REASON_CLOCK_STEP: "the host's clock was set back",
    pb.GAP_REASON_ENGINE_RESTARTED: "the engine was restarted",
    pb.GAP_REASON_OVERRUN: "more happened than the engine keeps",
    pb.GAP_REASON_SLOW_READER: "more happened than the gateway keeps for who does not read",
}


def fields(message: Message) -> dict[str, Any]:
    """Return *message* as JSON has it, by the names of the contract, with what is empty, too."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def print_json(documents: Iterable[dict[str, Any]]) -> None:
    """Print each document on a line of its own."""
    for document in documents:
        click.echo(json.dumps(document))


def say(text: str) -> None:
    """Tell the user something that is not the output of the command."""
    click.echo(f"dockfleet: {printable(text)}", err=True)


def say_failure(host: str, error: DockfleetError) -> None:
    """Tell the user what failed on a host, while others go on."""
    click.echo(printable(f"{host}: {error.reason or error.code.name}: {error.message}"), err=True)


def gap_text(what: str, gap: pb.Gap) -> str:
    """Say that some *what* are missing, where, how many, and why."""
    count = f"{gap.count} " if gap.count else ""
    after = f" after {time_text(gap.after)}" if gap.HasField("after") else ""
    before = f" before {time_text(gap.before)}" if gap.HasField("before") else ""
    place = " and".join(part for part in (after, before) if part)
    return f"{count}{what} are missing{place}: {GAPS.get(gap.reason, 'it is not known why')}"


def time_text(time: Timestamp) -> str:
    """Return *time* with all nine digits, so that lines stay aligned and `--since` takes it exactly."""
    moment = datetime.fromtimestamp(time.seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time.nanos:09}Z"


def write(stream: pb.StandardStream.ValueType, data: bytes) -> None:
    """Write *data* to the output that it came from."""
    (sys.stderr if stream == pb.STANDARD_STREAM_STDERR else sys.stdout).buffer.write(data)


def flush() -> None:
    """Let the reader have what was written."""
    sys.stdout.buffer.flush()
    sys.stderr.buffer.flush()
