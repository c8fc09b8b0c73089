"""Notices when an engine leaves out a part of a log while it follows it.

A log file that has reached its size is put aside, and another one begun.  An engine that follows reads the old one to
its end and goes on with the new one; but when that has been put aside as well meanwhile, it never sees it, and nothing
in its answer says so.  An answer without following has no such hole, and neither has what was there before it began.

What it does take is time: nothing is written faster than a file can be filled.  So where that much time lies between
entries, they are looked up among the last of the log, whether they are neighbours there; and whoever is far behind what
is written should not follow, but read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.engine.logs import Entry
from gateway.engine.resume import fingerprint
from gateway.engine.times import nanoseconds

_NANOSECONDS_A_BYTE = 20  # 50 MB/s: more than an engine writes into one log
_MARGIN = 64  # entries that may have come since those that are looked up
_BEHIND_SECONDS = 3.0  # more than the second to which a host tells its time

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

    def begin(self, file_bytes: int, now: int | None) -> None:
        """Take note that an answer begins, of a log whose files have *file_bytes*, at the host's time *now*."""
        self._least = file_bytes * _NANOSECONDS_A_BYTE if now is not None else 0
        self._last = None
        self._opened, self._opened_at = now or 0, self._loop.time()

    def passed(self, entries: list[Entry]) -> None:
        """Take note of entries that were read before."""
        if entries:
            self._last = entries[-1]

    async def sure(self, entries: list[Entry]) -> tuple[int, bool]:
        """Return how many of *entries* may be taken, and whether to read anew behind those, for some may be missing."""
        chain = entries if self._last is None else [self._last, *entries]
        self._last = entries[-1]
        newest = nanoseconds(self._last[1])
        if not self._least or newest < self._opened or newest - nanoseconds(chain[0][1]) < self._least:
            return len(entries), False
        count = self._up_to_doubt(chain)
        is_behind = self._opened + (self._loop.time() - self._opened_at - _BEHIND_SECONDS) * 1e9 > newest
        if count < len(chain) and not is_behind:
            count = await self._up_to_break(chain, count)
        return max(count - (len(chain) - len(entries)), 0), count < len(chain)

    def _up_to_doubt(self, chain: list[Entry]) -> int:
        """Return how many entries come before the first before which a file may have been filled; mostly all."""
        times = [nanoseconds(entry[1]) for entry in chain]
        far = (number for number in range(1, len(times)) if times[number] - times[number - 1] >= self._least)
        return next(far, len(chain))

    async def _up_to_break(self, chain: list[Entry], doubt: int) -> int:
        """Return how many entries are neighbours in the log; those that it does not have any more are taken as such.

        *doubt* is the number of those that are without looking.
        """
        marks, most = [fingerprint(entry) for entry in chain], len(chain) + _MARGIN
        found = [fingerprint(entry) for entry in await self._look(most)]
        there = next((number for number, mark in enumerate(marks) if mark in found), len(marks))
        if there and len(found) >= most:
            return doubt  # they are not among the last ones: so much has come since
        place = found.index(marks[there]) if there < len(marks) else 0
        if there or place + len(marks) > len(found):
            return max(there, 1)
        same = zip(marks, found[place:], strict=False)
        return next((number for number, (one, other) in enumerate(same) if one != other), len(marks))
