"""From a host's configuration to the host, and to how it is reached."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

from gateway.config.settings import HostSettings, Limits
from gateway.engine.client import Endpoint, Engine
from gateway.engine.transport.pool import Address
from gateway.engine.transport.pool import Limits as EngineLimits
from gateway.fleet.host import Host
from gateway.telemetry.metrics import Metrics


def host_of(settings: HostSettings, limits: Limits, metrics: Metrics, gate: asyncio.Semaphore | None = None) -> Host:
    """Return a host that was not asked for anything yet.  *gate* is that of `Host`.  Raises like `address_of`."""
    counts = metrics.host(settings.name)
    engine = Engine(
        settings.name,
        Endpoint(settings.address, address_of(settings)),
        EngineLimits(
            connections=limits.max_connections_per_host,
            queue=limits.max_queued_calls_per_host,
            streams=limits.max_streams_per_host,
            max_response_bytes=limits.max_response_bytes,
            connect_timeout_seconds=limits.connect_timeout_seconds,
            call_timeout_seconds=limits.read_timeout_seconds,
        ),
        lambda _, kind, outcome, seconds: counts.called(kind, outcome, seconds),
    )
    return Host(engine, counts, settings.labels, reconnect_timeout_seconds=limits.reconnect_timeout_seconds, gate=gate)


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
