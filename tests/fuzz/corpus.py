"""The inputs in the tree that fuzzing begins with: a file per target, an input in base64 per line."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

_FOLDER = Path(__file__).with_name("corpus")


def load(target: str) -> list[bytes]:
    """Return the inputs for *target*."""
    return [base64.b64decode(line) for line in _file(target).read_text().split()]


def add(target: str, inputs: Iterable[bytes]) -> None:
    """Keep *inputs* too."""
    kept = sorted({*load(target), *inputs}, key=lambda data: (len(data), data))
    _file(target).write_text("".join(f"{base64.b64encode(data).decode()}\n" for data in kept))


def _file(target: str) -> Path:
    return _FOLDER / f"{target}.txt"
