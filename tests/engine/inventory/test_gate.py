"""What is asked of many new hosts leaves room for calls."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from gateway.engine.inventory.gate import Gate


async def test_few_hosts_begin_at_the_same_time() -> None:
    """Another one begins when one of them is known."""
    gate, begun = Gate(), asyncio.Event()

    async def begin() -> None:
        async with gate.place():
            begun.set()

    async with asyncio.TaskGroup() as group, AsyncExitStack() as others:
        for _ in range(16):
            await others.enter_async_context(gate.place())
        group.create_task(begin())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not begun.is_set()
    assert begun.is_set()


async def test_questions_come_at_a_pace_after_the_first_ones() -> None:
    """Those of a host or two need not wait; a thousand hosts take their time."""
    gate, clock = Gate(), asyncio.get_running_loop().time
    began = clock()
    for _ in range(2_030):
        async with gate.question():
            pass

    assert clock() - began >= 30 / 300 - 0.01
