"""The gRPC server's options, and where it listens."""

from __future__ import annotations

import grpc

from gateway.config.settings import Limits
from gateway.rpc.certificates import Certificates

OPTIONS = (
    ("grpc.so_reuseport", 0),  # else a second gateway would silently share the port (grpc/grpc#18210)
    ("grpc.max_receive_message_length", 4 << 20),  # each call may hold so much that is not whole yet
    ("grpc.max_send_message_length", 64 << 20),  # a list of some ten thousand containers
    ("grpc.max_metadata_size", 16 << 10),  # both the same: between a soft and a hard limit, grpc refuses at random
    ("grpc.absolute_max_metadata_size", 16 << 10),
    # The bytes that a connection may send before a call reads them.  With the bandwidth probe, it would be 8 MiB.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 512 << 10),
    ("grpc.server_handshake_timeout_ms", 5_000),
    # Calls that wait to be accepted, of all clients; each takes 15 KiB, and 22 to 24 KiB once it is accepted.  Beyond
    # the first bound grpc refuses some of them, and beyond the second bound all.
    ("grpc.server.max_pending_requests", 10_000),
    ("grpc.server.max_pending_requests_hard_limit", 20_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),  # without it, a stopped client is never noticed
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
)
_SHORT_CALLS = 50  # calls that a connection may have besides streams: grpc lets those beyond wait in silence


def options_of(limits: Limits, connections: int) -> list[tuple[str, int]]:
    """Return the options of a server with *limits* and at most *connections* connections."""
    return [
        *OPTIONS,
        ("grpc.max_concurrent_streams", limits.max_streams_per_connection + _SHORT_CALLS),
        ("grpc.max_allowed_incoming_connections", connections),
    ]


def listen(server: grpc.aio.Server, address: str, certificates: Certificates | None) -> int:
    """Bind *server* to *address*, and return the port.  Raises `OSError`."""
    try:
        if certificates is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, certificates.credentials)
    except RuntimeError as error:  # the text of this exception only explains how to debug grpc
        raise OSError(f"cannot listen on {address}: it is taken, or no address of this machine") from error
