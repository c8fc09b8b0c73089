"""The program itself: its address and certificates."""

from __future__ import annotations

import click
import grpc

from dockfleet._version import __version__
from dockfleet.client import DEFAULT_TARGET, connect
from dockfleet.shell import Shell

PEM = click.Path(exists=True, dir_okay=False, readable=True)


@click.group("dockfleet", cls=Shell)
@click.option(
    "--address",
    envvar="DOCKFLEET_ADDRESS",
    default=DEFAULT_TARGET,
    show_default=True,
    show_envvar=True,
    metavar="HOST[:PORT]",
    help="The address of the gateway.",
)
@click.option("--tls-ca", envvar="DOCKFLEET_TLS_CA", show_envvar=True, type=PEM, help="The authorities to trust (PEM).")
@click.option("--tls-cert", envvar="DOCKFLEET_TLS_CERT", show_envvar=True, type=PEM, help="Your certificate (PEM).")
@click.option("--tls-key", envvar="DOCKFLEET_TLS_KEY", show_envvar=True, type=PEM, help="Your private key (PEM).")
@click.pass_context
def dockfleet(context: click.Context, /, address: str, **tls: str | None) -> None:
    """All Docker hosts of a fleet, through one dockfleet gateway.

    \b
    Examples:
      dockfleet hosts                      list the hosts and their states
      dockfleet ps -a                      list all containers of all hosts
      dockfleet logs -f north-1 web        follow a log
      dockfleet events                     print the events of all hosts
      dockfleet stats north-1              show the resource usage of its containers
      dockfleet exec -it north-1 web sh    run a shell in a container
    """
    try:
        fleet = connect(address, tls_ca=tls["tls_ca"], tls_cert=tls["tls_cert"], tls_key=tls["tls_key"])
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    context.obj = context.with_resource(fleet)


@dockfleet.command()
def version() -> None:
    """Print the version of this client."""
    click.echo(f"dockfleet {__version__} (grpcio {grpc.__version__})")
