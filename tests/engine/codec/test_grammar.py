"""Names that name nothing are never sent: reliability A5, rows 19 to 21, for every field with a grammar.

The fields are found in the descriptors: a field of a new RPC is attacked as soon as it exists.
"""

from __future__ import annotations

import asyncio
import functools
import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import grpc
import pytest
from dockfleet.options.v1 import options_pb2 as pb
from dockfleet.v1 import containers_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.engine.codec.grammar import segment, violation
from tests.support import contract
from tests.support.contract import asked, name_of, rules
from tests.support.fake_engine import FakeEngine
from tests.support.fixtures import client_fixture, engine_fixture
from tests.support.gateway import Client, failed
from tests.support.messages import FITTING, full

# Texts, by the space between them.
NO_WAY = """
    ../images/x ..%2fimages a/../../info .. . a/.. ./a a/./b %2e%2e %252e%252e a%00 a%0d%0a a%2f..%2fb %2F a/ a//b
    //a a\\..\\b ..\\images \u202ea
"""  # names that name no object, or not the object that a reader expects
NO_REFERENCE = """
    a?force=1 a# :x -flag @x /a ․․/x a．b ａ é a\\b a;b a&b a=b {id} $(id) a' ~ *
"""
NO_IMAGES = """
    img@sha256:short Upper UPPER/Case host:/x host:5000/ http://x/y [x]/a
    a:.x a:-x a@b a:b:c a:b/../c a..b a___b a. a_/b -a.example/x Case-/x
"""
IMAGES = """
    a busybox 4fa6 team/app a/b/c/d a:1 my-host/app localhost/app localhost:5000/app:1.2 HOST:65535/app sha256:short
    Registry.example.com/app [fd00::1]:5000/app 127.0.0.1:5000/a_b/c__d/e-f/g---h.i:v1_.- UPPER/case host:99999/x
"""
NAMES = """
    tenant/net a/b/c _backend -flag .hidden :x @x a:b a@b a%b 100% a?force=1 a# a;b a&b=c a=b {id} $(id) a' ~ * +
    é ünïcode ․․/x a．b a\\b a..b ... %61 a%2fb
"""
SHA256 = "sha256:" + "a" * 64

EMPTY_OR_CONTROL = ["", " ", "a\n", "\na", "a\r\nHost: x", "a\0", "a\u2028b", "a" * 300, "a" * 5120]
NO_NAMES = [*NO_WAY.split(), *EMPTY_OR_CONTROL]
NO_REFERENCES = [*NO_NAMES, *NO_REFERENCE.split(), "a b"]
ATTACKS = {
    pb.NAME_FORMAT_CONTAINER: [*NO_NAMES, "/", "/../a", "/a/"],
    pb.NAME_FORMAT_EXEC: [*NO_REFERENCES, "e" * 63, "e" * 65, "E" * 64, "web"],
    pb.NAME_FORMAT_IMAGE: [
        *(*NO_REFERENCES, *NO_IMAGES.split(), "team/" + "a" * 256),
        *("a:" + "t" * 129, "a/b@sha256:" + "g" * 64, "a@sha256:" + "a" * 129),
    ],
    pb.NAME_FORMAT_NETWORK: [*NO_NAMES, "/a"],
    pb.NAME_FORMAT_VOLUME: [*NO_NAMES, "/a"],
    pb.NAME_FORMAT_NEW_NAME: [*NO_REFERENCES, "a/b", "/web", "a", "facade", "deadbeef", "4fa6e0f0c678", "f" * 64],
    pb.NAME_FORMAT_TAG: [*NO_REFERENCES, "a/b", "a:b", "sha256:short"],
    pb.NAME_FORMAT_REPOSITORY: [*NO_REFERENCES, "a:b", f"a@{SHA256}", "UPPER/Case", "Upper"],
}
GOOD = {
    pb.NAME_FORMAT_CONTAINER: [
        *(*NAMES.split(), "4", "web", "web_1.old-x", "f" * 64, "X", "a" * 255),
        *("/web", "/web/db", "my web/the db"),
    ],
    pb.NAME_FORMAT_EXEC: ["0123456789abcdef" * 4],
    pb.NAME_FORMAT_IMAGE: [
        *(*IMAGES.split(), "f" * 64, SHA256, f"a@{SHA256}"),
        *("a:1@sha512:" + "b" * 128, "a:" + "T" * 128, "a" * 255, "l" * 70 + ".example.com/a"),
    ],
    pb.NAME_FORMAT_NETWORK: [*NAMES.split(), "bridge", "0a", "Lan_0.1-x", "my net", " my net "],
    pb.NAME_FORMAT_VOLUME: [*NAMES.split(), "data", "f" * 64, "data.old", "my data"],
    pb.NAME_FORMAT_NEW_NAME: ["web", "w1", "cafe", "facade-4fa6e0f0c678", "a" * 128],
    pb.NAME_FORMAT_TAG: ["latest", "_x", "1.2-rc.1", "T" * 128, SHA256],
    pb.NAME_FORMAT_REPOSITORY: ["app", "team/app", "registry.example.com:5000/team/app", "localhost/app", "UPPER/case"],
}


