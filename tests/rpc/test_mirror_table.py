"""The mirror, row by row: what each bound RPC asks of the engine, and what the caller gets of its answer.

Every call goes through a real channel, a real gateway and a socket.  The engine speaks the newest API version, so
that every field may be set.  The rows are in tests/rpc/rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import containers_pb2 as pb
from google.protobuf.message import Message

from tests.rpc.rows import (
    archives,
    configurations,
    containers,
    execs,
    images,
    networks,
    system,
    transfers,
    volumes,
)
from tests.rpc.rows.row import Row
from tests.support import contract
from tests.support.contract import asked, name_of
from tests.support.fake_engine import FakeEngine, Request
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client

TABLES = (configurations, containers, archives, execs, images, transfers, networks, volumes, system)
ROWS = [row for table in TABLES for row in table.ROWS]
BY_HAND = ("PutContainerArchive", "StatContainerArchive")  # for what they refuse, and for failures
BESIDES = [method for method in contract.methods() if method.name in BY_HAND]
METHODS = {name_of(method): method for method in [*contract.mirrored(), *BESIDES]}


engine = engine_fixture(api_version="1.56", scope="module")
client = client_fixture(probed=True, scope="module")


@pytest.mark.parametrize("row", ROWS, ids=str)
async def test_an_rpc_asks_its_endpoint_and_returns_its_answer(row: Row, client: Client, engine: FakeEngine) -> None:
    """One request with verb, path, query, headers and body; the answer's values in the fields that they belong to."""
    verb, path = row.asked.split(" ")
    engine.on(verb, path, **row.answer)
    before = len(engine.requests)

    request = type(row.request)()
    request.CopyFrom(row.request)
    request.host = "h1"  # type: ignore[attr-defined]
    replies = await contract.call(client.channel, METHODS[row.rpc], request, row.upload)

    [seen] = engine.requests[before:]
    assert (seen.method, seen.path, seen.version) == (verb, path, "1.56")
    assert seen.query == row.query
    assert sent(seen, row) == (b"".join(row.upload) if METHODS[row.rpc].client_streaming else row.body)
    assert {name: seen.headers.get(name, "") for name in row.headers} == row.headers
    expected = row.expected if isinstance(row.expected, list) else [row.expected]
    assert len(replies) == len(expected)
    assert [path for pair in zip(replies, expected, strict=True) for path in differences(*pair)] == []


def sent(request: Request, row: Row) -> Any:
    """The body that the engine got: the bytes of an upload, JSON, or None for nothing."""
    if "chunked" in request.headers.get("transfer-encoding", "") or not request.body:
        return request.body if row.upload or "transfer-encoding" in request.headers else None
    return json.loads(request.body)


def differences(found: Message, expected: Message, path: str = "") -> Iterator[str]:
    """The paths at which *found* is not what *expected* has there; what that leaves unset may be anything."""
    for field, wanted in expected.ListFields():
        where, there = f"{path}.{field.name}", getattr(found, field.name)
        if contract.is_map(field):
            for key in wanted:
                yield from unlike(there[key], wanted[key], f"{where}[{key}]") if key in there else [f"{where}[{key}]"]
        elif field.is_repeated:
            if len(there) != len(wanted):
                yield f"{where} has {len(there)} items"
            for index, pair in enumerate(zip(there, wanted, strict=False)):
                yield from unlike(*pair, f"{where}[{index}]")
        elif field.has_presence and not found.HasField(field.name):
            yield f"{where} is not set"
        else:
            yield from unlike(there, wanted, where)


def unlike(found: Any, wanted: Any, where: str) -> Iterator[str]:
    """As `differences`, of one value."""
    if isinstance(wanted, Message) and not wanted.DESCRIPTOR.full_name.startswith("google."):
        yield from differences(found, wanted, where)
    elif found != wanted:
        yield f"{where} is {found!r}, not {wanted!r}"


async def test_a_failure_without_words_gets_those_of_a_download(client: Client, engine: FakeEngine) -> None:
    """The answer to a HEAD has no body; the GET of the same path says why."""
    words = "Could not find the file /etc in container 0123"
    engine.on("HEAD", "/containers/gone/archive", status=404)
    engine.on("GET", "/containers/gone/archive", error=words, status=404)
    method = METHODS["ContainerService.StatContainerArchive"]

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await contract.call(client.channel, method, pb.StatContainerArchiveRequest(host="h1", id="gone", path="/etc"))

    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.NOT_FOUND, f"h1: {words}")


async def test_a_failure_that_a_download_does_not_have_shows_its_http_status(
    client: Client, engine: FakeEngine
) -> None:
    """The object may exist by now; the answer to the first request counts."""
    engine.on("HEAD", "/containers/late/archive", status=404)
    engine.on("GET", "/containers/late/archive", body=b"tar")
    method = METHODS["ContainerService.StatContainerArchive"]

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await contract.call(client.channel, method, pb.StatContainerArchiveRequest(host="h1", id="late", path="/etc"))

    assert (error.value.code(), error.value.details()) == (grpc.StatusCode.NOT_FOUND, "h1: HTTP 404")


# The table itself


def test_every_mirrored_rpc_has_a_row() -> None:
    """A new RPC needs a row."""
    assert {row.rpc for row in ROWS} == METHODS.keys()


@pytest.mark.parametrize("rpc", METHODS)
def test_every_field_of_a_request_is_in_a_row(rpc: str) -> None:
    """Every parameter is tested, and the first level of every body.  Refused fields are tested as refused."""
    refused = ("no_effect", "until")
    fields = {
        field.name
        for field in asked(METHODS[rpc]).fields
        if field.name != "host" and not any(getattr(contract.rules(field), rule) for rule in refused)
    }

    assert {field.name for row in ROWS if row.rpc == rpc for field, _ in row.request.ListFields()} >= fields
