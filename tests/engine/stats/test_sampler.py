"""How an engine is asked for the samples of all its containers."""

from __future__ import annotations

import asyncio

import pytest

from gateway.engine.stats.feed import StatsFeeds
from gateway.engine.stats.sampler import Sampler
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_stats import sample
from tests.support.upstream import engine_at

IDS = [f"{number:064x}" for number in range(40)]


@pytest.mark.parametrize(("version", "at_once"), [("1.41", len(IDS)), ("1.45", 16)])
async def test_samples_are_asked_for_in_bursts(version: str, at_once: int) -> None:
    """All at once where the engine answers at the next turn of its collector; else sixteen."""
    may_answer = asyncio.Event()

    async def answer(exchange: ResponseParser) -> None:
        await may_answer.wait()
        await exchange.answer(json=sample(4))

    async with FakeEngine() as fake, engine_at(fake.address) as engine:
        fake.api_version = version
        fake.on("GET", "/containers/{id}/stats", answer)
        deadline = asyncio.get_running_loop().time() + 60
        await engine.negotiate(deadline)
        sampling = asyncio.create_task(Sampler(engine, StatsFeeds(engine)).samples(IDS, deadline))
        await fake.until(lambda: len(fake.asked) >= at_once)
        await engine.probe(deadline)  # so that another request would have come
        asked, connections = len(fake.asked), fake.connections
        may_answer.set()
        samples = await sampling

    assert asked == at_once
    assert samples.keys() == set(IDS)
    assert {dict(request.query)["one-shot"] for request in fake.asked} == {"true"}
    assert fake.connections == connections  # kept for those that follow
