"""The tours of the clients of all languages, against a real gateway in front of two real engines."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from dockfleet.v1 import images_pb2

from clients.conformance.programs import Program, all_programs, build, missing
from clients.conformance.running import environment
from deploy.private_engines.registry import Registry
from tests.real.support import IMAGE, Containers, messages
from tests.support.gateway import Client

pytestmark = pytest.mark.timeout(900)  # the first time, a client is built

TOURS = {name: testee for name, testee in all_programs().items() if testee.tour}
WRITER = ("sh", "-c", "while :; do echo here; usleep 100000; done")


@pytest.fixture(params=TOURS)
async def tour(request: pytest.FixtureRequest) -> Program:
    """A client that is built."""
    testee = TOURS[request.param]
    if reason := await asyncio.to_thread(missing, testee):
        pytest.skip(reason)
    assert await asyncio.to_thread(build, testee) == ""
    return testee


@pytest.fixture
async def image(client: Client, host: str, registry: Registry) -> AsyncIterator[str]:
    """An image that the host can pull."""
    repository = f"{registry.address}/tour/{host}"
    await client.images.TagImage(images_pb2.TagImageRequest(host=host, name=IMAGE, repo=repository, tag="1"))
    await messages(client.images.PushImage(images_pb2.PushImageRequest(host=host, name=repository, tag="1")))
    yield f"{repository}:1"
    await client.images.RemoveImage(images_pb2.RemoveImageRequest(host=host, name=f"{repository}:1"))


async def test_a_tour_shows_what_a_client_does(
    tour: Program, client: Client, host: str, containers: Containers, image: str
) -> None:
    """A tour prints hosts, containers, a log, a command, a run, a pull, a failure, a deadline and a cancelled call."""
    name = f"dockfleet-tour-{uuid.uuid4()}"
    await containers.start(*WRITER, name=name)

    code, lines, errors = await _run(tour, client, host, name, image)

    assert (code, errors if code else "") == (0, "")
    first = lines.index("line here")
    assert f"host {host} UP" in lines[:first]
    assert f"container {name} running" in lines[:first]
    assert lines[first:] == [
        "line here",
        "line here",
        "exec 6 0",
        "run hello 3",
        "pull done",
        "error NOT_FOUND NOT_FOUND",
        "deadline DEADLINE_EXCEEDED",
        "cancelled",
    ]


async def test_a_tour_says_why_it_failed(tour: Program, client: Client) -> None:
    """A tour ends with the status, the reason and the message, when a call fails."""
    code, _, errors = await _run(tour, client, "nowhere", "web", IMAGE)

    assert code == 1
    assert errors.splitlines()[-1].startswith("NOT_FOUND UNKNOWN_HOST: ")


async def _run(tour: Program, client: Client, *argv: str) -> tuple[int | None, list[str], str]:
    """Run a tour to its end; return its exit code, its lines and its standard error."""
    process = await asyncio.create_subprocess_exec(
        *tour.tour_command(*argv),
        env=environment(f"127.0.0.1:{client.port}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode().splitlines(), err.decode()
