"""The commands of the command line client: a thin shell over the library."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version as installed
from queue import SimpleQueue
from typing import Any

import click
import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from dockfleet import terminal
from dockfleet.client import DEFAULT_TARGET, Fleet, connect
from dockfleet.errors import DockfleetError
from dockfleet.session import Session
from dockfleet.shell import NOT_RUN, NotRun, Shell, unreachable
from dockfleet.table import Table, printable
from dockfleet.v1.common_pb2 import STREAM_STDERR, Stream
from dockfleet.v1.containers_pb2 import ContainerSummary, ListContainersRequest
from dockfleet.v1.hosts_pb2 import Host, HostState

PEM = click.Path(exists=True, dir_okay=False)


@click.group("dockfleet", cls=Shell)
@click.option(
    "--address",
    envvar="DOCKFLEET_ADDRESS",
    default=DEFAULT_TARGET,
    show_default=True,
    show_envvar=True,
    metavar="HOST:PORT",
    help="Where the gateway listens.",
)
@click.option("--tls-ca", envvar="DOCKFLEET_TLS_CA", show_envvar=True, type=PEM, help="Whom to trust, as PEM file.")
@click.option("--tls-cert", envvar="DOCKFLEET_TLS_CERT", show_envvar=True, type=PEM, help="Your certificate.")
@click.option("--tls-key", envvar="DOCKFLEET_TLS_KEY", show_envvar=True, type=PEM, help="Your private key.")
@click.pass_context
def dockfleet(context: click.Context, /, address: str, **tls: str | None) -> None:
    """All Docker hosts of a fleet, through one dockfleet gateway.

    \b
    Examples:
      dockfleet hosts                      which hosts there are, and how they are
      dockfleet ps -a                      all containers of all hosts
      dockfleet logs -f north-1 web        follow a log
      dockfleet exec -it north-1 web sh    a shell in a container

    A bearer token is taken from DOCKFLEET_TOKEN.
    """
    token = os.environ.get("DOCKFLEET_TOKEN")
    context.obj = context.with_resource(
        connect(address, tls_ca=tls["tls_ca"], tls_cert=tls["tls_cert"], tls_key=tls["tls_key"], token=token)
    )


@dockfleet.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object per host.")
@click.pass_obj
def hosts(fleet: Fleet, as_json: bool) -> None:
    """List the hosts that the gateway knows, and how they are."""
    found = fleet.list_hosts()
    if as_json:
        _print_json(_fields(host) for host in found)
    else:
        table = Table("NAME", "STATE", "API", "ADDRESS", "LABELS", "MESSAGE")
        rows = [_host_row(host) for host in found]
        click.echo("\n".join([table.head(rows), *table.lines(rows)]))


@dockfleet.command()
@click.option("-H", "--host", "names", multiple=True, metavar="HOST", help="Only this host; may be repeated.")
@click.option("-a", "--all", "all_", is_flag=True, help="Also containers that do not run.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per container.")
@click.option("--timeout", default=30.0, show_default=True, metavar="SECONDS", help="How long a host may take.")
@click.pass_context
def ps(context: click.Context, names: tuple[str, ...], all_: bool, as_json: bool, timeout: float) -> None:
    """List the containers of all hosts, or of some.

    The hosts are asked at the same time, and each is shown as soon as it has answered.  One that fails is named on
    standard error, and the exit code is then 1.

    \b
    Examples:
      dockfleet ps
      dockfleet ps -a -H north-1 -H north-2
      dockfleet ps --json | jq -r 'select(.state == "running") | .host + " " + .names[0]'
    """
    fleet: Fleet = context.obj
    hosts = list(dict.fromkeys(names)) or [host.name for host in fleet.list_hosts(timeout=timeout)]
    table = Table("HOST", "CONTAINER ID", f"{'IMAGE':28}", f"{'STATUS':24}", "NAME")
    if not as_json:
        click.echo(table.head([(host, "", "", "", "") for host in hosts]))
    failed = False
    for host, answer in _ask(fleet, hosts, all_, timeout):
        if isinstance(answer, DockfleetError):
            if unreachable(answer):
                raise answer
            failed = True
            click.echo(printable(f"{host}: {answer.reason or answer.code.name}: {answer.message}"), err=True)
            continue
        containers = sorted(answer, key=_name)
        if as_json:
            _print_json({"host": host, **_fields(container)} for container in containers)
        else:
            for line in table.lines(_container_row(host, container) for container in containers):
                click.echo(line)
    context.exit(1 if failed else 0)


@dockfleet.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written from now on.")
@click.option("-n", "--tail", type=click.IntRange(min=0), metavar="N", help="Begin with so many of the last lines.")
@click.option("-t", "--timestamps", is_flag=True, help="Begin each line with the time at which it was written.")
@click.argument("host")
@click.argument("container")
@click.pass_obj
def logs(fleet: Fleet, host: str, container: str, follow: bool, tail: int | None, timestamps: bool) -> None:
    """Print the log of a container, byte for byte.

    What it wrote to standard error goes to standard error.

    \b
    Examples:
      dockfleet logs north-1 web
      dockfleet logs -f -n 100 -t north-1 web
    """
    unfinished: set[Stream.ValueType] = set()
    wanted = {"follow": follow, "timestamps": timestamps, "tail": tail}
    with fleet.host(host).containers.StreamLogs(id=container, **wanted) as batches:
        for batch in batches:
            for entry in batch.entries:
                if timestamps and entry.stream not in unfinished:
                    _write(entry.stream, _time(entry.time))
                _write(entry.stream, entry.data if entry.partial else entry.data + b"\n")
                (unfinished.add if entry.partial else unfinished.discard)(entry.stream)
            _flush()


@dockfleet.command(context_settings={"allow_interspersed_args": False})
@click.option("-i", "--interactive", is_flag=True, help="Hand standard input on to the command.")
@click.option("-t", "--tty", is_flag=True, help="Give the command a terminal.")
@click.option("-e", "--env", multiple=True, metavar="NAME=VALUE", help="Set a variable; may be repeated.")
@click.option("-u", "--user", metavar="USER[:GROUP]", help="Run it as somebody else.")
@click.option("-w", "--workdir", "working_dir", metavar="DIRECTORY", help="Run it somewhere else.")
@click.argument("host")
@click.argument("container")
@click.argument("cmd", metavar="COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def exec(context: click.Context, /, host: str, container: str, interactive: bool, tty: bool, **how: Any) -> None:
    """Run a command in a container.  The exit code is the command's; 125 when it could not be run.

    \b
    Examples:
      dockfleet exec north-1 web ls -l /
      dockfleet exec -it north-1 web sh
      pg_dump shop | dockfleet exec -i north-1 db psql shop
    """
    fleet: Fleet = context.obj
    raw = interactive and tty
    if raw and not os.isatty(terminal.STDIN):
        raise click.UsageError("Standard input is not a terminal: leave -t away.")
    how["console_size"] = terminal.size() if tty else None
    try:
        with ExitStack() as stack:
            session: Session = stack.enter_context(
                fleet.host(host).exec.Exec(id=container, attach_stdin=interactive, tty=tty, **how)
            )
            if tty:
                stack.enter_context(terminal.size_changes(session.resize))
            if raw:
                stack.enter_context(terminal.raw())
            if interactive:
                terminal.feed(session.write, session.close_stdin)
            for output in session:
                _write(output.stream, output.data)
                _flush()
    except DockfleetError as error:
        raise NotRun(error, context) from error
    if session.exit_code is None:
        click.echo(printable(f"dockfleet: the exit code is not known: {session.unknown_reason}"), err=True)
    context.exit(NOT_RUN if session.exit_code is None else session.exit_code)


@dockfleet.command()
def version() -> None:
    """Print the version of this client."""
    click.echo(f"dockfleet {installed('dockfleet')} (grpcio {grpc.__version__})")


def _ask(
    fleet: Fleet, hosts: Iterable[str], all_: bool, timeout: float
) -> Iterator[tuple[str, Iterable[ContainerSummary] | DockfleetError]]:
    """Ask all *hosts* at once, and yield each answer, or failure, when it comes."""
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
            except grpc.RpcError as error:
                yield host, DockfleetError.of(error)
    finally:
        for call in calls:
            call.cancel()


def _host_row(host: Host) -> tuple[str, ...]:
    state = HostState.Name(host.state).removeprefix("HOST_STATE_").lower().replace("unspecified", "unknown")
    labels = ",".join(f"{name}={value}" for name, value in sorted(host.labels.items()))
    return host.name, state, host.api_version, host.address, labels, host.message


def _container_row(host: str, container: ContainerSummary) -> tuple[str, ...]:
    return host, container.id[:12], container.image, container.status, _name(container)


def _name(container: ContainerSummary) -> str:
    return ",".join(name.removeprefix("/") for name in container.names)


def _fields(message: Message) -> dict[str, Any]:
    """Return *message* as JSON has it, by the names of the contract, with what is empty, too."""
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _print_json(documents: Iterable[dict[str, Any]]) -> None:
    for document in documents:
        click.echo(json.dumps(document))


def _time(time: Timestamp) -> bytes:
    moment = datetime.fromtimestamp(time.seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time.nanos:09}Z ".encode()


def _write(stream: Stream.ValueType, data: bytes) -> None:
    (sys.stderr if stream == STREAM_STDERR else sys.stdout).buffer.write(data)


def _flush() -> None:
    sys.stdout.buffer.flush()
    sys.stderr.buffer.flush()
