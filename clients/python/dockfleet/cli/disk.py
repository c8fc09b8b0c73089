"""`dockfleet df`: how much disk space hosts use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.containers import row as container_row
from dockfleet.cli.gateway import Gateway
from dockfleet.cli.host_choice import api_number, api_versions
from dockfleet.cli.images import rows as image_rows
from dockfleet.cli.output import fields
from dockfleet.cli.questions import Answers
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.view import View, listed

USE = {
    "HOST": "Host",
    "TYPE": "Type",
    "TOTAL": "TotalCount",
    "ACTIVE": "Active",
    "SIZE": "Size",
    "RECLAIMABLE": "Reclaimable",
}
IMAGES = {
    "HOST": "Host",
    "REPOSITORY": "Repository",
    "TAG": "Tag",
    "IMAGE ID": "ID",
    "CREATED": "CreatedSince",
    "SIZE": "Size",
    "SHARED SIZE": "SharedSize",
    "UNIQUE SIZE": "UniqueSize",
    "CONTAINERS": "Containers",
}
CONTAINERS = {
    "HOST": "Host",
    "CONTAINER ID": "ID",
    "IMAGE": "Image",
    "COMMAND": "Command",
    "LOCAL VOLUMES": "LocalVolumes",
    "SIZE": "Size",
    "CREATED": "RunningFor",
    "STATUS": "Status",
    "NAMES": "Names",
}
VOLUMES = {"HOST": "Host", "VOLUME NAME": "Name", "LINKS": "Links", "SIZE": "Size"}
CACHES = {
    "HOST": "Host",
    "CACHE ID": "ID",
    "CACHE TYPE": "CacheType",
    "SIZE": "Size",
    "CREATED": "CreatedSince",
    "LAST USED": "LastUsedSince",
    "USAGE": "UsageCount",
    "SHARED": "Shared",
}
SECTIONS = {  # by the name that docker's templates use: the title and the columns
    "Images": ("Images space usage:", IMAGES),
    "Containers": ("Containers space usage:", CONTAINERS),
    "Volumes": ("Local Volumes space usage:", VOLUMES),
    "BuildCache": ("Build cache usage:", CACHES),
}
COUNTED = (1, 52)  # from this API version on, engines count by themselves, and list only when asked to


@click.command()
@click.option(
    "--timeout", type=click.IntRange(min=1), default=60, show_default=True, help="Seconds that a host may take."
)
@click.option("-v", "--verbose", is_flag=True, help="Show each image, container, volume and part of the build cache.")
@listed(quiet=False)
@scoped(labels=False)
@click.pass_context
def df(context: click.Context, /, scope: Scope, view: View, timeout: int, verbose: bool) -> None:
    """Show how much disk space hosts use."""
    from google.protobuf.duration_pb2 import Duration

    from dockfleet.fleet.v1 import fleet_pb2 as pb
    from dockfleet.v1.system_pb2 import GetDataUsageRequest

    gateway: Gateway = context.obj
    hosts = scope.host_selector()
    longest = Duration(seconds=timeout)
    requests = [pb.GetDataUsageRequest(hosts=hosts, host_timeout=longest)]
    if verbose:
        requests = [
            pb.GetDataUsageRequest(
                hosts=scope.host_selector(*names), host_timeout=longest, request=GetDataUsageRequest(verbose=lists)
            )
            for lists, names in _by_layout(api_versions(gateway, hosts))
        ]
    answers = Answers(gateway.fleet.GetDataUsage, *requests)
    found = [(host, answers.by_host[host]) for host in sorted(answers.by_host)]
    if verbose and not view.as_json:
        _show_details(view, found)
    else:
        rows = [row for host, use in found for row in _rows(host, use)]
        view.show(rows, USE, "Type", ({"host": host, **fields(use)} for host, use in found))
    answers.finish(context)


def _by_layout(versions: Mapping[str, str]) -> list[tuple[bool | None, list[str]]]:
    """Return the hosts by what they are asked for lists: newer ones give them only on demand."""
    newer = [host for host, version in versions.items() if version and api_number(version) >= COUNTED]
    others = [host for host in versions if host not in newer]
    return [(lists, names) for lists, names in ((True, newer), (None, others)) if names]


def _rows(host: str, use: Any) -> list[dict[str, str]]:
    """Return a row for each kind of thing, as docker counts them."""
    if use.HasField("image_usage"):
        return [
            _row(host, kind, each.total_count, each.active_count, each.total_size_bytes, each.reclaimable_bytes, share)
            for kind, each, share in (
                ("Images", use.image_usage, True),
                ("Containers", use.container_usage, True),
                ("Local Volumes", use.volume_usage, True),
                ("Build Cache", use.build_cache_usage, False),
            )
        ]
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


def _lists(use: Any) -> dict[str, Any]:
    """Return the single things of a host, by the names of `SECTIONS`."""
    if use.HasField("image_usage"):
        parts = (use.image_usage, use.container_usage, use.volume_usage, use.build_cache_usage)
        return dict(zip(SECTIONS, (part.items for part in parts), strict=True))
    return dict(zip(SECTIONS, (use.images, use.containers, use.volumes, use.build_cache), strict=True))


def _details(host: str, use: Any, no_trunc: bool) -> dict[str, list[dict[str, Any]]]:
    """Return a row for each single thing of a host, by the names of `SECTIONS`."""
    lists = _lists(use)
    return {
        "Images": [row for each in lists["Images"] for row in image_rows(host, each, no_trunc)],
        "Containers": [
            {**container_row(host, each, no_trunc), "Size": docker_text.size(each.size_rw_bytes)}
            for each in lists["Containers"]
        ],
        "Volumes": [
            {
                "Host": host,
                "Name": each.name,
                "Links": str(each.usage_data.ref_count),
                "Size": docker_text.size(max(each.usage_data.size_bytes, 0), 4),
            }
            for each in lists["Volumes"]
        ],
        "BuildCache": [
            {
                "Host": host,
                "ID": docker_text.short_id(each.id, no_trunc) + ("*" if each.in_use else ""),
                "CacheType": each.type,
                "Size": docker_text.size(each.size_bytes, 4),
                "CreatedSince": docker_text.ago(each.created_at),
                "LastUsedSince": docker_text.ago(each.last_used_at) if each.HasField("last_used_at") else "",
                "UsageCount": str(each.usage_count),
                "Shared": str(each.shared).lower(),
            }
            for each in lists["BuildCache"]
        ],
    }


def _show_details(view: View, found: list[tuple[str, Any]]) -> None:
    """Print a table for each kind of thing, or what the template says of each host."""
    whole = view.no_trunc or bool(view.template)  # docker cuts nothing for its templates here
    by_host = {host: _details(host, use, whole) for host, use in found}
    if view.template:
        view.show([{"Host": host, **details} for host, details in by_host.items()], {}, "Host", ())
        return
    cached = sum(each.size_bytes for _, use in found for each in _lists(use)["BuildCache"] if not each.shared)
    for kind, (title, columns) in SECTIONS.items():
        size = f" {docker_text.size(cached, 4)}" if kind == "BuildCache" else ""
        click.echo(f"{title}{size}\n")
        view.show([row for details in by_host.values() for row in details[kind]], columns, "Host", ())
        if kind != "BuildCache":
            click.echo()
