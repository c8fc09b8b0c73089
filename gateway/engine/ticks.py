"""Ticks: the moments at which regular work for many quiet hosts begins.

A process that wakes up for one ping alone finds its caches cold, and needs twice the CPU time.  So all pings of a tenth
of a second are sent together.
"""

from __future__ import annotations

import math

TICK_SECONDS = 0.1


def tick_after(time: float) -> float:
    """Return the first tick at or after *time*; both are in the loop's time."""
    return math.ceil(time / TICK_SECONDS) * TICK_SECONDS
