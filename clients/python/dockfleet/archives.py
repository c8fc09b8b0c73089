"""Packs files of this machine into tars, and unpacks them.  Nothing here uses gRPC."""

from __future__ import annotations

import os
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from dockfleet.sources import CHUNK

DIRECTORY = 1 << 31  # of Go's os.FileMode, as in `PathStat.mode`
LINK = 1 << 27


def placed(source: str | os.PathLike[str], path: str, mode: int | None) -> tuple[str, Iterator[bytes]]:
    """Return where in a container to unpack a tar, and the tar, so that *source* becomes *path*, as `docker cp` does.

    *mode* is that of *path* in the container; None when there is nothing.  Raises `OSError` when *source* does not
    exist or does not fit.
    """
    text = os.fspath(source)
    local = Path(text)
    if not os.path.lexists(local):
        raise FileNotFoundError(f"{text} does not exist")
    if mode is not None and mode & DIRECTORY:
        whole = text.endswith("/.") or text == "."
        into, name = path, "." if whole else Path(os.path.abspath(local)).name
    else:
        if path.endswith("/") and not local.is_dir():
            raise NotADirectoryError(f"{path} is no directory of the container")
        into, name = str(PurePosixPath(path).parent), PurePosixPath(path).name
    return into, packed(lambda tar: tar.add(local, name))


def unpack(pieces: Iterator[bytes], path: str, target: str | os.PathLike[str]) -> None:
    """Unpack the tar of *path*: into *target* when it is a directory, else under its name.

    Raises `OSError` when *target* is no place for it, and when a file cannot be written or lies outside.
    """
    target = os.fspath(target)
    place = Path(target)
    contents_only = path.endswith("/.")
    into, name = (place, None) if place.is_dir() and not contents_only else (place.parent, place.name)
    if not into.is_dir():
        raise NotADirectoryError(f"{into} is no directory")
    if target.endswith("/") and not place.is_dir():
        raise NotADirectoryError(f"{target} is no directory")
    reader: Any = _Reader(pieces)
    with tarfile.open(fileobj=reader, mode="r|") as tar:
        for member in tar:
            try:
                tar.extract(_renamed(member, name), into, filter=_checked)
            except (tarfile.FilterError, OSError) as error:
                raise OSError(f"{member.name}: {error}") from error


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


def spool() -> IO[bytes]:
    """Return a file for a tar, which is on the disk when it is large, and is gone when it is closed."""
    return tempfile.SpooledTemporaryFile(max_size=16 << 20)


def file_pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file."""
    while piece := file.read(CHUNK):
        yield piece
