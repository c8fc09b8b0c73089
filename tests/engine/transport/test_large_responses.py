"""How much of the large responses of hosts is in memory at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway.engine.errors import Busy, TimedOut
from gateway.engine.transport.http import Request
from gateway.engine.transport.large_responses import LARGE_BYTES, OWN_BYTES, SharedRoom
from gateway.engine.transport.pool import Limits, Pool
from gateway.engine.transport.timeouts import Deadline, Timeout
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.upstream import address_of

MIB = 1 << 20
LARGE, SMALL = Request("GET", "/large"), Request("GET", "/small")


class Bodies:
    """An engine's handler that sends bodies of *total* bytes, and never the end of the first one if it *holds* that."""

    def __init__(self, total: int, *, holds: bool = False) -> None:
        self._total = total
        self._holds = holds
        self.sent: list[int] = []  # by exchange
        self._changed = asyncio.Event()

    async def __call__(self, exchange: ResponseParser) -> None:
        """Send one."""
        number = len(self.sent)
        self.sent.append(0)
        exchange.head(200, {"Content-Length": str(self._total)})
        end = self._total - (self._holds and number == 0)
        while self.sent[number] < end:
            piece = min(MIB, end - self.sent[number])
            exchange.write(bytes(piece))
            await exchange.drain()
            self.sent[number] += piece
            self._changed.set()
        if end < self._total:
            await exchange.wait_closed()

    async def until(self, condition: Callable[[list[int]], bool]) -> None:
        """Wait until *condition* is true for what was sent."""
        while not condition(self.sent):
            self._changed.clear()
            await self._changed.wait()


@pytest.fixture
async def engine() -> AsyncIterator[FakeEngine]:
    """A scripted engine with a small response."""
    async with FakeEngine() as engine:
        engine.on("GET", "/small", body=b"small")
        yield engine


@asynccontextmanager
async def pool_of(engine: FakeEngine, room: SharedRoom) -> AsyncIterator[Pool]:
    """Give the pool of a host that shares *room*."""
    pool = Pool(address_of(engine.address), Limits(), room=room)
    try:
        yield pool
    finally:
        pool.close()


async def size(pool: Pool) -> int:
    """Fetch a large response and keep nothing of it but its size."""
    return len((await pool.fetch(LARGE)).body)


async def test_further_large_responses_of_a_host_wait_for_the_oldest(engine: FakeEngine) -> None:
    """The first fills the room of its host; of each other, no more is received than of one that is not large."""
    bodies = Bodies(OWN_BYTES + 2 * MIB, holds=True)
    engine.on("GET", "/large", bodies)
    async with pool_of(engine, SharedRoom()) as pool:
        first = asyncio.ensure_future(pool.fetch(LARGE))
        await bodies.until(lambda sent: sent == [OWN_BYTES + 2 * MIB - 1])
        others = [asyncio.ensure_future(size(pool)) for _ in range(3)]
        await bodies.until(lambda sent: len(sent) == 4 and min(sent) >= LARGE_BYTES)

        assert (await pool.fetch(SMALL)).body == b"small"
        with pytest.raises(TimedOut, match=r"large responses of \d+ bytes were not loaded within 0.2 s"):
            await pool.fetch(LARGE, Deadline.after(Timeout.of(0.2, "limits.read_timeout_seconds")))
        assert not any(call.done() for call in (first, *others))
        assert max(bodies.sent[1:]) < 4 * MIB  # with what the kernel holds

        first.cancel()
        assert await asyncio.gather(*others) == [OWN_BYTES + 2 * MIB] * 3


async def test_a_large_response_counts_until_nobody_uses_it(engine: FakeEngine) -> None:
    """It is converted after it was received."""
    bodies = Bodies(OWN_BYTES + 2 * MIB)
    engine.on("GET", "/large", bodies)
    room = SharedRoom()
    async with pool_of(engine, room) as pool:
        kept = await pool.fetch(LARGE)
        assert room.taken == 2 * MIB
        waiting = asyncio.ensure_future(pool.fetch(LARGE))
        await bodies.until(lambda sent: len(sent) == 2 and sent[1] >= LARGE_BYTES)
        assert (await pool.fetch(SMALL)).body == b"small"
        assert not waiting.done()

        del kept
        assert len((await waiting).body) == OWN_BYTES + 2 * MIB


async def test_a_large_response_without_room_is_refused(engine: FakeEngine) -> None:
    """Its host is busy, and the limit is named; other hosts have room of their own, and nothing stays taken."""
    engine.on("GET", "/large", Bodies(OWN_BYTES + 2 * MIB))
    room = SharedRoom(MIB)
    async with pool_of(engine, room) as pool, FakeEngine() as other, pool_of(other, room) as of_other:
        for _ in range(2):
            with pytest.raises(Busy, match="max_large_response_bytes"):
                await pool.fetch(LARGE)
            assert room.taken == 0
        room.taken = room.most
        other.on("GET", "/large", Bodies(OWN_BYTES))
        assert len((await of_other.fetch(LARGE)).body) == OWN_BYTES
