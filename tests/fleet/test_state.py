"""The table of states: what a host is after what the gateway learns of it."""

from __future__ import annotations

import itertools

import pytest

from gateway.fleet.state import ANSWERING, FAILING, Event, State, after


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (Event.ANSWERED, State.UP),
        (Event.PARTLY_ANSWERED, State.DEGRADED),
        (Event.REFUSED, State.DOWN),
        (Event.TOO_OLD, State.INCOMPATIBLE),
    ],
)
def test_a_probe_decides_whatever_the_state_was(event: Event, expected: State) -> None:
    """Only a host that is down already stays so when it refuses."""
    assert {after(state, event) for state in State if state is not State.DRAINING} == {expected}


def test_the_first_silence_degrades_and_the_second_ends() -> None:
    """An engine that stood still for a moment is not given up; one that never answered has no credit."""
    assert after(State.UP, Event.SILENT) is State.DEGRADED
    assert after(State.DEGRADED, Event.SILENT) is State.DOWN
    assert after(State.DOWN, Event.SILENT) is State.DOWN
    assert after(State.CONNECTING, Event.SILENT) is State.DOWN


def test_a_host_is_draining_only_while_it_is_up() -> None:
    """It is down when it is down, and drains again when it is back."""
    events = (Event.DRAIN, Event.ANSWERED, Event.SILENT, Event.SILENT, Event.ANSWERED)
    states = list(
        itertools.accumulate(events, lambda state, event: after(state, event, draining=True), initial=State.UP)
    )

    assert states[1:] == [State.DRAINING, State.DRAINING, State.DEGRADED, State.DOWN, State.DRAINING]
    assert after(State.DRAINING, Event.UNDRAIN) is State.UP
    assert after(State.DOWN, Event.DRAIN, draining=True) is State.DOWN


def test_every_event_leads_somewhere_from_every_state() -> None:
    """No pair is forgotten: what is not in the table changes nothing."""
    for state, event in itertools.product(State, Event):
        assert after(state, event) in State
    assert not ANSWERING & FAILING
    assert set(State) - {State.CONNECTING} == ANSWERING | FAILING
