"""`dockfleet events`."""

from __future__ import annotations

from typing import Any

import click
from google.protobuf.timestamp_pb2 import Timestamp

from dockfleet.client import Fleet
from dockfleet.commands.group import dockfleet
from dockfleet.commands.moment import Moment
from dockfleet.commands.output import fields, gap_text, print_json, say, say_failure, time_text
from dockfleet.commands.together import together
from dockfleet.errors import DockfleetError
from dockfleet.shell import unreachable
from dockfleet.table import printable
from dockfleet.v1.system_pb2 import StreamEventsResponse


class Filter(click.ParamType[tuple[str, str]]):
    """A filter as `docker` takes it, `name=value`."""

    name = "filter"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return the name and the value."""
        if isinstance(value, tuple):
            return value
        name, equals, wanted = value.partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is no filter: try type=container or label=site=north", param, ctx)
        return name, wanted


@dockfleet.command()
@click.option("--since", type=Moment(), metavar="TIME", help="Begin with what happened at this time.")
@click.option("--until", type=Moment(), metavar="TIME", help="End at this time.")
@click.option(
    "-f", "--filter", "filters", type=Filter(), multiple=True, metavar="NAME=VALUE", help="Only such; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per event, and per gap.")
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
    """Print what happens on all hosts, or on some, as it happens.

    Without --until it goes on until you end it, also when the gateway is restarted meanwhile.  Where a host has lost
    events, standard error says so, and `(found)` marks what was found by comparing afterwards.  A host that fails is
    named there, too, while the others go on.  The exit code is 1 when a host failed, or events are missing.

    TIME is a date, seconds since 1970, or how long ago it was, such as 90s, 10m or 1h30m.  A host remembers its last
    256 events, the gateway more while it listens.

    \b
    Examples:
      dockfleet events
      dockfleet events -f type=container -f event=die -f event=oom
      dockfleet events --since 1h --until 0s north-1 north-2
      dockfleet events --json | jq -r 'select(.event) | .host + " " + .event.action'
    """
    fleet: Fleet = context.obj
    wanted: dict[str, list[str]] = {}
    for name, value in filters:
        wanted.setdefault(name, []).append(value)
    names = list(dict.fromkeys(hosts)) or [host.name for host in fleet.list_hosts()]
    streams = {name: fleet.host(name).events(since=since, until=until, filters=wanted) for name in names}
    complete = True
    with together(streams) as messages:
        for host, message in messages:
            if isinstance(message, DockfleetError):
                if unreachable(message):
                    raise message
                complete = False
                say_failure(host, message)
                continue
            complete &= not message.HasField("gap")
            if as_json:
                print_json([{"host": host, **fields(message)}])
            elif message.HasField("gap"):
                say(f"{host}: {gap_text('events', message.gap)}")
            else:
                click.echo(_line(host, message))
    context.exit(0 if complete else 1)


def _line(host: str, message: StreamEventsResponse) -> str:
    event = message.event
    time = Timestamp()
    time.FromNanoseconds(event.time_nano)
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(event.actor.attributes.items()))
    found = "(found) " if event.synthetic else ""
    text = f"{host} {found}{event.type} {event.action} {event.actor.id} ({attributes})"
    return f"{time_text(time)} {printable(text)}"
