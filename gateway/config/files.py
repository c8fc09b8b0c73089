"""Reads files whose names come from elsewhere."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_regular(path: Path, most: int) -> bytes:
    """Return what a file has.  Raises `OSError`, also for anything but a regular file of at most *most* bytes.

    A pipe would block its reader forever, and a device may have no end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is no regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(0, f"it has more than {most} bytes")
    return data


def check_regular(path: Path, most: int) -> Path:
    """Return *path* if `read_regular` can read it.  Raises `ValueError`, which says why not."""
    try:
        read_regular(path, most)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    return path
