"""How a host is reached: from its configuration to the transport's address."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from gateway.config.settings import HostSettings
from gateway.engine.transport.pool import Address


def address_of(settings: HostSettings) -> Address:
    """Return where the engine of a host listens.  Raises `OSError` and `ssl.SSLError` for files of no use."""
    url = urlsplit(settings.address)
    if url.scheme == "unix":
        return Address(path=url.path)
    if url.scheme == "ssh":
        return Address(command=_ssh(url.hostname or "", url.username, url.port))
    tls = None
    if settings.tls is not None:
        # Not create_default_context: the environment has no say in whom to trust.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.minimum_version = ssl.TLSVersion.TLSv1_2
        tls.load_verify_locations(settings.tls.ca)
        if settings.tls.certificate is not None and settings.tls.key is not None:
            tls.load_cert_chain(settings.tls.certificate, settings.tls.key)
    name = settings.tls.server_name if settings.tls is not None else None
    return Address(host=url.hostname or "", port=url.port or 0, tls=tls, server_name=name)


def _ssh(host: str, user: str | None, port: int | None) -> tuple[str, ...]:
    """Return the command that joins its own input and output to the engine of a host reached by ssh."""
    options = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=5", "-T")
    login = ("-l", user) if user else ()
    return ("ssh", *options, *login, *(("-p", str(port)) if port else ()), "--", host, "docker", "system", "dial-stdio")
