"""Profiles: the addresses and certificates of several gateways, in one file."""

from __future__ import annotations

import os
from typing import Any

import click

KEYS = ("address", "tls", "tls_ca", "tls_cert", "tls_key", "tls_server_name")
PATHS = ("tls_ca", "tls_cert", "tls_key")


def profiles_file() -> str:
    """Return the file: `dockfleet/profiles.toml` in the user's configuration."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(base, "dockfleet", "profiles.toml")  # pathlib would cost each start some milliseconds


def profile(name: str | None) -> dict[str, Any]:
    """Return the options of the profile called *name*, or of the file's `default`; none without a file.

    Relative paths are relative to the file.  Raises `click.UsageError` that names what is wrong.
    """
    file = profiles_file()
    content = _read(file)
    chosen = name or content.get("default")
    if chosen is None:
        return {}
    found = content.get("profiles", {}).get(chosen)
    if not isinstance(found, dict):
        known = ", ".join(sorted(content.get("profiles", {}))) or "none"
        raise click.UsageError(f"there is no profile {chosen!r} in {file}; there are: {known}")
    if unknown := sorted(set(found) - set(KEYS)):
        raise click.UsageError(f"{file}: profile {chosen!r} has the unknown key {unknown[0]!r}; try {', '.join(KEYS)}")
    folder = os.path.dirname(file)
    return {key: os.path.join(folder, value) if key in PATHS else value for key, value in found.items()}


def _read(file: str) -> dict[str, Any]:
    if not os.path.exists(file):
        return {}
    import tomllib

    try:
        with open(file, "rb") as opened:
            return tomllib.load(opened)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file}: {error}") from error


@click.command()
def profiles() -> None:
    """List the profiles: the gateways that --profile can choose.

    They are in the file ~/.config/dockfleet/profiles.toml, such as:

    \b
      default = "lab"
      [profiles.lab]
      address = "gateway.lab:50051"
      tls_ca = "lab-ca.pem"
      [profiles.home]
      address = "127.0.0.1:50051"
    """
    from dockfleet.cli.table import Table

    content = _read(profiles_file())
    rows = [
        [name, "*" if name == content.get("default") else "", str(found.get("address", ""))]
        for name, found in content.get("profiles", {}).items()
    ]
    table = Table("NAME", "DEFAULT", "ADDRESS")
    click.echo("\n".join([table.head(rows), *table.lines(rows)]))
