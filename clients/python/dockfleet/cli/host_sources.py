"""`dockfleet hosts sources`: where the hosts come from, and which entries the gateway cannot use."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.output import fields
from dockfleet.cli.view import View, listed

COLUMNS = {
    "NAME": "Name",
    "STATE": "State",
    "LAST ANSWER": "LastAnswer",
    "HOSTS": "Hosts",
    "REFUSED": "Refused",
    "MESSAGE": "Message",
}


@click.command("sources")
@listed()
@click.pass_context
def sources(context: click.Context, /, view: View) -> None:
    """List the sources of the hosts.

    The entries that the gateway refuses are named on standard error.  The exit code is 1 when a source does not answer,
    or an entry is refused.
    """
    from dockfleet.fleet.v1.hosts_pb2 import ListHostsRequest

    gateway: Gateway = context.obj
    found = call(gateway.hosts.ListHosts, ListHostsRequest()).sources
    view.show([_row(source) for source in found], COLUMNS, "Name", (fields(source) for source in found))
    context.exit(0 if all(source.up and not source.refused_entries for source in found) else 1)


def _row(source: Any) -> dict[str, str]:
    return {
        "Name": source.name,
        "State": "up" if source.up else "down",
        "LastAnswer": docker_text.ago(source.last_success_time) if source.HasField("last_success_time") else "never",
        "Hosts": str(source.hosts),
        "Refused": str(len(source.refused_entries)),
        "Message": source.message,
    }
