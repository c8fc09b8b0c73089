"""Verbs that change images: pull, push, tag, rmi, save, load, import."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

import click

from dockfleet.cli.batches import Batch, batched
from dockfleet.cli.completion import complete_images
from dockfleet.cli.copying import write_pieces
from dockfleet.cli.gateway import Gateway, responses
from dockfleet.cli.group import CommandError
from dockfleet.cli.host_choice import host_names, one_host, several_hosts
from dockfleet.cli.progress import Bars
from dockfleet.cli.pulling import show_progress
from dockfleet.cli.reports import Report
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.terminal import unbuffered_input
from dockfleet.image_names import split_tag, with_tag

QUIET = click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
IMAGE = click.argument("image", shell_complete=complete_images)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("-a", "--all-tags", is_flag=True, help="All tags of the repository.")
@click.option("--platform", metavar="OS[/ARCH]", help="The platform.")
@QUIET
@batched()
@scoped(labels=False)
@IMAGE
@click.pass_context
def pull(
    context: click.Context,
    /,
    image: str,
    scope: Scope,
    batch: Batch,
    all_tags: bool,
    platform: str | None,
    quiet: bool,
) -> None:
    """Pull an image on a host, or on several.

    -H and --host-label choose.  Credentials are those that docker keeps for the registry.

    \b
    Examples:
      dockfleet pull -H north-1 nginx:1.27
      dockfleet pull -H 'edge*' registry.example.org/shop:1.4
    """
    from dockfleet.cli.registry import auth_for
    from dockfleet.fleet.v1 import fleet_pb2
    from dockfleet.v1.images_pb2 import PullImageRequest

    gateway: Gateway = context.obj
    name = image if all_tags else with_tag(image)
    request = PullImageRequest(image=name, platform=platform, registry_auth=auth_for(image))
    with Bars(quiet=quiet) as bars:
        if not (scope.means_several or batch.dry_run):
            request.host = one_host(gateway, scope)
            for response in responses(gateway.images.PullImage, request):
                show_progress(bars, response.progress)
        else:
            report = Report("pull it on", batch)
            hosts, _ = several_hosts(gateway, scope)
            wanted = fleet_pb2.PullImagesRequest(hosts=hosts, batch=batch.options(), request=request)
            report.run(gateway.fleet.PullImages, wanted, lambda host, found: _host_progress(bars, host, found.progress))
            context.exit(1 if report.failed else 0)
    click.echo(name)


def _host_progress(bars: Bars, host: str, report: Any) -> None:
    detail = report.progress_detail
    name = f"{host} {report.id}".strip()
    bars.update(name, report.status, detail.current, detail.total)


@click.command()
@click.option("-a", "--all-tags", is_flag=True, help="All tags of the repository.")
@QUIET
@scoped(labels=False)
@IMAGE
@click.pass_obj
def push(gateway: Gateway, /, image: str, scope: Scope, all_tags: bool, quiet: bool) -> None:
    """Push an image to the registry that its name begins with.  -H says from which host.

    \b
    Examples:
      dockfleet push -H north-1 registry.example.org/shop:1.4
    """
    from dockfleet.cli.registry import auth_for
    from dockfleet.v1.images_pb2 import PushImageRequest

    repository, tag = split_tag(image)
    if all_tags and tag:
        raise click.UsageError("--all-tags: the name has a tag")
    request = PushImageRequest(
        host=one_host(gateway, scope),
        name=repository,
        tag=None if all_tags else tag or "latest",
        registry_auth=auth_for(image),
    )
    with Bars(quiet=quiet) as bars:
        for response in responses(gateway.images.PushImage, request):
            show_progress(bars, response.progress)
    if quiet:
        click.echo(image)


@click.command()
@batched(groups=False)
@scoped(labels=False)
@IMAGE
@click.argument("name", metavar="NEW-NAME")
@click.pass_context
def tag(context: click.Context, /, image: str, name: str, scope: Scope, batch: Batch) -> None:
    """Give an image another name, on a host or on several.

    \b
    Examples:
      dockfleet tag -H north-1 shop:1.4 registry.example.org/shop:1.4
    """
    from dockfleet.fleet.v1 import fleet_pb2
    from dockfleet.v1.images_pb2 import TagImageRequest

    gateway: Gateway = context.obj
    repo, new = split_tag(name)
    request = TagImageRequest(name=image, repo=repo, tag=new or "latest")
    report = Report(f"tag {image} on", batch)
    hosts, _ = several_hosts(gateway, scope)
    wanted = fleet_pb2.TagImagesRequest(hosts=hosts, batch=batch.options(), request=request)
    report.run(gateway.fleet.TagImages, wanted, lambda host, found: None)
    context.exit(1 if report.failed else 0)


@click.command()
@click.option("-f", "--force", is_flag=True, default=None, help="Also when a container uses it.")
@click.option("--no-prune", is_flag=True, default=None, help="Keep its parents that have no name.")
@batched()
@scoped(labels=False)
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True, shell_complete=complete_images)
@click.pass_context
def rmi(context: click.Context, /, names: tuple[str, ...], scope: Scope, batch: Batch, **how: Any) -> None:
    """Remove images from a host, or from several.

    On several hosts you are asked first.

    \b
    Examples:
      dockfleet rmi -H north-1 shop:1.3
      dockfleet rmi -H 'edge*' shop:1.3 --yes
    """
    from dockfleet.fleet.v1 import fleet_pb2
    from dockfleet.v1.images_pb2 import RemoveImageRequest

    gateway: Gateway = context.obj
    hosts, several = several_hosts(gateway, scope)
    if several and batch.asks:
        batch.confirm("remove", [f"{name} from {host}" for name in names for host in host_names(gateway, hosts)])
    failed = False
    for name in names:
        report = Report(f"remove {name} from", batch, missing_is_ok=bool(how["force"]))
        wanted = fleet_pb2.RemoveImagesRequest(
            hosts=hosts, batch=batch.options(), request=RemoveImageRequest(name=name, **how)
        )
        report.run(gateway.fleet.RemoveImages, wanted, lambda host, found: _removed(host, found, several))
        failed |= report.failed
    context.exit(1 if failed else 0)


def _removed(host: str, response: Any, prefix: bool) -> None:
    for each in response.images:
        text = f"Untagged: {each.untagged}" if each.untagged else f"Deleted: {each.deleted}"
        click.echo(f"{host}: {text}" if prefix else text)


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write it to this file.")
@scoped(labels=False)
@click.argument("names", metavar="IMAGE...", nargs=-1, required=True, shell_complete=complete_images)
@click.pass_obj
def save(gateway: Gateway, /, names: tuple[str, ...], scope: Scope, output: str | None) -> None:
    """Write images of a host as a tar, with their names.

    \b
    Examples:
      dockfleet save -H north-1 -o shop.tar shop:1.4
      dockfleet save -H north-1 shop:1.4 | gzip > shop.tar.gz
    """
    from dockfleet.v1.images_pb2 import SaveImagesRequest

    request = SaveImagesRequest(host=one_host(gateway, scope), names=names)
    write_pieces((response.data for response in responses(gateway.images.SaveImages, request)), output)


@click.command()
@click.option("-i", "--input", "file", type=FILE, help="Read this file in place of standard input.")
@QUIET
@scoped(labels=False)
@click.pass_obj
def load(gateway: Gateway, /, scope: Scope, file: Path | None, quiet: bool) -> None:
    """Load the images of a tar on a host, with their names.

    \b
    Examples:
      dockfleet load -H north-1 -i shop.tar
    """
    from dockfleet.stream import Upload
    from dockfleet.v1 import images_pb2 as pb

    start = pb.LoadImagesStart(host=one_host(gateway, scope))
    with Bars(quiet=quiet) as bars, _tar(file) as tar:
        for response in responses(gateway.images.LoadImages, Upload(pb.LoadImagesRequest, start, tar)):
            if text := response.progress.stream.rstrip("\n"):
                click.echo(text)
            else:
                show_progress(bars, response.progress)


def _tar(file: Path | None) -> AbstractContextManager[IO[bytes]]:
    """Open a tar: *file*, or standard input.  Raises `CommandError` for a terminal in place of one."""
    if file is not None:
        return file.open("rb")
    if sys.stdin.isatty():
        raise CommandError("a tar is not read from a terminal: use -i, or redirect standard input")
    return nullcontext(unbuffered_input())


@click.command("import")
@click.option("-c", "--change", "changes", multiple=True, metavar="LINE", help="An instruction of a Dockerfile.")
@click.option("-m", "--message", metavar="TEXT", help="What it is.")
@click.option("--platform", metavar="OS[/ARCH]", help="Its platform.")
@scoped(labels=False)
@click.argument("source", metavar="FILE|URL|-")
@click.argument("image", required=False)
@click.pass_obj
def import_image(gateway: Gateway, /, source: str, image: str | None, scope: Scope, **how: Any) -> None:
    """Create an image of one layer from the tar of a file system.

    \b
    Examples:
      dockfleet import -H north-1 rootfs.tar base:1
    """
    from dockfleet.stream import Upload
    from dockfleet.v1 import images_pb2 as pb

    repo, new = split_tag(image) if image else (None, None)
    url = source if "://" in source else None
    start = pb.ImportImageStart(host=one_host(gateway, scope), from_src=url, repo=repo, tag=new or None, **how)
    if url is None and source != "-" and not Path(source).is_file():
        raise CommandError(f"{source} is no file")
    last = ""
    with nullcontext() if url else _tar(None if source == "-" else Path(source)) as tar:
        for response in responses(gateway.images.ImportImage, Upload(pb.ImportImageRequest, start, tar)):
            last = response.progress.status or last
    click.echo(last)
