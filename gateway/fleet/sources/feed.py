"""The state of one source: its hosts, its invalid entries, and whether it answers."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.config.settings import HostSettings
from gateway.telemetry.logging import RateLimitedLines

log = logging.getLogger("gateway.sources")

_MOST_REFUSED = 100  # entries that are kept; the rest is counted.  Each is in the answers of all calls to many hosts
_LONGEST = 1024  # characters of a text
_SHARE = 10  # a source rests for so many times what its hosts took: it may change all of them without end


class Source(Protocol):
    """A source of hosts.  It publishes its hosts to a `Feed`."""

    async def run(self) -> None:
        """Publish the hosts, and again whenever they change, until it is cancelled."""


@dataclass(frozen=True)
class Refused:
    """An invalid entry: its place, and the reason."""

    place: str
    why: str

    def cut(self) -> Refused:
        """Return it with texts of a bounded length: a source can send megabytes."""
        return Refused(self.place[:_LONGEST], self.why[:_LONGEST])


class Feed:
    """The latest hosts of a source.  Hosts that the source does not know at the moment stay."""

    def __init__(
        self, name: str, changed: Callable[[], None], absence_timeout_seconds: float, most_hosts: int = sys.maxsize
    ) -> None:
        """*changed* is called when the hosts have changed."""
        self.name = name
        self.most_hosts = most_hosts
        self.hosts: dict[str, HostSettings] = {}  # by name
        self.refused: tuple[Refused, ...] = ()
        self._left_out = 0  # of the invalid entries, beyond those
        self.unusable: tuple[Refused, ...] = ()  # valid entries that no host could be made of
        self.failure = ""  # why it does not answer
        self.answered = asyncio.Event()  # set once it has answered or failed
        self._changed = changed
        self._last_success: float | None = None
        self._steady = False  # it answers as long as it does not say otherwise
        self._absence_timeout_seconds = absence_timeout_seconds
        self._latest: dict[str, HostSettings] = {}  # what was published last
        self._timer: asyncio.TimerHandle | None = None  # while hosts that are missing stay
        self._took_seconds = 0.0  # to apply the latest hosts
        self._lines = RateLimitedLines()  # a source can cause any number

    @property
    def known(self) -> bool:
        """Whether it has ever answered."""
        return self._last_success is not None

    @property
    def complete(self) -> bool:
        """Whether it answers, and the gateway has all its hosts."""
        return self.known and not (self.failure or self.refused or self.unusable)

    @property
    def refused_count(self) -> int:
        """How many invalid entries it has."""
        return len(self.refused) + self._left_out

    @property
    def last_success(self) -> float | None:
        """When it answered last, in seconds since 1970."""
        return time.time() if self._steady else self._last_success

    def publish(
        self,
        hosts: Iterable[HostSettings],
        refused: Iterable[Refused] = (),
        *,
        after_break: bool = False,
        steady: bool = False,
    ) -> None:
        """Publish *hosts*, which is the complete set, and *refused*, the invalid entries.

        *after_break*: the source was unreachable, or has lost its data.  It may know only a part of the hosts, so a
        missing host stays for a while.  *steady*: the source notices the end of its connection, so it counts as
        answering until then.
        """
        began = time.monotonic()
        self.alive()
        self._steady = steady
        self._latest = {}
        twice = [host for host in hosts if self._latest.setdefault(host.name, host) is not host]
        why = "another entry has the name {} already: give it its own"
        self._refuse((*self._beyond(), *refused, *(Refused(host.address, why.format(host.name)) for host in twice)))
        if after_break and self._absence_timeout_seconds and self._timer is None and self.hosts.keys() - self._latest:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._absence_timeout_seconds, self._believe)
        self._settle()
        self._took_seconds = time.monotonic() - began

    async def rest(self, seconds: float) -> None:
        """Wait for *seconds*, and for longer when it took long to apply the latest hosts."""
        await asyncio.sleep(max(seconds, _SHARE * self._took_seconds))

    def alive(self) -> None:
        """Note that the source answers, with or without changes."""
        if self.failure:
            self._lines.write(log, logging.INFO, "source of hosts answers again", {"source": self.name})
        self.failure = ""
        self._last_success = time.time()
        self.answered.set()

    def fail(self, why: str) -> None:
        """Note that the source does not answer; its hosts stay."""
        why = why[:_LONGEST]
        self._last_success, self._steady = self.last_success, False
        if not self.failure:
            fields = {"source": self.name, "why": why, "hosts": len(self.hosts)}
            self._lines.write(log, logging.WARNING, "source of hosts does not answer; its hosts stay", fields)
        self.failure = why
        self.answered.set()

    def close(self) -> None:
        """Stop the timers."""
        if self._timer is not None:
            self._timer.cancel()

    def _believe(self) -> None:
        """Remove the hosts that are still missing."""
        self._timer = None
        if missing := sorted(self.hosts.keys() - self._latest):
            fields = {"source": self.name, "hosts": missing}
            log.warning("hosts are still missing after a break; they are removed", extra={"fields": fields})
        self._settle()

    def _settle(self) -> None:
        hosts = self._latest if self._timer is None else self.hosts | self._latest
        if hosts != self.hosts:
            self.hosts = dict(hosts)
            self._changed()

    def _beyond(self) -> Iterable[Refused]:
        """Forget the hosts beyond the bound, the new ones first, and yield why."""
        more = len(self._latest) - self.most_hosts
        if more > 0:
            new = [name for name in self._latest if name not in self.hosts]
            for name in ([name for name in self._latest if name in self.hosts] + new)[self.most_hosts :]:
                del self._latest[name]
            yield Refused("further hosts", f"{more} more than sources.max_hosts ({self.most_hosts}) allows")

    def _refuse(self, found: tuple[Refused, ...]) -> None:
        refused = tuple(entry.cut() for entry in found[:_MOST_REFUSED])
        if more := len(found) - len(refused):
            refused += (Refused("further entries", f"{more} more are refused: correct the others first"),)
        self._left_out = max(more - 1, 0)
        for entry in refused:
            if entry not in self.refused:
                fields = {"source": self.name, "entry": entry.place, "why": entry.why}
                self._lines.write(log, logging.ERROR, "an entry of a source of hosts is refused", fields)
        self.refused = refused
