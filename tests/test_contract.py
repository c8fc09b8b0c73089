"""The contract keeps its own rules: DESIGN section 3, and the comments of protos/dockfleet/v1/engine.proto.

Most tests name all that break a rule at once, so that a new RPC sees all its faults in one run.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from dockfleet.v1 import common_pb2, engine_pb2
from dockfleet.v1 import engine_pb2 as pb
from google.protobuf.descriptor import FieldDescriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

from gateway.engine.binding import Binding
from gateway.fleet.hosts import Hosts
from gateway.services.mirror import Gate, handlers
from tests import contract
from tests.contract import asked, name_of, option

METHODS = contract.methods()
WITH_ENDPOINT = [method for method in METHODS if contract.endpoint(method)]
FIELDS = [field for message in contract.messages() for field in message.fields]


def test_every_rpc_says_what_its_caller_must_be_allowed() -> None:
    """An RPC without an access level would be open to whoever may do the least."""
    assert [name_of(method) for method in METHODS if option(method, pb.access) == pb.ACCESS_UNSPECIFIED] == []


def test_every_rpc_mirrors_an_endpoint_or_is_written_by_hand() -> None:
    """Nothing is declared that nobody serves."""
    served = {name_of(method) for method in METHODS if contract.endpoint(method) or contract.is_by_hand(method)}

    assert {name_of(method) for method in METHODS} - served == set()


@pytest.mark.parametrize("service", contract.services(), ids=name_of)
def test_the_gateway_can_make_the_handlers_of_every_service(service: ServiceDescriptor) -> None:
    """Making them reads all options of all RPCs; what contradicts itself stops the gateway's start."""
    made = handlers(service, Gate(Hosts([])), *contract.BY_HAND.get(service.name, ()))

    assert made.service_name() == service.full_name


def test_every_method_written_by_hand_is_an_rpc() -> None:
    """A method whose RPC was renamed or removed would be code that nobody reaches."""
    rpcs = {(method.containing_service.name, method.name) for method in METHODS}

    kinds = ((name, kind) for name, kinds in contract.BY_HAND.items() for kind in kinds)
    written = {(name, key) for name, kind in kinds for key in vars(kind) if key[0].isupper()}

    assert written <= rpcs


@pytest.mark.parametrize("method", WITH_ENDPOINT, ids=name_of)
def test_every_endpoint_fits_its_messages(method: MethodDescriptor) -> None:
    """The fields that an endpoint names exist, and those of its path have a grammar."""
    fields = asked(method).fields_by_name
    described = option(method, pb.engine)

    assert all(name in fields and option(fields[name], pb.grammar) for name in contract.placeholders(method))
    assert described.body in {"", "*", *fields}
    assert described.answer in {"", *method.output_type.fields_by_name}
    assert (Binding(method).verb, Binding(method).path) == contract.endpoint(method)


def test_every_parameter_that_can_be_left_out_shows_whether_it_was() -> None:
    """Zero and false mean something to the Engine, so the absence of a scalar must differ from them."""
    bare = [
        name_of(field)
        for method in WITH_ENDPOINT
        for field in asked(method).fields
        if field.name not in {"host", *contract.placeholders(method)}
        if not (field.has_presence or field.is_repeated or option(field, pb.required))
    ]

    assert bare == []


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_the_host_comes_first_and_the_target_second(method: MethodDescriptor) -> None:
    """Whoever writes a request by hand finds both where they always are."""
    fields = asked(method).fields_by_name
    if method.name == "ListHosts":
        assert not fields  # the one RPC that is about all hosts
        return
    targets = contract.placeholders(method) or (["id"] if "id" in fields else [])

    assert fields["host"].number == 1
    assert fields["host"].type == FieldDescriptor.TYPE_STRING
    assert [fields[name].number for name in targets] == list(range(2, 2 + len(targets)))


def test_every_rpc_has_a_request_and_a_response_of_its_own() -> None:
    """Each can grow without the others: the pair bears the RPC's name, so no two RPCs share one."""
    pairs = {method.name: (method.input_type.name, method.output_type.name) for method in METHODS}

    assert len(pairs) == len(METHODS)
    assert pairs == {name: (f"{name}Request", f"{name}Response") for name in pairs}


def test_every_stream_of_a_client_begins_with_a_start() -> None:
    """The frames of a client are one `oneof`, whose first says what is asked."""
    for method in METHODS:
        if method.client_streaming:
            frames = method.input_type.oneofs_by_name["frame"].fields

            assert (frames[0].name, frames[0].number) == ("start", 1)
            assert len(frames) == len(method.input_type.fields)


