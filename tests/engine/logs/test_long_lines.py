"""Followed logs with lines that the engine cuts into pieces: every piece is sent once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.engine.logs.test_following import following_of, read
from tests.support.fake_engine import FakeEngine
from tests.support.fake_log import LOGS, NOON, STATE, Line, Log, state

ONE_FILE, FILES = {"max-size": "200m"}, {"max-size": "20m", "max-file": "5"}
LOG_CONFIGS = [
    pytest.param({}, id="not rotated"),
    pytest.param(ONE_FILE, id="one file"),
    pytest.param(FILES, id="several files"),
]
END = (NOON, b"\n", 1)


@pytest.fixture
async def daemon() -> AsyncIterator[FakeEngine]:
    """The engine."""
    async with FakeEngine() as daemon:
        yield daemon


def piece(number: int) -> Line:
    """Return a piece of the long line; equal numbers mean equal text."""
    return NOON, b"%08d" % number * 2048, 1


def text(*pieces: Line) -> bytes:
    """Return what *pieces* say."""
    return b"".join(line for _, line, _ in pieces)


@pytest.mark.parametrize("config", LOG_CONFIGS)
async def test_a_log_that_begins_with_one_piece_is_sent_once(daemon: FakeEngine, config: dict[str, str]) -> None:
    """The first answer that is not empty has the first piece of a long line alone."""
    log, pieces = Log(), [piece(number) for number in range(20)]
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(log=config))

    async with following_of(daemon, state(log=config)) as follower:
        reading = asyncio.create_task(read(follower, 1))
        await daemon.until(lambda: log.followed)
        log.write(pieces[0])
        things = await reading
        for new in (pieces[1:2], pieces[2:10], [*pieces[10:], END]):
            reading = asyncio.create_task(read(follower, 1))
            log.write(*new)
            things += await reading
        log.write((NOON + 1, b"next\n", 1))
        things += await read(follower, 1)

    assert [one for one in things if not isinstance(one, bytes)] == []
    assert b"".join(things) == text(*pieces) + b"\nnext\n"
