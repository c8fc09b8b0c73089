"""Merges the events of a new subscription with those from before a break."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from gateway.engine.events.event_buffer import Gap, GapReason, Received

REMEMBERED = 256  # events that an engine keeps (moby, daemon/events/events.go)


class Merged(NamedTuple):
    """New events in order, first those of the past, then those that came since; and the gap before them, if any."""

    past: list[Received]
    news: list[Received]
    gap: Gap | None


def merge(past: Sequence[Received], held: Sequence[Received], seen: Callable[[bytes], bool], last_time: int) -> Merged:
    """Merge the *past* events that the engine remembers with the *held* ones that a subscription has sent.

    The subscription began earlier, so the engine may not remember its first events any more.  One event that was *seen*
    before the break proves that none is missing.  Without one, there is a gap after *last_time*.
    """
    everything = [*past, *held]
    gap = None
    if not any(seen(each.fingerprint) for each in everything):
        reason = GapReason.OVERRUN if len(past) >= REMEMBERED else GapReason.ENGINE_RESTARTED
        gap = Gap(reason, last_time, min((each.event.time_nano for each in everything), default=0))
    begin = past[0].event.time_nano if past else 0
    forgotten = [each for each in held if each.event.time_nano < begin]
    known: set[bytes] = set()

    def new(events: Iterable[Received]) -> Iterator[Received]:
        for each in events:
            if each.fingerprint not in known and not seen(each.fingerprint):
                known.add(each.fingerprint)
                yield each

    return Merged([*new([*forgotten, *past])], [*new(held)], gap)
