"""How a new subscription continues what was read before a break: in order, each event once, and gaps only where due."""

from __future__ import annotations

from collections.abc import Iterable

from dockfleet.v1.system_pb2 import EngineEvent

from gateway.engine.events.event_buffer import Gap, GapReason, Received
from gateway.engine.events.merge import merge


def received(*times: int) -> list[Received]:
    """Return events that happened at *times*."""
    return [Received.of(EngineEvent(type="container", action="start", time_nano=time)) for time in times]


def seen(*times: int) -> set[bytes]:
    """Return what distinguishes events at *times*."""
    return {each.fingerprint for each in received(*times)}


def times(events: Iterable[Received]) -> list[int]:
    """Return when events happened."""
    return [each.event.time_nano for each in events]


def test_what_was_seen_is_left_out() -> None:
    """Its presence proves that nothing is missing."""
    merged = merge(received(1, 2, 3), received(2, 3, 4), seen(1, 2).__contains__, 2)

    assert (times(merged.past), times(merged.news), merged.gap) == ([3], [4], None)


def test_events_that_the_engine_forgot_meanwhile_come_first() -> None:
    """The subscription had begun with them."""
    merged = merge(received(3, 4), received(1, 2, 3, 4, 5), seen(1).__contains__, 1)

    assert (times(merged.past), times(merged.news), merged.gap) == ([2, 3, 4], [5], None)


def test_no_known_event_means_a_gap() -> None:
    """Between the last event before the break and the first after it: the engine was restarted."""
    merged = merge(received(7, 8), received(8, 9), seen(1).__contains__, 1)

    assert times(merged.past + merged.news) == [7, 8, 9]
    assert merged.gap == Gap(GapReason.ENGINE_RESTARTED, 1, 7)


def test_a_gap_before_a_full_memory_is_an_overrun() -> None:
    """The engine remembers 256 events: more than that happened during the break."""
    merged = merge(received(*range(100, 356)), [], seen(1).__contains__, 1)

    assert merged.gap == Gap(GapReason.OVERRUN, 1, 100)


def test_an_engine_without_events_proves_nothing() -> None:
    """Neither end of the gap is known to be the last."""
    merged = merge([], [], seen(1).__contains__, 5)

    assert merged == ([], [], Gap(GapReason.ENGINE_RESTARTED, 5, 0))
