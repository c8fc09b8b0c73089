"""`dockfleet hosts` and `dockfleet ps`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any

import click
import grpc

from dockfleet.client import Fleet
from dockfleet.commands.group import dockfleet
from dockfleet.commands.output import fields, print_json, say_failure
from dockfleet.errors import DockfleetError
from dockfleet.fleet.v1.hosts_pb2 import Host, HostState
from dockfleet.shell import unreachable
from dockfleet.table import Table
from dockfleet.v1.containers_pb2 import ContainerSummary, ListContainersRequest


@dockfleet.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per host.")
@click.pass_obj
def hosts(fleet: Fleet, as_json: bool) -> None:
    """List the hosts of the gateway and their states."""
    found = fleet.list_hosts()
    if as_json:
        print_json(fields(host) for host in found)
    else:
        table = Table("NAME", "STATE", "API", "ADDRESS", "LABELS", "MESSAGE")
        click.echo("\n".join(table.lines(_host_row(host) for host in found)))


@dockfleet.command()
@click.option("-H", "--host", "names", multiple=True, metavar="HOST", help="Ask only this host; may be repeated.")
@click.option("-a", "--all", "all_", is_flag=True, help="List also containers that are not running.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per container.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a host may take.",
)
@click.pass_context
def ps(context: click.Context, names: tuple[str, ...], all_: bool, as_json: bool, timeout: float) -> None:
    """List the containers of all hosts, or of the given ones.

    All hosts are asked at the same time, and printed as they answer.  Hosts that fail are reported on standard error,
    and the exit code is then 1.

    \b
    Examples:
      dockfleet ps
      dockfleet ps -a -H north-1 -H north-2
      dockfleet ps --json | jq -r 'select(.State == "running") | .host + " " + .Names[0]'
    """
    fleet: Fleet = context.obj
    hosts = list(dict.fromkeys(names)) or [host.name for host in fleet.list_hosts(timeout=timeout)]
    table = Table("HOST", "CONTAINER ID", f"{'IMAGE':28}", f"{'STATUS':24}", "NAME")
    table.widen((host, "", "", "", "") for host in hosts)
    failed = False
    for host, result in containers_of(fleet, hosts, all_, timeout):
        if isinstance(result, DockfleetError):
            failed = True
            say_failure(host, result)
        elif as_json:
            print_json({"host": host, **fields(container)} for container in sorted(result, key=name_of))
        else:
            for line in table.lines(_container_row(host, container) for container in sorted(result, key=name_of)):
                click.echo(line)
    context.exit(1 if failed else 0)


def containers_of(
    fleet: Fleet, hosts: Iterable[str], all_: bool, timeout: float
) -> Iterator[tuple[str, Iterable[ContainerSummary] | DockfleetError]]:
    """Yield the containers or the failure of each host as they come.  All *hosts* are asked at once.

    Raises `DockfleetError` when the gateway is unreachable.
    """
    done: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    calls = []
    try:
        for host in hosts:
            call = fleet.containers.ListContainers.future(ListContainersRequest(host=host, all=all_), timeout=timeout)
            calls.append(call)
            call.add_done_callback(partial(lambda host, call: done.put((host, call)), host))
        for _ in calls:
            host, call = done.get()
            try:
                yield host, call.result().containers
            except grpc.RpcError as failure:
                error = DockfleetError.of(failure)
                if unreachable(error):
                    raise error from failure
                yield host, error
    finally:
        for call in calls:
            call.cancel()


def name_of(container: ContainerSummary) -> str:
    """Return the names of *container* for people."""
    return ",".join(name.removeprefix("/") for name in container.names)


def _host_row(host: Host) -> tuple[str, ...]:
    # A newer gateway may have a state that this client does not know.
    known = host.state in HostState.values()
    state = HostState.Name(host.state).removeprefix("HOST_STATE_").lower() if known else f"unknown ({host.state})"
    labels = ",".join(f"{name}={value}" for name, value in sorted(host.labels.items()))
    return host.name, state, host.api_version, host.address, labels, host.message


def _container_row(host: str, container: ContainerSummary) -> tuple[str, ...]:
    return host, container.id[:12], container.image, container.status, name_of(container)
