"""Reading the configuration: one YAML file, environment variables and flags become one frozen `Settings`.

A flag beats a variable, a variable beats the file, the file beats the default.  The key *limits.read_timeout_seconds*
is the variable `DOCKFLEET_LIMITS__READ_TIMEOUT_SECONDS` and the flag `--limits-read-timeout-seconds`.  A wrong or
unknown key is refused at start; the message names the key, the value and the remedy, and shows no secret.

All of it happens once, in `load`; nothing deeper in the gateway reads the environment.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, cast

import yaml
from dockfleet import __version__
from pydantic import ValidationError

from gateway.config.contexts import discover
from gateway.config.keys import KEYS, OUTSIDE, PATHS, PREFIX, PROGRAM, Key
from gateway.config.problems import ConfigError, meant, reasons, shown
from gateway.config.settings import Keys, Settings

__all__ = ["ConfigError", "load"]

# Of the clients, which people use from the same shell; and what is set aside for those to come, and for tests.
_CLIENTS = ("DOCKFLEET_ADDRESS", "DOCKFLEET_TLS_CA", "DOCKFLEET_TLS_CERT", "DOCKFLEET_TLS_KEY", "DOCKFLEET_TOKEN")
_SET_ASIDE = ("DOCKFLEET_CLIENT_", "DOCKFLEET_TEST_")


def load(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Return what *argv* (without the program's name), *environ* and the file configure.

    Paths in the file are relative to its directory, others to the working directory.  Raises `ConfigError`.  `--help`,
    `--version` and `--check` print, and raise `SystemExit` with status 0.
    """
    given = _variables(environ) | _flags(argv)
    path, _ = given.pop("config", ("", ""))
    check = given.pop("check", None)
    file = _file(path) if path else {}

    def origin(name: str) -> str:
        key = name.partition("[")[0]
        if key in given:
            return given[key][1]
        return f"file {path}" if key.partition(".")[0] in file else ""

    try:
        keys = Keys.model_validate(_overlaid(file, given))
    except ValidationError as error:
        raise ConfigError("\n".join(reasons(error, origin))) from error
    configured = "hosts" in keys.model_fields_set
    hosts, source = (keys.hosts, origin("hosts")) if configured else discover(environ)
    state_directory = keys.state_directory or _state_directory(environ)
    settings = Settings(**dict(keys) | {"hosts": hosts, "source": source, "state_directory": state_directory})
    if environ.get("SSLKEYLOGFILE") and (settings.tls or any(host.tls for host in hosts)):
        raise ConfigError("SSLKEYLOGFILE is set: whoever reads that file can read all TLS connections; unset it")
    if check:
        print(_report(settings, path))
        raise SystemExit(0)
    return settings


def _state_directory(environ: Mapping[str, str]) -> Path | None:
    if directory := environ.get("STATE_DIRECTORY", "").partition(":")[0]:  # systemd's; several, with colons
        return Path(directory)
    if directory := environ.get("XDG_STATE_HOME", ""):
        return Path(directory, "dockfleet")
    home = environ.get("HOME")
    return Path(home, ".local/state/dockfleet") if home else None


def _report(settings: Settings, path: str) -> str:
    """Return what a gateway with these *settings* would serve, for people; nothing in it is a secret."""
    tls = settings.tls
    protection = "plaintext" if tls is None else "TLS with client certificates" if tls.client_ca else "TLS"
    key = settings.resume_key or (settings.state_directory and settings.state_directory / "resume.key")
    rows: list[tuple[str, str]] = [
        ("configuration", f"file {path}" if path else "without a file"),
        ("gRPC", f"{settings.listen}, {protection}"),
        ("metrics", settings.metrics_listen or "off"),
        ("resume key", str(key or "none that is kept")),
        ("hosts", f"{len(settings.hosts)}, from {settings.source}"),
        *((f"  {host.name}", f"{host.address}{', TLS' if host.tls else ''}") for host in settings.hosts),
        *(("warning", warning) for warning in settings.warnings),
    ]
    width = max(len(what) for what, _ in rows)
    return "\n".join(f"{what:<{width}}  {text}" for what, text in rows)


# The three places.  Flags and variables are read as: key's name -> (value, what the user wrote it as).


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
        description="One gRPC door in front of many Docker hosts.",
        epilog="Every flag is also a key of the file and a variable: --limits-read-timeout-seconds is "
        f"limits.read_timeout_seconds and {PREFIX}LIMITS__READ_TIMEOUT_SECONDS. A flag beats a variable, "
        "a variable beats the file.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=36, width=110),
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    check = "Read the configuration, print what would be served, and exit: with 0, or 2 when it is refused."
    parser.add_argument("--check", action="store_true", help=check)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}", help="Print it and exit.")
    groups = {"": parser.add_argument_group("gateway")}
    for key in OUTSIDE.values():
        section = key.name.rpartition(".")[0]
        group = groups.get(section) or groups.setdefault(section, parser.add_argument_group(section))
        text = f"{key.meaning} [{key.default}]" if key.default else key.meaning
        group.add_argument(key.flag, dest=key.name, help=text.replace("%", "%%"), **_form(key))
    return parser


