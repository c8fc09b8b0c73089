"""The words of a container's status, until when they hold, and the clock that they are worded by."""

from __future__ import annotations

import pytest

from gateway.engine.inventory.clock import EngineClock
from gateway.engine.inventory.status import FOREVER, duration, words

SECOND = 1_000_000_000
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
DAY = 24 * HOUR
NOW = 1_700_000_000 * SECOND


@pytest.mark.parametrize(
    ("nanos", "expected"),
    [
        (-5 * SECOND, "Less than a second"),  # the clocks of two processors
        (0, "Less than a second"),
        (SECOND - 1, "Less than a second"),
        (SECOND, "1 second"),
        (2 * SECOND - 1, "1 second"),
        (59 * SECOND, "59 seconds"),
        (MINUTE, "About a minute"),
        (2 * MINUTE, "2 minutes"),
        (HOUR - 1, "59 minutes"),
        (HOUR, "About an hour"),
        (90 * MINUTE - 1, "About an hour"),
        (90 * MINUTE, "2 hours"),
        (47 * HOUR + 29 * MINUTE, "47 hours"),
        (48 * HOUR - 30 * MINUTE, "2 days"),
        (13 * DAY, "13 days"),
        (14 * DAY, "2 weeks"),
        (59 * DAY, "8 weeks"),
        (60 * DAY, "2 months"),
        (729 * DAY, "24 months"),
        (730 * DAY, "2 years"),
        (1095 * DAY, "3 years"),
    ],
)
def test_a_time_is_in_the_engines_words(nanos: int, expected: str) -> None:
    """The table of go-units."""
    assert duration(nanos)[0] == expected


@pytest.mark.parametrize(
    "nanos", [0, SECOND, 59 * SECOND, MINUTE, HOUR, 5 * HOUR, 3 * DAY, 20 * DAY, 400 * DAY, 900 * DAY]
)
def test_words_hold_until_they_change(nanos: int) -> None:
    """At the end that is given they may be others, and before it never."""
    text, until = duration(nanos)

    assert until > nanos
    assert {duration(nanos + (until - 1 - nanos) * part // 10)[0] for part in range(11)} == {text}


@pytest.mark.parametrize(
    ("state", "health", "expected"),
    [
        ("running", "none", "Up 5 minutes"),
        ("running", "starting", "Up 5 minutes (health: starting)"),
        ("running", "healthy", "Up 5 minutes (healthy)"),
        ("running", "unhealthy", "Up 5 minutes (unhealthy)"),
        ("paused", "healthy", "Up 5 minutes (Paused)"),
        ("restarting", "none", "Restarting (3) 2 minutes ago"),
        ("exited", "unhealthy", "Exited (3) 2 minutes ago"),
        ("created", "none", "Created"),
        ("removing", "none", "Removal In Progress"),
        ("dead", "none", "Dead"),
    ],
)
def test_each_state_has_its_words(state: str, health: str, expected: str) -> None:
    """Those of moby's State.String."""
    text, until = words(state, health, 3, NOW - 5 * MINUTE, NOW - 2 * MINUTE, NOW)

    assert text == expected
    assert until > NOW
    assert (until == FOREVER) is (state in ("created", "removing", "dead"))


def test_one_that_has_exited_at_no_time_has_no_words() -> None:
    """As the Engine says it."""
    assert words("exited", "none", 0, NOW, 0, NOW) == ("", FOREVER)


class Clocks:
    """Our clock, and an engine's that is *ahead* of it, in nanoseconds."""

    def __init__(self, ahead: int) -> None:
        self.mono = 5 * SECOND
        self.ahead = ahead
        self.clock = EngineClock(lambda: self.mono, lambda: NOW + self.mono)

    def ask(self, took: int = SECOND // 100) -> None:
        """Let the engine answer, in the middle of the time that it takes."""
        asked = self.clock.asking()
        self.mono += took // 2
        date = (NOW + self.mono + self.ahead) // SECOND * SECOND
        self.mono += took // 2
        self.clock.answered(asked, date)

    @property
    def error(self) -> int:
        """By how much the clock is wrong."""
        return abs(self.clock.now() - (NOW + self.mono + self.ahead))


def test_dates_that_are_cut_to_seconds_tell_milliseconds_together() -> None:
    """Each answer narrows the bounds."""
    clocks = Clocks(ahead=7 * SECOND + SECOND // 3)
    for _ in range(200):
        clocks.ask()
        clocks.mono += 137 * SECOND // 1000

    assert clocks.error < SECOND // 50


def test_a_clock_that_was_set_is_noticed() -> None:
    """By the next answer that contradicts what was known."""
    clocks = Clocks(ahead=0)
    for _ in range(100):
        clocks.ask()
        clocks.mono += 137 * SECOND // 1000
    clocks.ahead = -3 * HOUR
    clocks.ask()

    assert clocks.error < SECOND


def test_an_answer_without_a_date_says_nothing() -> None:
    """Our own clock counts until there is one."""
    clocks = Clocks(ahead=0)
    clocks.clock.answered(clocks.clock.asking(), None)

    assert clocks.error == 0
