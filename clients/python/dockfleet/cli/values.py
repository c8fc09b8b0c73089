"""Values of options as docker writes them: sizes, ports, mounts, durations, pairs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

T = TypeVar("T")

UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
SIZE = re.compile(r"(-?\d+(?:\.\d+)?)\s*([bkmgt]?)i?b?", re.IGNORECASE)
TIME = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|ns|[hms]))+|0")
TIME_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
PORT = re.compile(
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9.]+):)?(?P<host>\d*(?:-\d+)?):)?(?P<port>\d+(?:-\d+)?)(?:/(?P<proto>tcp|udp|sctp))?"
)


class Value(click.ParamType[Any]):
    """An option that a function parses; it raises `ValueError` with the expected format."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        """Call the value *name* in help."""
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the text means."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)


def size(text: str) -> int:
    """Return bytes: `512m` is 512 MiB."""
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("a size such as 512m or 2g is wanted")
    return int(float(match[1]) * UNITS[match[2].lower()])


def seconds(text: str) -> float:
    """Return the seconds of a duration: `1m30s`."""
    if not TIME.fullmatch(text):
        raise ValueError("a duration such as 30s or 1m30s is wanted")
    return sum(float(number) * TIME_UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|us|ns|[hms])", text))


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return `KEY=VALUE` texts as a dict; a key alone has an empty value.  Raises `click.UsageError`."""
    found = {}
    for text in texts:
        key, _, value = text.partition("=")
        if not key:
            raise click.UsageError(f"{option}: {text!r} has no name: KEY=VALUE is wanted")
        found[key] = value
    return found


def ports(texts: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return where ports are published, by port and protocol: `[IP:][HOST-PORT:]PORT[/PROTOCOL]`, ranges too."""
    found: dict[str, list[dict[str, str]]] = {}
    for text in texts:
        match = PORT.fullmatch(text)
        if match is None:
            raise click.UsageError(f"--publish: {text!r} is wrong: try 8080:80, 127.0.0.1:8080:80/tcp or 80")
        inner = list(_range(match["port"]))
        outer: list[str] = [str(number) for number in _range(match["host"])] if match["host"] else []
        if outer and len(inner) != len(outer):
            if len(inner) > 1:
                raise click.UsageError(f"--publish: {text!r} has two ranges of different lengths")
            outer = [match["host"]]
        for index, port in enumerate(inner):
            place = {"host_ip": (match["ip"] or "").strip("[]"), "host_port": outer[index] if outer else ""}
            binding = {key: value for key, value in place.items() if value}
            found.setdefault(f"{port}/{match['proto'] or 'tcp'}", []).append(binding)
    return found


def _range(text: str) -> Iterator[int]:
    first, _, last = text.partition("-")
    yield from range(int(first), int(last or first) + 1)


MOUNT_KEYS = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
FLAGS = ("readonly", "volume-nocopy")


def mount(text: str) -> dict[str, Any]:
    """Return a mount: `type=bind,source=/srv,target=/srv,readonly`."""
    found: dict[str, Any] = {"type": "volume"}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        key = MOUNT_KEYS.get(key, key)
        if key in ("type", "source", "target", "consistency"):
            found[key] = value
        elif key in FLAGS:
            _flag(found, key, value.lower() in ("true", "1") if equals else True)
        elif key == "bind-propagation":
            found["bind_options"] = {"propagation": value}
        elif key == "tmpfs-size":
            found.setdefault("tmpfs_options", {})["size_bytes"] = size(value)
        elif key == "tmpfs-mode":
            found.setdefault("tmpfs_options", {})["mode"] = int(value, 8)
        elif key == "volume-subpath":
            found.setdefault("volume_options", {})["subpath"] = value
        else:
            raise ValueError(f"{key!r} is no key of a mount: try type=bind,source=/srv,target=/srv,readonly")
    if "target" not in found:
        raise ValueError("a mount has a target: try type=bind,source=/srv,target=/srv")
    return found


def _flag(found: dict[str, Any], key: str, value: bool) -> None:
    if key == "readonly":
        found["read_only"] = value
    else:
        found.setdefault("volume_options", {})["no_copy"] = value


def ulimit(text: str) -> dict[str, Any]:
    """Return a limit of processes: `nofile=1024:2048`."""
    name, equals, values = text.partition("=")
    soft, _, hard = values.partition(":")
    if not (equals and name):
        raise ValueError("a limit such as nofile=1024:2048 is wanted")
    return {"name": name, "soft": int(soft), "hard": int(hard or soft)}


def device(text: str) -> dict[str, str]:
    """Return a device: `/dev/sda[:/dev/xvda][:rwm]`."""
    outer, *rest = text.split(":")
    rights = rest.pop() if rest and re.fullmatch("[rwm]+", rest[-1]) else "rwm"
    return {"path_on_host": outer, "path_in_container": rest[0] if rest else outer, "cgroup_permissions": rights}


def restart(text: str) -> dict[str, Any]:
    """Return what happens at the end of a container: `on-failure:3`."""
    name, _, count = text.partition(":")
    if name not in ("no", "always", "unless-stopped", "on-failure"):
        raise ValueError("no, always, unless-stopped or on-failure[:N] is wanted")
    return {"name": name, "maximum_retry_count": int(count or 0)}
