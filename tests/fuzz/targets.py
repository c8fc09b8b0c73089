"""What is fuzzed: the parsers of bytes that a hostile peer chooses.

A target takes bytes, gives them to a parser and checks what must hold for all bytes: the parser raises only what it
declares, keeps no more than it was given, and its result does not depend on where the bytes are cut.  The first byte of
the input says where that is, and which of several parsers is meant.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from dockfleet.v1 import (
    common_pb2,
    container_config_pb2,
    containers_pb2,
    distribution_pb2,
    exec_pb2,
    images_pb2,
    networks_pb2,
    oci_pb2,
    system_pb2,
    volumes_pb2,
)
from google.protobuf.descriptor import Descriptor

from gateway.engine.codec import json as enginejson
from gateway.engine.codec import options
from gateway.engine.codec import pieces as json_pieces
from gateway.engine.codec.frames import SYSTEM_ERROR, Frame, FrameDecoder, FrameError, dated_frames
from gateway.engine.codec.json import NotEngineJson
from gateway.engine.transport.response_parser import ResponseParser
from gateway.web.messages import MAX_HEADER_BYTES, Refused, Request, RequestParser

_MOST_HEADERS = 64 << 10  # bytes; the answer's limit besides
_LIMIT = 64  # bytes of an answer that is to be taken whole: fuzzers write short ones


def pieces(data: bytes, where: int) -> Iterator[bytes]:
    """Cut *data* into pieces of one to 16 bytes, or into none for 0."""
    size = where % 16 or len(data) or 1
    return (data[start : start + size] for start in range(0, len(data), size))


# HTTP


def http(data: bytes) -> None:
    """The head and the chunks of an engine's answer, and the request to a page."""
    if len(data) < 2:
        return
    kind, where, data = data[0], data[1], data[2:]
    if kind & 1:
        whole, parts = _request([data]), _request(pieces(data, where))
        assert whole == parts, (whole, parts)
        return
    method = ("GET", "HEAD", "POST", "PUT")[kind >> 1 & 3]
    upgrade = bool(kind & 8)
    limit = None if upgrade or not kind & 16 else _LIMIT  # a session is never taken whole
    at_once = _answer(ResponseParser(method, limit=limit, upgrade=upgrade), [data])
    cut = _answer(ResponseParser(method, limit=limit, upgrade=upgrade), pieces(data, where))
    if not (at_once.failed or cut.failed):
        assert at_once == cut, (at_once, cut)
    assert not cut.failed or cut.beyond or at_once.failed, "the same bytes in pieces are no answer"


def _request(parts: Iterator[bytes] | list[bytes]) -> tuple[Request, bytes] | int | None:
    """Return the request and what is behind it, or the status of the refusal, or None for the beginning of one."""
    parser, taken = RequestParser(), list(parts)
    for number, part in enumerate(taken):
        try:
            request = parser.feed(part)
        except Refused as refused:
            return refused.response.status
        assert len(parser._data) <= MAX_HEADER_BYTES + len(part)
        if request is not None:
            assert len(request.path) + len(request.query) <= MAX_HEADER_BYTES
            return request, parser.rest + b"".join(taken[number + 1 :])
    return None


@dataclass
class _Answer:
    """What became of an answer's bytes.  `beyond` tells that some came after its end."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    session: bool = False
    failed: bool = False
    beyond: bool = False


def _answer(parser: ResponseParser, parts: Iterator[bytes] | list[bytes]) -> _Answer:
    """Feed *parser* as a connection does."""
    found, fed = _Answer(), 0
    for part in parts:
        if parser.complete and not parser.is_session:
            found.failed = found.beyond = True  # an answer that nobody asked for
            break
        parser.feed(part)
        fed += len(part)
        assert parser.size <= len(part) or parser.limit is not None
        assert parser.limit is None or parser.size <= parser.limit
        assert sum(map(len, parser.headers)) + sum(map(len, parser.headers.values())) <= min(fed, _MOST_HEADERS)
        if parser.failure is not None:
            found.failed = True
            break
        if parser.limit is None:
            found.body += parser.take()
    if not found.failed:
        found.body += parser.take()
        found.status = parser.status if parser.head_complete else 0
        found.complete, found.session = parser.complete, parser.is_session
    parser.finish()
    assert len(found.body) <= fed
    return found


# Output frames


def frames(data: bytes) -> None:
    """Frames of a process's output, and those of a log, which have a time."""
    if not data:
        return
    where, data = data[0], data[1:]
    whole, torn = _decoded([data])
    assert (whole, torn) == _decoded(pieces(data, where))
    assert sum(len(frame.data) for frame in whole) <= len(data)
    dated = _dated([data])
    assert dated == _dated(pieces(data, where))
    if dated is not None:
        assert [stream for stream, _ in dated] == [frame.stream for frame in whole if frame.last]


