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
from dockfleet.commands.merge import merge_streams
from dockfleet.commands.output import fields, print_json, say_failure
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
LIST_SECONDS = 30.0  # the timeout for the list of a host's containers
REDRAW_SECONDS = 0.5
TOP, REST_OF_LINE, REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"

Key = tuple[str, str]
"""A host and the name of a container."""


@dockfleet.command()
@click.option("--no-stream", is_flag=True, help="Print one sample per container, and end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per sample.")
@click.argument("host", required=False)
@click.argument("containers", metavar="[CONTAINER]...", nargs=-1)
@click.pass_context
def stats(
    context: click.Context, host: str | None, containers: tuple[str, ...], no_stream: bool, as_json: bool
) -> None:
    """Show the resource usage of the running containers of all hosts or of one host, or of the given containers.

    On a terminal it is a table that is updated until you end it, also after a restart of the gateway.  Elsewhere each
    sample is a line.  The first one comes after two seconds, because rates need two samples.  100 % CPU is one
    processor.  Memory does not include the cache that the kernel can free.

    Hosts and containers that fail are reported on standard error, and the exit code is then 1.

    \b
    Examples:
      dockfleet stats
      dockfleet stats north-1 web db
      dockfleet stats --no-stream north-1
      dockfleet stats --json north-1 web | jq .stats.summary.cpuPercent
    """
    fleet: Fleet = context.obj
    is_live = sys.stdout.isatty() and not no_stream
    samples = JsonSamples() if as_json else LiveSamples() if is_live else Samples()
    ids = {(str(host), container): "" for container in containers}
    if not containers:
        hosts = [host] if host else [each.name for each in fleet.list_hosts()]
        ids = dict(_running(fleet, hosts, samples))
    streams = {(host, name): fleet.host(host).stats(id or name) for (host, name), id in ids.items()}
    samples.start(ids)
    due = set(streams)
    with closing(samples), merge_streams(streams) as responses:
        for key, sample in responses:
            if isinstance(sample, DockfleetError):
                if unreachable(sample):
                    raise sample
                samples.fail(key[0], sample)
                due.discard(key)
            elif samples.is_complete(key, sample) and (key in due or not no_stream):
                due.discard(key)
                samples.show(key, sample)
            if no_stream and not due:
                break
        samples.finish()
    context.exit(1 if samples.failed else 0)


def _running(fleet: Fleet, hosts: list[str], samples: Samples) -> Iterator[tuple[Key, str]]:
    for host, result in containers_of(fleet, hosts, False, LIST_SECONDS):
        if isinstance(result, DockfleetError):
            samples.fail(host, result)
        else:
            for container in result:
                yield (host, name_of(container)), container.id


class Samples:
    """Prints each sample as a line of a table."""

    def __init__(self) -> None:
        self.failed = False
        self._table = Table(*COLUMNS)
        self._rows: dict[Key, tuple[str, ...]] = {}
        self._measured: set[Key] = set()

    def start(self, ids: dict[Key, str]) -> None:
        """Prepare the columns for the containers of *ids*."""
        self._rows = {(host, name): (host, id[:12], name, *UNKNOWN) for (host, name), id in sorted(ids.items())}
        self._table.widen(self._rows.values())

    def is_complete(self, key: Key, sample: StreamStatsResponse) -> bool:
        """Return whether *sample* has rates; the first one of a running container has none."""
        known = key in self._measured
        running = sample.HasField("stats")
        (self._measured.add if running else self._measured.discard)(key)
        return known or not running

    def show(self, key: Key, sample: StreamStatsResponse) -> None:
        """Show a sample."""
        self._set(key, sample)
        self._print([self._rows[key]])

    def fail(self, host: str, error: DockfleetError) -> None:
        """Report a failure."""
        self.failed = True
        say_failure(host, error)

    def finish(self) -> None:
        """Show only the columns, if there was neither a sample nor a failure."""
        if not self.failed:
            self._print([])

    def close(self) -> None:
        """Show what is not shown yet."""

    def _set(self, key: Key, sample: StreamStatsResponse) -> None:
        host, name = key
        id = sample.stats.id[:12] or self._rows[key][1]
        self._rows[key] = (host, id, name, *(_measured(sample.stats.summary) if sample.HasField("stats") else UNKNOWN))

    def _print(self, rows: list[tuple[str, ...]]) -> None:
        for line in self._table.lines(rows):
            click.echo(line)


class JsonSamples(Samples):
    """Prints each sample as a JSON object."""

    def show(self, key: Key, sample: StreamStatsResponse) -> None:
        """Show a sample."""
        print_json([{"host": key[0], "container": key[1], **fields(sample)}])

    def finish(self) -> None:
        """Do nothing: there are no columns."""


class LiveSamples(Samples):
    """Shows the newest samples as a table that is updated.  Failures come after the table."""

    def __init__(self) -> None:
        super().__init__()
        self._drawn_at = 0.0
        self._failures: list[tuple[str, DockfleetError]] = []

    def start(self, ids: dict[Key, str]) -> None:
        """Prepare the columns for the containers of *ids*, and show them."""
        super().start(ids)
        self._draw()

    def show(self, key: Key, sample: StreamStatsResponse) -> None:
        """Show a sample, if the last one was not shown just now."""
        self._set(key, sample)
        if time.monotonic() >= self._drawn_at + REDRAW_SECONDS:
            self._draw()

    def fail(self, host: str, error: DockfleetError) -> None:
        """Report a failure at the end."""
        self.failed = True
        self._failures.append((host, error))

    def finish(self) -> None:
        """Do nothing: the columns are there."""

    def close(self) -> None:
        """Show the samples that are not on the screen yet, and then the failures."""
        self._draw()
        for host, error in self._failures:
            say_failure(host, error)

    def _draw(self) -> None:
        if self.failed and not self._rows:
            return
        self._drawn_at = time.monotonic()
        lines = [f"{line}{REST_OF_LINE}\n" for line in self._table.lines(self._rows.values(), again=True)]
        click.echo(f"{TOP}{''.join(lines)}{REST_OF_SCREEN}", nl=False)


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
    """Return *size* with four digits, in the unit that leaves at most three before the point."""
    for unit in units[:-1]:
        if size < 1000:
            return f"{size:.4g}{unit}"
        size /= step
    return f"{size:.4g}{units[-1]}"
