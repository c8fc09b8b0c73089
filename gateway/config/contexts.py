"""The hosts of a machine that configures none: its docker contexts, `DOCKER_HOST`, or the local socket."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from gateway.config.problems import ConfigError, reasons
from gateway.config.settings import HostSettings

_LOCAL_SOCKET = "unix:///var/run/docker.sock"


def discover(environ: Mapping[str, str]) -> tuple[tuple[HostSettings, ...], str]:
    """Return the hosts of this machine's Docker configuration and, in words, where they came from.

    All docker contexts, by name, whichever is current; then `DOCKER_HOST`, called docker-host; without either, the
    local socket, called local.  A context that cannot be used, or only in plaintext beyond this machine, and an
    engine met before, are left out, and the words say so.

    The files are read directly: docker's SDK, without a config.json, looks for contexts in the working directory.
    """
    folder = Path(environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '')}/.docker")
    left_out: list[str] = []
    hosts = sorted(_contexts(folder, left_out), key=lambda host: host.name)
    sources = [f"docker contexts of {folder}"] if hosts else []
    if address := environ.get("DOCKER_HOST"):
        secured = environ.get("DOCKER_CERT_PATH") or (environ.get("DOCKER_TLS_VERIFY") and folder)
        try:
            hosts.append(_host_of("docker-host", address, Path(secured) if secured else None))
        except ValidationError as error:
            raise ConfigError("\n".join(f"DOCKER_HOST: {reason}" for reason in reasons(error))) from error
        sources.append("DOCKER_HOST")
    found: list[HostSettings] = []
    for host in hosts:
        if any(host.name == other.name or host.address == other.address for other in found):
            left_out.append(f"{host.name} at {host.address}, a name or an address met before")
        else:
            found.append(host)
    if not found:
        found, sources = [HostSettings(name="local", address=_LOCAL_SOCKET)], ["local socket"]
    note = f" (left out: {'; '.join(left_out)})" if left_out else ""
    return tuple(found), " and ".join(sources) + note


def _contexts(folder: Path, left_out: list[str]) -> Iterator[HostSettings]:
    for meta in sorted(folder.glob("contexts/meta/*/meta.json")):
        name = meta.parent.name
        try:
            context = json.loads(meta.read_bytes())
            name, address = context["Name"], context["Endpoints"]["docker"]["Host"]
            tls = folder / "contexts" / "tls" / meta.parent.name / "docker"
            yield _host_of(name, address, tls if tls.is_dir() else None)
        except ValidationError as error:
            left_out.append(f"{name}: {', '.join(reasons(error))}")
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            left_out.append(f"{name}: no docker endpoint in {meta}")


def _host_of(name: str, address: str, certificates: Path | None) -> HostSettings:
    """Return the host at *address*, over TLS with the files that the docker command keeps in *certificates*."""
    tls = None
    if certificates and address.startswith("tcp://"):
        own = {"certificate": certificates / "cert.pem", "key": certificates / "key.pem"}
        tls = {"ca": str(certificates / "ca.pem")} | {key: str(file) for key, file in own.items() if file.exists()}
    plain = re.sub(r"[^a-z0-9._-]", "-", name.lower())[:63].strip("._-")
    return HostSettings.model_validate({"name": plain, "address": address, "tls": tls})
