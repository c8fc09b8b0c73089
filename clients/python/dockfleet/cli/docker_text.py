"""Values in docker's own words: durations, sizes, ports, ids."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
HOUR, DAY = 3600, 86_400
SPANS = ((48, 1, "hours"), (24 * 14, 24, "days"), (24 * 60, 24 * 7, "weeks"), (24 * 730, 24 * 30, "months"))


def duration(seconds: float) -> str:
    """Return *seconds* as docker does: `About a minute`, `3 days`."""
    whole = int(seconds)
    if whole < 1:
        return "Less than a second"
    if whole < 60:
        return "1 second" if whole == 1 else f"{whole} seconds"
    minutes = int(seconds / 60)
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    hours = int(seconds / HOUR + 0.5)
    if hours == 1:
        return "About an hour"
    for limit, unit, name in SPANS:
        if hours < limit:
            return f"{hours // unit} {name}"
    return f"{hours // 24 // 365} years"


def ago(timestamp: Any) -> str:
    """Return how long ago *timestamp* was; `N/A` when it is not set."""
    if not timestamp.seconds:
        return "N/A"
    return f"{duration(max(time.time() - timestamp.seconds, 0))} ago"


def local_time(timestamp: Any) -> str:
    """Return *timestamp* as docker's `CreatedAt`."""
    return datetime.fromtimestamp(timestamp.seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S %z %Z")


def size(count: float, digits: int = 3) -> str:
    """Return *count* bytes in units of 1000, as docker shows images."""
    return _scaled(count, 1000, DECIMAL, digits)


def binary_size(count: float) -> str:
    """Return *count* bytes in units of 1024, as docker shows memory."""
    return _scaled(count, 1024, BINARY, 4)


def _scaled(count: float, step: int, units: tuple[str, ...], digits: int) -> str:
    for unit in units[:-1]:
        if count < step:
            return f"{_plain(count, digits)}{unit}"
        count /= step
    return f"{_plain(count, digits)}{units[-1]}"


def _plain(number: float, digits: int) -> str:
    text = f"{number:.{digits}g}"
    return f"{number:.0f}" if "e" in text else text


def short_id(id: str, no_trunc: bool = False) -> str:
    """Return the first twelve digits of an id, without its algorithm."""
    return id if no_trunc else id.removeprefix("sha256:")[:12]


def labels(values: Mapping[str, str]) -> str:
    """Return labels as docker does."""
    return ",".join(f"{key}={value}" for key, value in sorted(values.items()))


def ports(found: Iterable[Any]) -> str:
    """Return the ports of a container: `0.0.0.0:8080->80/tcp, 443/tcp`; those that follow each other as a range."""
    groups: dict[tuple[str, str], list[int]] = {}
    done, elsewhere = [], []
    for port in sorted(found, key=lambda each: (each.private_port, each.ip, each.public_port, each.type)):
        private = port.private_port
        if port.ip and port.public_port != private:
            elsewhere.append(f"{_address(port.ip)}:{port.public_port}->{private}/{port.type}")
            continue
        key = (port.ip, port.type)
        if key in groups and groups[key][1] + 1 == private:
            groups[key][1] = private
            continue
        if key in groups:
            done.append(_range(*key, *groups[key]))
        groups[key] = [private, private]
    return ", ".join([*done, *(_range(*key, *bounds) for key, bounds in groups.items()), *elsewhere])


def _range(ip: str, kind: str, first: int, last: int) -> str:
    text = str(first) if first == last else f"{first}-{last}"
    return f"{_address(ip)}:{text}->{text}/{kind}" if ip else f"{text}/{kind}"


def _address(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip
