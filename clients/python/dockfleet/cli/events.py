"""`dockfleet events`."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli.gateway import Gateway
from dockfleet.cli.output import fields, gap_text, print_json, say, say_failure, time_text
from dockfleet.cli.questions import FILTER, filters_of
from dockfleet.cli.scope import Scope, requirements, scoped
from dockfleet.cli.table import printable
from dockfleet.cli.template import Values, formatted
from dockfleet.cli.times import TimestampParam
from dockfleet.cli.view import FORMAT


@click.command()
@click.option("--since", type=TimestampParam(), metavar="TIME", help="Start at this time.")
@click.option("--until", type=TimestampParam(), metavar="TIME", help="End at this time.")
@FILTER
@FORMAT
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event and per gap.")
@scoped()
@click.pass_context
def events(
    context: click.Context,
    /,
    scope: Scope,
    since: Any,
    until: Any,
    filters: tuple[str, ...],
    template: str | None,
    as_json: bool,
) -> None:
    """Print the events of many hosts as they happen, in the order of their times.

    Without --until it continues until you end it, also after a restart of the gateway.  Missing events are reported on
    standard error.  `(found)` marks events that the gateway found by comparison after a gap.  Hosts that fail are
    reported there too; the others continue.  The exit code is 1 when a host failed or events are missing.

    TIME is a date, seconds since 1970, or a duration before now, such as 90s, 10m or 1h30m.  A host keeps its last 256
    events, and the gateway more while it listens.

    \b
    Examples:
      dockfleet events
      dockfleet events -f type=container -f event=die -f event=oom
      dockfleet events --since 1h --until 0s -H 'north-*'
      dockfleet events --json | jq -r 'select(.event) | .host + " " + .event.Action'
    """
    from dockfleet.cli.resuming import resumed
    from dockfleet.fleet.v1 import fleet_pb2 as pb
    from dockfleet.v1.system_pb2 import StreamEventsRequest

    gateway: Gateway = context.obj
    wanted = filters_of([*filters, *(f"label={label}" for label in _plain_labels(scope))])
    request = StreamEventsRequest(since=since, until=until, filters=wanted)
    complete = True
    for response in resumed(
        gateway.fleet.StreamEvents, pb.StreamEventsRequest(hosts=scope.host_selector(), request=request)
    ):
        for record in response.records:
            complete &= record.WhichOneof("record") not in ("gap", "failure")
            _show(record, template, as_json)
    context.exit(0 if complete else 1)


def _plain_labels(scope: Scope) -> list[str]:
    """Return the labels as filters of events.  Raises `click.UsageError` for those that have no such form."""
    from dockfleet.cli.containers import as_filter

    found = []
    for text, requirement in zip(scope.labels, requirements("--label", scope.labels), strict=True):
        if (label := as_filter(requirement)) is None:
            raise click.UsageError(f"--label {text!r}: events are filtered by key or key=value only")
        found.append(label)
    return found


def _show(record: Any, template: str | None, as_json: bool) -> None:
    kind = record.WhichOneof("record")
    if as_json and kind in ("event", "gap", "failure"):
        print_json([fields(record)])
    elif kind == "event":
        click.echo(formatted(template, [_values(record)])[0] if template else _line(record))
    elif kind == "gap":
        say(f"{record.host}: {gap_text('events', record.gap)}")
    elif kind == "failure":
        say_failure(record.host, record.failure)
    elif kind == "stalled" and record.stalled.HasField("failure"):
        say_failure(record.host, record.stalled.failure)


def _line(record: Any) -> str:
    event = record.event
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(event.actor.attributes.items()))
    found = "(found) " if event.synthetic else ""
    text = f"{record.host} {found}{event.type} {event.action} {event.actor.id} ({attributes})"
    return f"{time_text(_time(event))} {printable(text)}"


def _time(event: Any) -> Any:
    from google.protobuf.timestamp_pb2 import Timestamp

    time = Timestamp()
    time.FromNanoseconds(event.time_nano)
    return time


def _values(record: Any) -> Values:
    event = record.event
    own = {
        "Host": record.host,
        "Type": event.type,
        "Action": event.action,
        "Actor": {"ID": event.actor.id, "Attributes": dict(event.actor.attributes)},
    }
    more = {
        "ID": event.actor.id,
        "Status": event.action,
        "Scope": event.scope,
        "Time": event.time_nano // 10**9,
        "TimeNano": event.time_nano,
    }
    as_json = {"id" if name == "ID" else name[0].lower() + name[1:]: value for name, value in more.items()}
    return Values(own | more, document=own | as_json)
