"""`dockfleet stats`."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import Any

import click

from dockfleet.cli.completion import complete_containers
from dockfleet.cli.docker_text import binary_size, short_id, size
from dockfleet.cli.gateway import Gateway
from dockfleet.cli.output import fields, is_screen, print_json, say_failure
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.screen import Screen
from dockfleet.cli.table import Table, terminal_width
from dockfleet.cli.targets import is_pattern, several
from dockfleet.cli.template import formatted
from dockfleet.cli.view import FORMAT, NO_TRUNC

COLUMNS = {
    "HOST": "Host",
    "CONTAINER ID": "ID",
    "NAME": "Name",
    "CPU %": "CPUPerc",
    "MEM USAGE / LIMIT": "MemUsage",
    "MEM %": "MemPerc",
    "NET RX/s / TX/s": "NetIO",
    "DISK R/s / W/s": "BlockIO",
    "PIDS": "PIDs",
}
HEADERS = {name: header for header, name in COLUMNS.items()}
UNKNOWN = {
    "CPUPerc": "--",
    "MemUsage": "-- / --",
    "MemPerc": "--",
    "NetIO": "-- / --",
    "BlockIO": "-- / --",
    "PIDs": "--",
}

Key = tuple[str, str]
"""A host and the id of a container."""


@click.command()
@click.option("-a", "--all", "also_stopped", is_flag=True, help="Show containers that do not run, too.")
@click.option("--no-stream", is_flag=True, help="Print one sample per container, and end.")
@FORMAT
@NO_TRUNC
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per sample.")
@scoped()
@click.argument("texts", metavar="[CONTAINER]...", nargs=-1, shell_complete=complete_containers)
@click.pass_context
def stats(
    context: click.Context,
    /,
    texts: tuple[str, ...],
    scope: Scope,
    also_stopped: bool,
    no_stream: bool,
    template: str | None,
    as_json: bool,
    no_trunc: bool,
) -> None:
    """Show the resource usage of running containers: those of many hosts, or the given ones.

    CONTAINER is HOST/CONTAINER, a name that is unique in the fleet, or a pattern with `*`.

    On a terminal it is a full screen that is updated until you end it, also after a restart of the gateway.  Elsewhere
    each sample is a line.  The first one comes after two seconds, because rates need two samples.  100 % CPU is one
    processor.  Memory does not include the cache that the kernel can free.

    Hosts and containers that fail are reported on standard error, and the exit code is then 1.

    \b
    Examples:
      dockfleet stats
      dockfleet stats north-1/web db
      dockfleet stats --no-stream -H 'north-*'
      dockfleet stats --json -l app=shop | jq .stats.summary.cpuPercent
    """
    from dockfleet.cli.reports import selectors
    from dockfleet.cli.resuming import resumed
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    gateway: Gateway = context.obj
    hosts, containers = scope.host_selector(), scope.container_selector()
    due: set[Key] | None = None
    known: dict[Key, str] = {}
    if no_stream or also_stopped or not all(map(is_pattern, texts)):
        found = several(gateway, scope, texts) if texts else _candidates(gateway, scope, also_stopped)
        known = {(each.host, each.id): each.name for each in found.targets}
        if texts:
            hosts, containers = selectors(found.targets)
        for failure in found.failures:
            say_failure(failure.host, failure.failure)
        if no_stream:
            due = {(each.host, each.id) for each in _candidates(gateway, scope).targets} & set(known)
    elif texts:
        containers = scope.container_selector(texts)
    table = StatsTable(known, keeps_stopped=also_stopped or no_stream, no_trunc=no_trunc)
    live = is_screen(sys.stdout) and not (no_stream or as_json or template)
    at_once = live or (no_stream and not (as_json or template))
    how = None if at_once else (template, as_json)
    for host, id in known.keys() - due if due is not None else ():  # they send no samples
        idle = pb.StatsRecord(host=host, container_id=id, container_name=known[host, id])
        idle.not_running.SetInParent()
        _take(table, idle, None, how)
    request = pb.StreamStatsRequest(hosts=hosts, containers=containers)
    try:
        with ExitStack() as stack:
            screen = stack.enter_context(Screen()) if live else None
            for response in resumed(gateway.fleet.StreamStats, request) if due is None or due else ():
                for record in response.records:
                    _take(table, record, due, how)
                if screen is not None:
                    screen.draw(table.screen())
                if due is not None and not due:
                    break
    finally:
        if at_once:  # what was seen last stays, also after Ctrl-C
            click.echo("\n".join(table.screen()))
    table.say_failures()
    context.exit(1 if table.failures else 0)


def _take(table: StatsTable, record: Any, due: set[Key] | None, how: tuple[str | None, bool] | None) -> None:
    """Take a record in, and print it as *how* says; with *due*, only the first one of each container."""
    key = (record.host, record.container_id)
    if due is not None and record.container_id and key not in due:
        return
    if not table.take(record):
        return
    if due is not None:
        due.discard(key)
    if how is None:
        return
    template, as_json = how
    if as_json:
        print_json([fields(record)])
    elif key in table.rows:
        table.print(key, template)


def _candidates(gateway: Gateway, scope: Scope, also_stopped: bool = False) -> Any:
    from dockfleet.cli.targets import find

    return find(gateway, scope, [], states=[] if also_stopped else ["running"])


class StatsTable:
    """The last sample of each container."""

    def __init__(self, known: dict[Key, str], *, keeps_stopped: bool, no_trunc: bool = False) -> None:
        """Show the containers that are *known*, by name, before their first sample.

        With *keeps_stopped*, those that do not run any more are still shown, without values; with *no_trunc*, ids are
        whole.
        """
        self._no_trunc = no_trunc
        self._keeps_stopped = keeps_stopped
        self.failures: dict[str, Any] = {}
        self.rows = {key: self._row(*key, name, UNKNOWN) for key, name in known.items()}
        self._measured: set[Key] = set()
        self._table = Table(*COLUMNS)
        self._headed = False

    def take(self, record: Any) -> bool:
        """Remember *record*, and return whether it is to be shown: the first sample of a container has no rates."""
        key = (record.host, record.container_id)
        kind = record.WhichOneof("record")
        if kind == "failure":
            self.failures["/".join(part for part in (record.host, record.container_name) if part)] = record.failure
            return True
        if kind == "not_running":
            if self._keeps_stopped:
                self.rows[key] = self._row(*key, record.container_name, UNKNOWN)
            else:
                self.rows.pop(key, None)
            self._measured.discard(key)
            return True
        if kind != "stats":
            return False
        first = key not in self._measured
        self._measured.add(key)
        values = UNKNOWN if first else _measured(record.stats.summary)
        self.rows[key] = self._row(*key, record.container_name, values)
        return not first

    def _row(self, host: str, id: str, name: str, values: dict[str, str]) -> dict[str, str]:
        shown = short_id(id, self._no_trunc)
        return {"Host": host, "ID": shown, "Container": shown, "Name": name, **values}

    def print(self, key: Key, template: str | None) -> None:
        """Print the line of a container, below a header; or as the *template* says."""
        if template:
            *head, line = formatted(template, [self.rows[key]], HEADERS)
            for each in [*([] if self._headed else head), line]:
                click.echo(each)
            self._headed = True
            return
        if not self._headed:
            click.echo(self._table.head(_cells(row) for row in self.rows.values()))
            self._headed = True
        click.echo(self._table.lines([_cells(self.rows[key])])[0])

    def screen(self) -> list[str]:
        """Return all lines; on a terminal they are not wider than it is."""
        limit = None if self._no_trunc else terminal_width()
        table = Table(*COLUMNS, limit=limit, fixed=("CPU %", "MEM %", "PIDS"))
        rows = [_cells(self.rows[key]) for key in sorted(self.rows, key=lambda key: (key[0], self.rows[key]["Name"]))]
        return [table.head(rows), *table.lines(rows)]

    def say_failures(self) -> None:
        """Name what failed."""
        for where, failure in self.failures.items():
            say_failure(where, failure)


def _cells(row: dict[str, str]) -> list[str]:
    return [row[name] for name in COLUMNS.values()]


def _measured(use: Any) -> dict[str, str]:
    return {
        "CPUPerc": f"{use.cpu_percent:.2f}%",
        "MemUsage": f"{binary_size(use.memory_bytes)} / {binary_size(use.memory_limit_bytes)}",
        "MemPerc": f"{use.memory_percent:.2f}%",
        "NetIO": f"{size(use.network_rx_bytes_per_second, 4)} / {size(use.network_tx_bytes_per_second, 4)}",
        "BlockIO": f"{size(use.block_read_bytes_per_second, 4)} / {size(use.block_write_bytes_per_second, 4)}",
        "PIDs": str(use.pids),
    }
