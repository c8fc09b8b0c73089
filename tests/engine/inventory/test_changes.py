"""Subscribers of a host's containers: all there is, and then every change, at their own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from gateway.engine.errors import Unreachable
from gateway.engine.inventory.changes import NOWHERE, Change, Changes, Forget, Put, Removed, Stale, Synced
from gateway.engine.inventory.contents import Contents
from tests.engine.inventory.support import CLOCK, row
from tests.support.fake_objects import container, full

AWAY = Unreachable("no connection")


class Host:
    """A host whose containers the test puts down."""

    def __init__(self, kept: int = 100) -> None:
        self.contents = Contents(CLOCK)
        self.changes = self.contents.changes = Changes(
            lambda: self.contents.newest_first, self.contents.containers.get, kept
        )

    def put(self, id: str, name: str = "web", state: str = "running") -> None:
        """Put down a container."""
        self.contents.put(row(container(id, name, state)))


async def take(changes: AsyncGenerator[Change, None], count: int) -> list[Change]:
    """Return the next changes."""
    async with asyncio.timeout(10):
        return [await anext(changes) for _ in range(count)]


def texts(changes: list[Change]) -> list[str]:
    """Return changes in short: names of containers that are put, first digits of removed ids, and classes."""
    found = []
    for change in changes:
        match change:
            case Put(_, row):
                found.append(f"{row.name} {row.state}")
            case Removed(_, id):
                found.append(f"-{id[0]}")
            case other:
                found.append(type(other).__name__)
    return found


async def test_all_there_is_comes_first_and_then_every_change() -> None:
    """With its number."""
    host = Host()
    host.put("a")
    host.changes.synced()
    async with aclosing(host.changes.read(None)) as changes:
        first = await take(changes, 2)
        host.put("a", state="exited")
        host.put("b", "db")
        host.contents.remove(full("a"))
        later = await take(changes, 2)

    assert texts(first) == ["web running", "Synced"]
    assert first[0].number == NOWHERE  # nobody can continue within all there is
    assert texts(later) == ["db running", "-a"]  # a container that has changed twice comes as it is
    assert later[1].number == later[0].number + 1


async def test_a_host_that_is_not_known_yet_has_no_state() -> None:
    """Its containers come as they are found, and then the state."""
    host = Host()
    async with aclosing(host.changes.read(None)) as changes:
        reading = asyncio.create_task(take(changes, 3))
        await asyncio.sleep(0)
        host.put("a")
        host.put("b", "db")
        host.changes.synced()

        assert texts(await reading) == ["web running", "db running", "Synced"]


async def test_a_host_that_is_away_is_stale_until_it_is_known_again() -> None:
    """Each container is sent once."""
    host = Host()
    host.changes.synced()
    async with aclosing(host.changes.read(None)) as changes:
        await take(changes, 1)
        host.changes.stale(AWAY)
        host.changes.stale(AWAY)
        host.put("a")
        host.changes.synced()
        host.changes.synced()
        found = await take(changes, 3)
    async with aclosing(host.changes.read(None)) as changes:
        again = await take(changes, 2)

    assert texts(found) == ["Stale", "web running", "Synced"]
    assert isinstance(found[0], Stale)
    assert found[0].failure is AWAY
    assert texts(again) == ["web running", "Synced"]


async def test_a_change_that_is_kept_is_a_place_to_continue() -> None:
    """Nothing before it comes again."""
    host = Host()
    host.changes.synced()
    host.put("a")
    async with aclosing(host.changes.read(None)) as changes:
        last = (await take(changes, 2))[-1].number
    host.put("b", "db")
    assert host.changes.keeps(last, host.changes.epoch)
    async with aclosing(host.changes.read(last)) as changes:
        assert texts(await take(changes, 1)) == ["db running"]


async def test_a_change_of_another_inventory_or_one_that_is_dropped_is_none() -> None:
    """Then all has to come again."""
    host, other = Host(kept=3), Host()
    host.changes.synced()
    for number in range(9):
        host.put(f"a{number:02}")

    assert not host.changes.keeps(2, host.changes.epoch)
    assert host.changes.keeps(8, host.changes.epoch)
    assert not host.changes.keeps(8, other.changes.epoch)
    assert not host.changes.keeps(NOWHERE, host.changes.epoch)
    assert not host.changes.keeps(99, host.changes.epoch)


async def test_a_slow_subscriber_forgets_and_gets_all_again() -> None:
    """Nothing is kept for it."""
    host = Host(kept=3)
    host.changes.synced()
    async with aclosing(host.changes.read(None)) as changes:
        assert texts(await take(changes, 1)) == ["Synced"]
        for number in range(9):
            host.put(f"a{number:02}", f"web-{number}")
        host.contents.remove(full("a00"))
        found = await take(changes, 10)

        assert isinstance(found[0], Forget)
        assert sorted(texts(found[1:-1])) == [f"web-{number} running" for number in range(1, 9)]
        assert isinstance(found[-1], Synced)
        host.put("b", "db")
        assert texts(await take(changes, 1)) == ["db running"]


async def test_subscribers_end_with_the_inventory() -> None:
    """They get why."""
    host = Host()
    host.changes.synced()
    async with aclosing(host.changes.read(None)) as changes:
        await take(changes, 1)
        host.changes.close(AWAY)
        with pytest.raises(Unreachable):
            await take(changes, 1)


async def test_nothing_changes_by_what_is_put_down_as_it_was() -> None:
    """A list that shows the same is no news."""
    host = Host()
    same = container("a", "web")
    host.contents.put(row(same))
    host.changes.synced()
    async with aclosing(host.changes.read(None)) as changes:
        await take(changes, 2)
        host.contents.put(row(same))
        host.put("b", "db")

        assert texts(await take(changes, 1)) == ["db running"]
