"""Hosts that have the same engine: two addresses of one machine, or a copy of it.  They are reported, not merged."""

from __future__ import annotations

import logging

from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry

log = logging.getLogger("gateway.fleet")


class Twins:
    """Follows which engine each host has."""

    def __init__(self, hosts: HostRegistry) -> None:
        self._hosts = hosts
        self._engines: dict[Host, str] = {}  # the id of its engine, where it is known
        self._of_engine: dict[str, set[Host]] = {}

    def of(self, host: Host) -> list[str]:
        """Return the names of the other hosts with the engine of *host*, in order."""
        same = self._of_engine.get(self._engines.get(host, ""), set())
        return sorted(other.name for other in same if other is not host)

    def host_added(self, host: Host) -> None:
        """Note the engine of *host*."""
        self._note(host, host.engine_id)

    def host_changed(self, host: Host) -> None:
        """Note the engine of *host*."""
        self._note(host, host.engine_id)

    def host_removed(self, host: Host) -> None:
        """Forget *host*."""
        self._note(host, "")

    def _note(self, host: Host, engine: str) -> None:
        before = self._engines.pop(host, "")
        if engine:
            self._engines[host] = engine
        if engine == before:
            return
        others = self._leave(host, before) | self._join(host, engine)
        for other in others:
            self._hosts.changed(other)  # its twins are others now

    def _leave(self, host: Host, engine: str) -> set[Host]:
        same = self._of_engine.get(engine, set())
        same.discard(host)
        if not same:
            self._of_engine.pop(engine, None)
        return set(same)

    def _join(self, host: Host, engine: str) -> set[Host]:
        if not engine:
            return set()
        same = self._of_engine.setdefault(engine, set())
        same.add(host)
        if len(same) > 1:
            fields = {"hosts": sorted(each.name for each in same), "engine": engine}
            log.warning("hosts have the same engine: its objects are listed for each of them", extra={"fields": fields})
        return same - {host}
