"""Notices when an engine repeats itself while it follows a log.

Docker 20.10 reads a log file from its beginning again when it hears of a rotation twice.  Nothing in its answer says
so; but the entries that come again are older than the newest, and bear times that have been seen.
"""

from __future__ import annotations

from collections import deque

from gateway.engine.codec.timestamps import nanoseconds
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.places import SETTLED

_REMEMBERED = 4096  # entries whose times are known


class Echo:
    """Knows what was read last, of one log."""

    def __init__(self) -> None:
        self._times: deque[bytes] = deque(maxlen=_REMEMBERED)
        self._newest = b""
        self._last: Entry | None = None  # of those that bear the newest time
        self._suspect: Entry | None = None
        self._twins = False  # lines that follow each other may be the same in every respect

    def heard(self, entries: list[Entry]) -> None:
        """Take note of *entries* that are beyond doubt."""
        if entries and self._suspect is not None:
            self._twins |= entries[0] == self._suspect == self._last
            self._suspect = None
        for entry in entries:
            self._note(entry)

    def begins(self, entries: list[Entry]) -> int:
        """Return how many of *entries* come before the first that may be a repetition; take note of those."""
        times = [entry[1] for entry in entries]
        if times[0] > self._newest and len(set(times)) == len(times) and times == sorted(times):
            self._times.extend(times)
            self._newest, self._last = times[-1], entries[-1]
            return len(entries)
        known = set(self._times)
        for index, entry in enumerate(entries):
            if self._is_suspect(entry, known):
                self._suspect = entry
                return index
            known.add(entry.time)
            self._note(entry)
        return len(entries)

    def _is_suspect(self, entry: Entry, known: set[bytes]) -> bool:
        if entry.time < self._newest:
            return entry.time in known or nanoseconds(self._newest) - nanoseconds(entry.time) > SETTLED
        # The parts of a long line share one time; that two whole lines do, and are the same, hardly ever happens.
        return entry == self._last and not self._twins and entry.line.endswith(b"\n")

    def _note(self, entry: Entry) -> None:
        self._times.append(entry.time)
        if entry.time >= self._newest:
            self._newest, self._last = entry.time, entry