def test_the_numbers_of_the_options_stay() -> None:
    """Other generators and older gateways read the options by number."""
    numbers = {name: extension.number for name, extension in engine_pb2.DESCRIPTOR.extensions_by_name.items()}

    assert numbers == {
        "engine": 50001,
        "access": 50002,
        "grammar": 50011,
        "secret": 50012,
        "since": 50013,
        "header": 50014,
        "status": 50015,
        "when_absent": 50016,
        "json_set": 50017,
        "required": 50018,
        "gateway_only": 50019,
        "json_array": 50021,
    }


def test_the_gateway_gives_the_reasons_that_the_contract_lists() -> None:
    """Clients decide by the reason: each listed one is given somewhere, and no other is."""
    listed = {name.removeprefix("ERROR_REASON_") for name in common_pb2.ErrorReason.keys()[1:]}

    given = {
        node.value
        for file in ("errors.py", "boundary.py")
        for node in ast.walk(ast.parse((contract.ROOT / "gateway" / file).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[A-Z_]{3,}", node.value)
    }

    assert given - {"ERROR_REASON_"} == listed


@pytest.mark.parametrize("file", contract.files(), ids=lambda file: Path(file.name).stem)
def test_every_file_names_its_package_in_each_language(file: FileDescriptor) -> None:
    """The generated code of a file without them would end up in a package of its own."""
    options = file.GetOptions()

    assert file.package == "dockfleet.v1"
    assert options.go_package == "github.com/dockfleet/dockfleet/clients/go/dockfleetv1;dockfleetv1"
    assert options.java_package == "com.dockfleet.v1"
    assert options.java_multiple_files
    assert options.csharp_namespace == "Dockfleet.V1"


def test_credentials_are_secret() -> None:
    """Neither a field that holds credentials nor one that is a password, a token or a key may be shown."""
    shown = [
        name_of(field)
        for field in FIELDS
        if getattr(contract.below(field), "name", "") == "AuthConfig"
        or (field.type == FieldDescriptor.TYPE_STRING and re.search(r"password|token|ca_key$", field.name))
        if not option(field, pb.secret)
    ]

    assert shown == []


def test_since_names_versions_that_the_contract_describes() -> None:
    """What is as old as 1.41 needs no `since`, and no engine has what is newer than 1.56."""
    versions = {name_of(field): option(field, pb.since) for field in FIELDS}
    versions |= {name_of(method): option(method, pb.engine).since for method in WITH_ENDPOINT}
    described = [f"1.{minor}" for minor in range(42, 57)]

    assert {name: version for name, version in versions.items() if version and version not in described} == {}


def test_options_that_shape_json_stand_where_they_can() -> None:
    """`json_array` belongs to messages of one repeated `items`, `json_set` to lists of strings, grammars to strings."""
    arrays = [message for message in contract.messages() if option(message, pb.json_array)]
    sets = [field for field in FIELDS if option(field, pb.json_set)]
    names = [field for field in FIELDS if option(field, pb.grammar)]

    assert {tuple((field.name, field.is_repeated) for field in message.fields) for message in arrays} == {
        (("items", True),)
    }
    assert {(field.is_repeated, field.type) for field in sets} == {(True, FieldDescriptor.TYPE_STRING)}
    assert {field.type for field in names} == {FieldDescriptor.TYPE_STRING}


def test_everything_in_the_contract_is_documented(tmp_path: Path) -> None:
    """The comments are the reference manual: every service, RPC, message, field, enum and value has one."""
    output = tmp_path / "contract.binpb"
    folders = [f"-I{contract.ROOT / 'protos'}", f"-I{Path(protoc.__file__).parent / '_proto'}"]
    arguments = [*folders, "--include_source_info", f"--descriptor_set_out={output}", *map(str, contract.PROTOS)]

    status = protoc.main(["protoc", *arguments])

    declared = [
        (file.name, location)
        for file in FileDescriptorSet.FromString(output.read_bytes()).file
        for location in file.source_code_info.location
        if _DECLARATIONS.fullmatch(".".join(map(str, location.path)))
    ]
    silent = [(file, found.span[0] + 1) for file, found in declared if not found.leading_comments.strip()]
    assert status == 0
    assert len(declared) > len(FIELDS)
    assert silent == []


# The numbers of descriptor.proto: a message is 4 in a file and 3 in a message, its field 2, its oneof 8; an enum is 5,
# its value 2; a service is 6, its RPC 2; an option's extension is 7.
_DECLARATIONS = re.compile(r"4\.\d+(\.3\.\d+)*(\.[28]\.\d+)?|[56]\.\d+(\.2\.\d+)?|7\.\d+")
