"""Tokens that clients keep: opaque, and signed.

A token is its content and a signature that only holders of the key can make.  Gateways that share the key accept each
other's tokens.  Each kind of token has its own key, derived from that one, so a token is valid for its kind only.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence
from typing import Any

from gateway.engine.errors import InvalidToken

MAX_TOKEN_BYTES = 1024

_MAC_BYTES = 16


class TokenSigner:
    """Signs the tokens of one *kind*."""

    def __init__(self, key: bytes, kind: str) -> None:
        self._key = hashlib.sha256(f"dockfleet {kind} token".encode() + key).digest()

    def sign(self, content: bytes) -> bytes:
        """Return the token that holds *content*."""
        return content + self._mac(content)

    def verify(self, token: bytes) -> bytes:
        """Return the content of *token*.  Raises `InvalidToken`."""
        content, mac = token[:-_MAC_BYTES], token[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content)):
            raise InvalidToken("is not a token of this gateway, or of one that shares its resume key")
        return content

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")[:_MAC_BYTES]


class TokenCodec:
    """Makes tokens of values, and reads the values from tokens.

    The content of a token is a version, numbers and bytes of fixed sizes, and texts of at most 255 bytes each.
    """

    def __init__(
        self, key: bytes, kind: str, *, version: int, layout: str, texts: int, max_bytes: int = MAX_TOKEN_BYTES
    ) -> None:
        """Make tokens of *kind*.  *layout* gives the fixed values in the format of `struct`; *texts* texts follow.

        A token has at most *max_bytes*.
        """
        self._max_bytes = max_bytes
        self._signer = TokenSigner(key, kind)
        self._version = version
        self._fixed = struct.Struct(f">B{layout}{texts}B")
        self._texts = texts

    def encode(self, values: Sequence[Any], texts: Sequence[bytes]) -> bytes:
        """Return the token of *values* and *texts*."""
        return self._signer.sign(self.pack(values, texts))

    def pack(self, values: Sequence[Any], texts: Sequence[bytes]) -> bytes:
        """Return the content of a token without its signature, to be part of a larger token."""
        return self._fixed.pack(self._version, *values, *map(len, texts)) + b"".join(texts)

    def decode(self, token: bytes) -> tuple[Sequence[Any], Sequence[bytes]]:
        """Return the values and the texts of *token*.  Raises `InvalidToken`."""
        if len(token) > self._max_bytes:  # before it costs anything
            raise InvalidToken(f"must be a token of this gateway, which has at most {self._max_bytes} bytes")
        return self.unpack(self._signer.verify(token))

    def unpack(self, content: bytes) -> tuple[Sequence[Any], Sequence[bytes]]:
        """Return the values and the texts that `pack` has packed.  Raises `InvalidToken`."""
        if content[:1] != bytes((self._version,)):
            raise InvalidToken("was made by another version of the gateway")
        values = self._fixed.unpack_from(content)[1:]
        texts, start = [], self._fixed.size
        for size in values[len(values) - self._texts :]:
            texts.append(content[start : start + size])
            start += size
        return values[: len(values) - self._texts], texts
