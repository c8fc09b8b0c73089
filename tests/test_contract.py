"""The contract keeps its own rules: the comments of protos/dockfleet/options/v1/options.proto.

Most tests name all that break a rule at once, so that a new RPC sees all its faults in one run.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import grpc
import pytest
from dockfleet.options.v1 import options_pb2
from dockfleet.options.v1 import options_pb2 as pb
from dockfleet.v1 import common_pb2
from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    FileDescriptor,
)
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodOptions
from grpc_tools import protoc

from gateway.engine.codec.binding import Binding
from gateway.fleet.registry import HostRegistry
from gateway.rpc.backend import Backend
from gateway.rpc.host_rpc import Behaviour
from gateway.rpc.mirror import behaviours, handlers
from tests.support import contract
from tests.support.contract import asked, name_of, rules

METHODS = contract.methods()
WITH_ENDPOINT = [method for method in METHODS if contract.endpoint(method)]
FIELDS = [field for message in contract.messages() for field in message.fields]


def test_every_rpc_says_what_its_caller_must_be_allowed() -> None:
    """An RPC without an access level would be open to every caller."""
    assert [name_of(method) for method in METHODS if rules(method).access == pb.ACCESS_LEVEL_UNSPECIFIED] == []


def test_every_rpc_mirrors_an_endpoint_or_is_written_by_hand() -> None:
    """Every RPC of the contract is served."""
    served = {
        name_of(method)
        for method in METHODS
        if contract.endpoint(method) or contract.is_by_hand(method) or rules(method).fan_out
    }

    assert {name_of(method) for method in METHODS} - served == set()


def test_the_gateway_can_serve_every_service() -> None:
    """What serves an RPC is made of its options; what contradicts itself stops the gateway's start."""
    backend, served = Backend(HostRegistry(10)), dict[str, Behaviour]()
    for service in sorted(contract.services(), key=lambda service: service.full_name, reverse=True):
        served |= behaviours(service, backend, *contract.BY_HAND.get(service.name, ()), served=served)

        handler = handlers(service, served)
        assert isinstance(handler, grpc.ServiceRpcHandler)
        assert handler.service_name() == service.full_name


def test_every_method_written_by_hand_is_an_rpc() -> None:
    """A method whose RPC was renamed or removed would be dead code."""
    rpcs = {(method.containing_service.name, method.name) for method in METHODS}

    kinds = ((name, kind) for name, kinds in contract.BY_HAND.items() for kind in kinds)
    written = {(name, key) for name, kind in kinds for key in vars(kind) if key[0].isupper()}

    assert written <= rpcs


def test_every_endpoint_fits_its_messages() -> None:
    """The fields that an endpoint names exist, and those of its path have a grammar."""
    for method in WITH_ENDPOINT:
        name, fields, described = name_of(method), asked(method).fields_by_name, rules(method).engine

        assert all(part in fields and rules(fields[part]).format for part in contract.placeholders(method)), name
        assert described.body in {"", "*", *fields}, name
        assert described.answer in {"", *method.output_type.fields_by_name}, name
        assert (Binding(method).verb, Binding(method).path) == contract.endpoint(method), name


def test_every_parameter_that_can_be_left_out_shows_whether_it_was() -> None:
    """Zero and false mean something to the Engine, so the absence of a scalar must differ from them."""
    bare = [
        name_of(field)
        for method in WITH_ENDPOINT
        for field in asked(method).fields
        if field.name not in {"host", *contract.placeholders(method)}
        if not (field.has_presence or field.is_repeated or rules(field).required or field.enum_type)
    ]

    assert bare == []


def test_the_host_comes_first_and_the_target_second() -> None:
    """A request that is written by hand has both where they always are."""
    for method in contract.methods_of("dockfleet.v1"):
        name, fields = name_of(method), asked(method).fields_by_name
        targets = contract.placeholders(method) or (["id"] if "id" in fields else [])

        assert fields["host"].number == 1, name
        assert fields["host"].type == FieldDescriptor.TYPE_STRING, name
        assert [fields[target].number for target in targets] == list(range(2, 2 + len(targets))), name


