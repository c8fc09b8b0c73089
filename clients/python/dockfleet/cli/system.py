"""`dockfleet info` and `dockfleet df`."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.gateway import Gateway
from dockfleet.cli.output import fields
from dockfleet.cli.questions import Answers
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.view import View, listed

INFO = {
    "HOST": "Host",
    "VERSION": "ServerVersion",
    "CONTAINERS": "Containers",
    "RUNNING": "ContainersRunning",
    "IMAGES": "Images",
    "CPUS": "NCPU",
    "MEMORY": "Memory",
    "OS": "OperatingSystem",
    "ARCH": "Architecture",
    "KERNEL": "KernelVersion",
    "STORAGE": "Driver",
}


@click.command()
@listed(quiet=False)
@scoped(labels=False)
@click.pass_context
def info(context: click.Context, /, scope: Scope, view: View) -> None:
    """Show information about hosts and their engines."""
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    gateway: Gateway = context.obj
    answers = Answers(gateway.fleet.GetInfo, pb.GetInfoRequest(hosts=scope.host_selector()))
    found = [(host, answers.by_host[host].info) for host in sorted(answers.by_host)]
    rows = []
    for host, each in found:
        document: dict[str, Any] = fields(each)
        rows.append({**document, "Host": host, "Memory": docker_text.binary_size(each.memory_total_bytes)})
    view.show(rows, INFO, "Host", ({"host": host, **fields(each)} for host, each in found))
    for host, each in found:
        for warning in each.warnings if not (view.as_json or view.template) else ():
            click.echo(f"{host}: {warning}", err=True)
    answers.finish(context)


USE = {
    "HOST": "Host",
    "TYPE": "Type",
    "TOTAL": "TotalCount",
    "ACTIVE": "Active",
    "SIZE": "Size",
    "RECLAIMABLE": "Reclaimable",
}


@click.command()
@click.option(
    "--timeout", type=click.IntRange(min=1), default=60, show_default=True, help="Seconds that a host may take."
)
@listed(quiet=False)
@scoped(labels=False)
@click.pass_context
def df(context: click.Context, /, scope: Scope, view: View, timeout: int) -> None:
    """Show how much disk space hosts use."""
    from google.protobuf.duration_pb2 import Duration

    from dockfleet.fleet.v1 import fleet_pb2 as pb

    gateway: Gateway = context.obj
    request = pb.GetDataUsageRequest(hosts=scope.host_selector(), host_timeout=Duration(seconds=timeout))
    answers = Answers(gateway.fleet.GetDataUsage, request)
    found = [(host, answers.by_host[host]) for host in sorted(answers.by_host)]
    rows = [row for host, use in found for row in _rows(host, use)]
    view.show(rows, USE, "Type", ({"host": host, **fields(use)} for host, use in found))
    answers.finish(context)


def _rows(host: str, use: Any) -> list[dict[str, str]]:
    """Return a row for each kind of thing, as docker counts them."""
    images, containers, volumes = use.images, use.containers, use.volumes
    used_images = [each for each in images if each.containers > 0]
    used_size = sum(each.size_bytes - max(each.shared_size_bytes, 0) for each in used_images)
    active = [each for each in containers if each.state in ("running", "paused", "restarting")]
    idle_size = sum(each.size_rw_bytes for each in containers if each not in active)
    used_volumes = [each for each in volumes if each.usage_data.ref_count > 0]
    volume_sizes = [max(each.usage_data.size_bytes, 0) for each in volumes]
    idle_volumes = sum(max(each.usage_data.size_bytes, 0) for each in volumes if each.usage_data.ref_count == 0)
    caches = use.build_cache
    cache_size = sum(each.size_bytes for each in caches if not each.shared)
    idle_cache = sum(each.size_bytes for each in caches if not each.in_use and not each.shared)
    container_size = sum(each.size_rw_bytes for each in containers)
    total = use.layers_size_bytes
    return [
        _row(host, "Images", len(images), len(used_images), total, total - used_size),
        _row(host, "Containers", len(containers), len(active), container_size, idle_size),
        _row(host, "Local Volumes", len(volumes), len(used_volumes), sum(volume_sizes), idle_volumes),
        _row(
            host, "Build Cache", len(caches), sum(each.in_use for each in caches), cache_size, idle_cache, share=False
        ),
    ]


def _row(host: str, kind: str, count: int, active: int, size: int, free: int, share: bool = True) -> dict[str, str]:
    part = f" ({100 * free // size}%)" if size > 0 and share else ""
    return {
        "Host": host,
        "Type": kind,
        "TotalCount": str(count),
        "Active": str(active),
        "Size": docker_text.size(size, 4),
        "Reclaimable": f"{docker_text.size(free, 4)}{part}",
    }
