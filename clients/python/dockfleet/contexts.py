"""The build context: a directory without what its .dockerignore names, as a tar."""

from __future__ import annotations

import io
import os
import re
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from dockfleet.archives import packed
from dockfleet.sources import chunks

IGNORED_ROOT = ".dockerignore"
OUTSIDE = ".dockerfile.outside"  # the name of a Dockerfile that is not in the context


def source(
    path: str | os.PathLike[str] | None, dockerfile: str | os.PathLike[str] | None, fileobj: BinaryIO | None
) -> tuple[str, Iterator[bytes]]:
    """Return what `context` does for a directory, or for the Dockerfile *fileobj* alone.

    Raises `TypeError` without one of them, for both, and for a file that is not open in binary mode.
    """
    if (path is None) == (fileobj is None):
        raise TypeError("build needs either path, a directory, or fileobj, a Dockerfile")
    if path is not None:
        return context(path, dockerfile)
    if dockerfile is not None:
        raise TypeError("dockerfile needs a path: fileobj is the Dockerfile itself")
    assert fileobj is not None
    return OUTSIDE, packed_context(None, {OUTSIDE: b"".join(chunks(fileobj))})


def context(
    path: str | os.PathLike[str], dockerfile: str | os.PathLike[str] | None, text: bytes | None = None
) -> tuple[str, Iterator[bytes]]:
    """Return the name of the Dockerfile in the context of the directory *path*, and the context as a tar.

    *dockerfile* is a path on this machine; None is `Dockerfile` in *path*.  *text* is a Dockerfile itself.  Raises
    `OSError` when there is none.
    """
    root = Path(path)
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no directory")
    if text is not None:
        return OUTSIDE, packed_context(root, {OUTSIDE: text})
    inside = Path(dockerfile) if dockerfile else root / "Dockerfile"
    if not inside.is_file():
        raise FileNotFoundError(f"there is no Dockerfile at {inside}")
    try:
        name = inside.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return OUTSIDE, packed_context(root, {OUTSIDE: inside.read_bytes()})
    return name, packed_context(root, {}, keep=(name, IGNORED_ROOT))


def packed_context(root: Path | None, more: dict[str, bytes], keep: tuple[str, ...] = ()) -> Iterator[bytes]:
    """Yield a tar of the files below *root* that its .dockerignore does not name, and of *more*."""

    def fill(tar: tarfile.TarFile) -> None:
        for name, data in more.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if root is not None:
            for name in files_of(root, keep):
                tar.add(root / name, name, recursive=False)

    return packed(fill)


def files_of(root: Path, keep: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the paths below *root* that its .dockerignore does not name, and those to *keep*."""
    file = root / IGNORED_ROOT
    ignored = ignoring(file.read_text().splitlines()) if file.is_file() else lambda name: False
    for folder, folders, files in os.walk(root):
        below = Path(folder).relative_to(root)
        folders.sort()
        for name in sorted([*folders, *files]):
            path = (below / name).as_posix()
            if path in keep or not ignored(path):
                yield path


def ignoring(lines: list[str]) -> Callable[[str], bool]:
    """Return whether the *lines* of a .dockerignore exclude a path; the last pattern that fits a path decides.

    Raises nothing: a line that is no pattern fits nothing.
    """
    rules: list[tuple[bool, re.Pattern[str]]] = []
    for raw in lines:
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        excluded = not line.startswith("!")
        pattern = line.removeprefix("!").strip().strip("/")
        pattern = os.path.normpath(pattern) if pattern else pattern
        rules.append((excluded, re.compile(_regular(pattern))))

    def ignored(path: str) -> bool:
        found = False
        for excluded, pattern in rules:
            if pattern.fullmatch(path):
                found = excluded
        return found

    return ignored


def _regular(pattern: str) -> str:
    """Return the regular expression of a pattern: of the path itself, and of all that is below it."""
    parts = re.split(r"(\*\*/?|\*|\?|\[[^\]]*\])", pattern)
    forms = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}
    text = "".join(forms.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts)
    return f"{text}(?:/.*)?"