def test_a_request_of_many_hosts_begins_with_the_hosts_and_the_containers() -> None:
    """They choose what the call is about; what is done there comes after them."""
    for method in contract.methods_of("dockfleet.fleet.v1"):
        fields = method.input_type.fields_by_name

        assert method.input_type.fields_by_number[1].name in {"host", "hosts", "selector", "spec", "services"}, method
        assert "containers" not in fields or fields["containers"].number == 2, name_of(method)


def test_every_rpc_has_a_request_and_a_response_of_its_own() -> None:
    """Each can grow without the others: the pair bears the RPC's name, so no two RPCs share one."""
    pairs = {
        (method.containing_service.file.package, method.name): (
            method.input_type.full_name,
            method.output_type.full_name,
        )
        for method in METHODS
    }

    assert len(pairs) == len(METHODS)
    assert pairs == {
        (package, name): (f"{package}.{name}Request", f"{package}.{name}Response") for package, name in pairs
    }


def test_every_stream_of_a_client_begins_with_a_start() -> None:
    """The frames of a client are one `oneof`, whose first says what is asked."""
    for method in METHODS:
        if method.client_streaming:
            frames = method.input_type.oneofs_by_name["frame"].fields

            assert (frames[0].name, frames[0].number) == ("start", 1)
            assert len(frames) == len(method.input_type.fields)


def test_the_numbers_of_the_options_stay() -> None:
    """Other generators and older gateways read the options by number."""
    numbers = {name: extension.number for name, extension in options_pb2.DESCRIPTOR.extensions_by_name.items()}

    assert numbers == {"rpc": 73151, "field": 73151, "message": 73151}


_WITH_REASONS = (
    *("engine/errors", "fleet/host", "fleet/placement", "fleet/registry", "fleet/sources/store"),
    *("rpc/status", "rpc/reasons", "rpc/call"),
)


