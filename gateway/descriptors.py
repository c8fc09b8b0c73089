"""The file descriptors of the process: the share of clients, and a warning when too few are left for the hosts."""

from __future__ import annotations

import asyncio
import logging

from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry
from gateway.process import open_files

log = logging.getLogger("gateway.descriptors")

_PAGES = 256  # connections of scrapers and orchestrators, when there are descriptors enough
_OWN = 64  # for grpc, the loop, the log and open files
_OF_HOST = 4  # for its events, a health check, and two concurrent calls
_OF_SSH_HOST = 1  # its login, which all of these share


class Descriptors:
    """Divides the descriptors between clients and hosts.

    It warns when there are too few descriptors for the number of hosts.  Calls would fail for lack of descriptors, but
    only under load.
    """

    def __init__(self, hosts: HostRegistry, max_client_connections: int) -> None:
        """Give at most half of the descriptors to clients.  *max_client_connections* is the configured number."""
        self._hosts = hosts
        self._all = open_files()
        self._max_client_connections = max_client_connections
        self.clients = min(max_client_connections, self._all // 2)  # connections of gRPC
        self.pages = min(_PAGES, self._all // 8)
        self._warned_of = 0  # hosts
        self._look: asyncio.Handle | None = None
        if self.clients < max_client_connections:
            fields = {"open_files": self._all, "max_client_connections": self.clients}
            log.warning("the limit of open files allows fewer connections of clients", extra={"fields": fields})

    def host_added(self, host: Host) -> None:
        """Check the number of descriptors, after all hosts that are added together."""
        if self._look is None:
            self._look = asyncio.get_running_loop().call_soon(self._check)

    def host_changed(self, host: Host) -> None:
        """Do nothing: it needs as many as before."""

    def host_removed(self, host: Host) -> None:
        """Do nothing: there are more now."""

    def _check(self) -> None:
        self._look = None
        of_hosts = sum(_OF_SSH_HOST if host.settings.address.startswith("ssh:") else _OF_HOST for host in self._hosts)
        if _OWN + self.clients + self.pages + of_hosts <= self._all:
            self._warned_of = 0
            return
        if len(self._hosts) <= self._warned_of:
            return
        self._warned_of = len(self._hosts)
        needed = _OWN + self._max_client_connections + _PAGES + of_hosts
        fields = {"hosts": self._warned_of, "open_files": self._all, "needed": needed}
        remedy = "LimitNOFILE= of the systemd unit, --ulimit nofile= of docker, or ulimit -n"
        log.warning(f"the limit of open files is too low for the hosts; raise it by {remedy}", extra={"fields": fields})
