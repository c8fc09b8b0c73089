"""Messages that protobuf can read in more ways than one: what is checked is what the engine is asked (A5 41)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from dockfleet.v1 import container_config_pb2, containers_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.support.contract import is_map, methods, name_of, value_of
from tests.support.fake_engine import FakeEngine
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, gateway_of
from tests.support.upstream import refusal

NO_VALUE = 99
CREATE = "/dockfleet.v1.ContainerService/CreateContainer"


def script(engine: FakeEngine) -> None:
    """Take containers."""
    engine.on("POST", "/containers/create", status=201, json={"Id": "c" * 64, "Warnings": []})


engine = engine_fixture(script)
client = client_fixture(probed=True)


def with_no_value(message: Descriptor, above: tuple[Descriptor, ...] = ()) -> Iterator[tuple[str, bytes]]:
    """Yield the paths of all enums below a message, each with a message whose only value is none of that enum."""
    if message in above:
        return
    for field in message.fields:
        if field.enum_type:
            made: Any = GetMessageClass(message)()
            if field.is_repeated:
                getattr(made, field.name).append(NO_VALUE)
            else:
                setattr(made, field.name, NO_VALUE)
            yield field.name + "[0]" * field.is_repeated, made.SerializeToString()
        elif (below := value_of(field).message_type if is_map(field) else field.message_type) is not None:
            for path, inside in with_no_value(below, (*above, message)):
                yield f"{field.name}{'[0]' * field.is_repeated}.{path}", _wrapped(message, field, inside)


def _wrapped(message: Descriptor, field: FieldDescriptor, inside: bytes) -> bytes:
    made: Any = GetMessageClass(message)()
    where = getattr(made, field.name)
    if is_map(field):
        where["key"].ParseFromString(inside)
    else:
        (where.add() if field.is_repeated else where).ParseFromString(inside)
    encoded: bytes = made.SerializeToString()
    return encoded


ENUMS = [(method, path, data) for method in methods() for path, data in with_no_value(method.input_type)]


async def send(client: Client, method: MethodDescriptor, data: bytes) -> Any:
    """Return how a call with these bytes fails."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    if method.server_streaming:
        make: Any = client.channel.stream_stream(path)
        return await refusal(make(iter([data])).read())
    return await refusal(client.unary(path)(data))


async def test_a_number_that_is_no_value_of_its_enum_is_refused_in_every_request(
    engine: FakeEngine, client: Client
) -> None:
    """Protobuf lets it pass, and it would count as the default.  The error names the field; nothing is asked."""
    asked = len(engine.asked)
    for method, path, data in ENUMS:
        refused = await send(client, method, data)
        told = (refused.code, refused.reason, refused.message.partition(": ")[0])
        assert told == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", path), name_of(method)

    assert {path.rpartition(".")[2] for _, path, _ in ENUMS} >= {"slow_reader", "pull", "on_disconnect", "operator"}
    assert len(engine.asked) == asked


async def test_of_a_field_that_is_there_twice_the_last_counts_for_all(engine: FakeEngine) -> None:
    """The host that is looked up is the host that is asked."""
    first, last = (containers_pb2.ListContainersRequest(host=host).SerializeToString() for host in ("h1", "h2"))
    async with FakeEngine() as other, gateway_of(engine.address, other.address) as client:
        for each in (engine, other):
            each.on("GET", "/containers/json", json=[])
        await client.unary("/dockfleet.v1.ContainerService/ListContainers")(first + last)

        assert [asked.path for asked in (*engine.asked, *other.asked)] == ["/containers/json"]
        assert len(other.asked) == 1


async def test_a_key_that_is_there_twice_is_one_and_an_unknown_field_is_none(
    engine: FakeEngine, client: Client
) -> None:
    """The engine gets JSON that was made of the message, never the client's own bytes."""
    pieces = [
        containers_pb2.CreateContainerRequest(
            host="h1", config=container_config_pb2.ContainerSpec(image="app", labels={"team": team})
        ).SerializeToString()
        for team in ("a", "b")
    ]
    unknown = b"\xfa\xff\x03\x06SECRET"  # field 8191
    await client.unary(CREATE)(b"".join(pieces) + unknown)
    body = (await engine.request("POST", "/containers/create")).body

    assert json.loads(body)["Labels"] == {"team": "b"}
    assert b'"a"' not in body
    assert b"SECRET" not in body


async def test_a_message_that_is_start_and_data_at_once_is_the_last_of_them(engine: FakeEngine, client: Client) -> None:
    """So the upload has no start, and nothing is asked."""
    start = containers_pb2.PutContainerArchiveStart(host="h1", id="web", path="/tmp")
    frames = (
        containers_pb2.PutContainerArchiveRequest(start=start),
        containers_pb2.PutContainerArchiveRequest(data=b"tar"),
    )
    both = b"".join(frame.SerializeToString() for frame in frames)
    asked = len(engine.asked)
    refused = await refusal(client.unary("/dockfleet.v1.ContainerService/PutContainerArchive")(both))

    assert (refused.code, refused.message.partition(":")[0]) == (grpc.StatusCode.INVALID_ARGUMENT, "start")
    assert len(engine.asked) == asked


@pytest.mark.parametrize("depth", [200, 100_000])
async def test_a_message_that_is_nested_too_deep_is_none(engine: FakeEngine, client: Client, depth: int) -> None:
    """Whatever is within: here, groups that the contract does not know."""
    asked = len(engine.asked)
    deep = b"\xfb\xff\x03" * depth + b"\xfc\xff\x03" * depth  # the begin and the end of field 8191 as a group
    refused = await refusal(client.unary(CREATE)(deep))

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert len(engine.asked) == asked


async def test_a_message_of_too_many_values_is_refused(client: Client, engine: FakeEngine) -> None:
    """A value of two bytes takes fifty in memory, and each is converted."""
    config = container_config_pb2.ContainerSpec(image="busybox", env=["A=1"] * 20_001, labels={"a": "b"})
    request = containers_pb2.CreateContainerRequest(host="h1", config=config)

    failed = await refusal(client.containers.CreateContainer(request))

    assert (failed.code, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")
    assert "more than 20000 values" in failed.message
    assert "/containers/create" not in {asked.path for asked in engine.requests}
    del config.env[10_000:]
    request.config.CopyFrom(config)
    assert (await client.containers.CreateContainer(request)).id
