"""Credentials for registries: those that docker keeps, in its file or in a credential helper."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from dockfleet.cli.group import CommandError

HUB = "https://index.docker.io/v1/"
TOKEN_USER = "<token>"  # what a helper gives as the user of an identity token


def config_file() -> Path:
    """Return docker's own file."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"


def read_config() -> dict[str, Any]:
    """Return its content; empty when there is none.  Raises `CommandError` for a file that is no JSON."""
    file = config_file()
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (ValueError, OSError) as error:
        raise CommandError(f"{file}: {error}") from error
    return found if isinstance(found, dict) else {}


def registry_of(image: str) -> str:
    """Return the registry that the name of an image begins with, as credentials are kept for it."""
    first, slash, _ = image.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return HUB
    return HUB if first in ("docker.io", "index.docker.io") else first


def auth_for(image: str) -> Any:
    """Return the credentials for the registry of *image*; None when docker keeps none."""
    return auth_of(registry_of(image), read_config())


def auth_of(registry: str, config: dict[str, Any]) -> Any:
    """Return the credentials for *registry* in docker's *config*.  Raises `CommandError` when the helper fails."""
    from dockfleet.v1.common_pb2 import AuthConfig

    if helper := helper_of(registry, config):
        kept = ask_helper(helper, "get", registry)
        if kept is None:
            return None
        user, secret = kept.get("Username", ""), kept.get("Secret", "")
        if user == TOKEN_USER:
            return AuthConfig(identity_token=secret, server_address=registry)
        return AuthConfig(username=user, password=secret, server_address=registry)
    entry = config.get("auths", {}).get(registry)
    if not entry:
        return None
    user, _, password = base64.b64decode(entry.get("auth", "")).decode(errors="replace").partition(":")
    token = entry.get("identitytoken")
    if token:
        return AuthConfig(identity_token=token, server_address=registry)
    return AuthConfig(username=user, password=password, server_address=registry) if user else None


def helper_of(registry: str, config: dict[str, Any]) -> str | None:
    """Return the credential helper that keeps what belongs to *registry*; None for the file itself."""
    found = config.get("credHelpers", {}).get(registry) or config.get("credsStore")
    return str(found) if found else None


def ask_helper(helper: str, verb: str, text: str) -> dict[str, Any] | None:
    """Run a credential helper; None when it keeps nothing.  Raises `CommandError` when it fails."""
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run([program, verb], input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CommandError(f"{program} cannot be run: {error.strerror}; docker's {config_file()} names it") from error
    if done.returncode:
        said = (done.stdout or done.stderr).strip()
        if verb == "get" and "not found" in said:
            return None
        raise CommandError(f"{program}: {said or f'exit code {done.returncode}'}")
    found = json.loads(done.stdout) if done.stdout.strip().startswith("{") else {}
    return found if isinstance(found, dict) else {}
