"""A background task that ends is logged as a defect, and is started again."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.engine import background
from gateway.engine.background import keep_running


@pytest.mark.parametrize("error", [RecursionError("too deep"), KeyError("Id"), None], ids=["depth", "key", "no error"])
async def test_work_that_ends_is_logged_and_done_again(
    error: Exception | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it ends with; and the line says which work it was, and for which host."""
    monkeypatch.setattr(background, "_PAUSES_SECONDS", (0.01, 0.01))
    times, third = 0, asyncio.Event()

    async def work() -> None:
        nonlocal times
        times += 1
        if times == 3:
            third.set()
            await asyncio.Event().wait()
        if error is not None:
            raise error

    task = asyncio.create_task(keep_running(work, "probes", "h1"))
    await asyncio.wait_for(third.wait(), 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    lines = [record for record in caplog.records if record.name == "gateway.background"]
    assert [record.getMessage() for record in lines] == ["defect", "defect"]
    assert {record.levelno for record in lines} == {logging.ERROR}
    assert vars(lines[0])["fields"] == {"task": "probes", "host": "h1"}
    assert bool(lines[0].exc_info and lines[0].exc_info[1]) is (error is not None)


async def test_work_that_is_cancelled_ends() -> None:
    """It ends when its owner cancels it."""
    task = asyncio.create_task(keep_running(asyncio.Event().wait, "probes"))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
