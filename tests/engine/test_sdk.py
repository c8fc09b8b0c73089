"""Blocking code on the event loop: what it awaits, and the context that it runs in."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest
from docker import APIClient

from gateway.engine.sdk import run_blocking, wait_for
from tests.support.fake_engine import FakeEngine
from tests.support.upstream import engine_at

REQUEST_ID: ContextVar[str] = ContextVar("REQUEST_ID", default="unset")


async def test_blocking_code_waits_without_blocking_the_loop() -> None:
    """Two functions wait for each other's events, which they could not if one of them blocked the loop."""
    first, second = asyncio.Event(), asyncio.Event()

    def function(mine: asyncio.Event, other: asyncio.Event) -> str:
        mine.set()
        wait_for(other.wait())
        return "done"

    done = asyncio.gather(run_blocking(function, first, second), run_blocking(function, second, first))

    assert list(await done) == ["done", "done"]


async def test_a_failure_is_raised_where_blocking_code_waits() -> None:
    """It can be handled there, and reaches the caller when it is not."""

    async def fail() -> None:
        raise LookupError("it broke")

    def handle() -> str:
        try:
            wait_for(fail())
        except LookupError as error:
            return str(error)
        return "no failure"

    assert await run_blocking(handle) == "it broke"
    with pytest.raises(LookupError, match="it broke"):
        await run_blocking(lambda: wait_for(fail()))


async def test_blocking_code_runs_in_the_context_of_its_caller() -> None:
    """Before and after it has waited, and in what it awaits; what it sets stays set."""
    seen = []

    async def awaited() -> None:
        seen.append(REQUEST_ID.get())
        await asyncio.sleep(0)

    def function() -> None:
        seen.append(REQUEST_ID.get())
        wait_for(awaited())
        seen.append(REQUEST_ID.get())
        REQUEST_ID.set("inner")

    REQUEST_ID.set("outer")
    await run_blocking(function)

    assert seen == ["outer"] * 3
    assert REQUEST_ID.get() == "inner"


async def test_each_call_of_the_sdk_keeps_its_own_context() -> None:
    """Two calls at the same time, whose responses come in the other order, do not mix their contexts."""
    seen: dict[str, list[str]] = {"a": [], "b": []}

    def method(client: Any, name: str) -> None:
        seen[name].append(REQUEST_ID.get())
        client.ping()
        seen[name].append(REQUEST_ID.get())

    async with FakeEngine() as fake, engine_at(fake.address) as engine:

        async def call(name: str) -> None:
            REQUEST_ID.set(name)
            await engine.call(method, name)

        await engine.call(APIClient.ping)
        await asyncio.gather(call("a"), call("b"))

    assert seen == {"a": ["a", "a"], "b": ["b", "b"]}
