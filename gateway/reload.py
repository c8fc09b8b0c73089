"""The configuration as a source of hosts, which is read again when its files change and on SIGHUP.

The hosts and the files of TLS change while the gateway serves.  All other keys need a restart.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.config.loading import ConfigError
from gateway.config.section import Section
from gateway.config.settings import Keys, Settings
from gateway.fleet.sources.feed import Feed, Refused
from gateway.fleet.sources.files import Polls
from gateway.rpc.certificates import Certificates

log = logging.getLogger("gateway.reload")


class Configuration:
    """Holds the current settings, and applies changes."""

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Settings],
        feed: Feed,
        polls: Polls,
        certificates: Certificates | None,
        reloaded: Callable[[], None],
    ) -> None:
        """Publish the hosts of *settings*.

        *read* reads the configuration again; *reloaded* is called after each attempt, also after a refused
        configuration.
        """
        self._settings = settings
        self._read = read
        self._feed = feed
        self._polls = polls
        self._certificates = certificates
        self._reloaded = reloaded
        feed.publish(settings.hosts)

    async def run(self) -> None:
        """Apply the configuration whenever its files change; a refused configuration changes nothing."""
        changes = self._polls.changes(self._files)
        await anext(changes)  # the present state was read at the start
        async for _ in changes:
            try:
                self._apply(await asyncio.to_thread(self._read_again))
            except (ConfigError, OSError, ssl.SSLError) as error:
                log.error("reload refused; nothing has changed", extra={"fields": {"why": str(error)}})
                self._feed.refused = (Refused(f"file {self._settings.file}", str(error)),)
            self._reloaded()

    def _files(self) -> Iterator[Path]:
        if self._settings.file is not None:
            yield self._settings.file
        if self._settings.tls is not None:
            yield from self._settings.tls.files()

    def _read_again(self) -> Settings:
        """Return the configuration as it is now.  Raises `ConfigError`."""
        file = self._settings.file
        if file is not None and file.exists() and not file.read_bytes().strip():
            raise ConfigError(f"file {file} is empty: write `hosts: []` for a fleet without hosts")
        return self._read()

    def _apply(self, new: Settings) -> None:
        """Make *new* the current settings, except keys that need a restart.

        Raises `OSError` for unusable files; nothing has changed then.
        """
        if self._certificates and new.tls and _protection(new) == _protection(self._settings):
            self._certificates.renew(self._certificates.read(new.tls))
        self._feed.publish(new.hosts)
        log.info("reloaded", extra={"fields": {"hosts": len(new.hosts)}})
        for warning in new.warnings:
            log.warning(warning)
        if keys := list(_needs_restart(self._settings, new)):
            log.warning("these keys need a restart", extra={"fields": {"keys": keys}})
        self._settings = self._settings.model_copy(update={"hosts": new.hosts})


def _needs_restart(old: Settings, new: Settings) -> Iterator[str]:
    """Yield the keys that differ and cannot be changed in a gateway that serves."""
    for name in Keys.model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if name == "hosts":
            continue
        if name == "tls":
            yield from ["tls"] if _protection(old) != _protection(new) else []
        elif isinstance(before, Section) and isinstance(after, Section):
            below = type(before).model_fields
            yield from (f"{name}.{key}" for key in below if getattr(before, key) != getattr(after, key))
        elif before != after:
            yield name
    if old.contexts != new.contexts and old.sources.contexts == new.sources.contexts:
        yield "sources.contexts"


def _protection(settings: Settings) -> tuple[bool, bool]:
    """Return whether the listener has TLS, and whether clients must have certificates."""
    return settings.tls is not None, settings.tls is not None and settings.tls.client_ca is not None
