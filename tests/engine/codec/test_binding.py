"""How a binding turns requests into calls, and answers into responses.

What every single RPC asks is in tests/rpc/test_mirror_table.py; here are the rules that hold for all of them.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from dockfleet.v1 import common_pb2, containers_pb2, images_pb2, system_pb2, volumes_pb2
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.codec.binding import Binding
from gateway.engine.errors import BadResponse, InvalidField
from gateway.engine.transport.http import Request, Response
from tests.support import contract

METHODS = {method.name: method for method in contract.methods()}


def asks(rpc: str, request: Message) -> Request:
    """The HTTP request for a message of an RPC, without its body."""
    return Binding(METHODS[rpc]).call(request).request


def body_of(rpc: str, request: Message) -> Any:
    """The body of that request, as an engine reads it."""
    return orjson.loads(orjson.dumps(Binding(METHODS[rpc]).call(request).request.document))


def query_of(request: Request) -> list[tuple[str, str]]:
    """The query as an engine reads it."""
    return parse_qsl(urlsplit(request.target).query, keep_blank_values=True)


def first_line(request: Request) -> bytes:
    """The first line on the wire."""
    return request.encode().split(b"\r\n")[0]


# Texts on their way


@given(st.text())
def test_any_text_arrives_as_it_is_in_the_query(text: str) -> None:
    """Whatever a parameter holds, it stays that parameter, and the request is one that can be sent."""
    request = asks("TopContainer", containers_pb2.TopContainerRequest(id="web", ps_args=text))

    assert query_of(request) == [("ps_args", text)]
    assert first_line(request).isascii()


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_arrives_as_it_is_in_a_filter(name: str, values: list[str]) -> None:
    """Filters are JSON in one parameter."""
    filters = {name: common_pb2.StringList(items=values)}

    [(key, value)] = query_of(asks("ListContainers", containers_pb2.ListContainersRequest(filters=filters)))

    assert (key, orjson.loads(value)) == ("filters", {name: values})


@given(st.text())
def test_any_text_arrives_as_it_is_in_a_header(text: str) -> None:
    """Credentials are base64 in one line, whatever they hold."""
    request = asks(
        "PullImage", images_pb2.PullImageRequest(image="a", registry_auth=common_pb2.AuthConfig(password=text))
    )

    header = request.headers["X-Registry-Auth"]
    assert orjson.loads(base64.urlsafe_b64decode(header)) == {"password": text}
    assert b"\r\nX-Registry-Auth: " + header.encode() + b"\r\n" in request.encode()


def test_credentials_in_one_field_become_the_two_that_engines_read() -> None:
    """A field that is set wins over what is encoded; without both parts nothing is sent, and nothing is shown."""
    auth = base64.b64encode(b"ada:secret\0").decode()

    def header(**credentials: str) -> Any:
        request = asks(
            "PullImage", images_pb2.PullImageRequest(image="a", registry_auth=common_pb2.AuthConfig(**credentials))
        )
        return orjson.loads(base64.urlsafe_b64decode(request.headers["X-Registry-Auth"]))

    assert header(auth=auth) == {"username": "ada", "password": "secret"}
    assert header(auth=auth, username="eve") == {"username": "eve", "password": "secret"}
    assert header(auth="", username="eve") == {"username": "eve"}
    for wrong in ("%%%", "YWRh", base64.b64encode(b":secret").decode(), base64.b64encode(b"\xff:x").decode()):
        with pytest.raises(InvalidField) as refused:
            header(auth=wrong)
        assert str(refused.value) == "registry_auth.auth: must be `username:password` in base64"


@given(st.text())
def test_any_text_arrives_as_it_is_in_a_body(text: str) -> None:
    """A body is JSON."""
    assert body_of("CreateVolume", volumes_pb2.CreateVolumeRequest(driver_opts={"o": text})) == {
        "DriverOpts": {"o": text}
    }


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("registry.example.com:5000/team/app:1.2", b"GET /images/registry.example.com:5000/team/app:1.2/json HTTP/1.1"),
        ("a@sha256:" + "0" * 64, b"GET /images/a@sha256:" + b"0" * 64 + b"/json HTTP/1.1"),
        ("[fd00::1]:5000/a", b"GET /images/%5Bfd00::1%5D:5000/a/json HTTP/1.1"),
    ],
)
def test_a_name_in_a_path_keeps_what_names_consist_of(name: str, line: bytes) -> None:
    """Slashes, colons and at signs of an image's name are part of the engine's path as they are."""
    assert first_line(asks("InspectImage", images_pb2.InspectImageRequest(name=name))) == line


# Bodies and defaults


def test_a_body_that_is_not_set_is_an_empty_object() -> None:
    """Engines refuse a POST without the body that they expect."""
    assert body_of("CommitContainer", images_pb2.CommitContainerRequest(container="a")) == {}
    assert body_of("CreateVolume", volumes_pb2.CreateVolumeRequest()) == {}


def test_an_endpoint_without_a_body_gets_none() -> None:
    """It has no content type either."""
    request = asks("StartContainer", containers_pb2.StartContainerRequest(id="web"))

    assert (request.body, dict(request.headers)) == (None, {})


def test_a_default_is_sent_only_when_the_caller_says_nothing() -> None:
    """`when_absent` fills a field in; an empty text is a value and stays."""
    assert query_of(asks("ImportImage", images_pb2.ImportImageStart())) == [("fromSrc", "-")]
    assert query_of(asks("ImportImage", images_pb2.ImportImageStart(from_src=""))) == [("fromSrc", "")]


# Answers


def test_an_answer_without_what_was_asked_for_is_refused_by_its_property() -> None:
    """The path of the property begins at the answer."""
    answer = Response(200, {}, b'{"Id":1,"Warnings":[]}')

    with pytest.raises(BadResponse, match=r"response\.Id is the number 1"):
        Binding(METHODS["CreateContainer"]).response(answer)


@pytest.mark.parametrize(
    ("rpc", "body"),
    [("ListContainers", b'[{"Id":"a"},[]]'), ("ListContainers", b"[1]"), ("InspectContainer", b'["a"]')],
)
def test_an_object_that_was_asked_for_is_never_left_out(rpc: str, body: bytes) -> None:
    """A list without one of its objects would be wrong."""
    with pytest.raises(BadResponse, match="does not fit the Engine API"):
        Binding(METHODS[rpc]).response(Response(200, {}, body))


def test_values_that_are_left_out_are_counted() -> None:
    """They are counted by RPC; values that fit are not counted."""
    counted: list[tuple[str, int]] = []
    binding = Binding(METHODS["ListContainers"])

    binding.response(Response(200, {}, b'[{"Id":"a"}]'), lambda rpc, count: counted.append((rpc, count)))
    found: Any = binding.response(
        Response(200, {}, b'[{"Id":"a","SizeRw":1e400,"Names":["/a",1]},{"Id":"b"}]'),
        lambda rpc, count: counted.append((rpc, count)),
    )

    assert counted == [("ListContainers", 2)]
    assert [(one.id, list(one.names)) for one in found.containers] == [("a", ["/a"]), ("b", [])]


@pytest.mark.parametrize("body", [b"{", b"OK", b'{"Id":"\xff"}', b"NaN", b"[" * 2000])
def test_an_answer_that_is_no_json_is_refused(body: bytes) -> None:
    """JSON that is nested too deeply is refused too."""
    with pytest.raises(BadResponse, match="not JSON"):
        Binding(METHODS["CreateContainer"]).response(Response(200, {}, body))


@pytest.mark.parametrize("text", ["?", "e30", base64.b64encode(b"[]").decode()])
def test_a_header_that_is_not_what_it_should_be_is_named(text: str) -> None:
    """What a path is comes as JSON in a header."""
    answer = Response(200, {"x-docker-container-path-stat": text})

    with pytest.raises(BadResponse, match="X-Docker-Container-Path-Stat"):
        Binding(METHODS["StatContainerArchive"]).response(answer)


def test_headers_that_are_missing_are_fields_that_are_not_set() -> None:
    """Engines before version 23 do not send the state of their swarm."""
    found = Binding(METHODS["Ping"]).response(Response(200, {"api-version": "1.41"}, b"OK"))

    assert found == system_pb2.PingResponse(api_version="1.41")


def test_an_rpc_without_an_endpoint_has_no_binding() -> None:
    """RunContainer is several requests."""
    with pytest.raises(TypeError, match="names no endpoint"):
        Binding(METHODS["RunContainer"])
