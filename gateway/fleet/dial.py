"""Builds hosts and addresses from the configuration."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.config.container_metrics import ContainerMetrics
from gateway.config.settings import HostSettings, Limits
from gateway.config.ssh import HostSsh
from gateway.config.tls import HostTls, client_context, expires
from gateway.engine.client import Endpoint, Engine
from gateway.engine.inventory.gate import Gate
from gateway.engine.tracing import Tracer
from gateway.engine.transport.large_responses import SharedRoom
from gateway.engine.transport.pool import Address
from gateway.engine.transport.pool import Limits as EngineLimits
from gateway.engine.transport.ssh.address import SOCKET, Credentials, Hop, SshAddress
from gateway.engine.transport.ssh.login import Logins
from gateway.engine.transport.turns import Traffic
from gateway.fleet.host import Host
from gateway.telemetry.metrics import Metrics


def host_of(
    settings: HostSettings,
    limits: Limits,
    metrics: Metrics,
    gate: Gate | None = None,
    logins: Logins | None = None,
    traffic: Traffic | None = None,
    room: SharedRoom | None = None,
    tracer: Tracer | None = None,
    container_metrics: ContainerMetrics | None = None,
) -> Host:
    """Return a host.  Nothing is sent to it yet.

    *gate* and *container_metrics* are those of `Host`.  All ssh hosts share *logins*; all hosts share *traffic*,
    *room* and *tracer*.
    Raises like `address_of`.
    """
    counts = metrics.host(settings.name)
    engine = Engine(
        settings.name,
        endpoint_of(settings),
        EngineLimits(
            connections=limits.max_connections_per_host,
            queue=limits.max_queued_calls_per_host,
            streams=limits.max_streams_per_host,
            heavy=limits.max_heavy_calls_per_host,
            max_response_bytes=limits.max_response_bytes,
            connect_timeout_seconds=limits.connect_timeout_seconds,
            call_timeout_seconds=limits.read_timeout_seconds,
            ssh_login_timeout_seconds=limits.ssh_login_timeout_seconds,
            ssh_keepalive_interval_seconds=limits.ssh_keepalive_interval_seconds,
        ),
        logins=logins,
        traffic=traffic,
        room=room,
        tracer=tracer,
    )
    return Host(
        engine,
        counts,
        settings,
        reconnect_timeout_seconds=limits.reconnect_timeout_seconds,
        gate=gate,
        container_metrics=container_metrics,
    )


def endpoint_of(settings: HostSettings) -> Endpoint:
    """Return the endpoint of a host's engine.  Raises like `address_of`."""
    return Endpoint(settings.address, address_of(settings))


def address_of(settings: HostSettings) -> Address:
    """Return the address of a host's engine.  Raises `OSError` and `ssl.SSLError` for unusable files."""
    url = urlsplit(settings.address)
    if url.scheme == "unix":
        return Address(path=url.path)
    if url.scheme == "ssh":
        hop = Hop(url.hostname or "", url.port, url.username)
        return Address(ssh=_ssh(hop, url.path or SOCKET, settings.ssh or HostSsh()))
    return server_at(url.netloc, settings.tls)


def server_at(place: str, tls: HostTls | None) -> Address:
    """Return the address of the server at *place*, host:port.  Raises like `address_of`."""
    url = urlsplit(f"//{place}")
    context = client_context(tls) if tls is not None else None
    name = tls.server_name if tls is not None else None
    own = tls.certificate if tls is not None else None
    return Address(
        host=url.hostname or "",
        port=url.port or 0,
        tls=context,
        server_name=name,
        certificate_expires=expires(own) if own is not None else None,
    )


def _ssh(hop: Hop, socket: str, settings: HostSsh) -> SshAddress:
    jumps = tuple(Hop.parse(jump) for jump in settings.jump_host.split(",")) if settings.jump_host else ()
    credentials = Credentials(
        str(settings.identity_file or ""),
        settings.private_key or "",
        str(settings.known_hosts_file or ""),
        settings.known_hosts or "",
    )
    return SshAddress(hop, socket, jumps, credentials)
