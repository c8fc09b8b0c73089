"""A reader of a journal: every record once, what it has missed, heartbeats, and the end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.engine.resumable.journal import Journal
from gateway.engine.resumable.subscription import Idle, Missed, Overflow, Subscription
from tests.support.clock import Clock


@pytest.fixture
def clock() -> Clock:
    """A clock that the test sets."""
    return Clock()


@pytest.fixture
def journal(clock: Clock) -> Journal[int]:
    """A journal of three records at most."""
    return Journal(max_records=3, clock=clock)


def write(journal: Journal[int], *records: int) -> None:
    """Add records."""
    for record in records:
        journal.append(record)


async def read(subscription: Subscription[int], count: int = 100) -> list[Any]:
    """Return the next *count* things, or all up to the end."""
    found: list[Any] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            try:
                found.append(await anext(subscription))
            except StopAsyncIteration:
                break
    return found


async def test_every_record_comes_once_from_the_cursor_on(journal: Journal[int]) -> None:
    """What is there, and then what comes, until there is no more."""
    write(journal, 1, 2)
    subscription = Subscription(journal, 1, Overflow.GAP)
    assert await read(subscription, 1) == [2]

    coming = asyncio.create_task(read(subscription))
    await asyncio.sleep(0)
    write(journal, 3)
    journal.close()

    assert await coming == [3]


@pytest.mark.parametrize(
    ("overflow", "expected"),
    [
        (Overflow.GAP, [Missed(2), 3, 4, 5]),
        (Overflow.SKIP, [Missed(4), 5]),
        (Overflow.LEAVE, [Missed(2)]),
    ],
)
async def test_a_slow_reader_learns_what_it_has_missed(
    journal: Journal[int], overflow: Overflow, expected: list[Any]
) -> None:
    """And continues at the oldest record, at the newest, or by itself."""
    subscription = Subscription(journal, 0, overflow)
    write(journal, 1, 2, 3, 4, 5)
    journal.close()

    assert await read(subscription) == expected
    assert subscription.left is (overflow is Overflow.LEAVE)


async def test_a_reader_that_reads_on_has_missed_nothing_twice(journal: Journal[int]) -> None:
    """Each overflow is reported once, with its own count."""
    subscription = Subscription(journal, 0, Overflow.GAP)
    write(journal, 1, 2, 3, 4)
    assert await read(subscription, 2) == [Missed(1), 2]
    write(journal, 5, 6, 7)

    assert await read(subscription, 4) == [Missed(2), 5, 6, 7]


async def test_a_failure_comes_after_what_was_read_before_it(journal: Journal[int]) -> None:
    """Nothing of what the upstream gave is lost."""
    subscription = Subscription(journal, 0, Overflow.GAP)
    write(journal, 1)
    journal.close(ValueError("broken"))

    assert await read(subscription, 1) == [1]
    with pytest.raises(ValueError, match="broken"):
        await anext(subscription)


async def test_silence_is_broken_by_heartbeats(journal: Journal[int], clock: Clock) -> None:
    """They say how long the upstream has been silent."""
    write(journal, 1)
    subscription = Subscription(journal, 0, Overflow.GAP, heartbeat_seconds=5)
    assert await read(subscription, 1) == [1]

    clock.advance(5)
    first = await read(subscription, 1)
    clock.advance(5)

    assert first + await read(subscription, 1) == [Idle(5), Idle(10)]


async def test_a_heartbeat_can_come_first(journal: Journal[int], clock: Clock) -> None:
    """Where there is no record yet; the next one comes after the usual time."""
    subscription = Subscription(journal, 0, Overflow.GAP, heartbeat_seconds=5, heartbeat_first=True)
    clock.advance(1)
    assert await read(subscription, 1) == [Idle(1)]

    coming = asyncio.create_task(read(subscription, 1))
    await asyncio.sleep(0)
    write(journal, 1)

    assert await coming == [1]
    assert await read(Subscription(journal, 0, Overflow.GAP, heartbeat_first=True), 1) == [1]


async def test_records_that_are_not_wanted_are_silence(journal: Journal[int], clock: Clock) -> None:
    """The reader gets heartbeats while others get records; its cursor moves on."""
    subscription = Subscription(journal, 0, Overflow.GAP, wanted=lambda record: record > 10, heartbeat_seconds=5)
    clock.advance(4)
    write(journal, 1, 11)
    assert await read(subscription, 1) == [11]
    clock.advance(4)
    write(journal, 2)
    clock.advance(1)

    assert await read(subscription, 1) == [Idle(1)]
    assert subscription.cursor == 3


async def test_a_reader_can_end_at_a_time(journal: Journal[int], clock: Clock) -> None:
    """What came before it is read; while the time is open, the reader waits."""
    end: list[float | None] = [None]
    subscription = Subscription(journal, 0, Overflow.GAP, end=lambda: end[0])
    coming = asyncio.create_task(read(subscription))
    await asyncio.sleep(0)
    end[0] = clock.now
    write(journal, 1)

    assert await coming == [1]


async def test_a_waiting_reader_wants_more(journal: Journal[int]) -> None:
    """An upstream that waits for its readers continues when the fastest has read everything."""
    write(journal, 1)
    subscription = Subscription(journal, 0, Overflow.LEAVE)
    assert subscription.ready() == 1
    assert subscription.ready() is None
    coming = asyncio.create_task(read(subscription, 1))

    async with asyncio.timeout(10):
        await journal.demanded()
    write(journal, 2)

    assert await coming == [2]
