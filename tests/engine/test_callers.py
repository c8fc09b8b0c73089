"""Who counts as a caller beside others."""

from __future__ import annotations

import pytest

from gateway.engine.callers import RECENT_SECONDS, Callers


@pytest.fixture
def callers() -> Callers:
    return Callers()


def test_nobody_has_others_before_the_first_call(callers: Callers) -> None:
    """Nothing was recorded."""
    assert not callers.has_others("a", 0.0)


def test_a_caller_alone_has_no_others(callers: Callers) -> None:
    """However often it calls."""
    for second in range(10):
        callers.call("a", float(second))

    assert not callers.has_others("a", 9.0)


def test_each_of_two_callers_has_others(callers: Callers) -> None:
    """Whichever called last, and one that did not call too."""
    callers.call("a", 0.0)
    callers.call("b", 0.1)

    assert [callers.has_others(name, 0.2) for name in "abc"] == [True, True, True]


@pytest.mark.parametrize("calls", ["ab", "ba", "aab", "bba"])
def test_a_call_counts_for_a_second(callers: Callers, calls: str) -> None:
    """Also for a caller that has no further calls."""
    for name in calls:
        callers.call(name, 0.0)

    assert callers.has_others("a", RECENT_SECONDS - 0.01)
    assert not callers.has_others("a", RECENT_SECONDS)


def test_calls_of_one_do_not_make_those_of_another_recent(callers: Callers) -> None:
    """A caller that calls again and again has others for a second after their last call."""
    callers.call("b", 0.0)
    for tenth in range(9):
        callers.call("a", tenth / 10)

    assert callers.has_others("a", 0.9)
    assert not callers.has_others("a", 1.0)
