"""The engine of the tests of hosts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.fake_engine import FakeEngine


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """A scripted engine without containers."""
    async with FakeEngine() as engine:
        engine.on("GET", "/containers/json", json=[])
        yield engine
