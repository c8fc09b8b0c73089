"""The newest records, numbered; one wake-up for all who wait."""

from __future__ import annotations

import asyncio

import pytest

from gateway.engine.resumable.journal import Dropped, Journal, Waiter
from tests.support.clock import Clock


def test_records_are_numbered() -> None:
    """By the order in which they come."""
    journal = Journal[str]()

    assert [journal.append(text) for text in "abc"] == [0, 1, 2]
    assert (journal.first, journal.next) == (0, 3)
    assert [journal[number] for number in range(3)] == list(journal) == ["a", "b", "c"]


def test_the_oldest_records_make_room() -> None:
    """A reader that asks for one of them learns which is the oldest that is kept."""
    journal = Journal[str](max_records=2)
    for text in "abcd":
        journal.append(text)

    assert list(journal) == ["c", "d"]
    assert journal[2] == "c"
    with pytest.raises(Dropped) as caught:
        journal[1]
    assert caught.value.first == 2


def test_bytes_are_bounded_too() -> None:
    """Whatever the number of records."""
    journal = Journal[str](max_records=100, max_bytes=10)
    for text in "abcd":
        journal.append(text, size=4)

    assert list(journal) == ["c", "d"]


def test_the_newest_record_is_kept_whatever_its_size() -> None:
    """Otherwise no reader could read it."""
    journal = Journal[str](max_bytes=10)
    journal.append("a", size=5)
    journal.append("b", size=50)

    assert list(journal) == ["b"]
    journal.append("c", size=5)
    assert list(journal) == ["c"]


async def waiting(journal: Journal[str], count: int) -> list[asyncio.Task[None]]:
    """Return tasks that wait for news, once they do."""
    tasks = [asyncio.create_task(journal.changed()) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


@pytest.mark.parametrize("change", [lambda journal: journal.append("a"), Journal.wake, Journal.close])
async def test_all_who_wait_wake_up_together(change: object) -> None:
    """They wake when a record comes, when the journal closes, and when `wake` is called."""
    journal = Journal[str]()
    tasks = await waiting(journal, 100)

    change(journal)  # type: ignore[operator]

    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)


async def test_a_waiter_can_have_a_deadline() -> None:
    """It returns then, without news."""
    journal = Journal[str]()

    async with asyncio.timeout(10):
        await journal.changed(journal.clock() + 0.01)


async def test_a_waiter_that_has_got_news_still_keeps_its_next_deadline() -> None:
    """Its timer is not moved for each record; a later deadline is still met."""
    journal = Journal[str]()
    waiter = Waiter(journal)
    first = asyncio.create_task(waiter.wait(journal.clock() + 0.02))
    await asyncio.sleep(0)
    journal.append("a")
    async with asyncio.timeout(10):
        await first
        end = journal.clock() + 0.04
        while journal.clock() < end:
            await waiter.wait(end)
    waiter.close()


async def test_an_upstream_can_wait_for_its_readers() -> None:
    """Until one of them has read everything and wants more: once for each record."""
    journal = Journal[str]()
    demanded = asyncio.create_task(journal.demanded())
    await asyncio.sleep(0)
    assert not demanded.done()

    journal.demand()
    async with asyncio.timeout(10):
        await demanded
    journal.append("a")
    demanded = asyncio.create_task(journal.demanded())
    await asyncio.sleep(0)

    assert not demanded.done()
    demanded.cancel()


def test_the_silence_is_known() -> None:
    """It begins with the newest record."""
    clock = Clock()
    journal = Journal[str](clock=clock)
    clock.advance(3)
    assert journal.silent_seconds == 3
    journal.append("a")
    clock.advance(2)
    assert journal.silent_seconds == 2


def test_an_end_can_be_followed_by_more() -> None:
    """When the upstream is opened again."""
    journal = Journal[str]()
    journal.append("a")
    journal.close(ValueError("x"))
    closed = journal.closed, type(journal.failure)

    journal.reopen()
    journal.append("b")

    assert closed == (True, ValueError)
    assert (journal.closed, journal.failure) == (False, None)
    assert list(journal) == ["a", "b"]
