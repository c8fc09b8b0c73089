"""What a binding refuses before anything is sent: for every RPC, and every field that can be wrong or too new."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import grpc
import pytest
from dockfleet.v1 import containers_pb2
from dockfleet.v1.container_config_pb2 import ContainerSpec, HostConfig
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import BadRequest

from tests.support import contract
from tests.support.contract import asked, name_of, rules
from tests.support.fake_engine import FakeEngine
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, Failed, failed, gateway_of
from tests.support.messages import set_one, set_required

METHODS = {method.name: method for method in contract.methods_of("dockfleet.v1")}


engine = engine_fixture(scope="module")
client = client_fixture(scope="module")


async def refusal(client: Client, engine: FakeEngine, method: MethodDescriptor, request: Message) -> Failed:
    """Return how a call fails; the engine must not be asked."""
    before = len(engine.asked)
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await contract.call(client.channel, method, request)

    assert engine.asked[before:] == []
    return failed(error.value)


def minimal(method: MethodDescriptor) -> Any:
    """A request with a host and what is required."""
    request: Any = GetMessageClass(asked(method))(host="h1")
    set_required(request, *contract.placeholders(method))
    return request


ADDRESSED = [method for method in contract.methods_of("dockfleet.v1") if "host" in asked(method).fields_by_name]


@pytest.mark.parametrize("method", ADDRESSED, ids=name_of)
async def test_a_call_without_a_host_is_refused(method: MethodDescriptor, client: Client, engine: FakeEngine) -> None:
    """There is no default host."""
    request = minimal(method)
    request.host = ""

    refused = await refusal(client, engine, method, request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert violations(refused) == ["host"]


@pytest.mark.parametrize("method", ADDRESSED, ids=name_of)
async def test_a_host_that_is_not_known_is_not_found(
    method: MethodDescriptor, client: Client, engine: FakeEngine
) -> None:
    """The error repeats the name."""
    request = minimal(method)
    request.host = "h2"

    refused = await refusal(client, engine, method, request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_HOST")
    assert "'h2'" in refused.message


REQUIRED = [(method, field) for method in METHODS.values() for field in asked(method).fields if rules(field).required]


@pytest.mark.parametrize(("method", "field"), REQUIRED, ids=name_of)
async def test_a_call_without_a_required_field_is_refused(
    method: MethodDescriptor, field: FieldDescriptor, client: Client, engine: FakeEngine
) -> None:
    """The engine would decide what its absence means."""
    request = minimal(method)
    request.ClearField(field.name)

    refused = await refusal(client, engine, method, request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert violations(refused) == [field.name]


async def test_what_is_required_below_is_named_by_its_path(client: Client, engine: FakeEngine) -> None:
    """A configuration without an image is refused before the engine is asked."""
    for method in (METHODS["CreateContainer"], METHODS["RunContainer"]):
        request = minimal(method)
        request.config.ClearField("image")

        assert violations(await refusal(client, engine, method, request)) == ["config.image"]


NO_EFFECT = [(method, field) for method in METHODS.values() for field in asked(method).fields if rules(field).no_effect]


@pytest.mark.parametrize(("method", "field"), NO_EFFECT, ids=name_of)
async def test_a_field_that_every_engine_ignores_is_refused(
    method: MethodDescriptor, field: FieldDescriptor, client: Client, engine: FakeEngine
) -> None:
    """The caller would believe that it had changed something."""
    request = minimal(method)
    set_one(request, field)

    refused = await refusal(client, engine, method, request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert violations(refused) == [field.name]


def violations(refused: Failed) -> list[str]:
    """The fields that a refusal blames."""
    return [found.field for bad in refused.details if isinstance(bad, BadRequest) for found in bad.field_violations]


# Too new for the host


class Newer(NamedTuple):
    """A field that came after 1.41: the fields that lead to it, the version, and its path as an error has it."""

    method: MethodDescriptor
    fields: tuple[FieldDescriptor, ...]
    since: str
    path: str


def newer(method: MethodDescriptor, message: Descriptor, above: tuple[FieldDescriptor, ...] = ()) -> Iterator[Newer]:
    """All fields with `since` in what an RPC asks; what is below one is as new as it."""
    for field in message.fields:
        fields = (*above, field)
        if since := rules(field).since:
            yield Newer(method, fields, since, ".".join(map(place, fields[:-1])) + "." * bool(above) + field.name)
        elif (below := contract.below(field)) is not None and not below.full_name.startswith("google."):
            yield from newer(method, below, fields)


def place(field: FieldDescriptor) -> str:
    """A field on the path to another; `set_one` calls the one value of a map so."""
    return f"{field.name}['key of {field.name}']" if contract.is_map(field) else field.name


OLD = [method for method in METHODS.values() if not rules(method).engine.since]
NEWER = [found for method in OLD for found in newer(method, asked(method))]


@pytest.mark.parametrize("field", NEWER, ids=lambda found: f"{name_of(found.method)}-{found.path}")
async def test_a_field_that_is_too_new_for_the_host_is_refused(
    field: Newer, client: Client, engine: FakeEngine
) -> None:
    """The engine would ignore it silently.  The details name the field and both versions."""
    request = minimal(field.method)
    set_one(request, *field.fields)

    refused = await refusal(client, engine, field.method, request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "API_VERSION_TOO_OLD")
    metadata = {key: refused.metadata.get(key) for key in ("host", "field", "required_version", "host_version")}
    assert metadata == {"host": "h1", "field": field.path, "required_version": field.since, "host_version": "1.41"}


class Older(NamedTuple):
    """A field that ended before 1.56: the fields that lead to it, the last version, and its path in errors."""

    method: MethodDescriptor
    fields: tuple[FieldDescriptor, ...]
    until: str
    path: str


def older(method: MethodDescriptor, message: Descriptor, above: tuple[FieldDescriptor, ...] = ()) -> Iterator[Older]:
    """All fields with `until` in what an RPC asks."""
    for field in message.fields:
        fields = (*above, field)
        if until := rules(field).until:
            yield Older(method, fields, until, ".".join(map(place, fields[:-1])) + "." * bool(above) + field.name)
        elif (below := contract.below(field)) is not None and not below.full_name.startswith("google."):
            yield from older(method, below, fields)


OLDER = [found for method in METHODS.values() for found in older(method, asked(method))]


@pytest.mark.parametrize("field", OLDER, ids=lambda found: f"{name_of(found.method)}-{found.path}")
async def test_a_field_that_is_too_old_for_the_host_is_refused(field: Older) -> None:
    """A newer engine would ignore it silently.  The details name the field and both versions."""
    async with FakeEngine() as engine:
        engine.api_version = f"1.{int(field.until.split('.')[1]) + 1}"
        async with gateway_of(engine.address) as client:
            request = minimal(field.method)
            set_one(request, *field.fields)

            refused = await refusal(client, engine, field.method, request)

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "API_VERSION_TOO_NEW")
    metadata = {key: refused.metadata.get(key) for key in ("host", "field", "last_version", "host_version")}
    assert metadata == {
        "host": "h1",
        "field": field.path,
        "last_version": field.until,
        "host_version": engine.api_version,
    }


def test_fields_within_fields_are_found() -> None:
    """The walk finds them through lists, maps and messages."""
    assert {
        ("1.44", "config.healthcheck.start_interval"),
        ("1.46", "config.host_config.mounts.tmpfs_options.options"),
        ("1.48", "config.networking_config.endpoints_config['key of endpoints_config'].gw_priority"),
    } <= {(found.since, found.path) for found in NEWER}
    assert {("1.41", "config.host_config.kernel_memory_bytes"), ("1.51", "config.mac_address")} <= {
        (found.until, found.path) for found in OLDER
    }


@pytest.mark.parametrize("rpc", ["ListImageAttestations", "UpdateVolume"])
async def test_an_rpc_that_is_too_new_for_the_host_is_refused(rpc: str, client: Client, engine: FakeEngine) -> None:
    """The details name the RPC as the method, and both versions."""
    refused = await refusal(client, engine, METHODS[rpc], minimal(METHODS[rpc]))

    assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "API_VERSION_TOO_OLD")
    assert refused.metadata["method"] == rpc
    assert refused.metadata["required_version"] == rules(METHODS[rpc]).engine.since
    assert (refused.metadata["host_version"], "field" in refused.metadata) == ("1.41", False)


@pytest.mark.parametrize(
    ("version", "sent"), [("1.41", False), ("1.42", False), ("1.43", True), ("1.44", True), ("1.100", True)]
)
async def test_versions_are_compared_as_numbers(version: str, sent: bool) -> None:
    """1.100 is newer than 1.43; the gateway asks for no version beyond the newest that it knows."""
    config = ContainerSpec(image="busybox", host_config=HostConfig(annotations={"a": "b"}))
    request = containers_pb2.CreateContainerRequest(host="h1", config=config)
    async with FakeEngine() as engine:
        engine.api_version = version
        engine.on("POST", "/containers/create", status=201, json={"Id": "x"})
        async with gateway_of(engine.address) as client:
            called = client.containers.CreateContainer(request)
            code = await called.code()

    assert [request.path for request in engine.requests if request.method == "POST"] == ["/containers/create"] * sent
    assert code == (grpc.StatusCode.OK if sent else grpc.StatusCode.FAILED_PRECONDITION)
