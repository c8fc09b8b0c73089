"""What is asked for again: in which order, how many at a time, and when it is known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.engine.inventory.refresh import Found, Refresher


class Asked:
    """Answers when the test says so; keeps what was asked."""

    def __init__(self, at_once: int = 2) -> None:
        self.refresher = Refresher(self.look, ("list",), at_once)
        self.keys: list[str] = []
        self.open: dict[str, asyncio.Future[Found]] = {}
        self._changed = asyncio.Event()

    async def look(self, key: str) -> Found:
        """Wait for the answer."""
        self.keys.append(key)
        self.open[key] = asyncio.get_running_loop().create_future()
        self._changed.set()
        try:
            return await self.open[key]
        finally:
            del self.open[key]

    async def until(self, *keys: str) -> None:
        """Wait until these questions are open, and no others."""
        async with asyncio.timeout(10):
            while self.open.keys() != set(keys):
                self._changed.clear()
                await asyncio.wait((asyncio.create_task(self._changed.wait()),), timeout=0.02)

    async def answer(self, key: str, found: Found = Found.TRUTH) -> None:
        """Answer a question."""
        await self.until(*self.open)
        self.open[key].set_result(found)
        await asyncio.sleep(0)


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    """A refresher that has started."""
    asked = Asked()
    asked.refresher.start()
    yield asked
    asked.refresher.stop()


async def test_marks_of_one_object_are_one_question(asked: Asked) -> None:
    """The events of one change come together."""
    for _ in range(5):
        asked.refresher.touch("a")
    await asked.until("a")
    await asked.answer("a")
    await asked.until()

    assert asked.keys == ["a"]
    assert not asked.refresher.marks


async def test_what_happens_meanwhile_is_asked_for_again(asked: Asked) -> None:
    """The answer can be from before."""
    first = asked.refresher.touch("a", 0)
    await asked.until("a")
    second = asked.refresher.touch("a", 0)
    await asked.answer("a")

    assert asked.refresher.shows("a", first)
    assert not asked.refresher.shows("a", second)
    await asked.until("a")
    await asked.answer("a")
    assert await asked.refresher.shown({"a": second}, 10)
    assert asked.keys == ["a", "a"]


async def test_only_a_few_are_asked_for_at_once(asked: Asked) -> None:
    """The longest due first."""
    for key in "abcd":
        asked.refresher.touch(key, 0)
    await asked.until("a", "b")
    await asked.answer("b")
    await asked.until("a", "c")


async def test_lists_do_not_wait_for_containers(asked: Asked) -> None:
    """One that starts answers late."""
    for key in ("a", "b", "c", "list"):
        asked.refresher.touch(key, 0)

    await asked.until("a", "b", "list")


async def test_who_waits_is_served_at_once(asked: Asked) -> None:
    """Not after the time that is left for the other events of a change."""
    number = asked.refresher.touch("a", 3600)
    waiting = asyncio.create_task(asked.refresher.shown({"a": number}, 10))
    await asked.until("a")
    await asked.answer("a")

    assert await waiting


async def test_who_waits_too_long_is_told(asked: Asked) -> None:
    """Then the engine itself must be asked."""
    number = asked.refresher.touch("a", 0)
    await asked.until("a")

    assert not await asked.refresher.shown({"a": number}, 0.01)


async def test_a_failure_is_tried_again(asked: Asked) -> None:
    """And nothing is shown by it."""
    number = asked.refresher.touch("a", 0)
    await asked.until("a")
    await asked.answer("a", Found.NOTHING)

    assert not asked.refresher.shows("a", number)
    await asked.until("a")
    await asked.answer("a")
    await asked.until()
    assert not asked.refresher.marks


async def test_what_only_a_list_shows_is_as_old_as_the_list(asked: Asked) -> None:
    """An engine that is stuck with one container makes not all others old."""
    began = asyncio.get_running_loop().time()
    number = asked.refresher.touch("a", 0)
    await asked.until("a")
    await asyncio.sleep(0.05)
    await asked.answer("a", Found.LISTED)
    await asked.until("a")
    await asked.answer("a", Found.LISTED)

    assert asked.refresher.oldest is not None
    assert asked.refresher.oldest > began + 0.05
    assert not asked.refresher.shows("a", number)


async def test_what_is_gone_is_not_asked_for(asked: Asked) -> None:
    """And who waits for it, need not."""
    number = asked.refresher.touch("a", 3600)
    waiting = asyncio.create_task(asked.refresher.shown({"a": number}, 10))
    await asked.until("a")
    asked.refresher.forget("a")

    assert await waiting
    await asked.answer("a")
    assert not asked.refresher.marks


async def test_marks_outlive_a_break() -> None:
    """What was asked for when the events broke is asked for again."""
    asked = Asked()
    asked.refresher.touch("before", 0)
    asked.refresher.start()
    await asked.until("before")
    asked.refresher.stop()
    asked.refresher.touch("between", 0)
    await asked.until()

    asked.refresher.start()
    await asked.until("before", "between")
    asked.refresher.stop()


async def test_a_list_knows_what_it_can_be_wrong_about(asked: Asked) -> None:
    """It yields the marks from before the block and from within it."""
    asked.refresher.touch("a", 3600)
    with asked.refresher.touched() as touched:
        asked.refresher.touch("b", 3600)
    asked.refresher.touch("c", 3600)

    assert touched == {"a", "b"}


@pytest.mark.parametrize(("event", "healed"), [(False, 0), (True, 0), (None, 1)])
async def test_what_had_no_event_is_healed(asked: Asked, event: bool | None, healed: int) -> None:
    """Whether the event came before the list, or after it."""
    count: list[None] = []
    asked.refresher.healed = lambda: count.append(None)
    for listed in {False: (False, True), True: (True, False), None: (True,)}[event]:
        asked.refresher.touch("a", 0.01, listed=listed)
    await asked.until("a")
    await asked.answer("a")
    await asked.until()

    assert len(count) == healed
