"""Fixtures that many tests have: a scripted engine, and a client of a gateway in front of it.

engine = engine_fixture(script, over=("unix", "tcp"))  # at the top of a test module
client = client_fixture(read_timeout_seconds=1)
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

import pytest
import pytest_asyncio

from gateway.config.settings import Limits
from tests.support.fake_engine import FakeEngine
from tests.support.gateway import Client, gateway_of

Scope = Literal["function", "module"]


def engine_fixture(
    script: Callable[[FakeEngine], None] | None = None,
    *,
    api_version: str = "1.41",
    over: tuple[str, ...] = (),
    scope: Scope = "function",
) -> Any:
    """Return the fixture `engine`: an engine with that script and version.

    A test runs once for each kind of socket in *over*, "unix" or "tcp"; the default is one run over a unix socket.
    """

    @pytest_asyncio.fixture(name="engine", scope=scope, params=over or None)
    async def engine(request: pytest.FixtureRequest) -> AsyncIterator[FakeEngine]:
        tcp = getattr(request, "param", "unix") == "tcp"
        async with FakeEngine.tcp() if tcp else FakeEngine() as engine:
            engine.api_version = api_version
            if script is not None:
                script(engine)
            yield engine

    return engine


def client_fixture(*, probed: bool = False, scope: Scope = "function", **limits: Any) -> Any:
    """Return the fixture `client`, a client of a gateway in front of `engine` with these *limits*.

    It has probed the engine before a test begins, if *probed*.
    """

    @pytest_asyncio.fixture(name="client", scope=scope)
    async def client(engine: FakeEngine) -> AsyncIterator[Client]:
        async with gateway_of(engine.address, limits=Limits(**limits), health_check_interval_seconds=3600) as client:
            if probed:
                await engine.request("GET", "/info")  # the last question of a first probe
            yield client

    return client
