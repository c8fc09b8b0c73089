"""The hosts of this machine's Docker configuration: its docker contexts, `DOCKER_HOST`, or the local socket."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gateway.config.files import read_regular
from gateway.config.problems import ConfigError, reasons
from gateway.config.settings import DockerConfiguration, HostSettings

_MOST_BYTES = 1 << 20  # of a context
_LOCAL_SOCKET = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Discovered:
    """The `hosts` that were found, `words` that describe their place, and the contexts that are `left_out`, with
    reasons.
    """

    hosts: tuple[HostSettings, ...]
    words: str
    left_out: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        note = "; ".join(f"{place}: {why}" for place, why in self.left_out)
        return self.words + (f" (left out: {note})" if note else "")


def docker_configuration(environ: Mapping[str, str], *, alone: bool) -> DockerConfiguration:
    """Return the directory of this machine's Docker configuration."""
    folder = Path(environ.get("DOCKER_CONFIG") or f"{environ.get('HOME', '')}/.docker")
    secured = environ.get("DOCKER_CERT_PATH") or (environ.get("DOCKER_TLS_VERIFY") and folder)
    return DockerConfiguration(folder, environ.get("DOCKER_HOST", ""), Path(secured) if secured else None, alone)


def discover(docker: DockerConfiguration) -> Discovered:
    """Return the hosts of a Docker configuration.

    The hosts are all docker contexts, in the order of their names, and then `DOCKER_HOST`, called docker-host.  Without
    any of them, and if nothing else is configured, the only host is the local socket, called local.  Left out are
    unusable contexts, those in plaintext beyond this machine, and those with a name or an address of a host before
    them.  Raises `ConfigError` for an unusable `DOCKER_HOST`.

    This reads the files itself, because without a config.json the docker SDK reads the contexts of the working
    directory.
    """
    left_out: list[tuple[str, str]] = []
    hosts = sorted(_contexts(docker.folder, left_out), key=lambda host: host.name)
    sources = [f"docker contexts of {docker.folder}"] if hosts or not docker.alone else []
    if docker.host:
        try:
            hosts.append(_host_of("docker-host", docker.host, docker.certificates))
        except ValidationError as error:
            why = (f"DOCKER_HOST: {reason}" for reason in reasons(error, section="hosts[]."))
            raise ConfigError("\n".join(why)) from error
        sources.append("DOCKER_HOST")
    found: list[HostSettings] = []
    for host in hosts:
        if any(host.name == other.name or host.address == other.address for other in found):
            left_out.append((f"{host.name} at {host.address}", "another host has this name or address"))
        else:
            found.append(host)
    if not found and docker.alone:
        found, sources = [HostSettings(name="local", address=_LOCAL_SOCKET)], ["local socket"]
    return Discovered(tuple(found), " and ".join(sources), tuple(left_out))


def _contexts(folder: Path, left_out: list[tuple[str, str]]) -> Iterator[HostSettings]:
    for meta in sorted(folder.glob("contexts/meta/*/meta.json")):
        name = meta.parent.name
        try:
            context = json.loads(read_regular(meta, _MOST_BYTES))
            name, address = str(context["Name"]), context["Endpoints"]["docker"]["Host"]
            tls = folder / "contexts" / "tls" / meta.parent.name / "docker"
            yield _host_of(name, address, tls if tls.is_dir() else None)
        except ValidationError as error:
            left_out.append((name, ", ".join(reasons(error, section="hosts[]."))))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            left_out.append((name, f"{meta} has no docker endpoint"))


def _host_of(name: str, address: str, certificates: Path | None) -> HostSettings:
    """Return the host at *address*; for TCP, with the TLS files that the docker command keeps in *certificates*."""
    tls = None
    if certificates and address.startswith("tcp://"):
        own = {"certificate": certificates / "cert.pem", "key": certificates / "key.pem"}
        tls = {"ca": str(certificates / "ca.pem")} | {key: str(file) for key, file in own.items() if file.exists()}
    plain = re.sub(r"[^a-z0-9._-]", "-", name.lower())[:63].strip("._-")
    return HostSettings.model_validate({"name": plain, "address": address, "tls": tls})