@pytest.mark.parametrize("grammar", ATTACKS, ids=pb.NameFormat.Name)
def test_a_grammar_refuses_what_is_no_such_name(grammar: pb.NameFormat.ValueType) -> None:
    """The refusal says which form the name must have."""
    answers = {text: violation(grammar, text) for text in ATTACKS[grammar]}

    assert [text for text, remedy in answers.items() if remedy is None] == []
    assert all(remedy.startswith("must be a") for remedy in answers.values() if remedy)


@pytest.mark.parametrize("grammar", GOOD, ids=pb.NameFormat.Name)
def test_a_grammar_takes_what_docker_takes(grammar: pb.NameFormat.ValueType) -> None:
    """Names at the limits of what is allowed, and with all characters that are."""
    assert [text for text in GOOD[grammar] if violation(grammar, text)] == []


def test_every_grammar_is_tested() -> None:
    """A new grammar needs attacks."""
    assert ATTACKS.keys() == GOOD.keys() == FITTING.keys() == set(pb.NameFormat.values()) - {pb.NAME_FORMAT_UNSPECIFIED}


_PIECES = [*"aA0._-:/@[] ?#\\\n", "..", "%2f", "%2e", "%25", "sha256", "f" * 32]


@settings(max_examples=300)
@given(st.sampled_from(sorted(GOOD)), st.lists(st.sampled_from(_PIECES), max_size=9).map("".join))
def test_an_accepted_name_is_one_plain_part_of_a_path(grammar: int, text: str) -> None:
    """No router can take it for another path, also when the router unescapes it twice."""
    if violation(grammar, text) is not None:
        return
    written = segment(grammar, text)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~:/@-]|%[0-9A-F]{2})+", written)
    assert unquote(written) == text.removeprefix("/" if grammar == pb.NAME_FORMAT_CONTAINER else "")
    for path in (written, unquote(written), unquote(unquote(written)), unquote(written).replace("\\", "/")):
        assert posixpath.normpath(f"/containers/{path}/json") == f"/containers/{path}/json"


@pytest.mark.parametrize(
    ("grammar", "name", "written"),
    [
        (pb.NAME_FORMAT_CONTAINER, "/web/db", "web%2Fdb"),
        (pb.NAME_FORMAT_NETWORK, "tenant/my net", "tenant%2Fmy%20net"),
        (pb.NAME_FORMAT_NETWORK, "a?b#c%d", "a%3Fb%23c%25d"),
        (pb.NAME_FORMAT_IMAGE, "r:5/team/app@sha256:" + "0" * 64, "r:5/team/app@sha256:" + "0" * 64),
    ],
)
def test_a_name_is_escaped_in_a_path(grammar: int, name: str, written: str) -> None:
    """A slash too; the references of images alone are several parts of a path."""
    assert segment(grammar, name) == written


# Over the wire


class Target(NamedTuple):
    """A field with a grammar, by the fields that lead to it."""

    method: MethodDescriptor
    path: tuple[FieldDescriptor, ...]

    @property
    def name(self) -> str:
        """The field's path, as an error names it; of a map or a list the value's place is left out."""
        return ".".join(field.name for field in self.path)


