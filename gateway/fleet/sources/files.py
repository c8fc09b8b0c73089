"""Notices when files change: it looks at them once in a while, and at once when it is asked to.

A change counts when it lasts from one look to the next: who writes a file in place is in the midst of it for a moment.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

Signature: TypeAlias = tuple[int, int, int, int]  # changed, modified, size, inode
Look: TypeAlias = Mapping[Path, Signature]


def look(paths: Iterable[Path]) -> Look:
    """Return the state of those of *paths* that there are."""
    found = {}
    for path in paths:
        try:
            state = os.stat(path)
        except OSError:
            continue
        found[path] = (state.st_ctime_ns, state.st_mtime_ns, state.st_size, state.st_ino)
    return found


class Watch:
    """Compares looks at files."""

    def __init__(self, first: Look) -> None:
        self._returned = dict(first)  # as the changes that were returned have left it
        self._last: Look = dict(first)

    def settled(self, now: Look) -> frozenset[Path]:
        """Return the files that are other than they were, and the same as in the last look; also new and lost ones."""
        moved = (path for path in now.keys() | self._returned.keys() if now.get(path) != self._returned.get(path))
        still = frozenset(path for path in moved if now.get(path) == self._last.get(path))
        self._last = dict(now)
        self._take(still)
        return still

    def pass_over(self, before: float) -> None:
        """Take files that came with the last look, and have not changed since *before*, as if they had been there."""
        new = (path for path in self._last if path not in self._returned)
        self._take(path for path in new if self._last[path][0] < before * 1e9)

    def _take(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path in self._last:
                self._returned[path] = self._last[path]
            else:
                self._returned.pop(path, None)


class Polls:
    """The looks of all that watch files."""

    def __init__(self, interval_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._asked: set[asyncio.Event] = set()  # one for each that watches

    def now(self) -> None:
        """Let all look, and take what they see as changed."""
        for asked in self._asked:
            asked.set()

    async def changes(self, paths: Callable[[], Iterable[Path]]) -> AsyncGenerator[frozenset[Path], None]:
        """Yield all *paths* that there are, then those that change, come or go; all of them whenever `now` is called.

        *paths* is called in a thread.
        """
        asked = asyncio.Event()
        self._asked.add(asked)
        try:
            first = await asyncio.to_thread(lambda: look(paths()))
            watch = Watch(first)
            yield frozenset(first)
            while True:
                at_once = await self._pause(asked)
                now = await asyncio.to_thread(lambda: look(paths()))
                changed = watch.settled(now)
                if at_once:
                    watch = Watch(now)
                    yield frozenset(now) | changed
                elif changed:
                    yield changed
        finally:
            self._asked.discard(asked)

    async def renewals(self, paths: Callable[[], set[Path]]) -> AsyncGenerator[frozenset[Path], None]:
        """Yield those of *paths* that change after they were first there; all whenever `now` is called.

        It yields an empty set after a look without changes.  A file that is new counts only when it has changed a
        moment ago: perhaps after it was read.
        """
        asked = asyncio.Event()
        self._asked.add(asked)
        watch = Watch({})
        try:
            while True:
                at_once = await self._pause(asked)
                now = await asyncio.to_thread(look, paths())
                changed = watch.settled(now)
                watch.pass_over(time.time() - 2 * self._interval_seconds - 1)
                yield frozenset(now) if at_once else changed
        finally:
            self._asked.discard(asked)

    async def _pause(self, asked: asyncio.Event) -> bool:
        """Return after the interval, or at once when asked.  Return whether it was asked."""
        try:
            await asyncio.wait_for(asked.wait(), self._interval_seconds)
        except TimeoutError:
            return False
        asked.clear()
        return True
