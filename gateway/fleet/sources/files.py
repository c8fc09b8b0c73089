"""Watches files: it checks them at an interval, and at once on request.

A change counts when two checks in a row see it, because a program may be in the middle of writing the file.
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
    """Return the states of the *paths* that exist."""
    found = {}
    for path in paths:
        try:
            state = os.stat(path)
        except OSError:
            continue
        found[path] = (state.st_ctime_ns, state.st_mtime_ns, state.st_size, state.st_ino)
    return found


class Watch:
    """Compares successive states of files."""

    def __init__(self, first: Look) -> None:
        self._returned = dict(first)  # the state up to the last returned changes
        self._last: Look = dict(first)

    def settled(self, now: Look) -> frozenset[Path]:
        """Return the files that have changed since they were returned, and not since the last check; also new and
        removed files.
        """
        moved = (path for path in now.keys() | self._returned.keys() if now.get(path) != self._returned.get(path))
        still = frozenset(path for path in moved if now.get(path) == self._last.get(path))
        self._last = dict(now)
        self._take(still)
        return still

    def pass_over(self, before: float) -> None:
        """Treat files that are new in the last check, and unchanged since *before*, as known."""
        new = (path for path in self._last if path not in self._returned)
        self._take(path for path in new if self._last[path][0] < before * 1e9)

    def _take(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path in self._last:
                self._returned[path] = self._last[path]
            else:
                self._returned.pop(path, None)


class Polls:
    """The polling of all watched files."""

    def __init__(self, interval_seconds: float) -> None:
        self._interval_seconds = interval_seconds
        self._asked: set[asyncio.Event] = set()  # one for each watcher

    def now(self) -> None:
        """Check all files now, and treat all of them as changed."""
        for asked in self._asked:
            asked.set()

    async def changes(self, paths: Callable[[], Iterable[Path]]) -> AsyncGenerator[frozenset[Path], None]:
        """Yield all existing *paths*, then the changed, new and removed ones; all of them whenever `now` is called.

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
        """Yield the *paths* that change after they first existed; all of them whenever `now` is called.

        It yields an empty set after a check without changes.  A new file counts only if it changed a moment ago,
        perhaps after it was read.
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
        """Wait for the interval, or until `now` is called.  Return whether it was called."""
        try:
            async with asyncio.timeout(self._interval_seconds):
                await asked.wait()
        except TimeoutError:
            return False
        asked.clear()
        return True
