"""`dockfleet login` and `dockfleet logout`: credentials for registries, kept where docker keeps them."""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

import click

from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.host_choice import one_host
from dockfleet.cli.registry import HUB, ask_helper, auth_of, config_file, helper_of, read_config
from dockfleet.cli.scope import Scope, scoped


@click.command()
@click.option("-u", "--username", metavar="NAME", help="The user.")
@click.option("-p", "--password", metavar="TEXT", help="The password; other users of this machine can see it.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@scoped(labels=False)
@click.argument("registry", default=HUB)
@click.pass_obj
def login(
    gateway: Gateway,
    /,
    registry: str,
    scope: Scope,
    username: str | None,
    password: str | None,
    password_stdin: bool,
) -> None:
    """Log in to a registry.

    A host checks the credentials: -H says which.  They are kept on this machine, where docker keeps its own: in the
    credential helper that ~/.docker/config.json names, else in that file.

    \b
    Examples:
      dockfleet login -H north-1 -u me --password-stdin registry.example.org < token
    """
    from dockfleet.v1.common_pb2 import AuthConfig
    from dockfleet.v1.system_pb2 import CheckAuthRequest

    config = read_config()
    if password and password_stdin:
        raise click.UsageError("--password and --password-stdin exclude each other")
    if password_stdin:
        password = sys.stdin.read().rstrip("\r\n")
    auth = None if username or password else auth_of(registry, config)
    if auth is None:
        username = username or click.prompt("Username", err=True)
        password = password or click.prompt("Password", hide_input=True, err=True)
        auth = AuthConfig(username=username, password=password, server_address=registry)
    answer = call(gateway.system.CheckAuth, CheckAuthRequest(host=one_host(gateway, scope), credentials=auth))
    if answer.identity_token:
        auth.identity_token = answer.identity_token
    _keep(registry, auth, config)
    click.echo(answer.status or "Login Succeeded")


def _keep(registry: str, auth: Any, config: dict[str, Any]) -> None:
    if helper := helper_of(registry, config):
        user, secret = (auth.username, auth.password) if not auth.identity_token else ("<token>", auth.identity_token)
        ask_helper(helper, "store", json.dumps({"ServerURL": registry, "Username": user, "Secret": secret}))
        return
    entry = {"auth": base64.b64encode(f"{auth.username}:{auth.password}".encode()).decode()}
    if auth.identity_token:
        entry = {"auth": base64.b64encode(f"{auth.username}:".encode()).decode(), "identitytoken": auth.identity_token}
    config.setdefault("auths", {})[registry] = entry
    _write(config)
    click.echo(f"The password is kept unencrypted in {config_file()}: a credential helper keeps it safe.", err=True)


def _write(config: dict[str, Any]) -> None:
    """Replace docker's file as a whole; only its owner can read it."""
    file = config_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(config, opened, indent="\t")
    unfinished.replace(file)


@click.command()
@click.argument("registry", default=HUB)
def logout(registry: str) -> None:
    """Log out of a registry."""
    config = read_config()
    known = registry in config.get("auths", {})
    if helper := helper_of(registry, config):
        ask_helper(helper, "erase", registry)
    elif not known:
        click.echo(f"Not logged in to {registry}")
        return
    if known:
        del config["auths"][registry]
        _write(config)
    click.echo(f"Removing login credentials for {registry}")
