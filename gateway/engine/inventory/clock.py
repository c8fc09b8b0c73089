"""Estimates the engine's clock from the dates of its responses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

_SECOND = 1_000_000_000
_DRIFT = 10_000  # two clocks drift apart by less than one part in this number
_UNKNOWN = 1 << 62


class Moment(NamedTuple):
    """A time of the engine's clock between two bounds, in nanoseconds since 1970."""

    earliest: int
    latest: int

    def times(self) -> Iterator[int]:
        """Yield times of it, no second left out, and one more second on either side."""
        yield (self.earliest + self.latest) // 2
        yield from range(self.earliest - _SECOND, self.latest + 2 * _SECOND, _SECOND)


class EngineClock:
    """An estimate of the engine's clock, from the dates of its answers.

    A date is cut to the second, so each answer gives bounds for the difference of the clocks; several together give it
    to some milliseconds.  An answer that contradicts the bounds means that a clock was set: then it counts alone.
    """

    def __init__(
        self, monotonic: Callable[[], int] = time.monotonic_ns, wall: Callable[[], int] = time.time_ns
    ) -> None:
        """Use the gateway's clock until the engine has answered.  Both clocks return nanoseconds."""
        self._monotonic = monotonic
        self._guess = wall() - monotonic()
        self._low, self._high = -_UNKNOWN, _UNKNOWN  # bounds of the engine's clock minus the monotonic clock
        self._at = monotonic()

    def now(self) -> int:
        """Return the engine's time in nanoseconds since 1970."""
        offset = self._guess if self._high == _UNKNOWN else (self._low + self._high) // 2
        return self._monotonic() + offset

    def asking(self) -> int:
        """Return the moment at which a question is sent, for `answered`."""
        return self._monotonic()

    def answered(self, asked: int, date: int | None) -> Moment:
        """Apply the date of an answer, in nanoseconds since 1970, to the second; return the moment of the answer."""
        received = self._monotonic()
        if date is not None:
            self._bound(date - received, date + _SECOND - asked, received)
        low, high = (self._guess, self._guess) if self._high == _UNKNOWN else (self._low, self._high)
        return Moment(asked + low, received + high)

    def _bound(self, low: int, high: int, now: int) -> None:
        """Narrow the bounds to what is also between *low* and *high*."""
        drift = (now - self._at) // _DRIFT
        self._at = now
        narrow = max(low, self._low - drift), min(high, self._high + drift)
        self._low, self._high = narrow if narrow[0] <= narrow[1] else (low, high)