def _decoded(parts: Iterator[bytes] | list[bytes]) -> tuple[list[Frame], bool]:
    """Return the frames, the pieces of each put together, and whether the bytes are no frames from there on."""
    decoder, found = FrameDecoder(), list[Frame]()
    try:
        for part in parts:
            for frame in decoder.feed(part):
                if found and not found[-1].last:
                    frame = Frame(frame.stream, found.pop().data + frame.data, frame.last)
                found.append(frame)
        decoder.finish()
    except FrameError:
        return found, True
    return found, False


def _dated(parts: Iterator[bytes] | list[bytes]) -> list[tuple[int, bytes]] | None:
    """Return stream and data of the whole frames of a log; None when they are none."""
    found, rest = list[tuple[int, bytes]](), b""
    try:
        for part in parts:
            made, rest = dated_frames(rest + part, lambda entry: (entry[0], b" ".join(entry[1:])))
            found += [(stream, text.removesuffix(b" ") if stream == SYSTEM_ERROR else text) for stream, text in made]
    except FrameError:
        return None
    return found


# Engine JSON

_PARTS = (common_pb2, container_config_pb2, oci_pb2)  # besides those with services
_SERVICES = (containers_pb2, distribution_pb2, exec_pb2, images_pb2, networks_pb2, system_pb2, volumes_pb2)
_DESCRIPTORS: list[Descriptor] = [
    system_pb2.EngineEvent.DESCRIPTOR,
    containers_pb2.ContainerStats.DESCRIPTOR,
    *(
        method.output_type
        for module in _SERVICES
        for service in module.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if options.of_rpc(method).engine.WhichOneof("request") and not method.server_streaming
    ),
]
_LOADERS: list[Callable[[Any], Any]] = [enginejson.loader(descriptor) for descriptor in _DESCRIPTORS]
_MOST_TIMES = 64  # bytes of a message for each byte of its JSON: a short time becomes a message of its own
_DEEPEST = 6
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 255, 2**31, -(2**31), 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**300, -(10**300)),
    *(0.5, -0.0, 1e308, "", "a", "é", "\0", "AA==", "not base64", [], {}, [[]]),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:01+23:59", "9999-12-31T23:59:59.999999999Z", "2026-02-30T00:00:00Z"),
    *("9999-12-31T23:59:59-23:59", "2026-09-21T12:00:00.123456789+02:00", ".", "2026-01-01T00:00:00.Z", [None], [{}]),
    *({"": None}, {"a": 1}, {"a": {}}, ["a"], [0], [[0, 0]], "1" * 300, "x" * 2000),
)


def engine_json(data: bytes) -> None:
    """JSON of the Engine API, as it is or made of the input by the messages that it is for."""
    if len(data) < 3:
        return
    number, text = data[0] % len(_LOADERS), data[2:]
    if data[1] & 1:
        text = json.dumps(_document(_DESCRIPTORS[number], iter(text), 0)).encode()
    elif data[1] & 2:
        _in_pieces(text)
        return
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return
    try:
        message = _LOADERS[number](document)
    except NotEngineJson as error:
        told = len(str(error))
    else:
        told = message.ByteSize()
    assert told <= _MOST_TIMES * len(text)


def _in_pieces(text: bytes) -> None:
    """A large array of *text* is the same in pieces."""
    data = b"[%b]" % b",".join([text] * (1 + json_pieces.LARGE_BYTES // len(text)))
    whole = found = None
    with contextlib.suppress(NotEngineJson):
        whole = enginejson.parse(data, 1 << 20)
    with contextlib.suppress(NotEngineJson):
        found = [element for piece in json_pieces.documents(data) for element in piece]
    assert found == whole


def _document(descriptor: Descriptor, choices: Iterator[int], depth: int) -> Any:
    """Return JSON for a message: as the *choices* are, of the right form or of another."""
    if next(choices, 1) == 0:
        return _VALUES[next(choices, 0) % len(_VALUES)]
    document = {}
    for each in descriptor.fields:
        choice = next(choices, 0)
        if choice & 3 == 0:
            continue
        below = each.message_type
        if below is not None and enginejson.is_map(each):
            below = below.fields_by_name["value"].message_type
        if below is not None and not below.full_name.startswith("google.") and depth < _DEEPEST and choice & 4:
            value = _document(below, choices, depth + 1)
        else:
            value = _VALUES[next(choices, 0) % len(_VALUES)]
        if choice & 3 == 1:
            value = {"a": value} if enginejson.is_map(each) else [value] if each.is_repeated else value
        document[each.json_name] = value
    return document


def words() -> set[str]:
    """Return the names that JSON of the Engine API has."""
    messages = (
        message for module in (*_SERVICES, *_PARTS) for message in module.DESCRIPTOR.message_types_by_name.values()
    )
    return {each.json_name for message in messages for each in message.fields}


TARGETS: dict[str, Callable[[bytes], None]] = {"http": http, "frames": frames, "json": engine_json}
