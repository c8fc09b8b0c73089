"""Hosts in etcd: those that others write there, those that calls have added, and the names of those that are drained.

Below the prefix of the fleet are the keys

    hosts/NAME      a host as YAML or JSON, such as {"address": "tcp://10.0.0.7:2376"}, written by other programs;
                    one that is bound to a lease of the host itself vanishes with the host
    calls/NAME      the same, of a host that AddHost has added
    drained/NAME    the host is drained; the value does not matter

All gateways with the same prefix serve the same fleet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from gateway.config.documents import Document
from gateway.config.hosts import host_in
from gateway.config.problems import ConfigError
from gateway.config.settings import HostSettings
from gateway.fleet.registry import UnknownHost
from gateway.fleet.sources.feed import Feed, Refused
from gateway.fleet.sources.keys import Away, Changed, Entry, KeyStore, Snapshot
from gateway.fleet.sources.store import HostNameInUse

_HOSTS, _CALLS, _DRAINED = _OURS = "hosts/", "calls/", "drained/"
_KEYS_OF_HOST = 4  # that there may be, on the average
_LONGEST_VALUE = 1536 << 10  # bytes, as etcd itself takes by default


class EtcdHosts:
    """The source of hosts, and the store for those of calls."""

    def __init__(self, store: KeyStore, hosts: Feed, calls: Feed, drain: Callable[[Iterable[str]], None]) -> None:
        """*drain* takes the names of the hosts that are drained."""
        self._store = store
        self._feeds = {_HOSTS: hosts, _CALLS: calls}
        self._drain = drain
        self._entries: dict[str, Entry] = {}  # by key
        self._hosts: dict[str, HostSettings] = {}  # by key: what its entry says, or the last one that was right
        self._refused: dict[str, Refused] = {}  # by key
        self._left_out = 0  # of the latest keys, those beyond the bound
        self._deleted: dict[str, int] = {}  # by key: the revision of a deletion that the watch has not shown yet

    async def run(self) -> None:
        """Publish the hosts whenever entries change."""
        async for news in self._store.follow():
            match news:
                case Away(why):
                    for feed in self._feeds.values():
                        feed.fail(why)
                case Snapshot(entries, after_break):
                    self._forget(self._entries.keys() - {entry.key for entry in entries})
                    self._deleted.clear()
                    if after_break:
                        self._entries.clear()  # another store, whose revisions are lower, has the entries now
                    await self._take_news(entries)
                    self._publish(after_break=after_break)
                    await self._rest()
                case Changed(entries, deleted):
                    for key, revision in deleted.items():
                        self._delete((key,), revision)
                    await self._take_news(entries)
                    seen = max((*deleted.values(), *(entry.revision for entry in entries)), default=0)
                    self._deleted = {key: revision for key, revision in self._deleted.items() if revision > seen}
                    self._publish()
                    await self._rest()

    async def add(self, name: str, document: str) -> None:
        """Store a host.  Raises `HostNameInUse` and like the store."""
        key, value = _CALLS + name, document.encode()
        revision = await self._store.create(key, value)
        if revision is None:
            raise HostNameInUse(name)
        self._written(Entry(key, value, revision))

    async def replace(self, name: str, document: str) -> None:
        """Store another document of a host.  Raises `UnknownHost` when it is gone, and like the store."""
        key, value = _CALLS + name, document.encode()
        revision = await self._store.replace(key, value)
        if revision is None:
            raise UnknownHost(name)
        self._written(Entry(key, value, revision))

    async def remove(self, name: str) -> None:
        """Forget a host, and that it is drained.  Raises like the store."""
        keys = _CALLS + name, _DRAINED + name
        self._delete(keys, await self._store.delete(*keys))
        self._publish()

    async def drain(self, name: str, *, drained: bool) -> None:
        """Store whether a host is drained.  Raises like the store."""
        key = _DRAINED + name
        if drained:
            self._written(Entry(key, b"", await self._store.put(key, b"")))
        else:
            self._delete((key,), await self._store.delete(key))
            self._publish()

    def _written(self, entry: Entry) -> None:
        """Take what this gateway has written, before the watch shows it."""
        self._take(entry, _host_of(entry))
        self._publish()

    async def _take_news(self, entries: Sequence[Entry]) -> None:
        """Take what the store says.  A thread reads the documents, because one can be long, and there can be many."""
        self._left_out = 0
        room = max(_KEYS_OF_HOST * self._feeds[_HOSTS].most_hosts - len(self._entries), 0)
        known = [entry for entry in entries if entry.key in self._entries]
        new = [entry for entry in entries if entry.key not in self._entries and entry.key.startswith(_OURS)]
        self._left_out = len(new[room:])
        taken = known + new[:room]
        for entry, host in zip(taken, await asyncio.to_thread(lambda: list(map(_host_of, taken))), strict=True):
            self._take(entry, host)

    def _take(self, entry: Entry, host: HostSettings | Refused | None) -> None:
        """Take an entry, which is that of *host*, unless there is a newer one."""
        known = self._entries.get(entry.key)
        if known is not None and known.revision >= entry.revision:
            return
        if not entry.key.startswith(_OURS) or self._deleted.get(entry.key, 0) >= entry.revision:
            return
        self._entries[entry.key] = entry
        if isinstance(host, Refused):
            self._refused[entry.key] = host
        elif host is not None:
            self._hosts[entry.key] = host
            self._refused.pop(entry.key, None)

    async def _rest(self) -> None:
        for feed in self._feeds.values():
            await feed.rest(0)

    def _delete(self, keys: Iterable[str], revision: int) -> None:
        """Forget *keys*, which were deleted at *revision*.

        Keys with a newer revision stay: another gateway has written them, and the watch came before our answer.
        """
        old = [key for key in keys if key not in self._entries or self._entries[key].revision <= revision]
        self._deleted |= dict.fromkeys(old, revision)
        self._forget(old)

    def _forget(self, keys: Iterable[str]) -> None:
        for key in list(keys):
            for known in (self._entries, self._hosts, self._refused):
                known.pop(key, None)

    def _publish(self, *, after_break: bool = False) -> None:
        self._drain(_split(key)[1] for key in self._entries if key.startswith(_DRAINED))
        more = [Refused("further keys", f"{self._left_out} keys are not read: delete others")] if self._left_out else []
        for kind, feed in self._feeds.items():
            feed.publish(
                [self._hosts[key] for key in sorted(self._hosts) if key.startswith(kind)],
                [*more, *(self._refused[key] for key in sorted(self._refused) if key.startswith(kind))],
                after_break=after_break,
                steady=True,
            )


def _host_of(entry: Entry) -> HostSettings | Refused | None:
    """Return the host that an entry says, why it says none, or None for a name that is drained."""
    kind, name = _split(entry.key)
    if kind == _DRAINED:
        return None
    if len(entry.value) > _LONGEST_VALUE:
        return Refused(entry.key, f"has more than {_LONGEST_VALUE} bytes")
    try:
        return host_in(Document(entry.value.decode(), f"key {entry.key}"), name)
    except UnicodeDecodeError:
        return Refused(entry.key, "is not UTF-8 text")
    except ConfigError as error:
        return Refused(entry.key, str(error))


def _split(key: str) -> tuple[str, str]:
    kind, slash, name = key.partition("/")
    return kind + slash, name
