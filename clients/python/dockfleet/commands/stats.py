"""`dockfleet stats`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing

import click

from dockfleet.client import Fleet
from dockfleet.commands.group import dockfleet
from dockfleet.commands.listing import containers_of, name_of
from dockfleet.commands.output import fields, print_json, say_failure
from dockfleet.commands.together import together
from dockfleet.errors import DockfleetError
from dockfleet.shell import unreachable
from dockfleet.table import Table
from dockfleet.v1.containers_pb2 import StatsSummary, StreamStatsResponse

COLUMNS = (
    "HOST",
    "CONTAINER ID",
    "NAME",
    "CPU %",
    f"{'MEM USAGE / LIMIT':21}",
    "MEM %",
    f"{'NET RX/s / TX/s':17}",
    f"{'DISK R/s / W/s':17}",
    "PIDS",
)
UNKNOWN = ("--", "-- / --", "--", "-- / --", "-- / --", "--")
LIST_SECONDS = 30.0  # that a host may take to list its containers
REDRAW_SECONDS = 0.5
TOP, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"

Key = tuple[str, str]
"""A host, and a container of it as it is shown."""


@dockfleet.command()
@click.option("--no-stream", is_flag=True, help="Print one measurement of each container, and end.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per measurement.")
@click.argument("host", required=False)
@click.argument("containers", metavar="[CONTAINER]...", nargs=-1)
@click.pass_context
def stats(
    context: click.Context, host: str | None, containers: tuple[str, ...], no_stream: bool, as_json: bool
) -> None:
    """Show what containers use: those that run on all hosts, or on one, or those that are named.

    On a terminal it is a table that is renewed until you end it, also when the gateway is restarted meanwhile;
    elsewhere each measurement is a line of its own.  The first comes after two seconds, for rates lie between two
    samples.  CPU counts a processor as 100 %; memory is without what the kernel could take back from its cache.

    A host or container that fails is named on standard error, and the exit code is then 1.

    \b
    Examples:
      dockfleet stats
      dockfleet stats north-1 web db
      dockfleet stats --no-stream north-1
      dockfleet stats --json north-1 web | jq .stats.summary.cpu_percent
    """
    fleet: Fleet = context.obj
    board = _Board(live=sys.stdout.isatty() and not no_stream and not as_json)
    ids = {(str(host), container): "" for container in containers}
    if not containers:
        hosts = [host] if host else [each.name for each in fleet.list_hosts()]
        ids = dict(_running(fleet, hosts, board))
    streams = {(host, name): fleet.host(host).stats(id or name) for (host, name), id in ids.items()}
    if not as_json:
        board.begin(ids)
    due = set(streams)
    with closing(board), together(streams) as messages:
        for key, sample in messages:
            if isinstance(sample, DockfleetError):
                if unreachable(sample):
                    raise sample
                board.fail(key[0], sample)
                due.discard(key)
            elif board.is_whole(key, sample) and (key in due or not no_stream):
                due.discard(key)
                if as_json:
                    print_json([{"host": key[0], "container": key[1], **fields(sample)}])
                else:
                    board.show(key, sample)
            if no_stream and not due:
                break
    context.exit(1 if board.failed else 0)


def _running(fleet: Fleet, hosts: list[str], board: _Board) -> Iterator[tuple[Key, str]]:
    for host, answer in containers_of(fleet, hosts, False, LIST_SECONDS):
        if isinstance(answer, DockfleetError):
            board.fail(host, answer)
        else:
            for container in answer:
                yield (host, name_of(container)), container.id


class _Board:
    """Where measurements are shown: *live*, in a table that is renewed, or each in a line."""

    def __init__(self, live: bool) -> None:
        self.failed = False
        self._live = live
        self._table = Table(*COLUMNS)
        self._rows: dict[Key, tuple[str, ...]] = {}
        self._measured: set[Key] = set()
        self._drawn = 0.0
        self._failures: list[tuple[str, DockfleetError]] = []

    def begin(self, ids: dict[Key, str]) -> None:
        """Show the columns, wide enough for the containers of *ids*."""
        self._rows = {(host, name): (host, id[:12], name, *UNKNOWN) for (host, name), id in sorted(ids.items())}
        head = self._table.head(self._rows.values())
        if self._live:
            self._draw()
        else:
            click.echo(head)

    def is_whole(self, key: Key, sample: StreamStatsResponse) -> bool:
        """Tell whether *sample* says all: the first of a container that runs has no rates."""
        known = key in self._measured
        running = sample.HasField("stats")
        (self._measured.add if running else self._measured.discard)(key)
        return known or not running

    def show(self, key: Key, sample: StreamStatsResponse) -> None:
        """Show a measurement."""
        host, name = key
        id = sample.stats.id[:12] or self._rows[key][1]
        self._rows[key] = (host, id, name, *(_measured(sample.stats.summary) if sample.HasField("stats") else UNKNOWN))
        if not self._live:
            click.echo(self._table.lines([self._rows[key]])[0])
        elif time.monotonic() >= self._drawn + REDRAW_SECONDS:
            self._draw()

    def fail(self, host: str, error: DockfleetError) -> None:
        """Say what failed; beside a table that is renewed, after it."""
        self.failed = True
        self._failures.append((host, error))
        if not self._live:
            self._say()

    def close(self) -> None:
        """Show what was not shown yet."""
        if self._live:
            self._draw()
        self._say()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        lines = self._table.lines(self._rows.values())
        text = "".join(f"{line}{REST_OF_LINE}\n" for line in (self._table.head(), *lines))
        click.echo(f"{TOP}{text}{REST_OF_SCREEN}", nl=False)

    def _say(self) -> None:
        for host, error in self._failures:
            say_failure(host, error)
        self._failures.clear()


def _measured(use: StatsSummary) -> tuple[str, ...]:
    return (
        f"{use.cpu_percent:.2f}%",
        f"{_binary(use.memory_bytes)} / {_binary(use.memory_limit_bytes)}",
        f"{use.memory_percent:.2f}%",
        f"{_decimal(use.network_rx_bytes_per_second)} / {_decimal(use.network_tx_bytes_per_second)}",
        f"{_decimal(use.block_read_bytes_per_second)} / {_decimal(use.block_write_bytes_per_second)}",
        str(use.pids),
    )


def _binary(size: float) -> str:
    return _scaled(size, 1024, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"))


def _decimal(size: float) -> str:
    return _scaled(size, 1000, ("B", "kB", "MB", "GB", "TB", "PB"))


def _scaled(size: float, step: int, units: tuple[str, ...]) -> str:
    """Return *size* in the unit in which it has at most three digits before the point, with four digits in all."""
    for unit in units[:-1]:
        if size < 1000:
            return f"{size:.4g}{unit}"
        size /= step
    return f"{size:.4g}{units[-1]}"
