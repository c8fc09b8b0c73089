"""`dockfleet build`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dockfleet.cli.gateway import Gateway, responses
from dockfleet.cli.group import CommandError
from dockfleet.cli.host_choice import one_host
from dockfleet.cli.progress import Bars
from dockfleet.cli.pulling import show_progress
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.spec import SIZE
from dockfleet.cli.values import pairs, variable

if TYPE_CHECKING:
    from dockfleet.sources import Source


@click.command()
@click.option("-t", "--tag", "tags", multiple=True, metavar="NAME[:TAG]", help="A name of the image.")
@click.option(
    "-f",
    "--file",
    "dockerfile",
    metavar="FILE",
    help="The Dockerfile; `-` is standard input.  Default: PATH/Dockerfile.",
)
@click.option("--build-arg", "build_args", multiple=True, metavar="NAME[=VALUE]", help="A variable of the build.")
@click.option("--label", "own_labels", multiple=True, metavar="KEY=VALUE", help="A label of the image.")
@click.option("--target", metavar="STAGE", help="Stop at this stage.")
@click.option("--platform", metavar="OS[/ARCH]", help="The platform.")
@click.option("--network", "network_mode", metavar="NETWORK", help="The network of the steps.")
@click.option("--add-host", "extra_hosts", multiple=True, metavar="NAME:ADDRESS", help="A line of /etc/hosts.")
@click.option("--no-cache", is_flag=True, default=None, help="Take nothing from the cache.")
@click.option("--pull", is_flag=True, default=None, help="Pull the base images.")
@click.option("--rm/--no-rm", "remove_intermediate", default=True, help="Remove the containers of the steps.")
@click.option("--force-rm", "force_remove_intermediate", is_flag=True, default=None, help="Also after a failure.")
@click.option("-m", "--memory", "memory_bytes", type=SIZE, help="The most memory that a step may use, such as 512m.")
@click.option("--memory-swap", "memory_swap_bytes", type=SIZE, help="Memory and swap together; -1 is no limit.")
@click.option("-c", "--cpu-shares", type=int, help="The weight of the steps against containers.")
@click.option("--cpuset-cpus", metavar="CPUS", help="Which CPUs the steps may use: 0-3,5.")
@click.option("--cpu-period", "cpu_period_microseconds", type=int, help="The period of the CPU quota.")
@click.option("--cpu-quota", "cpu_quota_microseconds", type=int, help="The CPU quota.")
@click.option("--shm-size", "shm_size_bytes", type=SIZE, help="The size of /dev/shm.")
@click.option("--cache-from", multiple=True, metavar="IMAGE", help="An image whose layers count as cache.")
@click.option("--squash", is_flag=True, default=None, help="Make one layer of the new ones, as an experiment.")
@click.option("-q", "--quiet", is_flag=True, help="Print the id of the image only.")
@click.option("--iidfile", type=click.Path(dir_okay=False, path_type=Path), help="Write the id of the image there.")
@scoped(labels=False)
@click.argument("path", metavar="PATH|URL|-")
@click.pass_obj
def build(
    gateway: Gateway,
    /,
    path: str,
    scope: Scope,
    dockerfile: str | None,
    build_args: tuple[str, ...],
    own_labels: tuple[str, ...],
    cache_from: tuple[str, ...],
    quiet: bool,
    iidfile: Path | None,
    **how: Any,
) -> None:
    """Build an image from a Dockerfile and the files around it.  -H says on which host.

    PATH is a directory, whose .dockerignore is heeded; `-` is a tar, or a Dockerfile, on standard input.  It is the
    Engine's own builder, not BuildKit.

    \b
    Examples:
      dockfleet build -H north-1 -t shop:1.4 .
      dockfleet build -H north-1 -t shop:test -f test.Dockerfile --build-arg PROXY .
      dockfleet build -H north-1 -q - < Dockerfile
    """
    from dockfleet.cli.registry import read_config
    from dockfleet.stream import Upload
    from dockfleet.v1 import images_pb2 as pb
    from dockfleet.v1.common_pb2 import StringList

    name, source, remote = _context(path, dockerfile)
    start = pb.BuildImageStart(
        host=one_host(gateway, scope),
        dockerfile=name,
        remote=remote,
        build_args=pairs([variable(text) for text in build_args], "--build-arg"),
        labels=pairs(own_labels, "--label"),
        cache_from=StringList(items=cache_from) if cache_from else None,
        registry_config=_credentials(read_config()),
        **how,
    )
    id = ""
    with Bars(quiet=quiet) as bars:
        for response in responses(gateway.images.BuildImage, Upload(pb.BuildImageRequest, start, source)):
            report = response.progress
            id = report.result.id or id
            if report.stream and not quiet:
                click.echo(report.stream, nl=False)
                sys.stdout.flush()
            elif not report.stream:
                show_progress(bars, report)
    if iidfile is not None:
        iidfile.write_text(id)
    if quiet:
        click.echo(id)


def _credentials(config: dict[str, Any]) -> dict[str, Any]:
    from dockfleet.cli.registry import auth_of

    names = [*config.get("auths", {}), *config.get("credHelpers", {})]
    found = {name: auth_of(name, config) for name in dict.fromkeys(names)}
    return {name: auth for name, auth in found.items() if auth is not None}


def _context(path: str, dockerfile: str | None) -> tuple[str | None, Source | None, str | None]:
    """Return the Dockerfile's name in the context, the context as a tar, and the URL of one elsewhere."""
    from dockfleet.contexts import context

    if "://" in path or path.startswith("git@"):
        return dockerfile, None, path
    if path == "-":
        if dockerfile == "-":
            raise click.UsageError("PATH and --file cannot both be standard input")
        return _from_stdin(dockerfile)
    try:
        if dockerfile == "-":
            return (*context(path, None, sys.stdin.buffer.read()), None)
        return (*context(path, dockerfile), None)
    except OSError as error:
        raise CommandError(str(error)) from error


def _from_stdin(dockerfile: str | None) -> tuple[str | None, Source | None, str | None]:
    from dockfleet.contexts import packed_context

    buffer: Any = sys.stdin.buffer  # a buffered reader: it can look ahead
    start = buffer.peek(512)[:512]
    is_tar = (
        start[257:262] == b"ustar" or start[:2] == b"\x1f\x8b" or start[:3] == b"BZh" or start[:6] == b"\xfd7zXZ\x00"
    )
    if is_tar:
        return dockerfile, sys.stdin.buffer, None
    return "Dockerfile", packed_context(None, {"Dockerfile": sys.stdin.buffer.read()}), None
