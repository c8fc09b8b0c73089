"""A scripted engine, and the gateway's engine of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.engine.client import Engine
from tests.support.fake_engine import FakeEngine
from tests.support.upstream import engine_at


@pytest.fixture
async def fake() -> AsyncIterator[FakeEngine]:
    """A scripted engine without containers."""
    async with FakeEngine() as fake:
        fake.on("GET", "/containers/json", json=[])
        fake.on("POST", "/containers/{id}/stop", status=204)
        fake.on("GET", "/events", lines=[{"a": 1}])
        yield fake


@pytest.fixture
async def engine(fake: FakeEngine) -> AsyncIterator[Engine]:
    """The gateway's engine of that host."""
    async with engine_at(fake.address) as engine:
        yield engine
