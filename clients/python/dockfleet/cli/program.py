"""The program itself: its commands, its address and its certificates."""

from __future__ import annotations

import os
from typing import Any

import click

from dockfleet.cli.gateway import Gateway, Settings
from dockfleet.cli.group import Shell
from dockfleet.cli.verbs import SECTIONS

DEFAULT_TARGET = "127.0.0.1:50051"
PEM = click.Path(exists=True, dir_okay=False, readable=True)


def _use_profile(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Take the defaults of the other options from a profile."""
    from dockfleet.cli.profiles import profile

    context.default_map = {**(context.default_map or {}), **profile(name)}
    return name


def settings_of(options: dict[str, Any]) -> Settings:
    """Return where the gateway is, from the *options* of the program."""
    return Settings(
        address=options["address"],
        tls=bool(options.get("tls")),
        ca=options.get("tls_ca"),
        cert=options.get("tls_cert"),
        key=options.get("tls_key"),
        server_name=options.get("tls_server_name"),
        deadline=options.get("deadline"),
        token=os.environ.get("DOCKFLEET_TOKEN") or None,  # no option: others can read the arguments of a program
    )


@click.group("dockfleet", cls=Shell, sections=SECTIONS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--profile",
    envvar="DOCKFLEET_CLIENT_PROFILE",
    show_envvar=True,
    is_eager=True,
    expose_value=False,
    callback=_use_profile,
    metavar="NAME",
    help="Take the address and the certificates from this profile: see `dockfleet profiles`.",
)
@click.option(
    "--address",
    envvar="DOCKFLEET_ADDRESS",
    default=DEFAULT_TARGET,
    show_default=True,
    show_envvar=True,
    metavar="HOST[:PORT]",
    callback=lambda context, option, address: address or DEFAULT_TARGET,  # an empty variable is none
    help="The address of the gateway.",
)
@click.option("--tls", is_flag=True, help="Use TLS, and trust the public authorities.")
@click.option("--tls-ca", envvar="DOCKFLEET_TLS_CA", show_envvar=True, type=PEM, help="The authorities to trust (PEM).")
@click.option("--tls-cert", envvar="DOCKFLEET_TLS_CERT", show_envvar=True, type=PEM, help="Your certificate (PEM).")
@click.option("--tls-key", envvar="DOCKFLEET_TLS_KEY", show_envvar=True, type=PEM, help="Your private key (PEM).")
@click.option("--tls-server-name", metavar="NAME", help="The name in the gateway's certificate, if it is another one.")
@click.option(
    "--deadline",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End each call after this time.  Default: the gateway's own limits.",
)
@click.option(
    "--json-errors",
    is_flag=True,
    envvar="DOCKFLEET_CLIENT_JSON_ERRORS",
    show_envvar=True,
    help="Print each failed call as one JSON object on standard error.",
)
@click.pass_context
def dockfleet(context: click.Context, /, **options: Any) -> None:
    """All Docker hosts of a fleet, through one dockfleet gateway.

    HOST/CONTAINER names a container; a name that is unique in the fleet needs no host.  -H chooses hosts by name or
    pattern, --host-label by label, and -l chooses containers by label.

    \b
    Examples:
      dockfleet hosts                       list the hosts and their states
      dockfleet ps -a                       list all containers of all hosts
      dockfleet logs -f -l app=shop         follow the logs of all containers with a label
      dockfleet exec -it north-1/web sh     run a shell in a container
      dockfleet restart -H 'edge*' web      restart a container on several hosts
      dockfleet run -d nginx                run a container on the host that fits best
    """
    gateway = Gateway(settings_of(options))
    context.obj = gateway
    context.call_on_close(gateway.close)
