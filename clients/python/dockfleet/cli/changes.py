"""Verbs that make or change one container: create, attach, commit, rename, update."""

from __future__ import annotations

from typing import Any

import click

from dockfleet.cli.batches import Batch, batched
from dockfleet.cli.completion import complete_containers, complete_images
from dockfleet.cli.gateway import Gateway, call
from dockfleet.cli.inspection import CONTAINER
from dockfleet.cli.lifecycle import called_by_name, chosen, written
from dockfleet.cli.reports import Report, selectors
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.spec import ATTACH, SIZE, check_id_file, spec_of, specified, write_id
from dockfleet.cli.targets import one
from dockfleet.cli.values import Value
from dockfleet.cli.values import restart as restart_policy_of


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--pull", type=click.Choice(["missing", "always", "never"]), default="missing", help="When to pull it.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress of the pull.")
@ATTACH
@specified
@scoped(labels=False)
@click.argument("image", shell_complete=complete_images)
@click.argument("cmd", metavar="[COMMAND]...", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def create(
    gateway: Gateway,
    /,
    image: str,
    cmd: tuple[str, ...],
    scope: Scope,
    streams: tuple[str, ...],
    pull: str,
    quiet: bool,
    name: str | None,
    platform: str | None,
    cidfile: str | None,
    **options: Any,
) -> None:
    """Create a container, and do not start it.  -H says on which host.

    \b
    Examples:
      dockfleet create -H north-1 --name web -p 8080:80 nginx
      dockfleet create -H north-1 -i busybox cat
    """
    from dockfleet.cli.attaching import create as create_container
    from dockfleet.cli.host_choice import one_host
    from dockfleet.cli.registry import auth_for
    from dockfleet.v1 import containers_pb2 as pb

    check_id_file(cidfile)
    request = pb.RunContainerRequest(
        host=one_host(gateway, scope),
        name=name,
        platform=platform,
        config=spec_of(image, cmd, streams=streams, **options),
        registry_auth=auth_for(image),
        pull=pb.PullPolicy.Value(f"PULL_POLICY_{pull.upper()}"),
    )
    created = create_container(gateway, request, quiet=quiet)
    write_id(cidfile, created.id)
    click.echo(created.id)


@click.command()
@click.option("--no-stdin", is_flag=True, help="Do not send standard input.")
@click.option("--detach-keys", metavar="KEYS", help="The keys that end the session, such as ctrl-p,ctrl-q.")
@scoped(labels=False)
@CONTAINER
@click.pass_context
def attach(context: click.Context, /, container: str, scope: Scope, no_stdin: bool, detach_keys: str | None) -> None:
    """Attach the terminal to a container that runs.

    The exit code is that of the container.  Ctrl-C ends the session and not the container, unless it has a terminal.

    \b
    Examples:
      dockfleet attach north-1/web
      dockfleet attach --no-stdin web
    """
    from dockfleet.cli.attaching import attach_to

    gateway: Gateway = context.obj
    target = one(gateway, scope, container)
    attach_to(context, target.host, target.id, interactive=not no_stdin, detach_keys=detach_keys)


@click.command()
@click.option("-m", "--message", "comment", metavar="TEXT", help="What was changed.")
@click.option("-a", "--author", metavar="NAME", help="Who did it.")
@click.option("-c", "--change", "changes", multiple=True, metavar="LINE", help="An instruction of a Dockerfile.")
@click.option("-p/-P", "--pause/--no-pause", default=True, help="Pause the container meanwhile.")
@scoped(labels=False)
@CONTAINER
@click.argument("image", required=False)
@click.pass_obj
def commit(
    gateway: Gateway, /, container: str, image: str | None, scope: Scope, changes: tuple[str, ...], **how: Any
) -> None:
    """Create an image from the present state of a container.

    \b
    Examples:
      dockfleet commit -m 'with curl' north-1/web shop:debug
    """
    from dockfleet.image_names import split_tag
    from dockfleet.v1.images_pb2 import CommitContainerRequest

    target = one(gateway, scope, container)
    repo, tag = split_tag(image) if image else (None, None)
    request = CommitContainerRequest(
        host=target.host, container=target.id, repo=repo, tag=tag or None, changes=changes, **how
    )
    click.echo(call(gateway.images.CommitContainer, request).id)


@click.command()
@scoped(labels=False)
@CONTAINER
@click.argument("name", metavar="NEW-NAME")
@click.pass_obj
def rename(gateway: Gateway, /, container: str, name: str, scope: Scope) -> None:
    """Give a container another name."""
    from dockfleet.v1.containers_pb2 import RenameContainerRequest

    target = one(gateway, scope, container)
    call(gateway.containers.RenameContainer, RenameContainerRequest(host=target.host, id=target.id, name=name))


@click.command()
@click.option("-m", "--memory", "memory_bytes", type=SIZE, help="The most memory it may use, such as 512m.")
@click.option("--memory-reservation", "memory_reservation_bytes", type=SIZE, help="Memory that it should keep to.")
@click.option("--memory-swap", "memory_swap_bytes", type=SIZE, help="Memory and swap together; -1 is no limit.")
@click.option("--cpus", type=float, help="How many CPUs it may use, such as 1.5.")
@click.option("-c", "--cpu-shares", type=int, help="Its weight against other containers.")
@click.option("--cpu-period", "cpu_period_microseconds", type=int, help="The period of its CPU quota.")
@click.option("--cpu-quota", "cpu_quota_microseconds", type=int, help="Its CPU quota.")
@click.option("--cpuset-cpus", metavar="CPUS", help="Which CPUs it may use: 0-3,5.")
@click.option("--cpuset-mems", metavar="NODES", help="Which memory nodes it may use.")
@click.option("--cpu-rt-period", "cpu_realtime_period_microseconds", type=int, help="The period of real time.")
@click.option("--cpu-rt-runtime", "cpu_realtime_runtime_microseconds", type=int, help="Its real time in a period.")
@click.option("--pids-limit", type=int, help="The most processes it may have.")
@click.option("--blkio-weight", type=int, help="Its weight at disks.")
@click.option("--restart", "restart_policy", type=Value("policy", restart_policy_of), help="on-failure[:N], always …")
@batched()
@click.option("--all", "everything", is_flag=True, help="All containers of the chosen hosts.")
@scoped()
@click.argument("texts", metavar="[CONTAINER]...", nargs=-1, shell_complete=complete_containers)
@click.pass_context
def update(
    context: click.Context,
    /,
    texts: tuple[str, ...],
    scope: Scope,
    batch: Batch,
    everything: bool,
    cpus: float | None,
    **how: Any,
) -> None:
    """Change the resources or the restart policy of containers.

    Containers are chosen as in `dockfleet stop`.

    \b
    Examples:
      dockfleet update --memory 512m north-1/web
      dockfleet update --restart always -l app=shop
    """
    from dockfleet.fleet.v1 import fleet_pb2
    from dockfleet.v1.containers_pb2 import UpdateContainerRequest

    gateway: Gateway = context.obj
    request = UpdateContainerRequest(nano_cpus=None if cpus is None else round(cpus * 1e9), **how)
    if not request.ListFields():
        raise click.UsageError("give at least one change, such as --memory, --cpus or --restart")
    found = chosen(gateway, scope, texts, everything, "dockfleet update")
    if not called_by_name(found, texts):
        batch.confirm("update", [str(target) for target in found.targets])
    report = Report("update", batch, written(found.targets, texts))
    report.failed = bool(found.failures or found.missing)
    found.say_failures()
    if found.targets:
        hosts, containers = selectors(found.targets)
        wanted = fleet_pb2.UpdateContainersRequest(
            hosts=hosts, containers=containers, batch=batch.options(), request=request
        )
        report.run(gateway.fleet.UpdateContainers, wanted, lambda target, response: _updated(target, response))
    context.exit(1 if report.failed else 0)


def _updated(target: str, response: Any) -> None:
    for warning in response.warnings:
        click.echo(f"{target}: {warning}", err=True)
    click.echo(target)
