"""Reads the configuration: a YAML file, environment variables and flags become one frozen `Settings`.

A flag wins over a variable, a variable over the file, the file over the default.  The key *limits.read_timeout_seconds*
is the variable `DOCKFLEET_LIMITS__READ_TIMEOUT_SECONDS` and the flag `--limits-read-timeout-seconds`.  The gateway
refuses a wrong or unknown key at start.  The message names the key, the value and the remedy, and shows no secret.

`load` reads everything once; no other code of the gateway reads the environment.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn, cast, get_args

from dockfleet import __version__
from pydantic import ValidationError

from gateway.config.contexts import discover, docker_configuration
from gateway.config.documents import Document, based, read_any
from gateway.config.keys import KEYS, OUTSIDE, PREFIX, PROGRAM, Key
from gateway.config.problems import ConfigError, meant, reasons, shown
from gateway.config.settings import Keys, Settings
from gateway.config.sources import Sources

__all__ = ["ConfigError", "load"]

# Variables of the clients, which people use from the same shell, and prefixes for later clients and for tests.
_CLIENTS = ("DOCKFLEET_ADDRESS", "DOCKFLEET_TLS_CA", "DOCKFLEET_TLS_CERT", "DOCKFLEET_TLS_KEY", "DOCKFLEET_TOKEN")
_RESERVED = ("DOCKFLEET_CLIENT_", "DOCKFLEET_TEST_")


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return the settings from *argv* (without the name of the program), *environ* and the file.

    Paths in the file are relative to its directory, others to the working directory.  Raises `ConfigError`.  `--help`,
    `--version` and `--check` print, and raise `SystemExit` with status 0.
    """
    given = _variables(environ) | _flags(argv)
    path, _ = given.pop("config", ("", ""))
    check = given.pop("check", None)
    settings = _settings(given, Path(path) if path else None, environ)
    if environ.get("SSLKEYLOGFILE") and _uses_tls(settings):
        raise ConfigError("SSLKEYLOGFILE is set: a reader of that file can read all TLS connections; unset it")
    if check:
        print(_report(settings, path))
        raise SystemExit(0)
    return settings


