"""The output of commands: JSON, bytes, and messages on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING, Any

import click

from dockfleet.cli.table import printable

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from dockfleet.errors import DockfleetError
    from dockfleet.v1 import common_pb2 as pb

GAPS = {  # by the name of the reason
    "GAP_REASON_ROTATED": "the engine has removed old parts of the log",
    "GAP_REASON_REPLACED": "another log has replaced this one",
    "GAP_REASON_CLOCK_STEP": "the clock of the host was set back",
    "GAP_REASON_ENGINE_RESTARTED": "the engine was restarted",
    "GAP_REASON_OVERRUN": "more happened than the engine keeps",
    "GAP_REASON_SLOW_READER": "this program read too slowly",
}


def fields(message: Message) -> dict[str, Any]:
    """Return *message* as JSON: with the Engine's names and forms for the Engine's fields, and with empty fields."""
    from dockfleet.cli.docker_json import docker_json

    found: dict[str, Any] = docker_json(message)
    return found


def print_json(documents: Iterable[Any]) -> None:
    """Print each document on a line of its own."""
    import json

    for document in documents:
        click.echo(json.dumps(document))


def say(text: str) -> None:
    """Print a message that is not output of the command."""
    click.echo(f"dockfleet: {printable(text)}", err=True)


def print_failure(error: DockfleetError, text: str) -> None:
    """Print a failed call, and the *text* about it, as one JSON object on standard error: see `--json-errors`."""
    import json

    resource = {"type": error.resource.kind, "name": error.resource.name} if error.resource else None
    document = {
        "code": error.code.name,
        "reason": error.reason,
        "host": error.host,
        "message": error.message,
        "text": text,
        "retrySafe": error.retry_safe,
        "retryAfterSeconds": error.retry_after,
        "resource": resource,
        "violations": [each._asdict() for each in error.violations],
    }
    click.echo(json.dumps({"error": document}), err=True)


def failure_text(error: DockfleetError, remedy: str | None = None) -> str:
    """Return the failure in one line."""
    return f"{error} ({remedy})" if remedy else str(error)


def say_failure(where: str, failure: pb.Failure) -> None:
    """Print the failure of one of several hosts or containers."""
    from dockfleet.errors import DockfleetError

    error = DockfleetError.of_failure(failure)
    text = f"{where}: {error.reason or 'UNKNOWN'}: {failure.message.removeprefix(f'{failure.host}: ')}"
    if click.get_current_context().find_root().params.get("json_errors"):
        print_failure(error, text)
    else:
        click.echo(printable(text), err=True)


def gap_text(what: str, gap: pb.Gap) -> str:
    """Return how many *what* are missing, where and why."""
    from dockfleet.v1 import common_pb2

    names = common_pb2.GapReason.DESCRIPTOR.values_by_number
    reason = GAPS.get(names[gap.reason].name if gap.reason in names else "", "the reason is not known")
    count = f"{gap.count} " if gap.count else ""
    after = f" after {time_text(gap.after)}" if gap.HasField("after") else ""
    before = f" before {time_text(gap.before)}" if gap.HasField("before") else ""
    bounds = " and".join(part for part in (after, before) if part)
    return f"{count}{what} are missing{bounds}: {reason}"


def time_text(time: Timestamp) -> str:
    """Return *time* with nine digits, so that lines are aligned and `--since` is exact."""
    from datetime import UTC, datetime

    seconds = datetime.fromtimestamp(time.seconds, UTC)
    return f"{seconds:%Y-%m-%dT%H:%M:%S}.{time.nanos:09}Z"


def write(to_stderr: bool, data: bytes) -> None:
    """Write *data* to standard output, or to standard error."""
    (sys.stderr if to_stderr else sys.stdout).buffer.write(data)


def flush() -> None:
    """Send what was written."""
    sys.stdout.buffer.flush()
    sys.stderr.buffer.flush()


def use_colour(choice: str) -> bool:
    """Return whether to use colours: as *choice* says (`always`, `never`), else on a terminal without NO_COLOR."""
    if choice != "auto":
        return choice == "always"
    return is_screen(sys.stdout) and not os.environ.get("NO_COLOR")


def is_screen(stream: IO[str]) -> bool:
    """Return whether *stream* is a terminal that can be drawn on; a dumb one gets lines."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"
