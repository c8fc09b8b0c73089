"""Every status that a comment of the contract names, on engines of both versions.

Those that no real engine gives at will are in tests/rpc/test_scripted_statuses.py.  That comments and rows are the
same is in tests/test_error_comments.py.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from dockfleet.v1 import containers_pb2

from tests.real.statuses import prefixes
from tests.real.statuses.at import At, Row
from tests.real.statuses.rows import ROWS
from tests.support.statuses import Asked, Status, outcome, status_of


async def ending(at: At, rpc: str, asked: Asked) -> list[Status | None]:
    """Call an RPC as a row asks, and return how the calls have ended."""
    request: Any = asked.request
    if "host" in request.DESCRIPTOR.fields_by_name and not rpc.startswith("HostService"):
        request.host = at.host
    calls = (outcome(at.client.channel, rpc, asked) for _ in range(asked.times))
    return [status_of(found) for found in await asyncio.gather(*calls)]


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_a_call_ends_with_the_status_that_its_comment_names(at: At, row: Row) -> None:
    """Code and reason are those of the comment, whatever words the engine has for it."""
    if at.host not in row.hosts:
        pytest.skip("engines of this version never end the call so")
    prepared = await row.prepare(at)
    asked = prepared if isinstance(prepared, Asked) else Asked(prepared)

    found = await ending(at, row.rpc, asked)

    if asked.times == 1:
        assert found == [row.status]
    else:
        assert row.status in found
        assert set(found) <= {row.status, None, Status.of("NOT_FOUND")}


@pytest.mark.parametrize("rpc", prefixes.OF_CONTAINERS)
async def test_a_container_that_is_not_there_is_not_found(at: At, rpc: str) -> None:
    """Each RPC that takes a container ends with NOT_FOUND."""
    assert await ending(at, rpc, prefixes.asking(rpc, at.name)) == [Status.of("NOT_FOUND")]


async def test_a_prefix_of_several_containers_names_none(at: At) -> None:
    """Each RPC that takes a container, also for an exec or an image, refuses the prefix and changes none of them."""
    prefix = await prefixes.ambiguous_container(at)
    before = sorted(await at.containers.all_ids())
    asked = {rpc: prefixes.asking(rpc, prefix) for rpc in prefixes.OF_CONTAINERS + prefixes.OF_EXECS}
    asked["ImageService.CommitContainer"] = prefixes.commit(prefix)

    found = {rpc: await ending(at, rpc, call) for rpc, call in asked.items()}

    assert found == {rpc: [prefixes.AMBIGUOUS] for rpc in asked}
    assert sorted(await at.containers.all_ids()) == before


async def test_a_prefix_of_several_networks_names_none(at: At) -> None:
    """Each RPC that takes a network refuses the prefix, also where a container is connected to it."""
    container = await at.running(host_config={"network_mode": "bridge"})
    prefix = await prefixes.ambiguous_network(at)
    connecting = {"container": container}
    asked = {
        rpc: prefixes.asking(rpc, prefix, **(connecting if rpc.lower().endswith("connectnetwork") else {}))
        for rpc in prefixes.OF_NETWORKS
    }

    found = {rpc: await ending(at, rpc, call) for rpc, call in asked.items()}

    assert found == {rpc: [prefixes.AMBIGUOUS] for rpc in asked}


@pytest.mark.parametrize(("path", "words"), [("/nope", "/nope"), ("/etc/passwd/x", "not a directory")])
async def test_what_is_missing_in_a_container_is_named(at: At, path: str, words: str) -> None:
    """The answer to a HEAD has no words: those of a download say what there is not."""
    container = await at.containers.create("true")
    request = containers_pb2.StatContainerArchiveRequest(host=at.host, id=container, path=path)

    found = await outcome(at.client.channel, "ContainerService.StatContainerArchive", Asked(request))

    assert found is not None
    assert words in found.message
    assert path != "/nope" or container in found.message
