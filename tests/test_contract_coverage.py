"""The contract holds the whole vocabulary of the Engine API, 1.41 to 1.56, as the API's own specification has it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from tests.support import contract, specification
from tests.support.contract import asked, name_of, rules
from tests.support.specification import Operation, Schema, operations

pytestmark = pytest.mark.skipif(
    not specification.REFERENCE.is_dir(), reason="the Engine API's specification is not at hand"
)

VERSIONS = ("1.41", "1.56")
LEFT_OUT = {
    ("GET", "/containers/{}/attach/ws"): "AttachContainer does the same over gRPC",
    ("HEAD", "/_ping"): "Ping reads the same headers from a GET",
}
NOT_ASKED = {
    "Content-type": "engines find out by themselves how the context of a build is packed",
    "email": "no registry and no engine has read it for years",
}

Fields = dict[str, tuple[FieldDescriptor, str]]  # by path: the field, and the version that it or one above it needs
NARROW = {"int8", "uint8", "int16", "uint16", "int32", "uint32"}  # other integers are 64 bits wide in engines
NOT_GO_INT = {
    "height": "a `uint` that goes into a struct of 16 bits",
    "width": "likewise",
    "weight": "a `uint16`",
    "blkio_weight": "a `uint16`",
    "mode": "an `os.FileMode`, of 32 bits",
}
INT32 = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_UINT32}
INT64 = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT64}


def fields_of(message: Descriptor, path: str = "", since: str = "") -> Fields:
    """All fields of a message and below, by their paths in JSON."""
    found: Fields = {}
    if message.full_name.startswith("google.") or rules(message).json_form == pb.JSON_FORM_TUPLE:
        return found
    for field in message.fields:
        if rules(field).gateway_only:
            continue
        bare = rules(message).json_form == pb.JSON_FORM_ARRAY
        where = f"{path}[]" if bare else f"{path}.{field.json_name}".removeprefix(".")
        needs = rules(field).since or since
        if not bare:
            found[where] = (field, needs)
        if (below := contract.below(field)) is not None:
            many = "{}" if contract.is_map(field) else "[]" if field.is_repeated and not bare else ""
            found |= fields_of(below, where + many, needs)
    return found


def asked_with(method: MethodDescriptor) -> Fields:
    """What an RPC can ask with, by path: the body's own properties, parameters, and headers by their names."""
    found = fields_of(asked(method))
    for field in asked(method).fields:
        if header := rules(field).header:
            found[header] = (field, rules(field).since)
        elif rules(field).inline:
            found |= {below.json_name: (below, "") for below in contract.within(field).fields}
        elif field.name == rules(method).engine.body:
            found |= fields_of(contract.within(field), "", rules(field).since)
    return found


def answered_with(method: MethodDescriptor) -> Fields:
    """What an RPC can answer with, by path."""
    answer = rules(method).engine.answer
    return fields_of(contract.within(method.output_type.fields_by_name[answer]) if answer else method.output_type)


def by_endpoint() -> dict[tuple[str, str], list[MethodDescriptor]]:
    """The RPCs by verb and path."""
    found: dict[tuple[str, str], list[MethodDescriptor]] = {}
    for method in contract.methods():
        if endpoint := contract.endpoint(method):
            found.setdefault((endpoint[0], re.sub(r"\{\w+\}", "{}", endpoint[1])), []).append(method)
    return found


def pairs() -> Iterator[tuple[str, Operation, list[MethodDescriptor]]]:
    """Every operation of each version with its RPCs; ImageCreate has two, pull and import."""
    for version in VERSIONS:
        for endpoint, operation in operations(version).items():
            if endpoint not in LEFT_OUT:
                yield version, operation, by_endpoint()[endpoint]


def merged(parts: Iterator[Fields]) -> Fields:
    """The fields of several RPCs together."""
    return {path: found for fields in parts for path, found in fields.items()}


def test_every_operation_has_an_rpc_and_every_rpc_an_operation() -> None:
    """Nothing that the Engine can do with containers, images, execs, networks and volumes is missing, or made up."""
    specified = {endpoint for version in VERSIONS for endpoint in operations(version)}

    assert specified - set(LEFT_OUT) == set(by_endpoint())


