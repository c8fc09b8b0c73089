"""Inputs made from those of the corpus, without a look at what they reach."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

_LONGEST = 4096  # bytes
_MOST_CHANGES = 6
_EDGES = (
    b"\0",
    b"\xff",
    b"\r\n",
    b"\r\n\r\n",
    b"0",
    b"-1",
    b"9" * 20,
    b"ffffffffffffffff",
    b"{",
    b"]",
    b'"',
    b"\\",
    b",",
)


def mutations(seeds: Sequence[bytes], words: Sequence[bytes], source: random.Random) -> Iterator[bytes]:
    """Yield inputs without end: *seeds* with changes, some of which put in one of *words*."""
    pieces = (*_EDGES, *words)

    def replace(data: bytearray, start: int, end: int) -> None:
        data[start:end] = source.randbytes(end - start)

    def flip(data: bytearray, start: int, end: int) -> None:
        if data:
            data[start % len(data)] ^= 1 << source.randrange(8)

    def remove(data: bytearray, start: int, end: int) -> None:
        del data[start:end]

    def repeat(data: bytearray, start: int, end: int) -> None:
        data[start:start] = data[start:end] * source.randrange(1, 5)

    def insert(data: bytearray, start: int, end: int) -> None:
        data[start:start] = source.choice(pieces)

    def splice(data: bytearray, start: int, end: int) -> None:
        other = source.choice(seeds)
        data[start:] = other[source.randrange(len(other) + 1) :]

    changes: tuple[Callable[[bytearray, int, int], None], ...] = (replace, flip, remove, repeat, insert, splice)
    while True:
        data = bytearray(source.choice(seeds))
        for _ in range(source.randint(1, _MOST_CHANGES)):
            start = source.randrange(len(data) + 1)
            end = min(len(data), start + source.randrange(1, 17))
            source.choice(changes)(data, start, end)
        yield bytes(data[:_LONGEST])
