"""`dockfleet cp` and `dockfleet export`: files between this machine and containers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

import click

from dockfleet.cli.completion import complete_containers
from dockfleet.cli.gateway import Gateway, call, responses, sent
from dockfleet.cli.group import CommandError
from dockfleet.cli.inspection import CONTAINER
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.targets import Target, one
from dockfleet.cli.terminal import unbuffered_input


@click.command()
@click.option("-a", "--archive", is_flag=True, help="Keep the owners of files.")
@click.option("-L", "--follow-link", is_flag=True, help="Copy what a link at SOURCE leads to.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing.")
@scoped(labels=False)
@click.argument("source", shell_complete=complete_containers)
@click.argument("target", shell_complete=complete_containers)
@click.pass_obj
def cp(
    gateway: Gateway, /, source: str, target: str, scope: Scope, archive: bool, follow_link: bool, quiet: bool
) -> None:
    """Copy files between a container and this machine.

    One of SOURCE and TARGET is CONTAINER:PATH; CONTAINER is HOST/CONTAINER, or a name that is unique in the fleet.
    `-` in place of the other is a tar on standard input or output.

    \b
    Examples:
      dockfleet cp north-1/web:/etc/nginx.conf .
      dockfleet cp site/. north-1/web:/srv
      dockfleet cp north-1/web:/var/log - | tar t
    """
    down, up = _container_path(source), _container_path(target)
    if down and up:
        raise click.UsageError("copies between two containers are not supported: copy to this machine first")
    if down:
        container, path = down
        download(gateway, one(gateway, scope, container), path, target, follow_link=follow_link)
    elif up:
        container, path = up
        upload(gateway, source, one(gateway, scope, container), path, archive=archive, follow_link=follow_link)
    else:
        raise click.UsageError("one of the two must be in a container: CONTAINER:PATH")
    if not quiet and target != "-" and sys.stdout.isatty():  # as docker: scripts get no message
        click.echo(f"Successfully copied {source} to {target}", err=True)


def _container_path(text: str) -> tuple[str, str] | None:
    """Return the container and the path; None for a path of this machine."""
    container, colon, path = text.partition(":")
    return None if not colon or not container or text.startswith((".", "/")) else (container, path or "/")


def _stat(gateway: Gateway, container: Target, path: str) -> Any:
    from dockfleet.errors import DockfleetError
    from dockfleet.v1.containers_pb2 import StatContainerArchiveRequest

    request = StatContainerArchiveRequest(host=container.host, id=container.id, path=path)
    try:
        return call(gateway.containers.StatContainerArchive, request).stat
    except DockfleetError as error:
        if error.reason != "NOT_FOUND" or (error.resource and error.resource.kind == "container"):
            raise
        return None


def download(gateway: Gateway, container: Target, path: str, target: str, *, follow_link: bool) -> None:
    """Copy *path* of a container to *target* on this machine, as docker does."""
    from dockfleet.archives import LINK, unpack
    from dockfleet.v1.containers_pb2 import GetContainerArchiveRequest

    if follow_link and (stat := _stat(gateway, container, path)) is not None and stat.mode & LINK:
        path = str(PurePosixPath(path).parent / stat.link_target)
    request = GetContainerArchiveRequest(host=container.host, id=container.id, path=path)
    pieces = (response.data for response in responses(gateway.containers.GetContainerArchive, request) if response.data)
    if target == "-":
        if sys.stdout.isatty():
            raise CommandError("a tar is not written to a terminal: redirect standard output")
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    try:
        unpack(pieces, path, target)
    except OSError as error:
        raise CommandError(str(error)) from error


def upload(gateway: Gateway, source: str, container: Target, path: str, *, archive: bool, follow_link: bool) -> None:
    """Copy *source* of this machine to *path* of a container, as docker does."""
    from dockfleet.archives import placed
    from dockfleet.stream import Upload
    from dockfleet.v1 import containers_pb2 as pb

    tar: IO[bytes] | Iterator[bytes]
    if source == "-":
        into, tar = path, unbuffered_input()
    else:
        stat = _stat(gateway, container, path)
        local = source if not follow_link else os.path.realpath(source) + ("/." if source.endswith("/.") else "")
        try:
            into, tar = placed(local, path, stat.mode if stat is not None else None)
        except OSError as error:
            raise CommandError(str(error)) from error
    start = pb.PutContainerArchiveStart(
        host=container.host, id=container.id, path=into, no_overwrite_dir_non_dir=True, copy_uid_gid=archive or None
    )
    sent(gateway.containers.PutContainerArchive, Upload(pb.PutContainerArchiveRequest, start, tar))


def write_pieces(pieces: Iterator[bytes], output: str | None) -> None:
    """Write *pieces* to a file, or to standard output; a file that is not whole is removed."""
    if output is None:
        if sys.stdout.isatty():
            raise CommandError("a tar is not written to a terminal: use -o, or redirect standard output")
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    unfinished = Path(f"{output}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        unfinished.replace(output)
    except OSError as error:
        raise CommandError(f"cannot write {output}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write it to this file.")
@scoped(labels=False)
@CONTAINER
@click.pass_obj
def export(gateway: Gateway, /, container: str, scope: Scope, output: str | None) -> None:
    """Write the file system of a container as a tar.

    \b
    Examples:
      dockfleet export north-1/web -o web.tar
    """
    from dockfleet.v1.containers_pb2 import ExportContainerRequest

    target = one(gateway, scope, container)
    request = ExportContainerRequest(host=target.host, id=target.id)
    write_pieces((response.data for response in responses(gateway.containers.ExportContainer, request)), output)
