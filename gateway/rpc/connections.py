"""Closes the connections of abusive clients.

grpc has no API for this, so this module shuts down the socket of the connection below grpc.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import time
from collections.abc import Collection
from urllib.parse import unquote

from gateway.telemetry.logging import RateLimitedLines
from gateway.telemetry.rpcs import RpcMetrics

log = logging.getLogger("gateway.rpc")

_AT_ONCE_SECONDS = 1.0
_MOST_USELESS = 300  # more than the open calls of one connection, which an honest client may cancel together
_WINDOW_SECONDS = 10.0

_End = tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]


class Connections:
    """The connections of clients, by peer as grpc writes it.  `port` is the gateway's own port."""

    def __init__(self, metrics: RpcMetrics, lines: RateLimitedLines, *, closes: bool) -> None:
        """With *closes* false, no connection is closed."""
        self.port = 0
        self._closes = closes
        self._closed = metrics.connections_closed
        self._lines = lines

    def may_close(self, peer: str) -> bool:
        """Return whether the connection of *peer* can be closed.  One on a unix socket cannot."""
        return self._closes and _end_of(peer) is not None

    def close(self, peers: Collection[str], why: str) -> None:
        """Close the connections of *peers*.

        To grpc it looks as if the peer had closed the connection.
        """
        ends = {end: peer for peer in peers if self._closes and (end := _end_of(peer)) is not None}
        for name in os.listdir("/dev/fd") if ends else ():
            if (end := _shut_down(int(name), self.port, ends)) is not None:
                self._closed.labels(why).inc()
                fields = {"peer": ends[end], "why": why}
                self._lines.write(log, logging.WARNING, "client connection closed", fields, kind=f"away {why}")


class UselessCalls:
    """Disconnects clients that begin calls as fast as they can and want no answer.

    They cancel them (rapid reset, CVE-2023-44487), or end them without a request.  grpc bounds the open calls of a
    connection.  Such a client stays below that bound, although each of its calls costs as much as any other.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._scores: dict[str, int] = {}  # by connection: such calls, less those that ended otherwise
        self._since = 0.0

    def ended(self, peer: str, seconds: float, why: str) -> None:
        """Count a call that ended after *seconds* on the connection of *peer*; *why* it was useless, or empty."""
        if why and seconds < _AT_ONCE_SECONDS:
            self._add(peer, why)
        elif self._scores.get(peer, 0) > 0:
            self._scores[peer] -= 1

    def _add(self, peer: str, why: str) -> None:
        now = time.monotonic()
        if now - self._since > _WINDOW_SECONDS:
            self._since = now
            self._scores.clear()
        self._scores[peer] = self._scores.get(peer, 0) + 1
        if self._scores[peer] == _MOST_USELESS:
            self._connections.close([peer], why)


def _shut_down(descriptor: int, port: int, ends: Collection[_End]) -> _End | None:
    """Shut down the socket *descriptor* if it connects *port* with one of *ends*; return that end.

    This uses a duplicate, because grpc may close the descriptor at any time, and its number may be reused.
    """
    try:
        copy = os.dup(descriptor)
    except OSError:
        return None
    try:
        connection = socket.socket(fileno=copy)
    except OSError:  # it is no socket
        os.close(copy)
        return None
    with connection:
        try:
            if connection.getsockname()[1] == port and (end := _end(*connection.getpeername()[:2])) in ends:
                connection.shutdown(socket.SHUT_RDWR)
                return end
        except (OSError, IndexError, TypeError, ValueError):  # listening, closed or not IP
            pass
    return None


def _end_of(peer: str) -> _End | None:
    host, _, port = unquote(peer).partition(":")[2].rpartition(":")
    try:
        return _end(host.strip("[]"), int(port))
    except ValueError:  # a unix socket
        return None


def _end(host: str, port: int) -> _End:
    address = ipaddress.ip_address(host.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address, port
