"""The pauses between probes, with the loop's clock in the test's hands."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from gateway.engine.client import Call, Endpoint, Engine
from gateway.engine.errors import TimedOut
from gateway.engine.kinds import Kind
from gateway.engine.ticks import TICK_SECONDS
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Address
from gateway.fleet.health import Health
from gateway.fleet.schedule import Schedule
from gateway.fleet.state import Event
from gateway.telemetry.metrics import Metrics
from tests.support.clock import LeapingLoop

INTERVAL = 10.0
LIST = Call(Request("GET", "/containers/json"), changes=False)


@pytest.fixture
def clock() -> Iterator[LeapingLoop]:
    """A loop of its own."""
    with contextlib.closing(LeapingLoop()) as clock:
        yield clock


async def pauses(schedule: Schedule, *failures: int, hurried: float | None = None) -> AsyncIterator[float]:
    """Return the pauses after these numbers of failures; *hurried* is when `hurry` is called, in seconds."""
    loop = asyncio.get_running_loop()
    for count in failures:
        schedule.begin(5)
        began = loop.time()
        if hurried is not None:
            loop.call_later(hurried, schedule.hurry)
        await schedule.pause(INTERVAL, count)
        yield loop.time() - began


def run(clock: LeapingLoop, schedule: Schedule, *failures: int, **how: Any) -> list[float]:
    """Return these pauses."""

    async def collect() -> list[float]:
        return [round(seconds, 3) async for seconds in pauses(schedule, *failures, **how)]

    return clock.run_until_complete(collect())


def longest(low: float, high: float) -> float:
    """The end of a range."""
    return high


def test_a_host_that_answers_is_probed_at_the_interval_more_or_less(clock: LeapingLoop) -> None:
    """A fifth more or less, so that hosts do not keep in step."""
    found = run(clock, Schedule(), *[0] * 200)

    assert all(0.8 * INTERVAL <= seconds <= 1.2 * INTERVAL + TICK_SECONDS for seconds in found)
    assert len(set(found)) > 20


def test_hosts_that_answer_are_probed_together_when_their_times_are_close(clock: LeapingLoop) -> None:
    """A process that wakes up for each ping alone takes twice the CPU time."""

    async def begins() -> set[float]:
        loop, times = asyncio.get_running_loop(), set()

        async def probed(seconds: float) -> None:
            await asyncio.sleep(seconds)
            schedule = Schedule(longest)
            schedule.begin(5)
            await schedule.pause(INTERVAL, 0)
            times.add(round(loop.time(), 3))

        await asyncio.gather(*(probed(number / 1000) for number in range(1, 100)))
        return times

    assert len(clock.run_until_complete(begins())) == 1


def test_a_host_that_is_down_is_probed_soon_then_less_often_and_at_least_at_the_interval(clock: LeapingLoop) -> None:
    """So one that is back is up within an interval."""
    assert run(clock, Schedule(longest), *range(1, 9)) == [0.5, 1, 2, 4, 8, 10, 10, 10]
    assert all(seconds <= INTERVAL for seconds in run(clock, Schedule(), *range(1, 50)))


def test_a_host_that_is_wanted_is_probed_sooner_and_not_without_a_pause(clock: LeapingLoop) -> None:
    """A caller waits a second at the most; a thousand callers cause no more probes than one."""
    assert run(clock, Schedule(longest), *range(1, 7), hurried=0.0) == [0.2, 0.3, 0.5, 0.9, 1.1, 1.1]
    assert run(clock, Schedule(longest), 0, hurried=0.0) == [0.6]
    assert run(clock, Schedule(longest), 0, hurried=3.0) == [3.1]


def test_what_is_wanted_during_a_probe_is_wanted_after_it(clock: LeapingLoop) -> None:
    """The answer of a probe may be older than the question."""

    async def paused() -> float:
        schedule = Schedule(longest)
        schedule.begin(5)
        schedule.hurry()
        await schedule.pause(INTERVAL, 0)
        return clock.time()

    assert clock.run_until_complete(paused()) == pytest.approx(0.6)


def test_it_is_known_when_more_is_known(clock: LeapingLoop) -> None:
    """During a probe, the time at which it ends at the latest; afterwards, the earliest start of the next probe."""

    async def known() -> list[float]:
        schedule = Schedule(longest)
        schedule.begin(5)
        found = [schedule.soonest_seconds]
        pausing = asyncio.ensure_future(schedule.pause(INTERVAL, 4))
        await asyncio.sleep(0)
        found.append(schedule.soonest_seconds)
        pausing.cancel()
        return [round(seconds, 3) for seconds in found]

    assert clock.run_until_complete(known()) == [5, 0.8]


@pytest.mark.parametrize(
    ("happens", "seconds"),
    [
        (lambda health: None, 10.0),
        (lambda health: health.answered(LIST, Kind.UNARY, 200, 0.1), 1.1),  # one that was sent before the host was down
        (lambda health: health.lost(), 10.0),  # nothing new
    ],
    ids=["nothing", "an answer", "a break"],
)
def test_an_answer_of_a_host_that_is_down_brings_the_next_probe_forward(
    clock: LeapingLoop, happens: Callable[[Health], None], seconds: float
) -> None:
    """The answer shows that it is alive, although no client calls it."""

    async def paused() -> float:
        engine = Engine("h1", Endpoint("unix:///none", Address(path="/none")))
        health = Health(engine, Metrics().host("h1"))
        health.schedule = Schedule(longest)
        health.probed(Event.SILENT, TimedOut("it does not answer"), clock.time())
        began = clock.time()
        pausing = asyncio.ensure_future(health.schedule.pause(INTERVAL, 9))
        await asyncio.sleep(0)
        happens(health)
        await pausing
        return clock.time() - began

    assert clock.run_until_complete(paused()) == pytest.approx(seconds)
