"""`dockfleet hosts`: lists and changes the hosts of the fleet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.batches import Batch
from dockfleet.cli.completion import complete_hosts
from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.group import CommandError
from dockfleet.cli.output import fields, print_json
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
FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
NAME = click.argument("name", metavar="HOST", shell_complete=complete_hosts)
NAMES = click.argument("names", metavar="HOST...", nargs=-1, required=True, shell_complete=complete_hosts)

F = Callable[..., Any]


@click.group(invoke_without_command=True)
@click.option("-w", "--watch", is_flag=True, help="Show every change until you end it; a full screen on a terminal.")
@listed()
@scoped(labels=False)
@click.pass_context
def hosts(context: click.Context, /, watch: bool, scope: Scope, view: View) -> None:
    """List the hosts and their states; add, change, remove and drain hosts.

    \b
    Examples:
      dockfleet hosts
      dockfleet hosts --watch
      dockfleet hosts --host-label site=north --format '{{.Name}} {{.State}}'
      dockfleet hosts add north-9 tcp://10.0.0.9:2376 --label site=north --tls-ca ca.pem
      dockfleet hosts drain north-9
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

    live = sys.stdout.isatty() and not (view.as_json or view.template)
    known: dict[str, Any] = {}
    with ExitStack() as stack:
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
        "Message": "; ".join(part for part in (host.message, _same_engine(host)) if part),
        "Source": host.source,
    }


def _state(state: int) -> str:
    from dockfleet.fleet.v1.hosts_pb2 import HostState

    known = HostState.DESCRIPTOR.values_by_number
    return known[state].name.removeprefix("HOST_STATE_").lower() if state in known else f"unknown ({state})"


def _same_engine(host: Any) -> str:
    return f"has the same engine as {', '.join(host.same_engine_as)}" if host.same_engine_as else ""


def _specified(*, address: F) -> Callable[[F], F]:
    options = (
        address,
        NAME,
        click.option("-l", "--label", "labels", multiple=True, metavar="KEY=VALUE", help="A label; may be repeated."),
        click.option("--tls-ca", type=FILE, help="The certificates that prove the engine's (PEM)."),
        click.option("--tls-cert", type=FILE, help="The gateway's own certificate for it (PEM)."),
        click.option("--tls-key", type=FILE, help="The key of that certificate (PEM)."),
        click.option("--tls-server-name", metavar="NAME", help="The name in the engine's certificate."),
        click.option("--ssh-key", type=FILE, help="The private key to log in with."),
        click.option("--ssh-known-hosts", type=FILE, help="The public keys of the host."),
        click.option("--ssh-jump", metavar="USER@HOST:PORT", help="The host through which it is reached."),
    )

    def decorate(command: F) -> F:
        for option in options:
            command = option(command)
        return command

    return decorate


@hosts.command("add")
@_specified(address=click.argument("address"))
@click.pass_obj
def add(gateway: Gateway, /, **how: Any) -> None:
    """Add a host.  The gateway stores it, with its certificates and keys.

    ADDRESS is unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST:PORT/PATH-OF-SOCKET.
    """
    from dockfleet.fleet.v1.hosts_pb2 import AddHostRequest

    click.echo(call(gateway.hosts.AddHost, AddHostRequest(spec=_spec(**how))).host.name)


@hosts.command("update")
@_specified(address=click.argument("address"))
@click.pass_obj
def update(gateway: Gateway, /, **how: Any) -> None:
    """Replace the settings of a host that was added: settings that are not given are removed.

    With the same address, its calls and streams continue.
    """
    from dockfleet.fleet.v1.hosts_pb2 import UpdateHostRequest

    click.echo(call(gateway.hosts.UpdateHost, UpdateHostRequest(spec=_spec(**how))).host.name)


def _spec(name: str, address: str, labels: tuple[str, ...], **how: Any) -> Any:
    from dockfleet.fleet.v1.hosts_pb2 import HostSpec, HostSsh, HostTls

    pairs = {key: value for key, _, value in (label.partition("=") for label in labels)}
    texts = {key: value.read_text() if isinstance(value, Path) else value for key, value in how.items()}
    tls = HostTls(
        ca=texts["tls_ca"] or "",
        certificate=texts["tls_cert"] or "",
        key=texts["tls_key"] or "",
        server_name=texts["tls_server_name"] or "",
    )
    ssh = HostSsh(
        private_key=texts["ssh_key"] or "",
        known_hosts=texts["ssh_known_hosts"] or "",
        jump_host=texts["ssh_jump"] or "",
    )
    return HostSpec(
        name=name,
        address=address,
        labels=pairs,
        tls=tls if tls.ListFields() else None,
        ssh=ssh if ssh.ListFields() else None,
    )


@hosts.command("rm")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@NAMES
@click.pass_obj
def rm(gateway: Gateway, /, names: tuple[str, ...], yes: bool) -> None:
    """Remove hosts that were added.  Nothing changes on the hosts themselves."""
    from dockfleet.fleet.v1.hosts_pb2 import RemoveHostRequest

    Batch(yes=yes).confirm("remove", names)
    for name in names:
        call(gateway.hosts.RemoveHost, RemoveHostRequest(host=name))
        click.echo(name)


@hosts.command("drain")
@NAMES
@click.pass_obj
def drain(gateway: Gateway, /, names: tuple[str, ...]) -> None:
    """Stop new work on hosts.  What runs there runs on."""
    from dockfleet.fleet.v1.hosts_pb2 import DrainHostRequest

    for name in names:
        call(gateway.hosts.DrainHost, DrainHostRequest(host=name))
        click.echo(name)


@hosts.command("undrain")
@NAMES
@click.pass_obj
def undrain(gateway: Gateway, /, names: tuple[str, ...]) -> None:
    """Allow new work on drained hosts again."""
    from dockfleet.fleet.v1.hosts_pb2 import UndrainHostRequest

    for name in names:
        call(gateway.hosts.UndrainHost, UndrainHostRequest(host=name))
        click.echo(name)


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


def one_host(gateway: Gateway, scope: Scope) -> str:
    """Return the one host that *scope* selects.  Raises `CommandError` when it selects none, or several."""
    if scope.one_name is not None:
        return scope.one_name
    found = host_names(gateway, scope.host_selector())
    if len(found) != 1:
        shown = ", ".join(found[:5]) + (" …" if len(found) > 5 else "")
        raise CommandError(f"on which host?  -H chooses one of: {shown}" if found else "no host is selected: see -H")
    return found[0]


def several_hosts(gateway: Gateway, scope: Scope) -> tuple[Any, bool]:
    """Return the selector of the hosts that *scope* means, and whether they can be several.

    Raises `CommandError` when the options say nothing and the fleet has several hosts.
    """
    if scope.means_several:
        return scope.host_selector(), True
    return scope.host_selector(one_host(gateway, scope)), False


def host_names(gateway: Gateway, selector: Any) -> list[str]:
    """Return the names of the hosts that *selector* selects."""
    return list(api_versions(gateway, selector))


def api_versions(gateway: Gateway, selector: Any) -> dict[str, str]:
    """Return the API versions of the hosts that *selector* selects, by name; empty where it is not known."""
    from dockfleet.fleet.v1.hosts_pb2 import ListHostsRequest

    found = call(gateway.hosts.ListHosts, ListHostsRequest(selector=selector)).hosts
    return {host.name: host.api_version for host in found}


def api_number(version: str) -> tuple[int, ...]:
    """Return an API version as a value that can be compared."""
    return tuple(int(part) for part in version.split("."))