def test_every_parameter_and_property_can_be_asked_with() -> None:
    """What a request can say to the Engine, a request of the contract can say."""
    missing = [
        (operation.name, path)
        for _, operation, methods in pairs()
        for path in operation.asked.keys() - merged(map(asked_with, methods)).keys() - NOT_ASKED.keys()
    ]

    assert missing == []


def test_every_property_of_answers_has_a_field() -> None:
    """Every property that the Engine sends has a field."""
    missing = [
        (operation.name, path)
        for _, operation, methods in pairs()
        for path in operation.answered.keys() - merged(map(answered_with, methods)).keys()
    ]

    assert missing == []


def test_what_came_after_1_41_says_since_when() -> None:
    """Otherwise an old engine would silently ignore it, and the client would believe that it had an effect."""
    old = operations("1.41")
    silent = [
        (operation.name, path)
        for endpoint, operation in operations("1.56").items()
        if endpoint in old and endpoint not in LEFT_OUT
        for path, (_, since) in merged(map(asked_with, by_endpoint()[endpoint])).items()
        if path in operation.asked and path not in old[endpoint].asked and not since
    ]

    assert silent == []


def test_an_operation_that_came_after_1_41_says_since_when() -> None:
    """Its RPC is refused for older hosts with both versions, instead of an engine's `page not found`."""
    new = operations("1.56").keys() - operations("1.41").keys()

    assert new
    assert [name_of(method) for endpoint in new for method in by_endpoint()[endpoint] if not needs(method)] == []


def needs(method: MethodDescriptor) -> str:
    """The version that an RPC's endpoint came with."""
    return str(rules(method).engine.since)


def test_every_field_is_of_the_kind_that_the_engine_has_there() -> None:
    """A flag is a bool, a list repeated, and a number as wide as the Engine's."""
    misfits = {
        (contract.name_of(field), schema["type"], schema.get("format", ""))
        for _, operation, methods in pairs()
        for fields, schemas in (
            (merged(map(asked_with, methods)), operation.asked),
            (merged(map(answered_with, methods)), operation.answered),
        )
        for path in fields.keys() & schemas.keys()
        for field, schema in [(fields[path][0], schemas[path])]
        if not fits(field, schema)
    }

    assert {name for name, *_ in misfits} - NARROWER.keys() == set()


NARROWER = {
    "BuildImageStart.pull": "a text in the specification, which engines read as true or false",
    "PutContainerArchiveStart.copy_uid_gid": "as pull",
    "PutContainerArchiveStart.no_overwrite_dir_non_dir": "as pull",
    "StreamLogsRequest.tail": "a text, `all` or a number; absent stands for `all`",
    "WaitContainerResponse.exit_code": "see the test below",
}


def fits(field: FieldDescriptor, schema: Schema) -> bool:
    """Whether a field can hold what a schema describes; Timestamp, Duration and Struct may stand for anything."""
    if field.message_type is not None and field.message_type.full_name.startswith("google."):
        return True
    bare = field.message_type is not None and rules(field.message_type).json_form in (
        pb.JSON_FORM_ARRAY,
        pb.JSON_FORM_TUPLE,
    )
    match schema.get("type"):
        case "boolean":
            return field.type == FieldDescriptor.TYPE_BOOL
        case "string":
            return field.type == FieldDescriptor.TYPE_STRING or field.message_type is not None  # JSON in a parameter
        case "integer":
            narrow = schema.get("format") in NARROW or field.name in NOT_GO_INT
            return field.type in INT64 or (field.type in INT32 and narrow)
        case "array":
            return field.is_repeated or bare
        case "object":
            return field.message_type is not None or rules(field).json_form == pb.JSON_FORM_KEYS
    return "type" not in schema or (schema["type"] == "number" and field.type in INT64)


def test_an_exit_code_is_as_wide_as_the_engines() -> None:
    """WaitContainer's is a 64-bit number in the specification."""
    field = by_endpoint()["POST", "/containers/{}/wait"][0].output_type.fields_by_name["exit_code"]

    assert field.type in INT64
