"""`dockfleet hosts add` and the other commands that change the hosts of the fleet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from dockfleet.cli.batches import Batch
from dockfleet.cli.completion import complete_hosts
from dockfleet.cli.gateway import Gateway, call

FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
NAME = click.argument("name", metavar="HOST", shell_complete=complete_hosts)
NAMES = click.argument("names", metavar="HOST...", nargs=-1, required=True, shell_complete=complete_hosts)

F = Callable[..., Any]


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


@click.command("add")
@_specified(address=click.argument("address"))
@click.pass_obj
def add(gateway: Gateway, /, **how: Any) -> None:
    """Add a host.  The gateway stores it, with its certificates and keys.

    ADDRESS is unix:///PATH, tcp://HOST:PORT or ssh://USER@HOST:PORT/PATH-OF-SOCKET.
    """
    from dockfleet.fleet.v1.hosts_pb2 import AddHostRequest

    click.echo(call(gateway.hosts.AddHost, AddHostRequest(spec=_spec(**how))).host.name)


@click.command("update")
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


@click.command("rm")
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


@click.command("drain")
@NAMES
@click.pass_obj
def drain(gateway: Gateway, /, names: tuple[str, ...]) -> None:
    """Stop new work on hosts.  What runs there runs on."""
    from dockfleet.fleet.v1.hosts_pb2 import DrainHostRequest

    for name in names:
        call(gateway.hosts.DrainHost, DrainHostRequest(host=name))
        click.echo(name)


@click.command("undrain")
@NAMES
@click.pass_obj
def undrain(gateway: Gateway, /, names: tuple[str, ...]) -> None:
    """Allow new work on drained hosts again."""
    from dockfleet.fleet.v1.hosts_pb2 import UndrainHostRequest

    for name in names:
        call(gateway.hosts.UndrainHost, UndrainHostRequest(host=name))
        click.echo(name)


COMMANDS = (add, update, rm, drain, undrain)