def _form(key: Key) -> dict[str, Any]:
    """Return how argparse reads the key's flag."""
    if key.field.annotation is bool:
        return {"action": argparse.BooleanOptionalAction}
    if key.flag == "--host":
        return {"metavar": "NAME=ADDRESS", "action": "append"}
    return {"metavar": "VALUE"}


def _variables(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    keys = {key.variable: key for key in OUTSIDE.values()}
    # Beside a Service called dockfleet, Kubernetes sets DOCKFLEET_SERVICE_HOST, DOCKFLEET_PORT_50051_TCP and more.
    services = [name.removesuffix("SERVICE_HOST") for name in environ if name.endswith("_SERVICE_HOST")]
    links = tuple(service + what for service in services for what in ("SERVICE_", "PORT"))
    ours = (name for name in environ if name.startswith(PREFIX) and not name.startswith(links))
    values: dict[str, Any] = {
        name: environ[name] for name in ours if name not in _CLIENTS and not name.startswith(_SET_ASIDE)
    }
    if unknown := sorted(values.keys() - keys.keys()):
        raise ConfigError("\n".join(f"{name} is unknown{meant(name, keys)}" for name in unknown))
    hosts = KEYS["hosts"].variable
    if hosts in values:
        values[hosts] = _hosts(values[hosts], hosts)
    return {keys[name].name: (value, name) for name, value in values.items()}


def _hosts(text: str, where: str) -> Any:
    """Return the hosts of a comma-separated list, or of a YAML list."""
    if text.lstrip().startswith(("[", "{")):
        return _yaml(text if text.lstrip().startswith("[") else f"[{text}]", where)
    return [_host(one, where) for one in text.split(",") if one.strip()]


def _host(text: str, where: str) -> Any:
    """Return the host of *name=address*, or of a YAML mapping."""
    if text.lstrip().startswith("{"):
        return _yaml(text, where)
    name, equals, address = text.partition("=")
    if not equals:
        raise ConfigError(f"{where}: {shown(text)} is not name=address")
    return {"name": name.strip(), "address": address.strip()}


def _file(path: str) -> dict[str, Any]:
    where = f"file {path}"
    try:
        document = _yaml(Path(path).read_text(encoding="utf-8"), where)
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where} is not UTF-8 text") from error
    if not isinstance(document, dict | None):
        raise ConfigError(f"{where} should be a mapping of keys to values")
    # A section whose keys are all commented out reads as null, and is as good as absent.
    keys = {key: value for key, value in (document or {}).items() if value is not None or key not in Keys.model_fields}
    return cast("dict[str, Any]", _based(keys, Path(path).parent))


def _based(document: Any, folder: Path, name: str = "") -> Any:
    """Return *document*, what is written at the key *name*, with the paths in it relative to *folder*."""
    if isinstance(document, dict):
        return {key: _based(value, folder, f"{name}.{key}" if name else str(key)) for key, value in document.items()}
    if isinstance(document, list):
        return [_based(value, folder, f"{name}[]") for value in document]
    return str(folder / document) if isinstance(document, str) and name in PATHS else document


class _Loader(yaml.SafeLoader):
    """YAML in which a key given twice is an error; PyYAML drops the first without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [key.value for key, _ in node.value]
        for before, (key, _) in enumerate(node.value):
            if key.value in names[:before]:
                raise yaml.MarkedYAMLError(problem=f"{key.value} is given twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


def _yaml(text: str, where: str) -> Any:
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:  # its own text quotes what is there, which may be a secret
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = re.sub(r"\b(alias|tag|handle) .*", r"\1", error.problem or "")
        raise ConfigError(f"{where}{line}: not right as YAML: {problem}") from None
    except (yaml.YAMLError, ValueError):
        raise ConfigError(f"{where}: not right as YAML: not text, or an impossible date or number") from None


def _overlaid(file: dict[str, Any], given: dict[str, tuple[Any, str]]) -> dict[str, Any]:
    """Return *file* with what was *given* elsewhere on top; a list is replaced as a whole."""
    whole = dict(file)
    for name, (value, _) in given.items():
        section, _, key = name.rpartition(".")
        if section:
            below = whole.get(section)
            value = {**(below if isinstance(below, dict) else {}), key: value}
        whole[section or key] = value
    return whole
