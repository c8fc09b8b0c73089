"""`dockfleet copy-image` and `dockfleet discover`."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli import docker_text
from dockfleet.cli.completion import complete_hosts, complete_images
from dockfleet.cli.gateway import Gateway, call, responses
from dockfleet.cli.output import fields, print_json, say_failure
from dockfleet.cli.progress import Bars
from dockfleet.cli.scope import Scope, requirements, scoped
from dockfleet.cli.view import View, listed


@click.command("copy-image")
@click.argument("source", metavar="FROM-HOST", shell_complete=complete_hosts)
@click.argument("image", shell_complete=complete_images)
@click.option("--parallelism", type=click.IntRange(min=1), metavar="N", help="To N hosts at once.  Default: 8.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@scoped(labels=False)
@click.pass_context
def copy_image(
    context: click.Context, /, source: str, image: str, scope: Scope, parallelism: int | None, quiet: bool
) -> None:
    """Copy an image from one host to others, without a registry.

    -H and --host-label choose the other hosts.  Hosts that have the image already are skipped.

    \b
    Examples:
      dockfleet copy-image build-1 shop:1.4 -H 'edge*'
      dockfleet copy-image build-1 shop:1.4 --host-label site=north
    """
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    if not scope.names_hosts:
        raise click.UsageError("to which hosts?  -H and --host-label choose; -H '*' means all")
    gateway: Gateway = context.obj
    request = pb.CopyImageRequest(host=source, image=image, to=scope.host_selector(), parallelism=parallelism)
    failed = False
    done: list[str] = []
    with Bars(quiet=quiet) as bars:
        for response in responses(gateway.fleet.CopyImage, request):
            for result in response.results:
                kind = result.WhichOneof("result")
                if kind == "progress":
                    bars.update(result.host, "copying", result.progress.sent_bytes, result.progress.total_bytes)
                elif kind == "failure":
                    failed = True
                    bars.remove(result.host)
                    say_failure(result.host, result.failure)
                else:
                    bars.finish(result.host, "done")
                    done.append(_copied(result))
            for failure in response.summary.failures:
                failed = True
                say_failure(failure.host, failure.failure)
    for line in done:
        click.echo(line)
    context.exit(1 if failed else 0)


def _copied(result: Any) -> str:
    if result.WhichOneof("result") == "present":
        return f"{result.host}: had {docker_text.short_id(result.present.image_id)}"
    return (
        f"{result.host}: copied {docker_text.short_id(result.copied.image_id)} "
        f"({docker_text.size(result.copied.sent_bytes)})"
    )


COLUMNS = {
    "SERVICE": "Service",
    "HOST": "Host",
    "CONTAINER": "Container",
    "ENDPOINT": "Endpoint",
    "PORT": "Port",
    "HEALTH": "Health",
    "NETWORKS": "Networks",
}


@click.command()
@click.argument("services", metavar="[SERVICE]...", nargs=-1)
@click.option("-p", "--port", "container_port", type=click.IntRange(1, 65535), help="Only this port in the container.")
@click.option("--unhealthy", "include_unhealthy", is_flag=True, help="Also those that are starting or unhealthy.")
@click.option("-w", "--watch", is_flag=True, help="Print every change until you end it.")
@listed()
@scoped()
@click.pass_context
def discover(
    context: click.Context, /, services: tuple[str, ...], scope: Scope, view: View, watch: bool, **how: Any
) -> None:
    """Find the endpoints of services.

    A service is the label dockfleet.service of a container, else com.docker.compose.service, else the container's name.
    SERVICE may have a `*`.

    \b
    Examples:
      dockfleet discover web
      dockfleet discover web -p 80 --format '{{.Endpoint}}'
      dockfleet discover --watch
    """
    from dockfleet.fleet.v1 import fleet_pb2 as pb

    gateway: Gateway = context.obj
    labels = requirements("--label", scope.labels)
    request = pb.DiscoverServicesRequest(hosts=scope.host_selector(), services=services, labels=labels, **how)
    if watch:
        _watch(gateway, pb.WatchServicesRequest(services=request), view)
        return
    found = call(gateway.fleet.DiscoverServices, request)
    view.show([_row(each) for each in found.endpoints], COLUMNS, "Endpoint", (fields(each) for each in found.endpoints))
    for failure in found.failures:
        say_failure(failure.host, failure.failure)
    context.exit(1 if found.failures else 0)


def _watch(gateway: Gateway, request: Any, view: View) -> None:
    from dockfleet.cli.resuming import resumed

    for response in resumed(gateway.fleet.WatchServices, request):
        for change in response.changes:
            kind = change.WhichOneof("change")
            if kind is None:
                continue
            if view.as_json:
                print_json([fields(change)])
                continue
            row = _row(getattr(change, kind))
            sign = "+" if kind == "put" else "-"
            click.echo(f"{sign} {row['Service']} {row['Host']}/{row['Container']} {row['Endpoint']} {row['Health']}")


def _row(each: Any) -> dict[str, Any]:
    host = f"[{each.address}]" if ":" in each.address else each.address
    return {
        "Service": each.service,
        "Host": each.host,
        "Container": each.container_name,
        "ID": docker_text.short_id(each.container_id),
        "Endpoint": f"{host}:{each.port}" if each.address and each.port else "-",
        "Port": f"{each.container_port}/{each.protocol}" if each.container_port else "-",
        "Health": each.health,
        "Networks": ",".join(f"{name}={ip}" for name, ip in sorted(each.container_addresses.items())),
        "Labels": docker_text.labels(each.labels),
    }
