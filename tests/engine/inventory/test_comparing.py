"""When lists are compared.  The test sets the clock of the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import pytest

from gateway.engine.inventory.comparing import Comparing
from tests.support.clock import LeapingLoop

LONGEST = 600.0


@pytest.fixture
def clock() -> Iterator[LeapingLoop]:
    """A loop of its own."""
    with contextlib.closing(LeapingLoop()) as clock:
        yield clock


def compared(
    clock: LeapingLoop,
    until: float,
    meanwhile: Callable[[LeapingLoop, Comparing], object] = lambda loop, comparing: None,
    longest: float = LONGEST,
    uniform: Callable[[float, float], float] = lambda low, high: 1.0,
) -> list[float]:
    """Return the times of the comparisons, in seconds since the beginning."""
    times: list[float] = []

    async def compare() -> None:
        comparing = Comparing(lambda: times.append(round(clock.time(), 3)), lambda: longest, uniform)
        comparing.begin()
        meanwhile(clock, comparing)
        await asyncio.sleep(until)
        comparing.stop()

    clock.run_until_complete(compare())
    return times


def test_a_quiet_host_is_compared_less_and_less_often_down_to_a_bound(clock: LeapingLoop) -> None:
    """From a minute on, each time twice as late."""
    assert compared(clock, 2200) == [60, 180, 420, 900, 1500, 2100]


def test_a_host_on_which_something_happens_is_compared_within_a_minute(clock: LeapingLoop) -> None:
    """The interval doubles again afterwards."""
    assert compared(clock, 1500, lambda loop, it: loop.call_later(1000, it.happened)) == [
        60,
        180,
        420,
        900,
        1060,
        1180,
        1420,
    ]


def test_a_host_on_which_much_happens_is_compared_every_minute(clock: LeapingLoop) -> None:
    """A further event does not delay the comparison."""

    def often(loop: LeapingLoop, comparing: Comparing) -> None:
        comparing.happened()
        loop.call_later(7, often, loop, comparing)

    assert compared(clock, 200, often) == [60, 123, 186]  # a minute after the first event


def test_a_bound_below_a_minute_is_the_interval(clock: LeapingLoop) -> None:
    """The configuration can ask for it."""
    assert compared(clock, 100, lambda loop, it: loop.call_later(35, it.happened), longest=30) == [30, 60, 90]


@pytest.mark.parametrize(("end", "times"), [(min, [48, 144]), (max, [72, 216])])
def test_the_times_of_many_hosts_differ(
    clock: LeapingLoop, end: Callable[[float, float], float], times: list[float]
) -> None:
    """Otherwise all would be compared at once: their inventories have begun at the same time."""
    assert compared(clock, 300, uniform=end) == times


def test_nothing_is_compared_after_the_end(clock: LeapingLoop) -> None:
    """Nor before the beginning: what happens then is in the first lists."""

    def end(loop: LeapingLoop, comparing: Comparing) -> None:
        comparing.stop()
        comparing.happened()

    assert compared(clock, 1000, end) == []


def test_hosts_are_compared_together_when_their_times_are_close(clock: LeapingLoop) -> None:
    """A process that wakes up for each host alone takes more CPU time."""
    times: list[float] = []

    async def compare() -> None:
        every = [
            Comparing(lambda: times.append(clock.time()), lambda: LONGEST, lambda low, high: 1.0) for _ in range(9)
        ]
        for comparing in every:
            await asyncio.sleep(0.01)
            comparing.begin()
        await asyncio.sleep(70)
        for comparing in every:
            comparing.stop()

    clock.run_until_complete(compare())

    assert len(times) == 9
    assert len({round(time, 3) for time in times}) == 1
