"""Mounts as docker writes them: `type=bind,source=/srv,target=/srv,readonly`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dockfleet.cli.values import fields_of, size

OTHER_NAMES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
OWN = ("type", "source", "target", "consistency")
TRUE, FALSE = ("true", "1", ""), ("false", "0")
RECURSION = {  # of a bind mount: what of it is not mounted, or not read-only, with it
    "enabled": {},
    "disabled": {"non_recursive": True},
    "writable": {"read_only_non_recursive": True},
    "readonly": {"read_only_force_recursive": True},
}


def mount(text: str) -> dict[str, Any]:
    """Return a mount.  Raises `ValueError` with the expected format."""
    found: dict[str, Any] = {"type": "volume"}
    for part in fields_of(text):
        key, _, value = part.partition("=")
        try:
            _set(found, OTHER_NAMES.get(key, key), value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error
    if "target" not in found:
        raise ValueError("a mount has a target: try type=bind,source=/srv,target=/srv")
    return found


def _set(found: dict[str, Any], key: str, value: str) -> None:
    if key in OWN:
        found[key] = value
    elif key == "readonly":
        found["read_only"] = _boolean(value)
    elif key in OPTIONS:
        kind, set_in = OPTIONS[key]
        set_in(found.setdefault(kind, {}), value)
    else:
        raise ValueError("it is no key of a mount: try type=bind,source=/srv,target=/srv,readonly")


def _boolean(value: str) -> bool:
    if value.lower() not in (*TRUE, *FALSE):
        raise ValueError(f"true or false is wanted, and not {value!r}")
    return value.lower() in TRUE


def _mode(value: str) -> int:
    if not re.fullmatch("[0-7]{1,5}", value):
        raise ValueError(f"an octal number such as 1777 is wanted, and not {value!r}")
    return int(value, 8)


def _recursion(options: dict[str, Any], value: str) -> None:
    if value not in RECURSION:
        raise ValueError(f"one of {', '.join(RECURSION)} is wanted, and not {value!r}")
    options.update(RECURSION[value])


def _pair(options: dict[str, Any], value: str) -> None:
    name, _, setting = value.partition("=")
    options[name] = setting


def _driver(options: dict[str, Any]) -> dict[str, Any]:
    driver: dict[str, Any] = options.setdefault("driver_config", {})
    return driver


Option = tuple[str, Callable[[dict[str, Any], str], Any]]

OPTIONS: dict[str, Option] = {
    "bind-propagation": ("bind_options", lambda options, value: options.update(propagation=value)),
    "bind-nonrecursive": ("bind_options", lambda options, value: options.update(non_recursive=_boolean(value))),
    "bind-recursive": ("bind_options", _recursion),
    "volume-nocopy": ("volume_options", lambda options, value: options.update(no_copy=_boolean(value))),
    "volume-subpath": ("volume_options", lambda options, value: options.update(subpath=value)),
    "volume-label": ("volume_options", lambda options, value: _pair(options.setdefault("labels", {}), value)),
    "volume-driver": ("volume_options", lambda options, value: _driver(options).update(name=value)),
    "volume-opt": ("volume_options", lambda options, value: _pair(_driver(options).setdefault("options", {}), value)),
    "image-subpath": ("image_options", lambda options, value: options.update(subpath=value)),
    "tmpfs-size": ("tmpfs_options", lambda options, value: options.update(size_bytes=size(value))),
    "tmpfs-mode": ("tmpfs_options", lambda options, value: options.update(mode=_mode(value))),
}
"""The options of a mount by docker's keys: the field of the contract, and what sets the value in it."""
