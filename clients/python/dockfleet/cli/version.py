"""`dockfleet version`."""

from __future__ import annotations

import click

from dockfleet._version import __version__
from dockfleet.cli.gateway import Gateway
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.view import View, listed

COLUMNS = {
    "HOST": "Host",
    "VERSION": "Version",
    "API": "ApiVersion",
    "MIN API": "MinAPIVersion",
    "OS/ARCH": "OsArch",
    "KERNEL": "KernelVersion",
}


@click.command()
@click.option("--client", is_flag=True, help="Only of this client; no gateway is asked.")
@listed(quiet=False, short=True)
@scoped(labels=False)
@click.pass_context
def version(context: click.Context, /, client: bool, scope: Scope, view: View) -> None:
    """Print the versions of this client and of the engines."""
    import grpc

    from dockfleet.cli.output import fields
    from dockfleet.cli.questions import Answers
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    if not (view.as_json or view.template):
        click.echo(f"dockfleet {__version__} (grpcio {grpc.__version__})")
    if client:
        return
    gateway: Gateway = context.obj
    answers = Answers(gateway.fleet.GetVersion, pb.GetVersionRequest(hosts=scope.host_selector()))
    found = [(host, answers.by_host[host].version) for host in sorted(answers.by_host)]
    rows = [
        {
            "Host": host,
            "Version": each.version,
            "ApiVersion": each.api_version,
            "MinAPIVersion": each.min_api_version,
            "OsArch": f"{each.os}/{each.arch}",
            "KernelVersion": each.kernel_version,
            "GitCommit": each.git_commit,
            "GoVersion": each.go_version,
            "Client": {"Version": __version__},
            "Server": {**fields(each), "APIVersion": each.api_version},  # as docker's templates name it
        }
        for host, each in found
    ]
    view.show(rows, COLUMNS, "Version", ({"host": host, **fields(each)} for host, each in found))
    answers.finish(context)
