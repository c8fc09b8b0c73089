"""Keeps one catalog up to date."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping

from gateway.fleet.registration.catalog import Catalog, CatalogError
from gateway.fleet.registration.entries import Entry

log = logging.getLogger("gateway.discovery")

_TOGETHER = 64  # entries of one write: etcd takes 128 at once
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds between attempts; the last one repeats
_REFUSED_SECONDS = 60.0  # after which entries that were refused are tried again
_SIGNS = 3  # keepalives within the time in which one must arrive


class Registrar:
    """Writes the wanted entries to a catalog, and deletes its entries that are no longer wanted."""

    def __init__(self, catalog: Catalog, wanted: Mapping[str, Entry], absence_timeout_seconds: float) -> None:
        """*wanted* are the entries by id; `touch` says that it has changed."""
        self.catalog = catalog
        self.failure = "nothing was written yet"  # why the catalog is not up to date; empty when it is
        self._pending: set[str] = set()  # the ids of entries that are to be written or deleted
        self._wanted = wanted
        self._written: dict[str, Entry] = {}  # entries that the catalog may have
        self._tried: list[str] = []  # the ids of the last write, if it failed: others would be written in vain too
        self._refused: dict[str, str] = {}  # refused entries and reasons, by id; they delay no other entry
        self._refused_until = 0.0  # in the loop's time
        self._interval_seconds = absence_timeout_seconds / _SIGNS
        self._next_sign = 0.0  # in the loop's time
        self._begun = False
        self._touched = asyncio.Event()

    @property
    def entries(self) -> int:
        """How many entries the catalog may have."""
        return len(self._written)

    @property
    def pending(self) -> int:
        """How many entries are to be written or deleted."""
        return len(self._pending) + len(self._refused)

    def touch(self, ids: Iterable[str]) -> None:
        """Note that the wanted entries have changed."""
        for id in ids:
            if id in self._wanted or id in self._written:
                self._pending.add(id)
            else:  # it came and went while the catalog did not answer
                self._pending.discard(id)
                self._refused.pop(id, None)
        self._touched.set()

    async def run(self) -> None:
        """Keep the catalog up to date until cancelled.  Written entries stay until they expire."""
        failures = 0
        try:
            while True:
                try:
                    await self._work()
                    failures = 0
                except CatalogError as error:
                    self._fail(str(error), lost=error.lost)
                except Exception as error:
                    log.exception("defect", extra={"fields": {"catalog": self.catalog.name}})
                    self._fail(f"a defect of the gateway: {error}", lost=True)
                else:
                    continue
                await self.catalog.close()
                pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
                failures += 1
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # all gateways lose it in the same moment
        finally:
            await self.catalog.close()

    async def _work(self) -> None:
        """Send a keepalive if it is due, write some pending entries, or wait for them."""
        clock = asyncio.get_running_loop().time
        if not self._begun or clock() >= self._next_sign:
            due = clock() + self._interval_seconds
            await (self.catalog.keep() if self._begun else self.catalog.begin())
            self._begun, self._next_sign = True, due
        if self._refused and clock() >= self._refused_until:
            self._pending |= self._refused.keys()
            self._refused.clear()
        if self._pending:
            await self._write()
        if self._pending:
            return
        self._answers()
        self._touched.clear()
        try:
            async with asyncio.timeout_at(self._next_sign):
                await self._touched.wait()
        except TimeoutError:
            return

    async def _write(self) -> None:
        ids = self._tried or [id for _, id in zip(range(_TOGETHER), self._pending, strict=False)]
        self._tried = ids
        for id in ids:
            self._refused.pop(id, None)
        put = {id: self._wanted[id] for id in ids if id in self._wanted}
        delete = {id: self._written[id] for id in ids if id not in put and id in self._written}
        self._written |= put  # also after a failure
        refused: Mapping[str, str] = {}
        if put or delete:
            refused = await self.catalog.write(list(put.values()), list(delete.values()))
        self._tried = []
        for id in ids:
            if self._wanted.get(id) == put.get(id):  # it has not changed meanwhile
                self._pending.discard(id)
        for id in delete.keys() - refused.keys():
            self._written.pop(id, None)
        if refused:
            self._refused |= refused
            self._refused_until = asyncio.get_running_loop().time() + _REFUSED_SECONDS

    def _answers(self) -> None:
        """Note that nothing is pending."""
        if self._refused:
            self._set_failure(
                f"{len(self._refused)} entries are refused, such as: {next(iter(self._refused.values()))}"
            )
        elif self.failure:
            fields = {"catalog": self.catalog.name, "entries": len(self._written)}
            log.info("catalog is up to date", extra={"fields": fields})
            self.failure = ""

    def _fail(self, why: str, *, lost: bool) -> None:
        if lost:
            self._begun = False
            self._pending |= self._written.keys() | self._wanted.keys()
        self._next_sign = 0.0  # one keepalive shows whether a catalog that hangs is back, not all entries each time
        self._set_failure(why)

    def _set_failure(self, why: str) -> None:
        if why != self.failure:
            fields = {"catalog": self.catalog.name, "why": why}
            log.warning("catalog cannot be written; trying again", extra={"fields": fields})
        self.failure = why