def test_the_gateway_gives_the_reasons_that_the_contract_lists() -> None:
    """Clients decide by the reason: each listed one is given somewhere, and no other is."""
    listed = {name.removeprefix("ERROR_REASON_") for name in common_pb2.ErrorReason.keys()[1:]}

    given = {
        node.value
        for file in _WITH_REASONS
        for node in ast.walk(ast.parse((contract.ROOT / f"gateway/{file}.py").read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[A-Z_]{3,}", node.value)
    }

    statuses = {code.name for code in grpc.StatusCode} - listed
    assert given - {"ERROR_REASON_"} - statuses == listed


@pytest.mark.parametrize("file", contract.files(), ids=lambda file: Path(file.name).stem)
def test_every_file_names_its_package_in_each_language(file: FileDescriptor) -> None:
    """The generated code of a file without them would end up in a package of its own."""
    options = file.GetOptions()
    folder = Path(file.name).parent
    go = "".join(folder.parts)

    assert file.package == ".".join(folder.parts)
    assert options.go_package == f"dockfleet.internal/go/{go};{go}"
    assert options.java_package == file.package
    assert options.java_multiple_files
    assert options.java_outer_classname == Path(file.name).stem.title().replace("_", "") + "Proto"
    assert options.csharp_namespace == file.package.title()


def test_rpcs_that_only_read_have_the_standard_option() -> None:
    """Connect and retry tools read `idempotency_level`; a request with secrets must not become a URL."""
    levels = {method: method.GetOptions().idempotency_level for method in METHODS}

    reads = {method for method in METHODS if levels[method] != MethodOptions.IDEMPOTENCY_UNKNOWN}
    verbs = {method: found[0] for method in METHODS if (found := contract.endpoint(method))}
    assert {verbs[method] for method in reads if method in verbs} == {"GET", "HEAD", "POST"}
    assert {name_of(method) for method in reads if verbs.get(method) == "POST"} == {
        "ContainerService.WaitContainer",
        "SystemService.CheckAuth",
    }
    assert [name_of(method) for method, verb in verbs.items() if verb == "GET" and method not in reads] == []
    assert {name_of(method) for method in reads if has_secrets(asked(method))} == {
        name_of(method) for method in reads if levels[method] == MethodOptions.IDEMPOTENT
    }


def has_secrets(message: Descriptor) -> bool:
    """Whether a message, or one in it, has a secret field."""
    return any(rules(field).secret for field in message.fields)


def test_what_is_the_gateways_own_has_numbers_of_its_own() -> None:
    """The Engine's fields and the gateway's can both grow: 1000 to 1999 are the gateway's."""
    own = {name_of(field): field.number for field in FIELDS if rules(field).gateway_only}
    others = {name_of(field): field.number for field in FIELDS if not rules(field).gateway_only}

    assert own
    assert {name for name, number in own.items() if not 1000 <= number < 2000} == set()
    assert {name for name, number in others.items() if number >= 1000} == set()


def test_credentials_are_secret() -> None:
    """Neither a field that holds credentials nor one that is a password, a token or a key may be shown."""
    shown = [
        name_of(field)
        for field in FIELDS
        if getattr(contract.below(field), "name", "") == "AuthConfig"
        or (field.type == FieldDescriptor.TYPE_STRING and re.search(r"password|token|ca_key$", field.name))
        if not rules(field).secret
    ]

    assert shown == []


def test_since_and_until_name_versions_that_the_contract_describes() -> None:
    """What is as old as 1.41 needs no `since`, what 1.56 has needs no `until`, and no engine has what is newer."""
    since = {name_of(field): rules(field).since for field in FIELDS}
    since |= {name_of(method): rules(method).engine.since for method in WITH_ENDPOINT}
    until = {name_of(field): rules(field).until for field in FIELDS}
    newer, older = ([f"1.{minor}" for minor in range(first, first + 15)] for first in (42, 41))

    assert {name: version for name, version in since.items() if version and version not in newer} == {}
    assert {name: version for name, version in until.items() if version and version not in older} == {}
    assert {name for name, version in until.items() if version and since[name]} == set()


def test_options_that_shape_json_stand_where_they_can() -> None:
    """Arrays are messages of one repeated `items`, tuples of scalars, keys lists of strings; formats are of strings."""
    by_form = {form: [each for each in contract.messages() if rules(each).json_form == form] for form in range(4)}
    keys = [field for field in FIELDS if rules(field).json_form]
    names = [field for field in FIELDS if rules(field).format]

    assert {
        tuple((field.name, field.is_repeated) for field in message.fields) for message in by_form[pb.JSON_FORM_ARRAY]
    } == {(("items", True),)}
    assert [message.name for message in by_form[pb.JSON_FORM_TUPLE]] == ["TerminalSize"]
    assert {(field.is_repeated, field.type) for field in keys} == {(True, FieldDescriptor.TYPE_STRING)}
    assert {rules(field).json_form for field in keys} == {pb.JSON_FORM_KEYS}
    assert {field.type for field in names} == {FieldDescriptor.TYPE_STRING}


def test_streams_have_one_shape() -> None:
    """`{resume_token, oneof record}`: a client that reads one stream can read all."""
    for method in contract.methods_of("dockfleet.v1"):
        reply = method.output_type
        plain = [field for field in reply.fields if not field.containing_oneof]
        if not method.server_streaming or (len(plain) == len(reply.fields) == 1):
            continue  # one kind of record only: pieces of an archive, or progress

        assert [oneof.name for oneof in reply.oneofs] == ["record"], reply.name
        assert {field.name for field in plain} <= {"resume_token", "container_id"}, reply.name
        records = {field.name for field in reply.oneofs[0].fields}
        assert "heartbeat" in records or records == {"stat", "data"}, reply.name
        assert not {"exit", "marker", "frame", "event_"} & records, reply.name


def test_streams_of_many_hosts_have_one_shape() -> None:
    """A response holds several of a kind, which no `oneof` can: what there is at the moment, of all hosts."""
    for method in contract.methods_of("dockfleet.fleet.v1"):
        reply = method.output_type
        if not method.server_streaming or reply.oneofs:
            continue  # RunContainer is about one host
        several, *others = sorted(reply.fields, key=lambda field: (not field.is_repeated, field.number))
        assert several.is_repeated, reply.name
        allowed = {"resume_token", "summary", "synced", "heartbeat", "removed_names", "incomplete_sources"}
        assert {"heartbeat"} <= {field.name for field in others} <= allowed, reply.name


def test_the_zero_of_an_enum_has_no_meaning() -> None:
    """A zero looks like absence, so no decision may depend on it."""
    zeros = {enum.values[0].name for enum in contract.enums()}

    assert all(name.endswith("_UNSPECIFIED") for name in zeros)
    assert {comment.split(":")[0].split(".")[0] for comment in comments_of_zeros()} == {
        "Not given",
        "Not set",
        "Not known",
    }


def comments_of_zeros() -> list[str]:
    """What the contract says of the zero value of each enum."""
    texts = (path.read_text() for path in contract.PROTOS)
    return [found for text in texts for found in re.findall(r"// ([^\n]*)\n\s+\w+_UNSPECIFIED = 0;", text)]


def test_what_a_comment_calls_required_is_required_by_rule() -> None:
    """A field is refused when absent if, and only if, its comment calls it required."""
    declared = {
        f"{path.stem}:{name}"
        for path in contract.PROTOS
        for comment, name in re.findall(
            r"((?:[ ]+//.*\n)+)[ ]+(?:optional |repeated )?[\w.]+ (\w+) = \d+", path.read_text()
        )
        if re.search(r"\bRequired\b", comment)
    }
    ruled = {
        f"{Path(message.file.name).stem}:{field.name}"
        for message in contract.messages()
        for field in message.fields
        if rules(field).required
    }

    assert declared == ruled


def test_times_have_one_kind_of_name() -> None:
    """The Engine's times end in `_at`, the gateway's own in `_time`; the bounds of a span have names of their own."""
    bounds = {"since", "until", "after", "before", "time", "system_time"}
    times = [field for field in FIELDS if getattr(field.message_type, "name", "") == "Timestamp"]

    assert [
        name_of(field) for field in times if not re.search("_(at|time)$", field.name) and field.name not in bounds
    ] == []


def test_lists_have_plural_names() -> None:
    """A repeated field is named for what it holds several of, or as the Engine names it."""
    single = {
        field.name
        for field in FIELDS
        if field.is_repeated and not contract.is_map(field) and not field.name.endswith("s")
    }

    assert single <= SINGULAR


SINGULAR = {  # the Engine's own words
    *(
        "env",
        "cmd",
        "shell",
        "on_build",
        "security_opt",
        "cap_add",
        "cap_drop",
        "group_add",
        "dns",
        "dns_search",
        "test",
    ),
    *(
        "volumes_from",
        "blkio_weight_device",
        "capabilities",
        "log",
        "config",
        "signature",
        "pull",
        "build",
        "cache_from",
    ),
    *("volume", "network", "authorization", "preferred", "requisite", "accessible_topology", "publish_status", "info"),
    *("data", "topology", "driver_status", "build_cache", "percpu_usage", "entrypoint"),
    *(f"blkio_device_{way}_{unit}" for way in ("read", "write") for unit in ("bps", "iops")),
    *(
        f"io_{name}_recursive"
        for name in ("service_bytes", "serviced", "queue", "service_time", "wait_time", "merged", "time")
    ),
    *("sectors_recursive", "default_addr_pool"),
    *(f"{kind}_deleted" for kind in ("images", "networks", "caches", "containers", "volumes")),
}


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
