"""`dockfleet volume`."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.batches import Batch, batched
from dockfleet.cli.completion import complete_volumes
from dockfleet.cli.gateway import Gateway
from dockfleet.cli.host_choice import host_names, several_hosts
from dockfleet.cli.output import fields
from dockfleet.cli.questions import FILTER, Answers, filters_of
from dockfleet.cli.reports import Report
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.template import Values
from dockfleet.cli.values import pairs
from dockfleet.cli.view import View, listed

COLUMNS = {"HOST": "Host", "DRIVER": "Driver", "VOLUME NAME": "Name"}
NAMES = click.argument("names", metavar="VOLUME...", nargs=-1, required=True, shell_complete=complete_volumes)


@click.command()
@FILTER
@listed()
@scoped(labels=False)
@click.pass_context
def ls(context: click.Context, /, scope: Scope, view: View, filters: tuple[str, ...]) -> None:
    """List the volumes of many hosts."""
    from dockfleet.fleet.v1 import fleet_pb2 as pb
    from dockfleet.v1.volumes_pb2 import ListVolumesRequest

    gateway: Gateway = context.obj
    request = ListVolumesRequest(filters=filters_of(filters))
    answers = Answers(gateway.fleet.ListVolumes, pb.ListVolumesRequest(hosts=scope.host_selector(), request=request))
    found = sorted(answers.each("volumes"), key=lambda pair: (pair[0], pair[1].name))
    rows = [
        Values(
            {
                "Host": host,
                "Driver": each.driver,
                "Name": each.name,
                "Mountpoint": each.mountpoint,
                "Scope": each.scope,
                "Labels": docker_text.labels(each.labels),
                "Size": "N/A",
                "Links": "N/A",
            },
            labels=each.labels,
        )
        for host, each in found
    ]
    view.show(rows, COLUMNS, "Name", ({"host": host, **fields(each)} for host, each in found))
    answers.finish(context)


@click.command()
@click.option("-d", "--driver", metavar="NAME", default="local", show_default=True, help="The driver.")
@click.option("-o", "--opt", "options", multiple=True, metavar="KEY=VALUE", help="An option of the driver.")
@click.option("--label", "own_labels", multiple=True, metavar="KEY=VALUE", help="A label.")
@batched()
@scoped(labels=False)
@click.argument("name", required=False)
@click.pass_context
def create(
    context: click.Context,
    /,
    name: str | None,
    scope: Scope,
    batch: Batch,
    driver: str,
    options: tuple[str, ...],
    own_labels: tuple[str, ...],
) -> None:
    """Create a volume on a host, or on several.

    \b
    Examples:
      dockfleet volume create -H north-1 data
    """
    from dockfleet.fleet.v1 import fleet_pb2
    from dockfleet.v1.volumes_pb2 import CreateVolumeRequest

    gateway: Gateway = context.obj
    request = CreateVolumeRequest(
        name=name, driver=driver, driver_opts=pairs(options, "--opt"), labels=pairs(own_labels, "--label")
    )
    hosts, several = several_hosts(gateway, scope)
    report = Report(f"create {name or 'a volume'} on", batch)
    wanted = fleet_pb2.CreateVolumesRequest(hosts=hosts, batch=batch.options(), request=request)
    report.run(
        gateway.fleet.CreateVolumes,
        wanted,
        lambda host, found: click.echo(f"{host}: {found.volume.name}" if several else found.volume.name),
    )
    context.exit(1 if report.failed else 0)


@click.command()
@click.option("-f", "--force", is_flag=True, default=None, help="Also when the driver does not know it any more.")
@batched()
@scoped(labels=False)
@NAMES
@click.pass_context
def rm(context: click.Context, /, names: tuple[str, ...], scope: Scope, batch: Batch, force: bool | None) -> None:
    """Remove volumes from a host, or from several.

    On several hosts you are asked first.
    """
    from dockfleet.fleet.v1 import fleet_pb2
    from dockfleet.v1.volumes_pb2 import RemoveVolumeRequest

    gateway: Gateway = context.obj
    hosts, several = several_hosts(gateway, scope)
    if several and batch.asks:
        batch.confirm("remove", [f"{name} from {host}" for name in names for host in host_names(gateway, hosts)])
    failed = False
    for name in names:
        report = Report(f"remove {name} from", batch)
        wanted = fleet_pb2.RemoveVolumesRequest(
            hosts=hosts, batch=batch.options(), request=RemoveVolumeRequest(name=name, force=force)
        )

        def removed(host: str, found: Any, name: str = name) -> None:
            click.echo(f"{host}: {name}" if several else name)

        report.run(gateway.fleet.RemoveVolumes, wanted, removed)
        failed |= report.failed
    context.exit(1 if failed else 0)
