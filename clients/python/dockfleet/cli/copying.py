"""`dockfleet cp` and `dockfleet export`: files between this machine and containers."""

from __future__ import annotations

import os
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import click

from dockfleet.cli.completion import complete_containers
from dockfleet.cli.gateway import Gateway, Upload, call, responses, sent
from dockfleet.cli.group import CommandError
from dockfleet.cli.inspection import CONTAINER
from dockfleet.cli.scope import Scope, scoped
from dockfleet.cli.targets import Target, one

CHUNK = 256 << 10
DIRECTORY = 1 << 31  # of Go's os.FileMode
LINK = 1 << 27


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
    if not quiet and target != "-":
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
    _unpack(pieces, path, target)


def _unpack(pieces: Iterator[bytes], path: str, target: str) -> None:
    """Unpack the tar of *path*: into *target* when it is a directory, else under its name."""
    place = Path(target)
    contents_only = path.endswith("/.")
    into, name = (place, None) if place.is_dir() and not contents_only else (place.parent, place.name)
    if not into.is_dir():
        raise CommandError(f"{into} is no directory")
    if target.endswith("/") and not place.is_dir():
        raise CommandError(f"{target} is no directory")
    reader: Any = _Reader(pieces)
    with tarfile.open(fileobj=reader, mode="r|") as tar:
        for member in tar:
            try:
                tar.extract(_renamed(member, name), into, filter=_checked)
            except (tarfile.FilterError, OSError) as error:
                raise CommandError(f"{member.name}: {error}") from error


def _renamed(member: tarfile.TarInfo, name: str | None) -> tarfile.TarInfo:
    """Return *member* with *name* in place of the first part of its path."""
    if name is None:
        return member
    paths = {"name": member.name} | ({"linkname": member.linkname} if member.islnk() else {})
    changed = {key: "/".join(part for part in (name, path.partition("/")[2]) if part) for key, path in paths.items()}
    return member.replace(**changed, deep=False)  # type: ignore[arg-type]  # the keys are those two


def _checked(member: tarfile.TarInfo, into: str) -> tarfile.TarInfo:
    """Refuse what would be written outside of *into*: the tar comes from a container, and so from anybody."""
    return tarfile.data_filter(member, into) if member.islnk() else tarfile.tar_filter(member, into)


class _Reader:
    """Pieces of bytes as a file that is read from its beginning to its end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            self._rest += piece
        data, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        return data


def upload(gateway: Gateway, source: str, container: Target, path: str, *, archive: bool, follow_link: bool) -> None:
    """Copy *source* of this machine to *path* of a container, as docker does."""
    from dockfleet.v1 import containers_pb2 as pb

    stat = _stat(gateway, container, path)
    is_directory = stat is not None and bool(stat.mode & DIRECTORY)
    if source == "-":
        into, tar = path, file_pieces(sys.stdin.buffer)
    else:
        local = Path(source).resolve() if follow_link else Path(source)
        if not os.path.lexists(local):
            raise CommandError(f"{source} does not exist")
        whole = source.endswith("/.") or source == "."
        if is_directory:
            into, name = path, "." if whole else Path(os.path.abspath(local)).name
        else:
            if path.endswith("/") and not local.is_dir():
                raise CommandError(f"{container}:{path} is no directory")
            into, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
        tar = packed(lambda archive: archive.add(local, name))
    start = pb.PutContainerArchiveStart(
        host=container.host, id=container.id, path=into, no_overwrite_dir_non_dir=True, copy_uid_gid=archive or None
    )
    frames = (pb.PutContainerArchiveRequest(data=piece) for piece in tar)
    requests = chain([pb.PutContainerArchiveRequest(start=start)], frames)
    sent(gateway.containers.PutContainerArchive, Upload(requests))


def packed(fill: Callable[[tarfile.TarFile], None]) -> Iterator[bytes]:
    """Yield the tar that *fill* fills, while a thread does so.  Raises what *fill* raises, at the end."""
    reader, writer = os.pipe()
    failures: list[Exception] = []

    def pack() -> None:
        try:
            with os.fdopen(writer, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as tar:
                fill(tar)
        except Exception as error:  # a file may be unreadable; the tar is not whole then
            failures.append(error)

    thread = threading.Thread(target=pack, daemon=True)
    thread.start()
    with os.fdopen(reader, "rb") as pipe:
        yield from file_pieces(pipe)
    thread.join()
    if failures:
        raise failures[0]


def file_pieces(file: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a file."""
    while piece := file.read(CHUNK):
        yield piece


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
    finally:
        unfinished.unlink(missing_ok=True)


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write it to this file.")
@scoped(labels=False)
@CONTAINER
@click.pass_obj
def export(gateway: Gateway, /, container: str, scope: Scope, output: str | None) -> None:
    """Write the file system of a container as a tar."""
    from dockfleet.v1.containers_pb2 import ExportContainerRequest

    target = one(gateway, scope, container)
    request = ExportContainerRequest(host=target.host, id=target.id)
    write_pieces((response.data for response in responses(gateway.containers.ExportContainer, request)), output)
