"""Sleeps of less than a millisecond."""

from __future__ import annotations

import asyncio
import time

import psutil
import pytest

from gateway.engine.transport import precise_timer
from gateway.engine.transport.precise_timer import sleep_until
from tests.support.upstream import until


@pytest.mark.parametrize("seconds", [0.0001, 0.0015, 0.02])
async def test_a_sleep_lasts_until_its_moment_and_leaves_nothing(seconds: float) -> None:
    """Not less, whether or not the loop could count it, and its timer is closed."""
    before, moment = psutil.Process().num_fds(), time.monotonic() + seconds
    await sleep_until(moment)
    assert time.monotonic() >= moment
    assert psutil.Process().num_fds() == before


async def test_a_moment_that_has_passed_is_not_waited_for() -> None:
    """Nor one that comes at once: a timer of no time would never ring."""
    for moment in (0.0, time.monotonic() - 1, time.monotonic() + 1e-10):
        await sleep_until(moment)


async def test_many_sleep_at_once() -> None:
    """Each until its own moment."""

    async def late(seconds: float) -> bool:
        moment = time.monotonic() + seconds
        await sleep_until(moment)
        return time.monotonic() >= moment

    assert all(await asyncio.gather(*(late(number * 0.0001) for number in range(100))))


async def test_a_cancelled_sleep_leaves_nothing() -> None:
    """Neither a timer nor somebody whom it would wake."""
    before = psutil.Process().num_fds()
    sleeper = asyncio.ensure_future(sleep_until(time.monotonic() + 60))
    await until(lambda: psutil.Process().num_fds() > before)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert psutil.Process().num_fds() == before


@pytest.mark.parametrize("lack", ["unknown", "refused"])
async def test_a_system_without_such_timers_sleeps_as_its_loop_can(lack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no timerfd at all, and where no descriptor is left for one."""

    class Lacking:
        if lack == "refused":

            @staticmethod
            def timerfd_create(clock: int, flags: int) -> int:
                return -1

    monkeypatch.setattr(precise_timer, "_LIBC", Lacking())
    moment = time.monotonic() + 0.002
    await sleep_until(moment)
    assert time.monotonic() >= moment - 0.001
