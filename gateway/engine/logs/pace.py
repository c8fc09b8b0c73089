"""When to ask an engine for a plain answer.  These numbers decide when, and never whether something is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf

from gateway.engine.logs.entries import Entry
from gateway.engine.logs.overlap import Position
from gateway.engine.logs.runs import Rotation

_PAUSE_SECONDS = 0.1  # between two requests, on average
_BURST = 3  # requests that need not wait for it
_PROVE_SECONDS = 60.0  # after which what is believed is proven, and whether a silent log is silent
_HURRIED_SECONDS = 0.25  # in which the credit of a log is used up that is written too fast to be followed
_CALM_SECONDS = 1.0  # after which it can be followed again
_MUCH = 4  # credits that one plain answer brings of such a log
_TAIL = 64  # entries with which an answer begins, besides what is expected to be new
_LONGEST_TAIL = 8 << 10  # of a follow answer
_STORED_BYTES = 70  # of a stored entry that are not its text, about


class Pace:
    """Decides when the log of one reader is asked for, and how much of it.

    `hurried` tells that the log is written too fast for a follow answer: plain answers alone keep up with it.
    """

    def __init__(self, rotation: Rotation, clock: Callable[[], float]) -> None:
        self.hurried = False
        self._rotation = rotation
        self._credit = rotation.credit
        self._clock = clock
        self._single = rotation.max_files == 1  # plain answers alone would miss the end of each file
        self._next_turn = 0.0
        self._brought = 0  # entries, by the last plain answer
        self._used = 0  # bytes believed since
        self._used_up_at = self._settled_at = self._busy_at = clock() - _HURRIED_SECONDS

    async def turn(self) -> None:
        """Wait until another request may be sent."""
        now = self._clock()
        self._next_turn = max(self._next_turn, now - _BURST * _PAUSE_SECONDS) + _PAUSE_SECONDS
        if self._next_turn > now:
            await asyncio.sleep(self._next_turn - now)

    def tail(self, position: Position) -> int | None:
        """Return with how many entries a plain answer is to begin; None: all."""
        if self._rotation.is_small or position.anchor == ():
            return None
        return position.count + self._brought + _TAIL

    @property
    def follow_tail(self) -> int:
        """With how many entries a follow answer is to begin, so that it contains the last that was sent."""
        return _TAIL + min(2 * self._brought, _LONGEST_TAIL)

    def allow(self, entries: Sequence[Entry]) -> int:
        """Return how many of *entries* may be believed before others are proven, and take note of them."""
        if not self._rotation.rotates:
            return len(entries)
        for number, entry in enumerate(entries):
            self._used += len(entry[2]) + _STORED_BYTES
            if self._used > self._credit and not self._single:
                self._use_up()
                return number
        return len(entries)

    def _use_up(self) -> None:
        now = self._clock()
        if now - self._used_up_at < _HURRIED_SECONDS:
            self._hurry()
        self._used_up_at = now

    @property
    def due(self) -> float:
        """When a plain answer is due while a follow answer is read; infinite for a log that does not rotate."""
        if not self._rotation.rotates:
            return inf
        if self._single and self._used > self._credit:
            return max(self._settled_at, self._next_turn) + _PAUSE_SECONDS
        return self._settled_at + _PROVE_SECONDS

    def settled(self, entries: int, size: int) -> None:
        """Take note of a plain answer, which brought so many entries with a text of *size* bytes."""
        now = self._clock()
        size += _STORED_BYTES * entries
        self._brought, self._used, self._settled_at = entries, 0, now
        if not self._rotation.rotates:
            return
        if size >= _MUCH * max(self._credit, 1):
            self._hurry()
        elif size > self._credit:
            self._busy_at = now
        elif now - self._busy_at >= _CALM_SECONDS:
            self.hurried = False

    def _hurry(self) -> None:
        self.hurried = not self._single
        self._busy_at = self._clock()
