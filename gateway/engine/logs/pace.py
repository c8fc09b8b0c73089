"""Decides when to request a plain answer.  The constants change the load, but never which entries are sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf

from gateway.engine.logs.entries import Entry
from gateway.engine.logs.overlap import Position
from gateway.engine.logs.runs import Rotation

_PAUSE_SECONDS = 0.1  # between two requests, on average
_BURST = 3  # requests without a pause
_PROVE_SECONDS = 60.0  # between two proofs of a log that is followed
_HURRIED_SECONDS = 0.25  # a log that uses up its credit in less time is too fast for follow answers
_CALM_SECONDS = 1.0  # after which such a log may be followed again
_MUCH = 4  # a log is too fast when one plain answer has this many times the credit
_TAIL = 64  # entries at the beginning of an answer, besides those that are probably new
_MAX_TAIL = 8 << 10  # of a follow answer
_STORED_BYTES = 70  # of a stored entry besides its text, about


class Pace:
    """Decides when one reader requests its log, and how many entries.

    `hurried` says whether the log is too fast for follow answers.  The reader then uses plain answers only.
    """

    def __init__(self, rotation: Rotation, clock: Callable[[], float]) -> None:
        self.hurried = False
        self._rotation = rotation
        self._credit = rotation.credit
        self._clock = clock
        self._single = rotation.max_files == 1  # plain answers alone would not have the end of each file
        self._next_turn = 0.0
        self._brought = 0  # entries, by the last plain answer
        self._used = 0  # bytes believed since
        self._used_up_at = self._settled_at = self._busy_at = clock() - _HURRIED_SECONDS

    async def wait(self) -> None:
        """Wait until the next request is allowed."""
        now = self._clock()
        self._next_turn = max(self._next_turn, now - _BURST * _PAUSE_SECONDS) + _PAUSE_SECONDS
        if self._next_turn > now:
            await asyncio.sleep(self._next_turn - now)

    def tail(self, position: Position) -> int | None:
        """Return the number of entries to request in a plain answer; None for all."""
        if self._rotation.is_small or position.anchor == () or position.reaches_beginning:
            return None
        return position.reach + position.count + self._brought + _TAIL

    def follow_tail(self, position: Position) -> int:
        """Return the number of entries to request in a follow answer.

        It then contains the last entry that was sent and, for a piece, its line from the beginning.
        """
        return position.reach + _TAIL + min(2 * self._brought, _MAX_TAIL)

    def allow(self, entries: Sequence[Entry]) -> int:
        """Return how many of *entries* may be believed before the next proof, and count them."""
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
        """Note a plain answer with *entries* new entries of *size* bytes of text."""
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