def targets(method: MethodDescriptor, message: Descriptor, path: tuple[FieldDescriptor, ...] = ()) -> Iterator[Target]:
    """All fields with a grammar in what an RPC asks, however deep."""
    for field in message.fields:
        if rules(field).format:
            yield Target(method, (*path, field))
        below = contract.below(field)
        if below is not None and not below.full_name.startswith("google."):
            yield from targets(method, below, (*path, field))


TARGETS = [target for method in contract.methods_of("dockfleet.v1") for target in targets(method, asked(method))]


engine = engine_fixture(api_version="1.56", scope="module")
client = client_fixture(scope="module")


def test_the_walk_finds_every_field_that_becomes_part_of_a_path() -> None:
    """No placeholder of an endpoint is missed, nor the names in bodies and headers."""
    found = {(name_of(target.method), target.name) for target in TARGETS}

    assert {
        (name_of(m), name) for m in contract.methods_of("dockfleet.v1") for name in contract.placeholders(m)
    } <= found
    assert {
        ("ContainerService.RunContainer", "config.image"),
        ("NetworkService.CreateNetwork", "config_from.network"),
        ("ImageService.BuildImage", "tags"),
        ("ExecService.Exec", "id"),
    } <= found


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{name_of(target.method)}-{target.name}")
async def test_no_attack_by_a_name_reaches_the_engine(target: Target, client: Client, engine: FakeEngine) -> None:
    """Every attack in every such field is INVALID_ARGUMENT and names the field; nothing is sent to the engine."""
    attacks = ATTACKS[rules(target.path[-1]).format]
    before = len(engine.asked)

    refusals = await asyncio.gather(*(refusal(client, target, attack) for attack in attacks))

    assert {refused for refused in refusals if refused != (grpc.StatusCode.INVALID_ARGUMENT, target.name)} == set()
    assert asked_of(engine, before) == set()


names = st.text("abcXYZ019_.-", max_size=12)
wrong = st.sampled_from([*" \t\n\r\0?#%\\&;'\"<>|*~^`{}()!,$é․．‥\u2028\U0001f40b", "/../", "//", "/./", "%2f", "\r\n"])
damaged = st.tuples(names, wrong, names).map("".join)


@settings(max_examples=150)
@given(target=st.sampled_from(TARGETS), text=damaged)
async def test_no_damaged_name_reaches_the_engine(
    target: Target, text: str, client: Client, engine: FakeEngine
) -> None:
    """A name with a misleading character is refused in every field."""
    assume(violation(rules(target.path[-1]).format, text) is not None)
    before = len(engine.asked)

    refused = await refusal(client, target, text)

    assert refused == (grpc.StatusCode.INVALID_ARGUMENT, target.name)
    assert asked_of(engine, before) == set()


def asked_of(engine: FakeEngine, before: int) -> set[tuple[str, str]]:
    """What an engine was asked after *before* requests, without probes."""
    return {(request.method, request.path) for request in engine.asked[before:]}


async def refusal(client: Client, target: Target, text: str) -> tuple[grpc.StatusCode, str]:
    """The status of a call that is good in all but one field, and the field that it blames."""
    try:
        await contract.call(client.channel, target.method, attacked(target, text))
    except grpc.aio.AioRpcError as error:
        found = failed(error)
        [bad] = [detail for detail in found.details if isinstance(detail, BadRequest)] or [BadRequest()]
        return found.code, ",".join(violation.field for violation in bad.field_violations)
    return grpc.StatusCode.OK, ""


template = functools.cache(full)


def attacked(target: Target, text: str) -> Message:
    """A request with all its fields set, one of them to *text*."""
    whole = template(asked(target.method))
    request = type(whole)()
    request.CopyFrom(whole)
    request.host = "h1"  # type: ignore[attr-defined]
    if isinstance(request, containers_pb2.RunContainerRequest):
        request.pull = containers_pb2.PULL_POLICY_ALWAYS  # the name must be looked at before the image is pulled
    message: Any = request
    for field in target.path[:-1]:
        message = getattr(message, field.name)
    field = target.path[-1]
    if field.is_repeated:
        getattr(message, field.name)[:] = ["fine", text]
    else:
        setattr(message, field.name, text)
    return request
