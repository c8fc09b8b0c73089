"""The bytes of an upload.  No I/O, and nothing of gRPC and protobuf: it is imported quickly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import TextIOBase
from typing import Any, BinaryIO

CHUNK = 256 << 10
"""The most bytes that one message carries; the gateway refuses messages of more than 4 MiB."""

Source = bytes | bytearray | memoryview | BinaryIO | Iterable[bytes]
"""The bytes of an upload: at once, a file open in binary mode, or in pieces."""


def chunks(source: Source) -> Iterator[bytes]:
    """Return the bytes of *source* in pieces of at most `CHUNK`, none of them empty.

    Raises `TypeError` at once for a text or another source without bytes, and later for a piece without.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _cut((memoryview(source).cast("B"),))  # sliced without a copy
    check_source(source, (Iterable,))
    if hasattr(source, "read"):
        return _cut(iter(lambda: source.read(CHUNK), b""))
    return _cut(source)


def check_source(source: Any, kinds: tuple[type, ...]) -> None:
    """Raise `TypeError` when *source* is neither bytes, a file open in binary mode, nor one of *kinds* of bytes."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return
    text = isinstance(source, (str, Mapping, TextIOBase))
    if text or not (hasattr(source, "read") or isinstance(source, kinds)):
        raise TypeError(
            f"the source must be bytes, a file open in binary mode or pieces of bytes, not {type_name(source)}"
        )


def _cut(pieces: Iterable[Any]) -> Iterator[bytes]:
    for piece in pieces:
        if not isinstance(piece, (bytes, bytearray, memoryview)):
            raise TypeError(f"a piece of the source must be bytes, not {type_name(piece)}")
        for start in range(0, len(piece), CHUNK):
            yield bytes(piece[start : start + CHUNK])


def type_name(value: Any) -> str:
    """Return the name of the type of *value*, for errors."""
    return type(value).__name__
