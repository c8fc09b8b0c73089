"""`dockfleet info`."""

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
@listed(quiet=False, short=True)
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
