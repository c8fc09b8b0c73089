"""What the registration keeps for a catalog that does not answer, while containers come and go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

import pytest

from gateway.fleet.registration.catalog import CatalogError
from gateway.fleet.registration.entries import Entry
from gateway.fleet.registration.registrar import Registrar


class Catalog:
    """A catalog that fails, or does not answer, until `open` is set."""

    name = "etcd"

    def __init__(self, *, fails: bool) -> None:
        self.entries: dict[str, Entry] = {}
        self.open = asyncio.Event()
        self.writes: asyncio.Queue[int] = asyncio.Queue()  # the sizes of writes
        self._fails = fails

    async def begin(self) -> None:
        """Succeed."""

    keep = close = begin

    async def write(self, put: Sequence[Entry], delete: Sequence[Entry]) -> Mapping[str, str]:
        """Write, once it is open."""
        self.writes.put_nowait(len(put) + len(delete))
        if self._fails and not self.open.is_set():
            raise CatalogError("no")
        await self.open.wait()
        self.entries |= {entry.id: entry for entry in put}
        for entry in delete:
            self.entries.pop(entry.id, None)
        return {}


def entry(number: int) -> Entry:
    """The entry of a container."""
    return Entry("web", "127.0.0.1", 80, "tcp", "north", f"web-{number}", f"{number:064x}"[::-1], 80)


def batches(count: int) -> Iterator[range]:
    """Containers that come together, a thousand at once."""
    return (range(start, start + 1000) for start in range(0, count, 1000))


@pytest.mark.parametrize("fails", [False, True])
async def test_a_catalog_that_does_not_write_is_no_reason_to_remember_what_has_gone(fails: bool) -> None:
    """100,000 containers come and go meanwhile.  Afterwards the catalog has what is there."""
    wanted: dict[str, Entry] = {}
    catalog = Catalog(fails=fails)
    registrar = Registrar(catalog, wanted, 3600)
    running = asyncio.create_task(registrar.run())
    try:
        most = 0
        for numbers in batches(100_000):
            some = {each.id: each for each in map(entry, numbers)}
            wanted.update(some)
            registrar.touch(some)
            await asyncio.sleep(0)
            if numbers.start == 0 or (fails and numbers.start <= 1000):
                await catalog.writes.get()
            for id in some:
                del wanted[id]
            registrar.touch(some)
            most = max(most, registrar.pending, registrar.entries)
        last = entry(7)
        wanted[last.id] = last
        registrar.touch([last.id])
        catalog.open.set()
        while catalog.entries != wanted:
            await catalog.writes.get()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert most <= 128
    assert max(catalog.entries) == last.id
