"""Combines the hosts of all sources to one fleet, and applies changes to the registry."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from gateway.config.hosts import checked_again
from gateway.config.problems import ConfigError
from gateway.config.settings import HostSettings
from gateway.engine.background import keep_running
from gateway.fleet.dial import endpoint_of
from gateway.fleet.host import Host
from gateway.fleet.registry import HostRegistry
from gateway.fleet.sources.feed import Feed, Refused, Source
from gateway.fleet.sources.files import Polls
from gateway.telemetry.logging import RateLimitedLines
from gateway.telemetry.sources import SourceFamilies

log = logging.getLogger("gateway.sources")

ORDER = ("configuration", "calls", "directory", "contexts", "etcd", "consul", "dns")
"""The sources.  When two sources have a host of the same name, the first source counts."""

_START_SECONDS = 3.0  # that the start waits for the first answers
_AGAIN_SECONDS = 5.0  # until a source with a defect runs again


class Combiner:
    """Joins the hosts of all sources by name, and applies the changes to the registry.

    A host that keeps its name and its address keeps its `Host`, with all calls and streams: its labels change in place,
    and its certificates are those of the next connection.
    """

    def __init__(
        self,
        hosts: HostRegistry,
        make: Callable[[HostSettings], Host],
        metrics: SourceFamilies,
        polls: Polls,
        *,
        absence_timeout_seconds: float = 30.0,
        most_hosts: int = 2000,
    ) -> None:
        """*make* makes a host; *most_hosts* is the number of hosts that each source but the configuration may have."""
        self.feeds: list[Feed] = []  # in the order in which they count
        self._hosts = hosts
        self._make = make
        self._metrics = metrics
        self._polls = polls
        self._absence_timeout_seconds = absence_timeout_seconds
        self._most_hosts = most_hosts
        self._lines = RateLimitedLines()  # a source can change without end
        self._drained: frozenset[str] = frozenset()
        self._unusable: dict[str, tuple[HostSettings, str]] = {}  # by name: hosts that could not be created, and why
        self._tasks: list[asyncio.Task[None]] = []
        hosts.incomplete, hosts.feeds = self._missing, self.feeds

    async def __aenter__(self) -> Self:
        self._tasks.append(asyncio.create_task(keep_running(self._renew_certificates, "certificates of hosts")))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()  # an exception would keep its connections alive
        for feed in self.feeds:
            feed.close()
            self._metrics.hide(feed.name)

    def feed(self, name: str) -> Feed:
        """Return what the source *name* publishes to."""
        most = sys.maxsize if name == ORDER[0] else self._most_hosts
        feed = Feed(name, self.apply, self._absence_timeout_seconds, most)
        self.feeds.append(feed)
        self.feeds.sort(key=lambda feed: ORDER.index(feed.name))
        self._metrics.show(
            name,
            up=lambda: not feed.failure and feed.known,
            last_success=lambda: feed.last_success or 0,
            hosts=lambda: len(feed.hosts),
            refused=lambda: feed.refused_count,
        )
        return feed

    def run(self, source: Source, feed: Feed) -> None:
        """Run *source* until the end of the block."""
        self._tasks.append(asyncio.create_task(self._run(source, feed)))

    async def answered(self) -> None:
        """Wait for a bounded time until every source has answered or failed."""
        waiting = [asyncio.create_task(feed.answered.wait()) for feed in self.feeds]
        if waiting:
            await asyncio.wait(waiting, timeout=_START_SECONDS)
        for feed, task in zip(self.feeds, waiting, strict=True):
            if not task.done():
                feed.fail(f"no answer within {_START_SECONDS:g} s")
            task.cancel()

    def drain(self, names: Iterable[str]) -> None:
        """Let the hosts called *names*, and no others, take no new work."""
        self._drained = frozenset(names)
        for host in self._hosts:
            self._mark(host)

    def apply(self) -> None:
        """Apply the hosts of the sources to the registry."""
        wanted, ignored = self._joined()
        known = {host.name: host for host in self._hosts}
        removed = [name for name in known if name not in wanted]
        for name in removed:
            self._hosts.remove(name)
        placed, unusable = {}, {}
        for name, (settings, source) in wanted.items():
            try:
                placed[name] = self._placed(known.get(name), settings, source, ignored.get(name, ()))
            except (OSError, ssl.SSLError) as error:
                unusable[name] = settings, str(error)
        moved = [name for name, host in placed.items() if name in known and host is not known[name]]
        self._report(sorted(placed.keys() - known.keys()), removed, moved)
        self._report_unusable(unusable)

    def _joined(self) -> tuple[dict[str, tuple[HostSettings, str]], dict[str, tuple[str, ...]]]:
        """Return the hosts with their sources, and the sources that have another of the same name, by name."""
        wanted: dict[str, tuple[HostSettings, str]] = {}
        ignored: dict[str, tuple[str, ...]] = {}
        for feed in self.feeds:
            for name, settings in feed.hosts.items():
                if name in wanted:
                    ignored[name] = (*ignored.get(name, ()), feed.name)
                else:
                    wanted[name] = settings, feed.name
        return wanted, ignored

    def _placed(self, host: Host | None, settings: HostSettings, source: str, ignored: tuple[str, ...]) -> Host:
        """Return the host of *settings*, which is *host* when it is at the same address.

        Raises `OSError` and `ssl.SSLError` for unusable files; nothing has changed then.
        """
        if host is None or host.settings.address != settings.address:
            made = self._make(settings)
            made.source, made.ignored_sources = source, ignored
            made.draining = settings.name in self._drained
            self._hosts.put(made)
            return made
        if (host.settings, host.source, host.ignored_sources) != (settings, source, ignored):
            if _without_labels(host.settings) != _without_labels(settings):
                host.engine.renew(endpoint_of(settings))
            host.settings, host.source, host.ignored_sources = settings, source, ignored
            self._hosts.changed(host)
        return host

    def _mark(self, host: Host) -> None:
        draining = host.name in self._drained
        if draining is not host.draining:
            host.draining = draining
            log.info("host drained" if draining else "host undrained", extra={"fields": {"host": host.name}})
            self._hosts.changed(host)

    def _missing(self) -> str:
        names = [feed.name for feed in self.feeds if not feed.known]
        return f"no answer yet from its sources {', '.join(names)}" if names else ""

    def _report(self, added: list[str], removed: list[str], moved: list[str]) -> None:
        lists = {"added": added, "removed": removed, "moved": moved}
        if any(lists.values()):
            fields = {"hosts": len(self._hosts)} | {key: names for key, names in lists.items() if names}
            self._lines.write(log, logging.INFO, "hosts have changed", fields)

    def _report_unusable(self, unusable: dict[str, tuple[HostSettings, str]]) -> None:
        for name, (settings, why) in unusable.items():
            if self._unusable.get(name) != (settings, why):
                log.error("a host cannot be used as configured", extra={"fields": {"host": name, "why": why}})
        self._unusable = unusable
        for feed in self.feeds:
            names = [name for name in unusable if name in feed.hosts]
            feed.unusable = tuple(Refused(f"host {name}", unusable[name][1]) for name in names)

    async def _run(self, source: Source, feed: Feed) -> None:
        while True:
            try:
                await source.run()
                return
            except Exception as error:
                log.exception("defect", extra={"fields": {"source": feed.name}})
                feed.fail(f"a defect of the gateway: {error}")
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _renew_certificates(self) -> None:
        """Reload the certificate files of hosts when they change."""
        async for changed in self._polls.renewals(self._files):
            hosts = [host for host in self._hosts if changed and not changed.isdisjoint(host.settings.files())]
            if renewed := [host.name for host in hosts if self._renew(host)]:
                log.info("certificates of hosts renewed", extra={"fields": {"hosts": renewed}})
            if self._unusable:
                self.apply()

    def _files(self) -> set[Path]:
        return {file for host in self._hosts for file in host.settings.files()}

    def _renew(self, host: Host) -> bool:
        """Use the current files for the next connection to *host*.  Return whether they are usable."""
        try:
            host.engine.renew(endpoint_of(checked_again(host.settings)))
        except (ConfigError, OSError, ssl.SSLError) as error:
            fields = {"host": host.name, "why": str(error)}
            log.error("new certificates of a host are unusable; the old ones stay", extra={"fields": fields})
            return False
        return True


def _without_labels(settings: HostSettings) -> HostSettings:
    return settings.model_copy(update={"labels": {}})
