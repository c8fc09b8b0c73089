"""`dockfleet logs`: the log of one container, or of all that are selected, in the order of their times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from dockfleet.cli.completion import complete_containers
from dockfleet.cli.gateway import Gateway
from dockfleet.cli.output import fields, flush, gap_text, print_json, say, say_failure, time_text, use_colour, write
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.table import printable
from dockfleet.cli.targets import Target, is_pattern, one, several
from dockfleet.cli.times import TimestampParam

ENDS = {  # by the name of the reason
    "LOG_END_REASON_REMOVED": "was removed",
    "LOG_END_REASON_RESTARTED": "was started again: --restarts continues with the new run",
    "LOG_END_REASON_NOT_RUNNING": "is not running",
}
COLOURS = (36, 33, 32, 35, 34, 31, 96, 93, 92, 95, 94, 91)


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Continue with new lines until the container ends.")
@click.option("--restarts", is_flag=True, help="Follow, and continue when the container is started again.")
@click.option("-n", "--tail", metavar="N", help="Start with this number of last lines; `all` is the default.")
@click.option("--since", type=TimestampParam(), metavar="TIME", help="Start with lines of this time.")
@click.option("--until", type=TimestampParam(), metavar="TIME", help="End with lines before this time.")
@click.option("-t", "--timestamps", is_flag=True, help="Print the time before each line.")
@click.option("--details", is_flag=True, default=None, help="Print the attributes of the log driver before each line.")
@click.option("--prefix/--no-prefix", default=None, help="Print the container before each line.  Default: of several.")
@click.option("--colour", "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per record.")
@scoped()
@click.argument("texts", metavar="[CONTAINER]...", nargs=-1, shell_complete=complete_containers)
@click.pass_context
def logs(
    context: click.Context,
    /,
    texts: tuple[str, ...],
    scope: Scope,
    follow: bool,
    restarts: bool,
    timestamps: bool,
    tail: str | None,
    prefix: bool | None,
    colour: str,
    as_json: bool,
    **bounds: Any,
) -> None:
    """Print the logs of containers: byte for byte, those of several containers in the order of their times.

    CONTAINER is HOST/CONTAINER, a name that is unique in the fleet, or a pattern with `*`.  Without one, -l, -H and
    --host-label choose.  Containers that are started later join, if they fit a pattern or a label.

    The standard error of a container goes to standard error.  So do reports about the log: missing lines, a restart of
    the container, and why it ended.  After a restart of the gateway the log continues with the next line.

    TIME is a date, seconds since 1970, or a duration before now, such as 90s, 10m or 1h30m.  The exit code is 1 when a
    log could not be read to its end, or the engine has lost lines.

    \b
    Examples:
      dockfleet logs web
      dockfleet logs -f -n 100 -t north-1/web
      dockfleet logs -f -l app=shop
      dockfleet logs --since 10m -H 'edge*' 'web-*'
      dockfleet logs --restarts -n 0 north-1/web
    """
    gateway: Gateway = context.obj
    if not (texts or scope.labels or scope.names_hosts):
        raise click.UsageError("which containers?  Try dockfleet logs HOST/CONTAINER, -l LABEL or -H HOST")
    follow = follow or restarts
    how = {"follow": follow, "follow_restarts": restarts or None, "tail": _count(tail)}
    how["timestamps"] = None if timestamps or as_json else False  # a JSON object has the time, as by default
    single = len(texts) == 1 and not is_pattern(texts[0]) and not scope.labels
    if single and not (scope.means_several and "/" not in texts[0]):
        target = one(gateway, scope, texts[0])
        records = _of_one(gateway, target, **how, **bounds)
    else:
        records = _of_several(gateway, scope, texts, **how, **bounds)
        prefix = prefix if prefix is not None else True
    printer = _Printer(bool(timestamps), bool(prefix), use_colour(colour), follow, bool(bounds["details"]))
    for record in records:
        if as_json:
            print_json([_document(record)])
            printer.complete &= record.WhichOneof("record") not in ("gap", "failure")
        else:
            printer.print(record)
    context.exit(0 if printer.complete else 1)


def _count(tail: str | None) -> int | None:
    if tail is None or tail in ("all", "-1"):
        return None
    if not tail.isdecimal():
        raise click.UsageError(f"--tail: {tail!r} is not a number of lines: try 100 or all")
    return int(tail)


def _of_one(gateway: Gateway, target: Target, **how: Any) -> Iterator[Any]:
    """Yield the records of one log, as those of several."""
    from dockfleet.cli.resuming import resumed
    from dockfleet.fleet.v1.fleet_pb2 import LogRecord
    from dockfleet.v1.containers_pb2 import StreamLogsRequest

    for response in resumed(gateway.containers.StreamLogs, StreamLogsRequest(host=target.host, id=target.id, **how)):
        kind = response.WhichOneof("record")
        if kind not in (None, "heartbeat", "reconnected"):
            named = {"host": target.host, "container_id": response.container_id, "container_name": target.name}
            yield LogRecord(**named, **{kind: getattr(response, kind)})


def _of_several(gateway: Gateway, scope: Scope, texts: tuple[str, ...], **how: Any) -> Iterator[Any]:
    from dockfleet.cli.reports import selectors
    from dockfleet.cli.resuming import resumed
    from dockfleet.fleet.v1 import fleet_pb2 as pb
    from dockfleet.v1.containers_pb2 import StreamLogsRequest

    hosts, containers = scope.host_selector(), scope.container_selector(texts)
    if any("/" in text for text in texts) or (texts and not scope.names_hosts and not all(map(is_pattern, texts))):
        found = several(gateway, scope, texts)
        found.say_failures()
        hosts, containers = selectors(found.targets)
    request = pb.StreamLogsRequest(hosts=hosts, containers=containers, request=StreamLogsRequest(**how))
    for response in resumed(gateway.fleet.StreamLogs, request):
        yield from response.records


def _document(record: Any) -> dict[str, Any]:
    """Return a record as JSON; the bytes of lines are text, where they are UTF-8."""
    document = fields(record)
    for entry, own in zip(document.get("batch", {}).get("entries", ()), record.batch.entries, strict=False):
        entry["text"] = own.data.decode(errors="replace")
    return document


class _Printer:
    """Prints records, and remembers whose last line is incomplete: its next part gets neither time nor prefix."""

    def __init__(self, timestamps: bool, prefix: bool, colour: bool, follow: bool, details: bool) -> None:
        self.complete = True
        self._timestamps = timestamps
        self._prefix = prefix
        self._colour = colour
        self._follow = follow
        self._details = details
        self._width = 0
        self._colours: dict[str, int] = {}
        self._unfinished: set[tuple[str, int]] = set()

    def print(self, record: Any) -> None:
        kind = record.WhichOneof("record")
        name = f"{record.host}/{record.container_name}" if self._prefix else record.container_name
        if kind == "batch":
            self._lines(record, self._head(f"{record.host}/{record.container_name}"))
        elif kind == "gap":
            self.complete = False
            say(f"{name}: {gap_text('lines', record.gap)}" if self._prefix else gap_text("lines", record.gap))
        elif kind == "restarted":
            say(f"{name} was started again at {time_text(record.restarted.start_time)}")
        elif kind == "end" and self._follow and (reason := _reason(record.end)):
            say(f"{name} {reason}")
        elif kind == "failure":
            self.complete = False
            say_failure(
                f"{record.host}/{record.container_name}" if record.container_id else record.host, record.failure
            )
        elif kind == "stalled" and record.stalled.HasField("failure"):
            say_failure(record.host, record.stalled.failure)
            say(f"{record.host} does not respond: its lines come late")

    def _lines(self, record: Any, head: bytes) -> None:
        from dockfleet.v1.common_pb2 import STANDARD_STREAM_STDERR

        for entry in record.batch.entries:
            key = (record.container_id, entry.stream)
            to_stderr = entry.stream == STANDARD_STREAM_STDERR
            if key not in self._unfinished:
                time = f"{time_text(entry.time)} ".encode() if self._timestamps else b""
                write(to_stderr, head + time + (_attributes(entry) if self._details else b""))
            write(to_stderr, entry.data if entry.partial else entry.data + b"\n")
            (self._unfinished.add if entry.partial else self._unfinished.discard)(key)
        flush()

    def _head(self, name: str) -> bytes:
        if not self._prefix:
            return b""
        self._width = max(self._width, len(name))
        text = f"{printable(name):{self._width}} | "
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return (f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text).encode()


def _attributes(entry: Any) -> bytes:
    return (",".join(f"{key}={value}" for key, value in sorted(entry.details.items())) + " ").encode()


def _reason(end: Any) -> str:
    """Return why a followed log has ended; empty when the user asked for the end."""
    from dockfleet.v1 import containers_pb2 as pb

    if end.reason == pb.LOG_END_REASON_EXITED:
        return f"exited with code {end.exit_code}" if end.HasField("exit_code") else "exited"
    names = pb.LogEndReason.DESCRIPTOR.values_by_number
    return ENDS.get(names[end.reason].name, "") if end.reason in names else ""
