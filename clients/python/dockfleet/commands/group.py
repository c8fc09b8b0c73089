"""The program itself: where the gateway is, and who we are to it."""

from __future__ import annotations

import os

import click
import grpc

from dockfleet._version import __version__
from dockfleet.client import DEFAULT_TARGET, connect
from dockfleet.shell import Shell

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
      dockfleet events                     what happens on all hosts
      dockfleet stats north-1              what its containers use
      dockfleet exec -it north-1 web sh    a shell in a container

    A bearer token is taken from DOCKFLEET_TOKEN.
    """
    token = os.environ.get("DOCKFLEET_TOKEN")
    context.obj = context.with_resource(
        connect(address, tls_ca=tls["tls_ca"], tls_cert=tls["tls_cert"], tls_key=tls["tls_key"], token=token)
    )


@dockfleet.command()
def version() -> None:
    """Print the version of this client."""
    click.echo(f"dockfleet {__version__} (grpcio {grpc.__version__})")
