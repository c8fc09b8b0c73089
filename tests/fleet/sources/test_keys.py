"""Hosts of a store that several gateways change: news of the watch may be older than an own change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

from gateway.fleet.sources.etcd import EtcdHosts
from gateway.fleet.sources.feed import Feed
from gateway.fleet.sources.keys import Changed, Entry, News, Snapshot

HOST = b"address: unix:///a.sock"


class Store:
    """A store whose answers and news come when a test sends them."""

    def __init__(self, *entries: Entry) -> None:
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self._news.put_nowait(Snapshot(entries, after_break=False))
        self.revision = 0  # of the next change

    async def follow(self) -> AsyncGenerator[News, None]:
        """Yield what `send` sends."""
        while True:
            yield await self._news.get()
            self._news.task_done()

    async def send(self, *news: News) -> None:
        """Send *news*, and wait until they are read."""
        for each in news:
            self._news.put_nowait(each)
        await self._news.join()

    async def create(self, key: str, value: bytes) -> int | None:
        """Return the revision."""
        return self.revision

    replace = create

    async def put(self, key: str, value: bytes) -> int:
        """Return the revision."""
        return self.revision

    async def delete(self, *keys: str) -> int:
        """Return the revision."""
        return self.revision


class Fleet:
    """The hosts of a store, and those that are drained."""

    def __init__(self, store: Store, most_hosts: int = 100) -> None:
        self.store = store
        self.drained: list[str] = []
        self._calls = Feed("calls", lambda: None, 0)
        self.feed = Feed("etcd", lambda: None, 0, most_hosts)
        self.hosts = EtcdHosts(store, self.feed, self._calls, self._drain)

    def _drain(self, names: Iterable[str]) -> None:
        self.drained = list(names)

    @property
    def added(self) -> list[str]:
        """The hosts that calls have added."""
        return list(self._calls.hosts)

    async def __aenter__(self) -> Fleet:
        self._task = asyncio.create_task(self.hosts.run())
        await self.store.send()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_a_change_of_another_gateway_after_an_own_deletion_counts() -> None:
    """The watch may report the change before the store has answered the deletion."""
    async with Fleet(Store()) as fleet:
        await fleet.store.send(Changed((Entry("drained/a", b"", 7), Entry("calls/b", HOST, 8)), {}))
        fleet.store.revision = 6
        await fleet.hosts.drain("a", drained=False)
        await fleet.hosts.remove("b")

        assert (fleet.drained, fleet.added) == (["a"], ["b"])


async def test_a_deletion_of_another_gateway_before_an_own_change_does_not_count() -> None:
    """The host stays."""
    async with Fleet(Store()) as fleet:
        fleet.store.revision = 9
        await fleet.hosts.add("b", HOST.decode())
        await fleet.store.send(Changed((), {"calls/b": 8}))

        assert fleet.added == ["b"]


async def test_an_older_change_does_not_undo_an_own_deletion() -> None:
    """A newer change counts."""
    async with Fleet(Store(Entry("calls/b", HOST, 5))) as fleet:
        fleet.store.revision = 9
        await fleet.hosts.remove("b")
        await fleet.store.send(Changed((Entry("calls/b", HOST, 8),), {}))
        older = fleet.added
        await fleet.store.send(Changed((Entry("calls/b", HOST, 10),), {}))

        assert (older, fleet.added) == ([], ["b"])


async def test_the_entries_of_a_restored_store_count() -> None:
    """Its revisions are lower than those before."""
    async with Fleet(Store(Entry("calls/b", HOST, 50))) as fleet:
        await fleet.store.send(Snapshot((Entry("calls/b", b"address: unix:///other.sock", 5),), after_break=True))

        assert fleet._calls.hosts["b"].address == "unix:///other.sock"
