"""The listener's certificate, which can be renewed while it listens."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import grpc

from gateway.config.tls import ListenerTls, expires, read


@dataclass(frozen=True)
class Presented:
    """A certificate with its key, and when it expires, in seconds since 1970."""

    configuration: grpc.ServerCertificateConfiguration
    expires: float | None


class Certificates:
    """The certificate that the gateway presents to clients, and the authority whose clients it trusts."""

    def __init__(self, tls: ListenerTls) -> None:
        """Read the files.  Raises `OSError`."""
        self._renewed: deque[grpc.ServerCertificateConfiguration] = deque(maxlen=1)
        presented = self.read(tls)
        self.expires = presented.expires  # of the certificate in use, in seconds since 1970
        self.credentials = grpc.dynamic_ssl_server_credentials(
            presented.configuration,
            self._fetch,  # type: ignore[arg-type]  # the stub does not know that None is "no news"
            require_client_authentication=tls.client_ca is not None,
        )

    @staticmethod
    def read(tls: ListenerTls) -> Presented:
        """Read the files.  Raises `OSError`."""
        pair = (read(tls.key), read(tls.certificate))
        authority = read(tls.client_ca) if tls.client_ca else None
        return Presented(grpc.ssl_server_certificate_configuration([pair], authority), expires(tls.certificate))

    def renew(self, presented: Presented) -> None:
        """Use *presented* from the next handshake on."""
        self._renewed.append(presented.configuration)
        self.expires = presented.expires

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """Return a renewed certificate once, else None.  grpc calls this in its own thread before each handshake."""
        try:
            return self._renewed.pop()
        except IndexError:
            return None
