"""Reading the configuration: one YAML file, environment variables and flags become one frozen `Settings`.

A flag beats a variable, a variable beats the file, the file beats the default.  The key *limits.read_timeout_seconds*
is the variable `DOCKFLEET_LIMITS__READ_TIMEOUT_SECONDS` and the flag `--limits-read-timeout-seconds`.  A wrong or
unknown key is refused at start; the message names the key, the value and the remedy, and shows no secret.

All of it happens once, in `load`; nothing deeper in the gateway reads the environment.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, cast, get_args

import yaml
from dockfleet import __version__
from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo

from gateway.config.settings import HostSettings, HostTls, Keys, Limits, ListenerTls, Section, Settings

__all__ = ["ConfigError", "HostSettings", "HostTls", "Limits", "ListenerTls", "Settings", "load", "reference"]

_PROGRAM = "dockfleet-gateway"
_PREFIX = "DOCKFLEET_"
# Of the clients, which people use from the same shell; and what is set aside for those to come, and for tests.
_CLIENTS = ("DOCKFLEET_ADDRESS", "DOCKFLEET_TLS_CA", "DOCKFLEET_TLS_CERT", "DOCKFLEET_TLS_KEY", "DOCKFLEET_TOKEN")
_SET_ASIDE = ("DOCKFLEET_CLIENT_", "DOCKFLEET_TEST_")
_LOCAL_SOCKET = "unix:///var/run/docker.sock"


class ConfigError(Exception):
    """The configuration is refused.  The message says why, a line for each reason, to the one who wrote it."""


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
        raise ConfigError("\n".join(_reasons(error, origin))) from error
    configured = "hosts" in keys.model_fields_set
    hosts, source = (keys.hosts, origin("hosts")) if configured else _discovered(environ)
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


@dataclass(frozen=True)
class _Key:
    """A key as it is written in each place; *name* is its dotted name in the file."""

    name: str
    field: FieldInfo

    @property
    def variable(self) -> str:
        return _PREFIX + self.name.replace(".", "__").upper()

    @property
    def flag(self) -> str:
        return "--host" if self.name == "hosts" else "--" + re.sub(r"[._]", "-", self.name)

    @property
    def default(self) -> str:
        value = self.field.get_default()
        return str(value).lower() if isinstance(value, str | int | float) else ""

    @property
    def meaning(self) -> str:
        return " ".join((self.field.description or "").split())


def _keys(section: type[Section], prefix: str = "") -> Iterator[_Key]:
    for name, field in section.model_fields.items():
        types = (field.annotation, *get_args(field.annotation))
        inner = next((t for t in types if isinstance(t, type) and issubclass(t, Section)), None)
        is_list = ... in types
        if is_list or not inner:
            yield _Key(prefix + name, field)
        if inner:
            yield from _keys(inner, f"{prefix}{name}[]." if is_list else f"{prefix}{name}.")


def _is_path(annotation: Any) -> bool:
    return annotation is Path or any(_is_path(part) for part in get_args(annotation))


_CONFIG = _Key("config", Field(description="The YAML file to read; not itself a key of it."))
_KEYS = {key.name: key for key in _keys(Keys)}
_OUTSIDE = {key.name: key for key in (_CONFIG, *_KEYS.values()) if "[]" not in key.name}  # variables and flags
_PATHS = {key.name for key in _KEYS.values() if _is_path(key.field.annotation)}


def reference() -> str:
    """Return the whole configuration as a Markdown table, for docs/configuration.md."""
    rows = ["| key | environment variable | flag | default | meaning |", "| --- | --- | --- | --- | --- |"]
    for key in (_CONFIG, *_KEYS.values()):
        places = (key.variable, key.flag) if key.name in _OUTSIDE else ("", "")
        cells = [f"`{cell}`" if cell else "–" for cell in (key.name, *places, key.default)]
        rows.append(f"| {' | '.join(cells)} | {key.meaning} |")
    return "\n".join(rows) + "\n"


# The three places.  Flags and variables are read as: key's name -> (value, what the user wrote it as).


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see --help")


def _flags(argv: Sequence[str]) -> dict[str, tuple[Any, str]]:
    parser = _Parser(
        _PROGRAM,
        usage=f"{_PROGRAM} [--config FILE] [--host NAME=ADDRESS]... [--FLAG VALUE]...",
        description="One gRPC door in front of many Docker hosts.",
        epilog="Every flag is also a key of the file and a variable: --limits-read-timeout-seconds is "
        f"limits.read_timeout_seconds and {_PREFIX}LIMITS__READ_TIMEOUT_SECONDS. A flag beats a variable, "
        "a variable beats the file.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=36, width=110),
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    check = "Read the configuration, print what would be served, and exit: with 0, or 2 when it is refused."
    parser.add_argument("--check", action="store_true", help=check)
    parser.add_argument("--version", action="version", version=f"{_PROGRAM} {__version__}", help="Print it and exit.")
    groups = {"": parser.add_argument_group("gateway")}
    for key in _OUTSIDE.values():
        section = key.name.rpartition(".")[0]
        group = groups.get(section) or groups.setdefault(section, parser.add_argument_group(section))
        form: dict[str, Any] = {"metavar": "VALUE"}
        if key.field.annotation is bool:
            form = {"action": argparse.BooleanOptionalAction}
        elif key.flag == "--host":
            form = {"metavar": "NAME=ADDRESS", "action": "append"}
        text = f"{key.meaning} [{key.default}]" if key.default else key.meaning
        group.add_argument(key.flag, dest=key.name, help=text.replace("%", "%%"), **form)
    known, extra = parser.parse_known_args(argv)
    if extra:
        flag = extra[0].partition("=")[0]
        raise ConfigError(f"{flag} is unknown{_meant(flag, [key.flag for key in _OUTSIDE.values()])}")
    values = vars(known)
    if "hosts" in values:
        values["hosts"] = [_host(text, "--host") for text in values["hosts"]]
    return {name: (value, _OUTSIDE[name].flag if name in _OUTSIDE else "") for name, value in values.items()}


def _variables(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    keys = {key.variable: key for key in _OUTSIDE.values()}
    # Beside a Service called dockfleet, Kubernetes sets DOCKFLEET_SERVICE_HOST, DOCKFLEET_PORT_50051_TCP and more.
    services = [name.removesuffix("SERVICE_HOST") for name in environ if name.endswith("_SERVICE_HOST")]
    links = tuple(service + what for service in services for what in ("SERVICE_", "PORT"))
    ours = (name for name in environ if name.startswith(_PREFIX) and not name.startswith(links))
    values: dict[str, Any] = {
        name: environ[name] for name in ours if name not in _CLIENTS and not name.startswith(_SET_ASIDE)
    }
    if unknown := sorted(values.keys() - keys.keys()):
        raise ConfigError("\n".join(f"{name} is unknown{_meant(name, keys)}" for name in unknown))
    hosts = _KEYS["hosts"].variable
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
        raise ConfigError(f"{where}: {_shown(text)} is not name=address")
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
    return str(folder / document) if isinstance(document, str) and name in _PATHS else document


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


# Refusals

_WORDS = {
    "extra_forbidden": "is unknown",
    "missing": "is missing",
    "mapping_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
    "string_type": "should be text: put it in quotes",
    "tuple_type": "should be a list",
}


def _reasons(error: ValidationError, origin: Callable[[str], str] = lambda name: "") -> Iterator[str]:
    """Yield one line for each thing wrong: where it was written, the key, the value, and what it should be."""
    sections = {name.rpartition(".")[0] for name in _KEYS} - {""}
    for reason in error.errors(include_url=False):
        kind, loc = reason["type"], reason["loc"]
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".")
        general = re.sub(r"\[\d+\]", "[]", name)
        key, where = _KEYS.get(general), origin(name)
        written = where if key and where in (key.flag, key.variable) else ": ".join(filter(None, (where, name)))
        if kind == "value_error":
            text = str(reason["ctx"]["error"])
        elif kind == "extra_forbidden":
            text = "is unknown" + _meant(general, [*_KEYS, *sections])
        else:
            text = _WORDS.get(kind, re.sub(r"^(Input|String) ", "", reason["msg"]))
            text += f"; it is: {key.meaning}" if key else ""
        value = "" if kind in ("extra_forbidden", "missing") else _shown(reason["input"])
        yield " ".join(filter(None, (written, value, text)))


def _shown(value: Any) -> str:
    """Return *value* as a refusal may show it: no login before an @, no key material, no whole mapping."""
    if not isinstance(value, str | int | float):
        return ""
    if "\n" in str(value) or "-----BEGIN" in str(value):
        return "(not shown)"
    return re.sub(r"'.*@", "'…@", repr(value))[:120]


def _meant(word: str, words: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(words), 1)
    return f"; did you mean {close[0]}?" if close else f"; {_PROGRAM} --help lists all"


# Hosts of a machine that configures none


def _discovered(environ: Mapping[str, str]) -> tuple[tuple[HostSettings, ...], str]:
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
            raise ConfigError("\n".join(f"DOCKER_HOST: {reason}" for reason in _reasons(error))) from error
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
            left_out.append(f"{name}: {', '.join(_reasons(error))}")
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
