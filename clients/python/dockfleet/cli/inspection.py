"""Verbs that look at one container: inspect, top, port, diff, wait."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import click

from dockfleet.cli.completion import complete_containers, complete_images, complete_networks, complete_volumes
from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.group import CommandError
from dockfleet.cli.output import fields
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.table import Table
from dockfleet.cli.targets import one
from dockfleet.cli.template import formatted

COMPLETE = {
    "container": complete_containers,
    "image": complete_images,
    "network": complete_networks,
    "volume": complete_volumes,
}
CONTAINER = click.argument("container", shell_complete=complete_containers)


def inspecting(kinds: tuple[str, ...], help: str) -> click.Command:
    """Make a command that prints everything that is known of things of these *kinds*."""

    @click.command("inspect", help=help)
    @click.option("-f", "--format", "template", metavar="TEMPLATE", help="Print each as a Go template says, or `json`.")
    @click.option("-s", "--size", is_flag=True, default=None, help="Include how much disk space a container uses.")
    @click.option("--type", "kind", type=click.Choice(kinds), help="Only this kind.")
    @scoped(labels=False)
    @click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=COMPLETE[kinds[0]])
    @click.pass_context
    def command(
        context: click.Context,
        /,
        names: tuple[str, ...],
        scope: Scope,
        template: str | None,
        size: bool | None,
        kind: str | None,
    ) -> None:
        gateway: Gateway = context.obj
        found, failed = [], False
        for name in names:
            try:
                found.append(fields(_inspected(gateway, scope, name, size, (kind,) if kind else kinds)))
            except CommandError as error:
                failed = True
                error.show()
        if template in (None, "", "json"):
            form: dict[str, Any] = {"separators": (",", ":")} if template else {"indent": 4}
            click.echo(json.dumps(found, ensure_ascii=False, **form))
        for line in formatted(template, found) if template and template != "json" else ():
            click.echo(line)
        context.exit(1 if failed else 0)

    return command


def _inspected(gateway: Gateway, scope: Scope, name: str, size: bool | None, kinds: tuple[str, ...]) -> Any:
    """Return what *name* is.  Raises `CommandError` when there is nothing of that name."""
    from dockfleet.cli.failures import Failure
    from dockfleet.reasons import NotFound

    first: CommandError | None = None
    for each in kinds:
        try:
            return READERS[each](gateway, scope, name, size)
        except CommandError as error:
            first = first or error
        except NotFound as error:
            first = first or Failure(error, click.get_current_context())
    assert first is not None
    raise first


def _container(gateway: Gateway, scope: Scope, name: str, size: bool | None) -> Any:
    from dockfleet.v1.containers_pb2 import InspectContainerRequest

    target = one(gateway, scope, name)
    request = InspectContainerRequest(host=target.host, id=target.id, size=size)
    return call(gateway.containers.InspectContainer, request).container


def _image(gateway: Gateway, scope: Scope, name: str, size: bool | None) -> Any:
    from dockfleet.cli.host_choice import one_host
    from dockfleet.v1.images_pb2 import InspectImageRequest

    return call(gateway.images.InspectImage, InspectImageRequest(host=one_host(gateway, scope), name=name)).image


def _network(gateway: Gateway, scope: Scope, name: str, size: bool | None) -> Any:
    from dockfleet.cli.host_choice import one_host
    from dockfleet.v1.networks_pb2 import InspectNetworkRequest

    return call(gateway.networks.InspectNetwork, InspectNetworkRequest(host=one_host(gateway, scope), id=name)).network


def _volume(gateway: Gateway, scope: Scope, name: str, size: bool | None) -> Any:
    from dockfleet.cli.host_choice import one_host
    from dockfleet.v1.volumes_pb2 import InspectVolumeRequest

    return call(gateway.volumes.InspectVolume, InspectVolumeRequest(host=one_host(gateway, scope), name=name)).volume


READERS: dict[str, Callable[..., Any]] = {
    "container": _container,
    "image": _image,
    "network": _network,
    "volume": _volume,
}


inspect = inspecting(
    tuple(READERS),
    """Print all properties of containers, images, networks or volumes.

    It is docker's own JSON.  NAME is HOST/CONTAINER, or a name that is unique in the fleet.  Images, networks and
    volumes need -H HOST.

    \b
    Examples:
      dockfleet inspect north-1/web
      dockfleet inspect web --format '{{.State.Status}} {{.NetworkSettings.IPAddress}}'
      dockfleet inspect -H north-1 --type image nginx
    """,
)
inspect_container = inspecting(("container",), "Print everything that is known of containers.")
inspect_image = inspecting(("image",), "Print everything that is known of images.")
inspect_network = inspecting(("network",), "Print everything that is known of networks.")
inspect_volume = inspecting(("volume",), "Print everything that is known of volumes.")


@click.command(context_settings={"allow_interspersed_args": False})
@scoped(labels=False)
@CONTAINER
@click.argument("options", metavar="[PS-OPTION]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def top(gateway: Gateway, /, container: str, scope: Scope, options: tuple[str, ...]) -> None:
    """Show the processes of a container.

    \b
    Examples:
      dockfleet top north-1/web
      dockfleet top web -o pid,args
    """
    from dockfleet.v1.containers_pb2 import TopContainerRequest

    target = one(gateway, scope, container)
    request = TopContainerRequest(host=target.host, id=target.id, ps_args=" ".join(options) or None)
    found = call(gateway.containers.TopContainer, request)
    rows = [list(process.items) for process in found.processes]
    table = Table(*found.titles, least=TOP_COLUMN)
    lines = table.lines(rows)
    click.echo("\n".join([table.head(), *lines]))


TOP_COLUMN = 20  # docker's own least width here


@click.command()
@scoped(labels=False)
@CONTAINER
@click.argument("port", metavar="[PORT[/PROTOCOL]]", required=False)
@click.pass_obj
def port(gateway: Gateway, /, container: str, scope: Scope, port: str | None) -> None:
    """Show where the ports of a container are published."""
    from dockfleet.v1.containers_pb2 import InspectContainerRequest

    target = one(gateway, scope, container)
    request = InspectContainerRequest(host=target.host, id=target.id)
    found = call(gateway.containers.InspectContainer, request).container.network_settings.ports
    wanted = None if port is None else port if "/" in port else f"{port}/tcp"
    lines = [line for key in sorted(found) if wanted in (None, key) for line in _places(key, found[key], wanted)]
    if wanted and not lines:
        raise CommandError(f"the port {wanted} of {target} is not published")
    for line in lines:
        click.echo(line)


def _places(port: str, bindings: Any, wanted: str | None) -> Iterator[str]:
    for each in bindings.items:
        address = f"[{each.host_ip}]" if ":" in each.host_ip else each.host_ip
        yield f"{address}:{each.host_port}" if wanted else f"{port} -> {address}:{each.host_port}"


CHANGES = {0: "C", 1: "A", 2: "D"}


@click.command()
@scoped(labels=False)
@CONTAINER
@click.pass_obj
def diff(gateway: Gateway, /, container: str, scope: Scope) -> None:
    """Show the files of a container that were changed (C), added (A) or deleted (D)."""
    from dockfleet.v1.containers_pb2 import GetContainerChangesRequest

    target = one(gateway, scope, container)
    request = GetContainerChangesRequest(host=target.host, id=target.id)
    for change in call(gateway.containers.GetContainerChanges, request).changes:
        click.echo(f"{CHANGES.get(change.kind, '?')} {change.path}")


@click.command()
@click.option("--condition", type=click.Choice(["not-running", "next-exit", "removed"]), help="Default: not-running.")
@scoped(labels=False)
@click.argument("names", metavar="CONTAINER...", nargs=-1, required=True, shell_complete=complete_containers)
@click.pass_context
def wait(context: click.Context, /, names: tuple[str, ...], scope: Scope, condition: str | None) -> None:
    """Wait until containers have ended, and print their exit codes.

    \b
    Examples:
      dockfleet wait north-1/job
    """
    from dockfleet.cli.failures import Failure
    from dockfleet.reasons import NotFound
    from dockfleet.v1.containers_pb2 import WaitContainerRequest

    gateway: Gateway = context.obj
    failed = False
    for name in names:
        try:
            target = one(gateway, scope, name)
            request = WaitContainerRequest(host=target.host, id=target.id, condition=condition)
            found = call(gateway.containers.WaitContainer, request)
        except (CommandError, NotFound) as error:
            failed = True
            (Failure(error, context) if isinstance(error, NotFound) else error).show()
            continue
        click.echo(str(found.exit_code))
        if found.error.message:
            failed = True
            click.echo(f"{target}: {found.error.message}", err=True)
    context.exit(1 if failed else 0)
