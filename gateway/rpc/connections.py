"""Ends connections of clients that do nothing but harm.

grpc has no way to do that, so it is done below grpc, where a connection is a socket of this process.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import socket
import time
from collections.abc import Collection
from urllib.parse import unquote

from gateway.telemetry.logging import Sparing
from gateway.telemetry.rpcs import RpcMetrics

log = logging.getLogger("gateway.rpc")

_AT_ONCE_SECONDS = 1.0
_MOST_RESETS = 300  # more than a connection has calls at once: a client may cancel all of them together
_WINDOW_SECONDS = 10.0

_End = tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]


class Connections:
    """The connections of clients, by their other end as grpc writes it.  `port` is where the gateway listens."""

    def __init__(self, metrics: RpcMetrics, lines: Sparing, *, closes: bool) -> None:
        """Close connections only if *closes*."""
        self.port = 0
        self._closes = closes
        self._closed = metrics.connections_closed
        self._lines = lines

    def may_close(self, peer: str) -> bool:
        """Tell whether the connection of *peer* can be found; not on a unix socket."""
        return self._closes and _end_of(peer) is not None

    def close(self, peers: Collection[str], why: str) -> None:
        """End the connections of *peers*.

        grpc sees that the other side has closed it, whatever the other side does.
        """
        ends = {end: peer for peer in peers if self._closes and (end := _end_of(peer)) is not None}
        for name in os.listdir("/dev/fd") if ends else ():
            if (end := _shut_down(int(name), self.port, ends)) is not None:
                self._closed.labels(why).inc()
                fields = {"peer": ends[end], "why": why}
                self._lines.write(log, logging.WARNING, "client sent away", fields, kind=f"away {why}")


class Resets:
    """Sends away clients that cancel calls as fast as they begin them (CVE-2023-44487).

    The core of grpc bounds how many calls a connection has at once.  A client that cancels them stays below that bound,
    and each of its calls costs as much as an honest one until its end.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._scores: dict[str, int] = {}  # by connection: calls cancelled at once, less those that ended otherwise
        self._since = 0.0

    def ended(self, peer: str, seconds: float, *, cancelled: bool) -> None:
        """Take notice of a call on the connection of *peer*, which was open for so long."""
        if cancelled and seconds < _AT_ONCE_SECONDS:
            self._cancelled(peer)
        elif self._scores.get(peer, 0) > 0:
            self._scores[peer] -= 1

    def _cancelled(self, peer: str) -> None:
        now = time.monotonic()
        if now - self._since > _WINDOW_SECONDS:
            self._since = now
            self._scores.clear()
        self._scores[peer] = self._scores.get(peer, 0) + 1
        if self._scores[peer] == _MOST_RESETS:
            self._connections.close([peer], "resets")


def _shut_down(descriptor: int, port: int, ends: Collection[_End]) -> _End | None:
    """Shut down what *descriptor* is, if it connects *port* with one of *ends*; return which.

    It works on a copy, because grpc may close the descriptor at any time, and another file may get its number.
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
        except (OSError, IndexError, TypeError, ValueError):  # it listens, has gone, or is no connection of IP
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