def _settings(given: dict[str, tuple[Any, str]], path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of a file, with the values that are *given* by variables and flags."""
    document = read_any(path) if path else None
    file = _keys_of(document, path.parent) if document and path else {}

    def origin(at: tuple[str | int, ...], *, exactly: bool = True) -> str:
        name = ".".join(str(part) for part in takewhile(lambda part: isinstance(part, str), at))
        if name in given:
            return given[name][1]
        if document is None or not at or at[0] not in file:
            return ""
        return document.place(at) if exactly else document.where

    try:
        keys = Keys.model_validate(_overlaid(file, given))
    except ValidationError as error:
        raise ConfigError("\n".join(reasons(error, origin))) from error
    return _completed(keys, environ, origin(("hosts",), exactly=False)).model_copy(update={"file": path})


def _uses_tls(settings: Settings) -> bool:
    return bool(
        settings.tls
        or any(host.tls for host in settings.all_hosts)
        or settings.sources.remote
        or settings.discovery.etcd
        or settings.discovery.consul
    )


def _completed(keys: Keys, environ: Mapping[str, str], source: str) -> Settings:
    """Return *keys* with what follows from the environment; *source* is where its hosts were written."""
    alone = "hosts" not in keys.model_fields_set and not keys.sources.remote and not keys.sources.contexts
    docker = docker_configuration(environ, alone=alone) if alone or keys.sources.contexts else None
    if keys.sources.contexts is False:
        docker = None
    found = discover(docker) if docker else None
    more = {
        "source": " and ".join(filter(None, (source, str(found or "")))),
        "contexts": docker,
        "context_hosts": found.hosts if found else (),
        "state_directory": keys.state_directory or _state_directory(environ),
    }
    return Settings(**dict(keys) | more)


def _state_directory(environ: Mapping[str, str]) -> Path | None:
    if directory := environ.get("STATE_DIRECTORY", "").partition(":")[0]:  # systemd sets it, a list with colons
        return Path(directory)
    if directory := environ.get("XDG_STATE_HOME", ""):
        return Path(directory, "dockfleet")
    home = environ.get("HOME")
    return Path(home, ".local/state/dockfleet") if home else None


def _report(settings: Settings, path: str) -> str:
    """Return a description of what a gateway with these *settings* serves, without secrets."""
    key = settings.resume_key or (settings.state_directory and settings.state_directory / "resume.key")
    rows: list[tuple[str, str]] = [
        ("configuration", f"file {path}" if path else "no file"),
        ("gRPC", f"{settings.listen}, {_protection(settings)}"),
        ("metrics", settings.metrics_listen or "off"),
        ("resume key", str(key or "not kept")),
        ("hosts", f"{len(settings.all_hosts)}, from {settings.source}"),
        *((f"  {host.name}", f"{host.address}{', TLS' if host.tls else ''}") for host in settings.all_hosts),
        *(("also from", text) for text in _remote(settings.sources)),
        *(("endpoints to", text) for text in _catalogs(settings)),
        *(("warning", warning) for warning in settings.warnings),
    ]
    width = max(len(what) for what, _ in rows)
    return "\n".join(f"{what:<{width}}  {text}" for what, text in rows)


def _protection(settings: Settings) -> str:
    if settings.tls is None:
        return "plaintext"
    return "TLS with client certificates" if settings.tls.client_ca else "TLS"


def _remote(sources: Sources) -> Iterator[str]:
    """Yield descriptions of the sources that the gateway asks later."""
    if sources.directory:
        yield f"the files of {sources.directory}"
    if sources.etcd:
        yield f"etcd {', '.join(sources.etcd.endpoints)}, below {sources.etcd.prefix}"
    if sources.consul:
        yield f"the service {sources.consul.service} of Consul {sources.consul.address}"
    if sources.dns:
        yield f"the SRV records of {sources.dns.name}"


def _catalogs(settings: Settings) -> Iterator[str]:
    """Yield descriptions of the catalogs."""
    etcd, consul = settings.discovery.etcd, settings.discovery.consul
    if etcd and (servers := etcd if etcd.endpoints else settings.sources.etcd):
        yield f"etcd {', '.join(servers.endpoints)}, below {etcd.prefix}"
    if consul:
        yield f"Consul {consul.address}"


# Flags and variables become: name of the key -> (value, the flag or variable).


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see --help")


def _flags(argv: Sequence[str]) -> dict[str, tuple[Any, str]]:
    known, extra = _parser().parse_known_args(argv)
    if extra:
        flag = extra[0].partition("=")[0]
        raise ConfigError(f"{flag} is unknown{meant(flag, [key.flag for key in OUTSIDE.values()])}")
    values = vars(known)
    if "hosts" in values:
        values["hosts"] = [_host(text, "--host") for text in values["hosts"]]
    return {name: (value, OUTSIDE[name].flag if name in OUTSIDE else "") for name, value in values.items()}


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        PROGRAM,
        usage=f"{PROGRAM} [--config FILE] [--host NAME=ADDRESS]... [--FLAG VALUE]...",
        description="One gRPC endpoint for many Docker hosts.",
        epilog="Every flag is also a key of the file and a variable: --limits-read-timeout-seconds is "
        f"limits.read_timeout_seconds and {PREFIX}LIMITS__READ_TIMEOUT_SECONDS. A flag wins over a variable, "
        "a variable over the file.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=36, width=110),
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    check = "Read the configuration, print what the gateway would serve, and exit with 0; with 2 if it is refused."
    parser.add_argument("--check", action="store_true", help=check)
    version = "Print the version and exit."
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}", help=version)
    groups = {"": parser.add_argument_group("gateway")}
    for key in OUTSIDE.values():
        section = key.name.rpartition(".")[0]
        group = groups.get(section) or groups.setdefault(section, parser.add_argument_group(section))
        text = f"{key.meaning} [{key.default}]" if key.default else key.meaning
        group.add_argument(key.flag, dest=key.name, help=text.replace("%", "%%"), **_form(key))
    return parser


def _form(key: Key) -> dict[str, Any]:
    """Return how argparse reads the key's flag."""
    if bool in (key.field.annotation, *get_args(key.field.annotation)):
        return {"action": argparse.BooleanOptionalAction}
    if key.flag == "--host":
        return {"metavar": "NAME=ADDRESS", "action": "append"}
    return {"metavar": "VALUE"}


def _variables(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    keys = {key.variable: key for key in OUTSIDE.values()}
    values: dict[str, Any] = dict(_ours(environ))
    if unknown := sorted(values.keys() - keys.keys()):
        raise ConfigError("\n".join(f"{name} is unknown{meant(name, keys)}" for name in unknown))
    hosts = KEYS["hosts"].variable
    if hosts in values:
        values[hosts] = _hosts(values[hosts], hosts)
    return {keys[name].name: (value, name) for name, value in values.items()}


def _ours(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the variables that should be keys of the configuration."""
    # For a Service called dockfleet, Kubernetes sets DOCKFLEET_SERVICE_HOST, DOCKFLEET_PORT_50051_TCP and more.
    services = [name.removesuffix("SERVICE_HOST") for name in environ if name.endswith("_SERVICE_HOST")]
    links = [service + what for service in services for what in ("SERVICE_", "PORT")]
    for name, value in environ.items():
        if name.startswith(PREFIX) and name not in _CLIENTS and not name.startswith((*links, *_RESERVED)):
            yield name, value


def _hosts(text: str, where: str) -> Any:
    """Return the hosts of a comma-separated list, or of a YAML list."""
    if text.lstrip().startswith(("[", "{")):
        return Document(text if text.lstrip().startswith("[") else f"[{text}]", where).value
    return [_host(one, where) for one in text.split(",") if one.strip()]


def _host(text: str, where: str) -> Any:
    """Return the host of *name=address*, or of a YAML mapping."""
    if text.lstrip().startswith("{"):
        return Document(text, where).value
    name, equals, address = text.partition("=")
    if not equals:
        raise ConfigError(f"{where}: {shown(text)} is not name=address")
    return {"name": name.strip(), "address": address.strip()}


def _keys_of(document: Document, folder: Path) -> dict[str, Any]:
    if not isinstance(document.value, dict | None):
        raise ConfigError(f"{document.where} should be a mapping of keys to values")
    # A section whose keys are all commented out is null in YAML; that is the same as an absent section.
    found = document.value or {}
    keys = {key: value for key, value in found.items() if value is not None or key not in Keys.model_fields}
    return cast("dict[str, Any]", based(keys, folder))


def _overlaid(file: dict[str, Any], given: dict[str, tuple[Any, str]]) -> dict[str, Any]:
    """Return *file* with the values that are *given* by flags and variables; a list is replaced as a whole."""
    whole = dict(file)
    for name, (value, _) in given.items():
        *sections, key = name.split(".")
        within = whole
        for section in sections:
            below = within.get(section)
            within[section] = dict(below) if isinstance(below, dict) else {}
            within = within[section]
        within[key] = value
    return whole
