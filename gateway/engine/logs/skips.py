"""Notices when an engine leaves out a part of a log while it follows it.

A log file that has reached its size is put aside, and another one begun.  An engine that follows reads the old one to
its end and goes on with the new one; but when that has been put aside as well meanwhile, it never sees it, and nothing
in its answer says so.  An answer without following has no such hole, and neither has what was there before it began.

Docker 20.10 may even stand still then, as if nothing were written any more.

What it does take is time: nothing is written faster than a file can be filled.  So where that much time lies between
entries, they are looked up among the last of the log, whether they are neighbours there; and whoever is far behind what
is written should not follow, but read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import zip_longest
from typing import NamedTuple

from gateway.engine.codec.timestamps import nanoseconds
from gateway.engine.errors import OperationFailed, TornStream
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.places import fingerprint

_NANOSECONDS_A_BYTE = 20  # 50 MB/s: more than an engine writes into one log
_MARGIN = 64  # entries that may have come since those that are looked up
_BEHIND_SECONDS = 3.0  # more than the second to which a host tells its time
SILENCE_SECONDS = 5.0  # after which the end of a log is looked up, whether it is still silent


class Sure(NamedTuple):
    """So many entries may be taken; before those in `gaps` something may be lost, and `missing` tells of behind."""

    taken: int
    gaps: tuple[int, ...] = ()
    missing: bool = False


Look = Callable[[int], Awaitable[list[Entry]]]  # returns the last so many entries of the log


class Skips:
    """Watches over followed answers of one log; *look* reads the log's end."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._loop = asyncio.get_running_loop()
        self._least = 0
        self._last: Entry | None = None
        self._opened = 0  # the host's time, in nanoseconds since 1970, and the loop's
        self._opened_at = 0.0
        self._looked_at = 0.0

    def begin(self, file_bytes: int, now: int | None) -> None:
        """Take note that an answer begins, of a log whose files have *file_bytes*, at the host's time *now*."""
        self._least = file_bytes * _NANOSECONDS_A_BYTE if now is not None else 0
        self._last = None
        self._opened, self._opened_at = now or 0, self._loop.time()
        self._looked_at = self._opened_at

    def passed(self, entries: list[Entry]) -> None:
        """Take note of entries that were read before."""
        if entries:
            self._last = entries[-1]

    async def sure(self, entries: list[Entry]) -> Sure:
        """Return how many of *entries* may be taken, where something may be missing among them, and whether behind."""
        chain = entries if self._last is None else [self._last, *entries]
        self._last, self._looked_at = entries[-1], self._loop.time()
        newest = nanoseconds(self._last[1])
        if not self._least or newest < self._opened or newest - nanoseconds(chain[0][1]) < self._least:
            return Sure(len(entries))
        doubts = self._doubts(chain)
        if not doubts:
            return Sure(len(entries))
        count, gone = (doubts[0], 0) if self._is_past(newest) else await self._up_to_break(chain, doubts[0])
        shift = len(chain) - len(entries)
        gaps = tuple(number - shift for number in doubts if number < gone)
        return Sure(max(count - shift, 0), gaps, missing=count < len(chain))

    async def is_stuck(self, floor: bytes) -> bool:
        """Tell, now and then in a silence, whether the log has more than has come, and has had it for a while."""
        if not self._least or self._loop.time() < self._looked_at + SILENCE_SECONDS:
            return False
        self._looked_at = self._loop.time()
        found = await self._look(1)
        return bool(found) and not self.is_last(found[-1], floor) and self._is_past(nanoseconds(found[-1].time))

    def _is_past(self, time: int) -> bool:
        return self._opened + (self._loop.time() - self._opened_at - _BEHIND_SECONDS) * 1e9 > time

    def is_last(self, entry: Entry, floor: bytes) -> bool:
        """Tell whether *entry*, the log's last, was the last that came, or is older than *floor*, when nothing came."""
        return entry.time < floor if self._last is None else fingerprint(entry) == fingerprint(self._last)

    def _doubts(self, chain: list[Entry]) -> list[int]:
        """Return the numbers of the entries before which a file may have been filled: mostly none."""
        times = [nanoseconds(entry[1]) for entry in chain]
        return [number for number in range(1, len(times)) if times[number] - times[number - 1] >= self._least]

    async def _up_to_break(self, chain: list[Entry], doubt: int) -> tuple[int, int]:
        """Return how many entries may be taken, and how many of them the log does not have any more.

        Those that it has are taken as far as they are neighbours there; *doubt* is the number of those that are anyhow.
        """
        marks, most = [fingerprint(entry) for entry in chain], len(chain) + _MARGIN
        try:
            found = [fingerprint(entry) for entry in await self._look(most)]
        except (OperationFailed, TornStream):
            return doubt, 0  # a file that was put aside while it was being read
        there = next((number for number, mark in enumerate(marks) if mark in found), len(marks))
        if there:
            # Not among the last ones: so much has come since, or the log does not have them any more.
            return (doubt, 0) if len(found) >= most else (there, there)
        same = zip_longest(marks, found[found.index(marks[0]) :][: len(marks)])
        return next((number for number, (one, other) in enumerate(same) if one != other), len(marks)), 0
