"""`dockfleet hosts`: lists and changes the hosts of the fleet."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.host_changes import COMMANDS, NAMES
from dockfleet.cli.host_sources import sources
from dockfleet.cli.output import fields, is_screen, print_json
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.table import Table, terminal_width
from dockfleet.cli.view import View, listed

COLUMNS = {
    "NAME": "Name",
    "STATE": "State",
    "SINCE": "Since",
    "VERSION": "Version",
    "API": "API",
    "ADDRESS": "Address",
    "LABELS": "Labels",
    "MESSAGE": "Message",
}


@click.group(invoke_without_command=True)
@click.option("-w", "--watch", is_flag=True, help="Show every change until you end it; a full screen on a terminal.")
@listed()
@scoped(labels=False)
@click.pass_context
def hosts(context: click.Context, /, watch: bool, scope: Scope, view: View) -> None:
    """List the hosts and their states; add, change, remove and drain hosts.

    A source of hosts that does not answer, and an entry that the gateway refuses, are named on standard error.

    \b
    Examples:
      dockfleet hosts
      dockfleet hosts --watch
      dockfleet hosts --host-label site=north --format '{{.Name}} {{.State}}'
      dockfleet hosts add north-9 tcp://10.0.0.9:2376 --label site=north --tls-ca ca.pem
      dockfleet hosts drain north-9
      dockfleet hosts sources
    """
    if context.invoked_subcommand is None:
        gateway: Gateway = context.obj
        (_watch if watch else _list)(gateway, scope, view)


@hosts.command("ls")
@listed()
@scoped(labels=False)
@click.pass_obj
def ls(gateway: Gateway, /, scope: Scope, view: View) -> None:
    """List the hosts and their states."""
    _list(gateway, scope, view)


def _list(gateway: Gateway, scope: Scope, view: View) -> None:
    from dockfleet.fleet.v1.hosts_pb2 import ListHostsRequest

    selector = scope.host_selector() if scope.names_hosts else None
    _show(view, call(gateway.hosts.ListHosts, ListHostsRequest(selector=selector)).hosts)


def _show(view: View, found: Any) -> None:
    view.show([_row(host) for host in found], COLUMNS, "Name", (fields(host) for host in found))


def _watch(gateway: Gateway, scope: Scope, view: View) -> None:
    from dockfleet.cli.screen import Screen

    live = is_screen(sys.stdout) and not (view.as_json or view.template)
    known: dict[str, Any] = {}
    with ExitStack() as stack:
        if live:  # what was seen last stays, also after Ctrl-C
            stack.callback(lambda: click.echo("".join(f"{line}\n" for line in _lines(known) if known), nl=False))
        screen = stack.enter_context(Screen()) if live else None
        for response in _changes(gateway, scope):
            known.update((host.name, host) for host in response.hosts)
            for name in response.removed_names:
                known.pop(name, None)
            if screen is not None:
                screen.draw(_lines(known))
            else:
                _print(view, response)


def _changes(gateway: Gateway, scope: Scope) -> Iterator[Any]:
    from dockfleet.cli.resuming import resumed
    from dockfleet.fleet.v1.hosts_pb2 import WatchHostsRequest

    return resumed(gateway.hosts.WatchHosts, WatchHostsRequest(selector=scope.host_selector()))


def _print(view: View, response: Any) -> None:
    """Print a change of hosts: a line each."""
    if view.as_json:
        print_json(fields(host) for host in response.hosts)
        print_json({"name": name, "removed": True} for name in response.removed_names)
        return
    for host in response.hosts:
        row = _row(host)
        click.echo(" ".join(part for part in (row["Name"], row["State"], row["Message"]) if part))
    for name in response.removed_names:
        click.echo(f"{name} was removed")
    sys.stdout.flush()


def _lines(known: Mapping[str, Any]) -> list[str]:
    rows = [[_row(known[name])[key] for key in COLUMNS.values()] for name in sorted(known)]
    table = Table(*COLUMNS, limit=terminal_width(), fixed=("STATE", "SINCE"))
    return [table.head(rows), *table.lines(rows)]


def _row(host: Any) -> dict[str, str]:
    return {
        "Name": host.name,
        "State": _state(host.state),
        "Since": docker_text.ago(host.state_time).removesuffix(" ago") if host.HasField("state_time") else "",
        "Version": host.engine_version,
        "API": host.api_version,
        "Address": host.address,
        "Labels": docker_text.labels(host.labels),
        "Message": "; ".join(part for part in (host.message, _same_engine(host), _ignored(host)) if part),
        "Source": host.source,
    }


def _state(state: int) -> str:
    from dockfleet.fleet.v1.hosts_pb2 import HostState

    known = HostState.DESCRIPTOR.values_by_number
    return known[state].name.removeprefix("HOST_STATE_").lower() if state in known else f"unknown ({state})"


def _same_engine(host: Any) -> str:
    return f"has the same engine as {', '.join(host.same_engine_as)}" if host.same_engine_as else ""


def _ignored(host: Any) -> str:
    return f"its entry in {', '.join(host.ignored_sources)} has no effect" if host.ignored_sources else ""


@hosts.command("probe")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="Default: 5.")
@listed()
@NAMES
@click.pass_context
def probe(context: click.Context, /, names: tuple[str, ...], timeout: float | None, view: View) -> None:
    """Probe hosts now, and show their new states.  The exit code is 1 when one of them does not answer."""
    from google.protobuf.duration_pb2 import Duration

    from dockfleet.fleet.v1 import hosts_pb2 as pb

    gateway: Gateway = context.obj
    limit = None if timeout is None else Duration(nanos=int(timeout % 1 * 1e9), seconds=int(timeout))
    found = [call(gateway.hosts.ProbeHost, pb.ProbeHostRequest(host=name, host_timeout=limit)).host for name in names]
    _show(view, found)
    answering = (pb.HOST_STATE_UP, pb.HOST_STATE_DEGRADED, pb.HOST_STATE_DRAINING)
    context.exit(0 if all(host.state in answering for host in found) else 1)


for command in (sources, *COMMANDS):
    hosts.add_command(command)
