"""`dockfleet logs`."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.client import Fleet
from dockfleet.commands.group import dockfleet
from dockfleet.commands.output import flush, gap_text, say, time_text, write
from dockfleet.commands.timestamp import TimestampParam
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as pb

ENDS = {
    pb.LOG_END_REASON_REMOVED: "was removed",
    pb.LOG_END_REASON_RESTARTED: "was started again: --restarts continues with the new run",
    pb.LOG_END_REASON_NOT_RUNNING: "is not running",
}


@dockfleet.command()
@click.option("-f", "--follow", is_flag=True, help="Continue with new lines until the container ends.")
@click.option("--restarts", is_flag=True, help="Follow, and continue when the container is started again.")
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="N", help="Start with this number of last lines.")
@click.option("--since", type=TimestampParam(), metavar="TIME", help="Start with lines of this time.")
@click.option("--until", type=TimestampParam(), metavar="TIME", help="End with lines before this time.")
@click.option("-t", "--timestamps", is_flag=True, help="Print the time before each line.")
@click.argument("host")
@click.argument("container")
@click.pass_context
def logs(
    context: click.Context, /, host: str, container: str, follow: bool, restarts: bool, timestamps: bool, **bounds: Any
) -> None:
    """Print the log of a container, byte for byte.

    Its standard error goes to standard error.  So do reports about the log: missing lines, a restart of the container,
    and why it ended.  After a restart of the gateway the log continues with the next line; the client tries for one
    minute.

    TIME is a date, seconds since 1970, or a duration before now, such as 90s, 10m or 1h30m.  The exit code is 1 when
    the log could not be read to its end, or the engine has lost lines.

    \b
    Examples:
      dockfleet logs north-1 web
      dockfleet logs -f -n 100 -t north-1 web
      dockfleet logs --since 10m north-1 web
      dockfleet logs --since 2026-05-01T12:00:00Z --until 2026-05-01T13:00:00Z north-1 web
      dockfleet logs --restarts -n 0 north-1 web
    """
    fleet: Fleet = context.obj
    follow = follow or restarts
    options = {"follow": follow, "follow_restarts": restarts or None, "timestamps": timestamps, **bounds}
    lines, complete = _Lines(timestamps), True
    with fleet.host(host).log_messages(container, **options) as responses:
        for response in responses:
            lines.write(response)
            match response.WhichOneof("record"):
                case "gap":
                    complete = False
                    say(gap_text("lines", response.gap))
                case "restarted":
                    say(f"{container} was started again at {time_text(response.restarted.start_time)}")
                case "end" if follow and (reason := _reason(response.end)):
                    say(f"{container} {reason}")
    context.exit(0 if complete else 1)


class _Lines:
    """Writes entries, and remembers the outputs whose last line is incomplete: its next part gets no timestamp."""

    def __init__(self, timestamps: bool) -> None:
        self._timestamps = timestamps
        self._unfinished: set[common.StandardStream.ValueType] = set()

    def write(self, response: pb.StreamLogsResponse) -> None:
        for entry in response.batch.entries:
            if self._timestamps and entry.stream not in self._unfinished:
                write(entry.stream, f"{time_text(entry.time)} ".encode())
            write(entry.stream, entry.data if entry.partial else entry.data + b"\n")
            (self._unfinished.add if entry.partial else self._unfinished.discard)(entry.stream)
        flush()


def _reason(end: pb.LogEnd) -> str:
    """Return why a followed log has ended; empty when the user asked for the end."""
    if end.reason == pb.LOG_END_REASON_EXITED:
        return f"exited with code {end.exit_code}" if end.HasField("exit_code") else "exited"
    return ENDS.get(end.reason, "")
