"""The gRPC server's options, and where it listens."""

from __future__ import annotations

import grpc

from gateway.config.settings import Limits
from gateway.rpc.certificates import Certificates

OPTIONS = (
    ("grpc.so_reuseport", 0),  # else a second gateway would silently share the port (grpc/grpc#18210)
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", 64 << 20),  # a list of some ten thousand containers
    ("grpc.max_metadata_size", 16 << 10),  # both alike: between them, grpc would decide by chance
    ("grpc.absolute_max_metadata_size", 16 << 10),
    ("grpc.server_handshake_timeout_ms", 5_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # without it, a stopped client is never noticed
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)
_REFUSALS = 1000  # calls of one connection that are being refused, or ask for health


def options_of(limits: Limits) -> list[tuple[str, int]]:
    """Return the options of a server with such *limits*."""
    # More than the budgets allow in all, on one connection: grpc lets a call beyond this wait in silence, they say no.
    streams = limits.max_concurrent_calls + limits.max_concurrent_streams + _REFUSALS
    return [*OPTIONS, ("grpc.max_concurrent_streams", streams)]


def listen(server: grpc.aio.Server, address: str, certificates: Certificates | None) -> int:
    """Let *server* listen on *address*, and return its port.  Raises `OSError`."""
    try:
        if certificates is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, certificates.credentials)
    except RuntimeError as error:  # its text is about how to debug grpc
        raise OSError(f"cannot listen on {address}: it is taken, or no address of this machine") from error
