"""Tokens that clients keep for us: opaque to them, and proof against change.

A token is its content and a code that only holders of the key can make.  Gateways that share the key accept each
other's tokens.  Each kind of token has a key of its own, derived from that one: none passes for another.
"""

from __future__ import annotations

import hashlib
import hmac

from gateway.engine.errors import InvalidToken

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
