"""`dockfleet events`."""

from __future__ import annotations

from typing import Any

import click
from google.protobuf.timestamp_pb2 import Timestamp

from dockfleet.client import Fleet
from dockfleet.commands.group import dockfleet
from dockfleet.commands.merge import merge_streams
from dockfleet.commands.output import fields, gap_text, print_json, say, say_failure, time_text
from dockfleet.commands.timestamp import TimestampParam
from dockfleet.errors import DockfleetError
from dockfleet.shell import unreachable
from dockfleet.table import printable
from dockfleet.v1.system_pb2 import StreamEventsResponse


class Filter(click.ParamType[tuple[str, str]]):
    """A filter as `docker` takes it: `name=value`."""

    name = "filter"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the name and the value."""
        if isinstance(value, tuple):
            return value
        name, equals, content = value.partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not a filter: try type=container or label=site=north", param, ctx)
        return name, content


@dockfleet.command()
@click.option("--since", type=TimestampParam(), metavar="TIME", help="Start at this time.")
@click.option("--until", type=TimestampParam(), metavar="TIME", help="End at this time.")
@click.option(
    "-f",
    "--filter",
    "filters",
    type=Filter(),
    multiple=True,
    metavar="NAME=VALUE",
    help="Print only such events; may be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event and per gap.")
@click.argument("hosts", metavar="[HOST]...", nargs=-1)
@click.pass_context
def events(
    context: click.Context,
    hosts: tuple[str, ...],
    since: Timestamp | None,
    until: Timestamp | None,
    filters: tuple[tuple[str, str], ...],
    as_json: bool,
) -> None:
    """Print the events of all hosts, or of the given ones, as they happen.

    Without --until it continues until you end it, also after a restart of the gateway.  Missing events are reported on
    standard error.  `(found)` marks events that the gateway found by comparison after a gap.  Hosts that fail are
    reported there too; the others continue.  The exit code is 1 when a host failed or events are missing.

    TIME is a date, seconds since 1970, or a duration before now, such as 90s, 10m or 1h30m.  A host keeps its last 256
    events, and the gateway more while it listens.

    \b
    Examples:
      dockfleet events
      dockfleet events -f type=container -f event=die -f event=oom
      dockfleet events --since 1h --until 0s north-1 north-2
      dockfleet events --json | jq -r 'select(.event) | .host + " " + .event.Action'
    """
    fleet: Fleet = context.obj
    values: dict[str, list[str]] = {}
    for name, value in filters:
        values.setdefault(name, []).append(value)
    names = list(dict.fromkeys(hosts)) or [host.name for host in fleet.list_hosts()]
    streams = {name: fleet.host(name).events(since=since, until=until, filters=values) for name in names}
    complete = True
    with merge_streams(streams) as responses:
        for host, response in responses:
            if isinstance(response, DockfleetError):
                if unreachable(response):
                    raise response
                complete = False
                say_failure(host, response)
                continue
            complete &= not response.HasField("gap")
            if as_json:
                print_json([{"host": host, **fields(response)}])
            elif response.HasField("gap"):
                say(f"{host}: {gap_text('events', response.gap)}")
            else:
                click.echo(_line(host, response))
    context.exit(0 if complete else 1)


def _line(host: str, response: StreamEventsResponse) -> str:
    event = response.event
    time = Timestamp()
    time.FromNanoseconds(event.time_nano)
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(event.actor.attributes.items()))
    found = "(found) " if event.synthetic else ""
    text = f"{host} {found}{event.type} {event.action} {event.actor.id} ({attributes})"
    return f"{time_text(time)} {printable(text)}"
