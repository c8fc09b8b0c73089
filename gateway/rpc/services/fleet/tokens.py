"""Tokens of merged streams: signed lists of parts, such as one part for each log."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from gateway.engine.errors import InvalidToken
from gateway.engine.resumable.token import TokenSigner

_MOST_BYTES = 1 << 20
_VERSION = b"\x01"
_LENGTH = struct.Struct(">H")


class PartsCodec:
    """Makes tokens of parts of at most 64 KiB each.  Gateways that share *key* accept each other's tokens."""

    def __init__(self, key: bytes, kind: str) -> None:
        self._signer = TokenSigner(key, kind)

    def token(self, parts: Iterable[bytes]) -> bytes:
        """Return the token that holds *parts*."""
        pieces = [_VERSION]
        for part in parts:
            pieces += (_LENGTH.pack(len(part)), part)
        return self._signer.sign(b"".join(pieces))

    def parts(self, token: bytes) -> list[bytes]:
        """Return the parts in *token*.  Raises `InvalidToken`."""
        if len(token) > _MOST_BYTES:
            raise InvalidToken(f"is longer than {_MOST_BYTES} bytes, which no token of a gateway is")
        content = self._signer.verify(token)
        if content[:1] != _VERSION:
            raise InvalidToken("was made by another version of the gateway")
        parts, start = [], 1
        while start < len(content):
            (size,) = _LENGTH.unpack_from(content, start)
            start += _LENGTH.size
            parts.append(content[start : start + size])
            start += size
        return parts
