"""Hosts in documents: files of a directory, values of etcd, and hosts that calls have added."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.config.addresses import beyond_loopback
from gateway.config.documents import Document, based
from gateway.config.problems import ConfigError, reasons
from gateway.config.settings import HostSettings
from gateway.config.sources import Consul, Dns

_SECTION = "hosts[]"


def hosts_in(document: Document, folder: Path) -> tuple[HostSettings, ...]:
    """Return the hosts of a document: a mapping is one host, a list is several.

    Paths are relative to *folder*.  Raises `ConfigError`, which names all problems.
    """
    value = document.value
    if value is None:
        raise ConfigError(f"{document.where} is empty: remove it, or write [] for no hosts")
    parts = value if isinstance(value, list) else [value]
    hosts: list[HostSettings] = []
    wrong: list[str] = []
    for number, part in enumerate(parts):
        place = _Place(document, (number,) if isinstance(value, list) else ())
        try:
            hosts.append(HostSettings.model_validate(based(part, folder, _SECTION)))
        except ValidationError as error:
            wrong += reasons(error, place, section=f"{_SECTION}.")
    if wrong:
        raise ConfigError("\n".join(wrong))
    return tuple(hosts)


def host_in(document: Document, name: str) -> HostSettings:
    """Return the host *name* that a document describes.  Raises `ConfigError`."""
    value: Any = document.value
    if not isinstance(value, Mapping):
        raise ConfigError(f"{document.where}: should be a mapping, such as {{address: 'tcp://10.0.0.7:2376'}}")
    if value.get("name", name) != name:
        raise ConfigError(f"{document.place(('name',))}: name must be {name}, as the key says, or be left out")
    try:
        host = HostSettings.model_validate({**value, "name": name})
    except ValidationError as error:
        wrong = reasons(error, _Place(document, ()), section=f"{_SECTION}.")
        raise ConfigError("\n".join(wrong)) from error
    for file in host.files():
        if not file.is_absolute():
            raise ConfigError(f"{document.where}: {file} must be an absolute path, or the PEM text itself")
    return host


def checked_again(settings: HostSettings) -> HostSettings:
    """Return *settings* when their files, which may have changed, are right.  Raises `ConfigError` else."""
    try:
        return HostSettings.model_validate(settings.model_dump())
    except ValidationError as error:
        raise ConfigError("; ".join(reasons(error, section=f"{_SECTION}."))) from error


def host_found(keys: Mapping[str, Any], settings: Consul | Dns, section: str) -> HostSettings:
    """Return a host that the source of *settings*, the configuration's *section*, has found.

    A `tcp://` address has the credentials that are for all hosts of the source.  Raises `ConfigError`, which names all
    problems.
    """
    bare = settings.host_tls is None
    if keys["address"].startswith("tcp://"):
        keys = {**keys, "tls": settings.host_tls, "insecure": settings.host_insecure or bare}
    try:
        host = HostSettings.model_validate(keys)
    except ValidationError as error:
        raise ConfigError(", ".join(reasons(error, section=f"{_SECTION}."))) from error
    if host.insecure and not settings.host_insecure and beyond_loopback(host.address):
        raise ConfigError(
            f"{host.address} is in plaintext beyond this machine: set {section}.host_tls, or {section}.host_insecure"
        )
    return host


class _Place:
    """Returns the place of a part of a host in its document."""

    def __init__(self, document: Document, above: tuple[int, ...]) -> None:
        self._document = document
        self._above = above

    def __call__(self, path: tuple[str | int, ...]) -> str:
        return self._document.place((*self._above, *path))
