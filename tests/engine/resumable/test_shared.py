"""Upstreams that are shared: started by the first subscriber, stopped after the last."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from gateway.engine.resumable.journal import Journal
from gateway.engine.resumable.shared import Registry, Shared
from gateway.engine.resumable.subscription import Overflow, Subscription
from tests.support.clock import LeapingLoop


class Upstream(Shared[int]):
    """One that the test feeds; `started` and `ended` count its readings."""

    def __init__(self, linger_timeout_seconds: float = 0.0) -> None:
        super().__init__(Journal(), linger_timeout_seconds=linger_timeout_seconds)
        self.started = self.ended = self.forgotten = 0
        self.end = asyncio.Event()
        self.changed = asyncio.Event()
        self.failure: Exception | None = None

    async def read(self) -> None:
        """Wait for the test to end it."""
        self.started += 1
        try:
            await self.end.wait()
            if self.failure is not None:
                raise self.failure
        finally:
            self.ended += 1
            self.changed.set()

    def forget(self) -> None:
        """Count."""
        self.forgotten += 1


async def rest(upstream: Upstream) -> list[int]:
    """Return what the upstream has to give."""
    return [record async for record in Subscription(upstream.journal, 0, Overflow.GAP) if isinstance(record, int)]


async def test_the_first_subscriber_starts_it_and_the_last_one_stops_it() -> None:
    """The number of subscribers in between does not matter; after the last one it is stopped."""
    upstream = Upstream()
    async with upstream.subscribed():
        async with upstream.subscribed():
            await asyncio.sleep(0)
            assert upstream.subscribers == 2
        assert (upstream.started, upstream.ended) == (1, 0)
    assert (upstream.started, upstream.ended, upstream.forgotten) == (1, 1, 1)

    async with upstream.subscribed():
        await asyncio.sleep(0)
        assert upstream.started == 2


async def test_it_outlives_its_last_subscriber_for_a_while() -> None:
    """A subscriber that returns within the linger timeout finds it running; after the timeout it stops."""
    upstream = Upstream(linger_timeout_seconds=0.05)
    for _ in range(3):
        async with upstream.subscribed():
            await asyncio.sleep(0)
    assert (upstream.started, upstream.ended) == (1, 0)

    async with asyncio.timeout(10):
        await upstream.changed.wait()
    assert (upstream.ended, upstream.forgotten) == (1, 1)


async def test_its_failure_is_its_subscribers() -> None:
    """They get what it has given before; the next one starts it anew."""
    upstream = Upstream()
    upstream.failure = ValueError("broken")
    async with upstream.subscribed(), asyncio.timeout(10):
        upstream.journal.append(1)
        upstream.end.set()
        subscription = Subscription(upstream.journal, 0, Overflow.GAP)
        assert await anext(subscription) == 1
        with pytest.raises(ValueError, match="broken"):
            await anext(subscription)
        upstream.failure = None
        async with upstream.subscribed():
            assert await rest(upstream) == [1]
    assert upstream.started == 2


async def test_its_good_end_is_its_subscribers() -> None:
    """They end, too."""
    upstream = Upstream()
    async with upstream.subscribed(), asyncio.timeout(10):
        upstream.journal.append(1)
        upstream.end.set()
        assert await rest(upstream) == [1]


async def test_a_stop_gives_its_subscribers_a_failure() -> None:
    """For example, the host was removed."""
    upstream = Upstream()
    async with upstream.subscribed():
        waiting = asyncio.create_task(rest(upstream))
        await asyncio.sleep(0)
        upstream.close(LookupError("the host has left"))
        with pytest.raises(LookupError, match="the host has left"):
            await waiting
    assert upstream.ended == 1


async def test_an_upstream_is_found_while_it_runs() -> None:
    """By what it is about; not when it has ended or stopped."""
    registry = Registry[Upstream]()
    assert registry.find("web") is None
    upstream = registry.add("web", Upstream())
    async with upstream.subscribed(), asyncio.timeout(10):
        assert registry.find("web") is upstream
        assert registry.find("db") is None
        upstream.end.set()
        assert await rest(upstream) == []
        assert registry.find("web") is None
    assert registry.find("web") is None


async def test_a_successor_stays_when_its_predecessor_stops() -> None:
    """Each removes itself alone."""
    registry = Registry[Upstream]()
    async with registry.add("web", Upstream()).subscribed():
        successor = registry.add("web", Upstream())

    assert registry.find("web") is successor


async def test_a_registry_stops_all_that_it_knows() -> None:
    """With the same failure for all subscribers."""
    registry = Registry[Upstream]()
    upstreams = [registry.add(key, Upstream()) for key in range(3)]
    async with upstreams[0].subscribed(), upstreams[1].subscribed(), upstreams[2].subscribed():
        waiting = [asyncio.create_task(rest(upstream)) for upstream in upstreams]
        await asyncio.sleep(0)
        registry.close(LookupError("the host has left"))
        failures = await asyncio.gather(*waiting, return_exceptions=True)

    assert [str(failure) for failure in failures] == ["the host has left"] * 3
    assert [registry.find(key) for key in range(3)] == [None] * 3


def test_the_last_of_several_lingers_counts() -> None:
    """One that lingers again has the whole time again."""

    async def linger_twice() -> tuple[int, int]:
        upstream = Upstream(linger_timeout_seconds=60)
        upstream.start()
        upstream.linger()
        await asyncio.sleep(40)
        upstream.linger()
        await asyncio.sleep(40)
        before = upstream.ended
        await asyncio.sleep(21)
        return before, upstream.ended

    with contextlib.closing(LeapingLoop()) as loop:
        assert loop.run_until_complete(linger_twice()) == (0, 1)
