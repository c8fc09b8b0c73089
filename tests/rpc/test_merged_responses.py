"""Merged streams send their records in responses, each within a turn of its host."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from gateway.engine.transport.turns import Turns
from gateway.rpc.services.fleet.streams import MOST_BYTES, joined
from tests.support.held_turns import HeldTurns


async def responses(pieces: Iterator[tuple[bytes, Turns | None]]) -> list[bytes]:
    """Return all responses."""
    return [response async for response in joined(pieces)]


async def test_a_single_record_waits_for_a_turn_of_its_host() -> None:
    """A host that floods in small batches would keep the loop from the others otherwise."""
    turns = HeldTurns()
    reading = asyncio.create_task(responses(iter([(b"a", turns), (b"b", turns)])))
    await turns.waiting.wait()

    assert not reading.done()
    turns.begin.set()
    assert b"".join(await reading) == b"ab"


async def test_a_record_of_a_host_waits_behind_one_of_no_host_too() -> None:
    """A flood that begins with a report has no turn without it."""
    turns = HeldTurns()
    reading = asyncio.create_task(responses(iter([(b"a", None), (b"b", turns)])))
    await turns.waiting.wait()

    assert not reading.done()
    turns.begin.set()
    assert b"".join(await reading) == b"ab"


async def test_records_of_no_host_wait_for_no_turn() -> None:
    """A heartbeat comes while a host floods."""
    assert await responses(iter([(b"a", None), (b"b", None)])) == [b"ab"]


async def test_a_response_ends_with_the_record_that_fills_it() -> None:
    """So it has at most one record more than fits."""
    piece = bytes(MOST_BYTES // 4)

    sizes = [len(response) for response in await responses(iter([(piece, None)] * 10))]

    assert sizes == [MOST_BYTES, MOST_BYTES, MOST_BYTES // 2]
