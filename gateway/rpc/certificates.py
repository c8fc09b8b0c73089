"""The listener's certificate, which can be renewed while it listens."""

from __future__ import annotations

from collections import deque

import grpc

from gateway.config.tls import ListenerTls


class Certificates:
    """What the gateway presents to clients, and whom of them it trusts."""

    def __init__(self, tls: ListenerTls) -> None:
        """Read the files.  Raises `OSError`."""
        self._renewed: deque[grpc.ServerCertificateConfiguration] = deque(maxlen=1)
        self.credentials = grpc.dynamic_ssl_server_credentials(
            self.read(tls),
            self._fetch,  # type: ignore[arg-type]  # the stub does not know that None is "no news"
            require_client_authentication=tls.client_ca is not None,
        )

    @staticmethod
    def read(tls: ListenerTls) -> grpc.ServerCertificateConfiguration:
        """Read the files.  Raises `OSError`."""
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], tls.client_ca.read_bytes() if tls.client_ca else None)

    def renew(self, configuration: grpc.ServerCertificateConfiguration) -> None:
        """Use *configuration* from the next handshake on."""
        self._renewed.append(configuration)

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Return what is new, once.  grpc calls it on a thread of its own, before each handshake."""
        try:
            return self._renewed.pop()
        except IndexError:
            return None
