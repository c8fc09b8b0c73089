"""Text that is compressed when it is made, so that a response is only joined.

The parts of one gzip stream can be compressed apart: each is deflated by itself and ends with a full flush.  Whole gzip
members one after another would not do: curl stops after the first one.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

_LEVEL = 1
_RAW = -15  # deflate without a header
_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
_LAST = b"\x03\x00"  # an empty block that ends the stream
_ZEROS = memoryview(bytes(1 << 16))


class Block(NamedTuple):
    """A piece of text: deflated, the bytes that it has otherwise, and what it adds to the checksum."""

    deflated: bytes
    size: int
    check: int

    @classmethod
    def of(cls, text: bytes) -> Block:
        """Compress a text."""
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
        deflated = compressor.compress(text) + compressor.flush(zlib.Z_FULL_FLUSH)
        return cls(deflated, len(text), zlib.crc32(text) ^ _after_zeros(0, len(text)))


def gzipped(blocks: Iterable[Block]) -> bytes:
    """Return the blocks as one gzip stream."""
    parts, check, size = [_HEADER], 0, 0
    for block in blocks:
        parts.append(block.deflated)
        check = _after_zeros(check, block.size) ^ block.check
        size += block.size
    return b"".join((*parts, _LAST, struct.pack("<LL", check, size & 0xFFFFFFFF)))


def plain(blocks: Iterable[Block]) -> bytes:
    """Return the text of the blocks."""
    return zlib.decompress(b"".join((*(block.deflated for block in blocks), _LAST)), _RAW)


def _after_zeros(check: int, count: int) -> int:
    """Return the checksum of a text that is followed by so many zeros.

    The checksum of two texts is that of the first with zeros in place of the second, combined with the second's.
    """
    while count > 0:
        check = zlib.crc32(_ZEROS[:count], check)
        count -= len(_ZEROS)
    return check
