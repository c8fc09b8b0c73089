"""The file descriptors of the process: how many clients may have, and whether those left are enough for the hosts."""

from __future__ import annotations

import asyncio
import logging

from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry
from gateway.process import open_files

log = logging.getLogger("gateway.descriptors")

_PAGES = 256  # connections of scrapers and orchestrators, when there are descriptors enough
_OWN = 64  # of grpc, the loop, the log and the files that are read
_OF_HOST = 4  # its events, a health check, and two calls at the same time
_OF_SSH_HOST = 1  # its login, which all of these share


class Descriptors:
    """Divides the descriptors, and follows the hosts.

    It warns when hosts come and there are too few descriptors for so many: calls to hosts would fail for the lack of
    them, and only when there are many calls.
    """

    def __init__(self, hosts: HostRegistry, max_client_connections: int) -> None:
        """Give clients half at most: the hosts need descriptors as well.  *max_client_connections* is configured."""
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
        """Look whether there are enough, once all have come that come together."""
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
