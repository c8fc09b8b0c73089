"""What the end of an answer means: every row of the table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.engine.logs.runs import Run
from gateway.engine.logs.states import Action, Container, FollowState

RUN = Run(running=True, started="2026-05-01T10:00:00Z", finished="0001-01-01T00:00:00Z", exit_code=0, terminal=False)
ANY = (False, True)

ROWS = [
    # container, answer whole, all sent, restarts followed, seen running: action
    *((Container.GONE, whole, certain, restarts, Action.END_REMOVED) for whole in ANY for certain in ANY
      for restarts in ANY),
    *((Container.OTHER_RUN, whole, certain, restarts, Action.NEXT_RUN) for whole in ANY for certain in ANY
      for restarts in ANY),
    *((Container.RUNNING, whole, certain, restarts, Action.RETRY) for whole in ANY for certain in ANY
      for restarts in ANY),
    *((Container.STOPPED, False, certain, restarts, Action.RETRY) for certain in ANY for restarts in ANY),
    *((Container.STOPPED, True, False, restarts, Action.READ_REST) for restarts in ANY),
    (Container.STOPPED, True, True, True, Action.WAIT),
    (Container.STOPPED, True, True, False, Action.END_EXITED),
]  # fmt: skip


@pytest.mark.parametrize(("container", "whole", "certain", "restarts", "action"), ROWS)
def test_a_row(container: Container, whole: bool, certain: bool, restarts: bool, action: Action) -> None:
    """The container's state decides, and whether the answer was whole and all of it sent."""
    state = FollowState(follow_restarts=restarts, was_running=True)

    assert state.after(container, whole=whole, certain=certain) is action


def test_a_container_that_was_never_seen_running_was_not_running() -> None:
    """Only a run that was seen running ends with EXITED; a run that starts later is seen."""
    state = FollowState(follow_restarts=False, was_running=False)
    assert state.after(Container.STOPPED, whole=True, certain=True) is Action.END_NOT_RUNNING

    state.after(Container.RUNNING, whole=True, certain=False)
    assert state.after(Container.STOPPED, whole=True, certain=True) is Action.END_EXITED


@pytest.mark.parametrize(
    ("run", "state"),
    [
        (None, Container.GONE),
        (RUN, Container.RUNNING),
        (replace(RUN, running=False), Container.STOPPED),
        (replace(RUN, started="2026-05-01T10:00:01Z"), Container.OTHER_RUN),
        (replace(RUN, started="2026-05-01T10:00:01Z", running=False), Container.OTHER_RUN),
    ],
)
def test_an_inspection_is_a_state(run: Run | None, state: Container) -> None:
    """A container that was started again is in another run, whether that still runs or not."""
    assert Container.of(run, RUN.started) is state
