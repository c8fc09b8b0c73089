"""Scrape targets for the HTTP service discovery of Prometheus: each host, and containers with certain labels.

The labels of containers have the names that Prometheus' own discovery for Docker gives them.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from gateway.engine.inventory.rows import ContainerRow
from gateway.engine.pauses import Pauses
from gateway.fleet.discovery import ADDRESS_LABEL, endpoints_of
from gateway.fleet.host import Host

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_]")
_PREFIXES = ("prometheus_io_", "prometheus_")
_PORT = re.compile(r"[0-9]{1,5}")
_LAST_PORT = 65_535
_SETTINGS = {  # fields of a target, by the label of a container
    "path": "__metrics_path__",
    "scheme": "__scheme__",
    "scrape_interval": "__scrape_interval__",
    "scrape_timeout": "__scrape_timeout__",
    "job": "job",
}


class Target(NamedTuple):
    """A target, or the reason why a container that asks to be scraped is none."""

    address: str
    labels: Mapping[str, str]
    why_not: str = ""

    def document(self) -> dict[str, Any]:
        """Return the target in the format of Prometheus."""
        return {"targets": [self.address], "labels": self.labels}


class NotListed(Exception):
    """It is not known what containers a host has."""


def host_targets(hosts: Iterable[Host], gateway: str) -> list[dict[str, Any]]:
    """Return a target for each host: its containers' metrics at the *gateway*, host:port, as Prometheus reaches it."""
    return [
        Target(
            gateway,
            {
                "__metrics_path__": "/metrics/containers",
                "__param_host": host.name,
                "instance": host.name,
                "host": host.name,
                **_meta("dockfleet_host_label", host.labels),
            },
        ).document()
        for host in hosts
    ]


async def container_targets(hosts: Iterable[Host]) -> list[Target]:
    """Return the running containers that ask to be scraped.

    Raises `NotListed` for a host without a current inventory.  Prometheus keeps its targets after an error, and would
    remove targets that are missing from a list.
    """
    targets, pauses = [], Pauses()
    for host in list(hosts):
        if not host.inventory.known and (failure := host.outdated) is not None:
            raise NotListed(f"{host.name}: {failure}")
        for row in host.inventory.containers():
            if row.state == "running" and (asks := _wishes(row.labels)) is not None:
                targets.append(target_of(host, row, asks))
            if pauses.due:
                await pauses.pause()
    return targets


def target_of(host: Host, row: ContainerRow, wishes: Mapping[str, str]) -> Target:
    """Return the target of a container with such *wishes*."""
    labels = {
        "host": host.name,
        "__meta_docker_container_id": row.id,
        "__meta_docker_container_name": f"/{row.name}",
        "__meta_docker_container_image": row.image,
        "__meta_docker_container_image_id": row.image_id,
        **_meta("docker_container_label", row.labels),
        **_meta("dockfleet_host_label", host.labels),
        **{name: wishes[wish] for wish, name in _SETTINGS.items() if wish in wishes},
    }
    port = wishes.get("port", "")
    if port and not (_PORT.fullmatch(port) and 1 <= int(port) <= _LAST_PORT):
        return Target("", labels, f"its label for the port must be a number from 1 to {_LAST_PORT}")
    if any(network.name == "host" for network in row.networks):
        reached_at = host.labels.get(ADDRESS_LABEL) or urlsplit(host.engine.endpoint.url).hostname or ""
        if not port or not reached_at:
            what = "has no label for its port" if reached_at else f"is on a host without the label {ADDRESS_LABEL}"
            return Target("", labels, f"it is in the host's network, and {what}")
        return Target(_joined(reached_at, int(port)), labels)
    return _published(host, row, port, labels)


def _published(host: Host, row: ContainerRow, port: str, labels: Mapping[str, str]) -> Target:
    """Return the target of a container by its published port."""
    found = [each for each in endpoints_of(host, row) if each.protocol == "tcp" and each.port and each.address]
    found = [each for each in found if not port or each.container_port == int(port)]
    if not _is_loopback(host.labels.get(ADDRESS_LABEL, "")):
        found = [each for each in found if not _is_loopback(each.address)]
    if not found:
        return Target("", labels, "it publishes no such port where others can reach it")
    if len(found) > 1:
        return Target("", labels, "it publishes several ports, and has no label that chooses one")
    [only] = found
    more = {"__meta_docker_port_private": str(only.container_port), "__meta_docker_port_public": str(only.port)}
    return Target(_joined(only.address, only.port), {**labels, **more})


def _wishes(labels: Mapping[str, str]) -> Mapping[str, str] | None:
    """Return the scrape settings in a container's labels, by name; None when it does not ask to be scraped.

    It asks with `prometheus.io/scrape`, `prometheus.scrape` or `prometheus-job`, with any marks between the words.
    """
    wishes: dict[str, str] = {}
    for label, value in labels.items():
        name = _NOT_IN_NAMES.sub("_", label).lower()
        for prefix in _PREFIXES:
            if name.startswith(prefix):
                wishes.setdefault(name.removeprefix(prefix), value)
                break
    wants = wishes.get("scrape", "true" if wishes.get("job") else "")
    return wishes if wants.lower() == "true" else None


def _meta(what: str, labels: Mapping[str, str]) -> dict[str, str]:
    return {f"__meta_{what}_{_NOT_IN_NAMES.sub('_', label)}": value for label, value in labels.items()}


def _joined(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
