"""The example clients in other languages, against a real gateway in front of two real engines."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from tests.clients.examples import EXAMPLES, build, run
from tests.real.support import Containers, Fleet
from tests.support.gateway import Client

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(params=EXAMPLES)
async def language(request: pytest.FixtureRequest) -> str:
    """A language whose example is built."""
    await asyncio.to_thread(build, request.param)
    return str(request.param)


@pytest.fixture
async def lines(client: Client, fleet: Fleet) -> AsyncIterator[list[str]]:
    """What the examples must print of two containers: one runs on an old engine, one is created on a newer."""
    old, new = (Containers(client, fleet.need(host)) for host in ("one", "new"))
    name = f"dockfleet-test-{uuid.uuid4()}"
    try:
        await old.start("sleep", "1000", name=name)
        await new.create("sleep", "1000", name=name)
        yield [f"one {name} running", f"new {name} created"]
    finally:
        await old.remove_all()
        await new.remove_all()


async def test_an_example_lists_the_containers_of_all_hosts(client: Client, language: str, lines: list[str]) -> None:
    """An example prints host, name and state of each container, and asks every host where none is named."""
    done = await asyncio.to_thread(run, language, address=f"127.0.0.1:{client.port}")

    assert done.returncode == 0, done.stderr
    assert set(lines) <= set(done.stdout.splitlines())


async def test_an_example_asks_the_hosts_that_are_named(client: Client, language: str, lines: list[str]) -> None:
    """An example asks only the hosts that it is given."""
    done = await asyncio.to_thread(run, language, "new", address=f"127.0.0.1:{client.port}")

    assert done.returncode == 0, done.stderr
    assert lines[1] in done.stdout.splitlines()
    assert {line.split()[0] for line in done.stdout.splitlines()} == {"new"}


async def test_an_example_says_why_it_failed(client: Client, language: str) -> None:
    """An example ends with an error that has the status and the reason, when a call fails."""
    done = await asyncio.to_thread(run, language, "nowhere", address=f"127.0.0.1:{client.port}")

    assert done.returncode == 1
    assert done.stderr.replace("_", "").upper().startswith("NOTFOUND UNKNOWNHOST: ")
