"""Applies a changed configuration to a gateway that serves: its hosts, and the files of TLS.

A host that keeps its name and its address keeps its `Host`, with all calls and streams: its labels change in place, and
its certificates are those of the next connection.  All other keys need a restart.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Set

from gateway.config.loading import ConfigError
from gateway.config.settings import HostSettings, Keys, Limits, Settings
from gateway.engine.client import Endpoint
from gateway.fleet.dial import address_of
from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry
from gateway.rpc.certificates import Certificates

log = logging.getLogger("gateway.reload")


class Reload:
    """Knows the settings in force, and changes them."""

    def __init__(
        self,
        settings: Settings,
        hosts: HostRegistry,
        certificates: Certificates | None,
        make: Callable[[HostSettings], Host],
    ) -> None:
        """Store; *make* makes a host."""
        self._settings = settings
        self._hosts = hosts
        self._certificates = certificates
        self._make = make

    async def whenever(self, changed: asyncio.Event, read: Callable[[], Settings]) -> None:
        """Each time that *changed* is set, apply what *read* returns; what is refused changes nothing."""
        while True:
            await changed.wait()
            changed.clear()
            try:
                self.apply(await asyncio.to_thread(read))
            except (ConfigError, OSError, ssl.SSLError) as error:
                log.error("reload refused; all stays as it was", extra={"fields": {"why": str(error)}})

    def apply(self, new: Settings) -> None:
        """Make *new* the settings in force, as far as that is possible without a restart.

        Raises `OSError` and `ssl.SSLError` for files of no use; nothing has changed then.
        """
        before = {host.name: host for host in self._settings.all_hosts}
        stay = {
            host.name for host in new.all_hosts if host.name in before and host.address == before[host.name].address
        }
        # First all that can fail.
        endpoints = {host.name: Endpoint(host.address, address_of(host)) for host in new.all_hosts if host.name in stay}
        joining = [self._make(host) for host in new.all_hosts if host.name not in stay]
        certificate = None
        if self._certificates and new.tls and _protection(new) == _protection(self._settings):
            certificate = self._certificates.read(new.tls)

        leaving = sorted(before.keys() - {host.name for host in new.all_hosts})
        for name in leaving:
            self._hosts.remove(name)
        for host in new.all_hosts:
            if host.name in stay:
                self._hosts[host.name].settings = host
                self._hosts[host.name].engine.renew(endpoints[host.name])
        for joined in joining:
            self._hosts.put(joined)
        if self._certificates and certificate:
            self._certificates.renew(certificate)
        self._report(new, {host.name for host in joining}, before.keys(), leaving)

    def _report(self, new: Settings, joined: set[str], before: Set[str], left: list[str]) -> None:
        moved = sorted(joined & before)
        fields = {"hosts": len(new.all_hosts), "added": sorted(joined - before), "removed": left, "moved": moved}
        log.info("reloaded", extra={"fields": {key: value for key, value in fields.items() if value != []}})
        for warning in new.warnings:
            log.warning(warning)
        if keys := _needs_restart(self._settings, new):
            log.warning("these keys change with a restart only", extra={"fields": {"keys": keys}})
        self._settings = self._settings.model_copy(update={"hosts": new.hosts, "context_hosts": new.context_hosts})


def _needs_restart(old: Settings, new: Settings) -> list[str]:
    """Return the keys that differ and cannot be changed in a gateway that serves."""
    plain = [name for name in Keys.model_fields if name not in ("hosts", "tls", "limits")]
    keys = [name for name in plain if getattr(old, name) != getattr(new, name)]
    keys += [f"limits.{name}" for name in Limits.model_fields if getattr(old.limits, name) != getattr(new.limits, name)]
    return keys + (["tls"] if _protection(old) != _protection(new) else [])


def _protection(settings: Settings) -> tuple[bool, bool]:
    """Whether the listener has TLS, and whether clients must have certificates: not what is in the files."""
    return settings.tls is not None, settings.tls is not None and settings.tls.client_ca is not None
