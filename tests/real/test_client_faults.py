"""The clients of all languages while a real gateway, a real host or they themselves break."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from clients.conformance.faults import play, ready
from deploy.private_engines.engine import PrivateEngine


@pytest.mark.timeout(900)  # the first time, the clients are built
async def test_the_clients_survive_faults(start_engine: Callable[..., PrivateEngine], tmp_path: Path) -> None:
    """No line is lost or comes twice, no call outlives its deadline, and nothing is left of a client that ends."""
    programs = await asyncio.to_thread(ready)
    left = await asyncio.to_thread(start_engine, "left")
    right = await asyncio.to_thread(start_engine, "right")

    results = await play(tmp_path, left, right, programs)

    problems = {
        (title, client): problem for title, row in results.items() for client, problem in row.items() if problem
    }
    assert programs
    assert problems == {}
