"""`dockfleet logs`."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.client import Fleet
from dockfleet.commands.group import dockfleet
from dockfleet.commands.moment import Moment
from dockfleet.commands.output import flush, gap_text, say, time_text, write
from dockfleet.v1 import common_pb2 as common
from dockfleet.v1 import containers_pb2 as pb

ENDS = {
    pb.LOG_END_REASON_REMOVED: "was removed",
    pb.LOG_END_REASON_RESTARTED: "was started again: --restarts goes on then",
    pb.LOG_END_REASON_NOT_RUNNING: "is not running",
}


@dockfleet.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on, until the container ends.")
@click.option("--restarts", is_flag=True, help="Follow, and go on when the container is started again.")
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="N", help="Begin with so many of the last lines.")
@click.option("--since", type=Moment(), metavar="TIME", help="Begin with what was written at this time.")
@click.option("--until", type=Moment(), metavar="TIME", help="End with what was written before this time.")
@click.option("-t", "--timestamps", is_flag=True, help="Begin each line with the time at which it was written.")
@click.argument("host")
@click.argument("container")
@click.pass_context
def logs(
    context: click.Context, /, host: str, container: str, follow: bool, restarts: bool, timestamps: bool, **span: Any
) -> None:
    """Print the log of a container, byte for byte.

    What it wrote to standard error goes to standard error, and so does what there is to say besides: where lines are
    missing, where the container was started again, and why it ended.  When the gateway is restarted meanwhile, the
    log goes on with the very next line; that is tried for a minute.

    TIME is a date, seconds since 1970, or how long ago it was, such as 90s, 10m or 1h30m.  The exit code is 1 when
    the log could not be read to its end, or lines are missing that the engine has lost.

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
    wanted = {"follow": follow, "follow_restarts": restarts or None, "timestamps": timestamps, **span}
    lines, complete = _Lines(timestamps), True
    with fleet.host(host).log_messages(container, **wanted) as messages:
        for message in messages:
            lines.write(message)
            match message.WhichOneof("record"):
                case "gap":
                    complete = False
                    say(gap_text("lines", message.gap))
                case "restarted":
                    say(f"{container} was started again at {time_text(message.restarted.start_time)}")
                case "end" if follow and (why := _why(message.end)):
                    say(f"{container} {why}")
    context.exit(0 if complete else 1)


class _Lines:
    """Writes entries; knows of which output the last line is not complete, so that the next part is none itself."""

    def __init__(self, timestamps: bool) -> None:
        self._timestamps = timestamps
        self._unfinished: set[common.StandardStream.ValueType] = set()

    def write(self, message: pb.StreamLogsResponse) -> None:
        for entry in message.batch.entries:
            if self._timestamps and entry.stream not in self._unfinished:
                write(entry.stream, f"{time_text(entry.time)} ".encode())
            write(entry.stream, entry.data if entry.partial else entry.data + b"\n")
            (self._unfinished.add if entry.partial else self._unfinished.discard)(entry.stream)
        flush()


def _why(end: pb.LogEnd) -> str:
    """Say why a log that was followed has ended; nothing when that was to be expected."""
    if end.reason == pb.LOG_END_REASON_EXITED:
        return f"exited with code {end.exit_code}" if end.HasField("exit_code") else "exited"
    return ENDS.get(end.reason, "")
