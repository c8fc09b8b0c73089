"""Long computations let other work run."""

from __future__ import annotations

import asyncio

import pytest

from gateway.engine import pauses
from gateway.engine.pauses import Pauses


async def test_a_computation_that_takes_long_pauses_for_several_iterations_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call of another client needs a dozen."""
    monkeypatch.setattr(pauses, "_WORK_SECONDS", 0.0)
    monkeypatch.setattr(pauses, "_PAUSE_SECONDS", 0.05)
    iterations, ended = 0, False

    async def others() -> None:
        nonlocal iterations
        while not ended:
            iterations += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    computation = Pauses()
    assert computation.due
    await computation.pause()
    ended = True
    await task

    assert iterations > 1


def test_a_computation_that_takes_no_time_does_not_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most do not."""
    monkeypatch.setattr(pauses, "_WORK_SECONDS", 3600.0)

    assert not Pauses().due
