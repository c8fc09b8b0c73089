"""The client side of TLS over any byte stream, without I/O: ciphertext in, plaintext out, and back.

asyncio's own TLS transports cannot close one direction, and `SSLSocket.shutdown` ends TLS.  An exec over TLS needs a
half-close: the process must read end-of-file on its standard input while its output continues.  `ssl.MemoryBIO` can do
that.
"""

from __future__ import annotations

import contextlib
import ssl

_READ_SIZE = 1 << 18


class TlsStream:
    """One TLS connection.  After every call, send `outgoing()` to the peer."""

    def __init__(self, context: ssl.SSLContext, server_name: str | None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        self.ready = False
        self.ended = False  # the peer has sent a close_notify; without one, the connection broke

    def handshake(self) -> None:
        """Continue the handshake as far as the received data allow.  Raises `ssl.SSLError`."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return
        self.ready = True

    def receive(self, data: bytes) -> bytes:
        """Accept *data* from the peer and return the plaintext that it completes.  Raises `ssl.SSLError`."""
        self._incoming.write(data)
        if not self.ready:
            self.handshake()
            if not self.ready:
                return b""
        return self._drain()

    def send(self, data: bytes) -> None:
        """Encrypt *data*."""
        self._tls.write(data)

    def close_writing(self) -> bytes:
        """Send a close_notify: nothing more will be sent.  Receiving continues.

        Returns plaintext that has already arrived.  OpenSSL fails with APPLICATION_DATA_AFTER_CLOSE_NOTIFY when it is
        not read first.
        """
        plaintext = self._drain()
        with contextlib.suppress(ssl.SSLWantReadError):  # the usual case: the peer's close_notify has not arrived
            self._tls.unwrap()
        return plaintext

    def peer_expires(self) -> float | None:
        """Return when the peer's certificate expires, in seconds since 1970; None before it is known."""
        certificate = self._tls.getpeercert() if self.ready else None
        return ssl.cert_time_to_seconds(str(certificate["notAfter"])) if certificate else None

    def outgoing(self) -> bytes:
        """Return the ciphertext to send now."""
        return self._outgoing.read()

    def _drain(self) -> bytes:
        pieces = []
        try:
            while piece := self._tls.read(_READ_SIZE):
                pieces.append(piece)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:  # the same, when this side is closed already
            self.ended = True
        return b"".join(pieces)
