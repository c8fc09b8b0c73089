"""Values of options as docker writes them: sizes, ports, mounts, durations, pairs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click

T = TypeVar("T")

UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
SIZE = r"(?i)(-?\d+(?:\.\d+)?)\s*([bkmgt]?)i?b?"
TIME = r"(?:\d+(?:\.\d+)?(?:ms|us|ns|[hms]))+|0"
TIME_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
PORT = (
    r"(?:(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9.]+):)?(?P<host>\d*(?:-\d+)?):)?"
    r"(?P<port>\d+(?:-\d+)?)(?:/(?P<proto>tcp|udp|sctp))?"
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
    match = re.fullmatch(SIZE, text.strip())
    if match is None:
        raise ValueError("a size such as 512m or 2g is wanted")
    return int(float(match[1]) * UNITS[match[2].lower()])


def seconds(text: str) -> float:
    """Return the seconds of a duration: `1m30s`."""
    if not re.fullmatch(TIME, text):
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


def lines(file: str, option: str) -> list[str]:
    """Return the `NAME=VALUE` and `NAME` lines of a file, without comments and empty lines.

    Raises `click.UsageError` for a line whose name is empty or has a space.
    """
    with open(file, encoding="utf-8-sig") as opened:
        found = [line for raw in opened if (line := raw.lstrip().rstrip("\r\n")) and not line.startswith("#")]
    for line in found:
        name = line.partition("=")[0]
        if not name or any(each.isspace() for each in name):
            raise click.UsageError(f"{option}: {line!r} in {file} has a wrong name: NAME=VALUE is wanted")
    return found


def variable(text: str) -> str:
    """Return NAME=VALUE; NAME alone takes the value of this program's environment, if there is one."""
    return f"{text}={os.environ[text]}" if "=" not in text and text in os.environ else text


def variables(file: str | None) -> list[str]:
    """Return the variables of a file: one a line.  Raises `click.UsageError` for a wrong name."""
    return [] if file is None else [variable(line) for line in lines(file, "--env-file")]


def exposed(texts: Iterable[str]) -> list[str]:
    """Return ports that are written as `PORT[-PORT][/PROTOCOL]`, each on its own.  Raises `click.UsageError`."""
    found: list[str] = []
    for text in texts:
        port, _, protocol = text.partition("/")
        if not re.fullmatch(r"\d+(-\d+)?", port):
            raise click.UsageError(f"--expose: {text!r} is wrong: try 80, 53/udp or 8000-8010")
        found.extend(f"{number}/{protocol or 'tcp'}" for number in _range(port))
    return found


def ports(texts: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Return where ports are published, by port and protocol: `[IP:][HOST-PORT:]PORT[/PROTOCOL]`, ranges too."""
    found: dict[str, list[dict[str, str]]] = {}
    for text in texts:
        match = re.fullmatch(PORT, text)
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


def fields_of(text: str) -> list[str]:
    """Return the parts between commas; one in quotes may have commas itself."""
    import csv

    (found,) = csv.reader([text])
    return found


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


def weight(text: str) -> dict[str, Any]:
    """Return the weight of a container at a device: `/dev/sda:200`."""
    path, _, value = text.rpartition(":")
    if not path.startswith("/") or not value.isdigit():
        raise ValueError("a device and a weight such as /dev/sda:200 are wanted")
    return {"path": path, "weight": int(value)}


def _path_and_rate(text: str) -> tuple[str, str]:
    path, _, value = text.rpartition(":")
    if not path.startswith("/"):
        raise ValueError("a device and a limit such as /dev/sda:1mb are wanted")
    return path, value


def byte_rate(text: str) -> dict[str, Any]:
    """Return how many bytes a second a device may read or write: `/dev/sda:1mb`."""
    path, value = _path_and_rate(text)
    return {"path": path, "rate": size(value)}


def rate(text: str) -> dict[str, Any]:
    """Return how many operations a second a device may do: `/dev/sda:100`."""
    path, value = _path_and_rate(text)
    return {"path": path, "rate": int(value)}


def gpus(text: str) -> dict[str, Any]:
    """Return which GPUs a container gets: `all`, `2`, `device=0` or `count=1,capabilities=utility`."""
    from dockfleet.v1.common_pb2 import StringList

    found: dict[str, Any] = {}
    capabilities = ["gpu"]
    for part in fields_of(text):
        key, equals, value = part.partition("=")
        if not equals or key == "count":
            found["count"] = -1 if (value or key) == "all" else int(value or key)
        elif key == "device":
            found["device_ids"] = value.split(",")
        elif key == "capabilities":
            capabilities.append(value)
        elif key == "driver":
            found["driver"] = value
        else:
            raise ValueError("all, a number, or keys such as device=0,capabilities=utility are wanted")
    if "device_ids" not in found:
        found.setdefault("count", 1)
    return {**found, "capabilities": [StringList(items=capabilities)]}


NETWORK_KEYS = {"ip": "ipv4_address", "ip6": "ipv6_address", "mac-address": "mac_address", "gw-priority": "gw_priority"}


def network(text: str) -> tuple[str, dict[str, Any]]:
    """Return a network and what a container has in it: `NAME`, or `name=NAME,alias=db,ip=10.0.0.9`."""
    if "=" not in text:
        return text, {}
    name, found = "", dict[str, Any]()
    for part in fields_of(text):
        key, _, value = part.partition("=")
        if key == "name":
            name = value
        elif key == "alias":
            found.setdefault("aliases", []).append(value)
        elif key == "link-local-ip":
            found.setdefault("link_local_ips", []).append(value)
        elif key == "driver-opt":
            option, _, setting = value.partition("=")
            found.setdefault("driver_opts", {})[option] = setting
        elif key in NETWORK_KEYS:
            found[NETWORK_KEYS[key]] = int(value) if key == "gw-priority" else value
        else:
            raise ValueError(f"{key!r} is no key of a network: try name=front,alias=db,ip=10.0.0.9")
    if not name:
        raise ValueError("a name is wanted: name=front,alias=db")
    return name, found
