"""RPC <-> Engine endpoint, read from the contract's options.

A `Binding` turns a request message into the HTTP request, and the engine's answer into the response message.
It knows no operation by name: its rules stand in protos/dockfleet/options/v1/options.proto.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import orjson
from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine.client import Call
from gateway.engine.codec import json as enginejson
from gateway.engine.codec import options
from gateway.engine.codec.corrections import CORRECTIONS
from gateway.engine.codec.json import Needs, NotEngineJson, check_required, rule_of
from gateway.engine.errors import BadResponse, InvalidField
from gateway.engine.transport.http import Request, Response
from gateway.engine.versions import Need

_VERBS = {"get": "GET", "head": "HEAD", "post": "POST", "put": "PUT", "delete": "DELETE"}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_BODY_TYPE = {"Content-Type": "application/json"}
_TAR_TYPE = {"Content-Type": "application/x-tar"}


class Binding:
    """How one RPC mirrors its endpoint."""

    def __init__(self, method: MethodDescriptor) -> None:
        """Read the options of *method*.  Raises `TypeError` when they contradict the messages."""
        endpoint = options.of_rpc(method).engine
        verb = endpoint.WhichOneof("request")
        if verb is None:
            raise TypeError(f"{method.full_name} names no endpoint")
        self.name = method.name
        self.verb = _VERBS[verb]
        self.path: str = getattr(endpoint, verb)
        self.shape = endpoint.shape or pb.ANSWER_SHAPE_JSON
        self.deadline_class = endpoint.deadline or pb.DEADLINE_CLASS_SHORT
        self.changes = options.changes(method)
        self.needs = (Need(method.name, since=endpoint.since),) if endpoint.since else ()
        self.streams = method.server_streaming
        self.upload = method.client_streaming and self.shape != pb.ANSWER_SHAPE_SESSION
        asked: Descriptor | None = method.input_type
        if method.client_streaming:
            asked = _field(asked, "start").message_type
        assert asked is not None
        self._parts = _PLACEHOLDER.split(self.path)  # text, field, text, field … text
        self._segments = [_field(asked, name) for name in self._parts[1::2]]
        for field in self._segments:
            if not options.of_field(field).format:
                raise TypeError(f"{asked.full_name}.{field.name} is part of a path and has no format")
        self._body = endpoint.body
        if self._body not in ("", "*"):
            _field(asked, self._body)
        own = (field.name for field, _ in _with(asked.fields, "gateway_only"))
        self._placed = {"host", *own, *self._parts[1::2]}
        self._defaults = _with(asked.fields, "when_absent")
        self._reply = _Reply(method.output_type, endpoint.answer)
        self.reply = method.output_type

    def call(self, request: Message, deadline: float | None = None) -> Call:
        """Return the call that *request* (or the `start` of an upload or session) asks for.

        Raises `InvalidField`.
        """
        check_required(request)
        needs = Needs()
        query: list[str] = []
        headers: dict[str, str] = {}
        body: dict[str, Any] = {}
        for field, value in request.ListFields():
            if field.name in self._placed:
                continue
            rule = rule_of(field)
            document = rule.dump(value, needs, into=body)
            if rule.header:
                headers[rule.header] = _header(document)
            elif rule.inline:
                query += _inline(value)
            elif self._body == "*":
                body[rule.key] = document
            elif field.name == self._body:
                body = document
            else:
                query += _query(rule.key, field, value, document)
        for field, default in self._defaults:
            if enginejson.is_set(request, field):
                continue
            if header := options.of_field(field).header:
                headers[header] = default
            else:
                query.append(f"{field.json_name}={quote(default, safe='')}")
        target = self._target(request) + ("?" + "&".join(query) if query else "")
        if self.upload:
            headers |= _TAR_TYPE
        elif self._body:
            headers |= _BODY_TYPE
        return Call(
            Request(self.verb, target, headers),
            self.changes,
            (*self.needs, *needs.found),
            deadline,
            document=body if self._body and not self.upload else None,
            operation=self.name,
        )

    def _target(self, request: Message) -> str:
        if not self._segments:
            return self.path
        parts = list(self._parts)
        for index, field in enumerate(self._segments):
            value = getattr(request, field.name)
            rule_of(field).check(value, field.name)
            parts[2 * index + 1] = quote(value, safe="/:@")
        return "".join(parts)

    def answer(self, answer: Response) -> Message:
        """Return the response message for a whole answer.  Raises `BadResponse`."""
        return self._reply.whole(answer)

    def head(self, answer: Response) -> Message | None:
        """Return the message that the head of a streamed answer makes; None when it says nothing."""
        return self._reply.head(answer)

    def document(self, document: Any) -> Message:
        """Return the response message for one of several documents.  Raises `BadResponse`."""
        return self._reply.of(document)


class _Reply:
    """How an answer becomes a response message."""

    def __init__(self, descriptor: Descriptor, answer: str) -> None:
        self.message: type[Message] = GetMessageClass(descriptor)
        self._headers = _with(descriptor.fields, "header")
        self._statuses = _with(descriptor.fields, "status")
        placed = {field.name for field, _ in (*self._headers, *self._statuses)}
        # A response of header fields alone, or of none, has no use for a body.
        self._reads_body = any(field.name not in placed for field in descriptor.fields)
        self._load = enginejson.loader(descriptor)
        self._correct = CORRECTIONS.get(descriptor.full_name)
        self._answer = descriptor.fields_by_name[answer].json_name if answer else ""
        self._lists = bool(answer) and descriptor.fields_by_name[answer].is_repeated

    def whole(self, answer: Response) -> Message:
        reply = self.of(_parse(answer.body)) if self._reads_body and answer.body else self.message()
        for field, status in self._statuses:
            setattr(reply, field.name, answer.status == status)
        self._fill_headers(reply, answer)
        return reply

    def head(self, answer: Response) -> Message | None:
        if not self._headers:
            return None
        reply = self.message()
        self._fill_headers(reply, answer)
        return reply

    def of(self, document: Any) -> Message:
        if document is None:
            return self.message()
        if self._lists and not isinstance(document, list):
            raise BadResponse("the host's answer does not fit the Engine API: it is no array", sent=True)
        try:
            reply = self._load({self._answer: document} if self._answer else document)
        except NotEngineJson as error:
            raise BadResponse(f"the host's answer does not fit the Engine API: {error}", sent=True) from error
        if self._correct is not None:
            self._correct(reply)
        return reply

    def _fill_headers(self, reply: Message, answer: Response) -> None:
        for field, header in self._headers:
            text = answer.headers.get(header.lower())
            if text is None:
                continue
            if field.message_type is None:
                setattr(reply, field.name, text == "true" if field.type == FieldDescriptor.TYPE_BOOL else text)
                continue
            try:
                part = enginejson.loader(field.message_type)(orjson.loads(base64.b64decode(text)))
            except (NotEngineJson, ValueError) as error:
                raise BadResponse(f"the host's header {header} is not what it should be: {error}", sent=True) from error
            getattr(reply, field.name).CopyFrom(part)


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadResponse(f"the host's answer is not JSON: {error}", sent=True) from error


def _with(fields: Iterable[FieldDescriptor], rule: str) -> list[tuple[FieldDescriptor, Any]]:
    return [(field, value) for field in fields if (value := getattr(options.of_field(field), rule))]


def _field(message: Descriptor | None, name: str) -> FieldDescriptor:
    if message is None or name not in message.fields_by_name:
        raise TypeError(f"{message.full_name if message else 'a scalar'} has no field {name}")
    return message.fields_by_name[name]


def _header(document: Any) -> str:
    if isinstance(document, dict):
        return base64.urlsafe_b64encode(orjson.dumps(document)).decode()
    return str(document)


def _inline(message: Message) -> list[str]:
    """Return the `key=value` parts of a message whose fields stand in its own place."""
    return [f"{field.json_name}={_text(getattr(message, field.name))}" for field in message.DESCRIPTOR.fields]


def _query(key: str, field: FieldDescriptor, value: Any, document: Any) -> list[str]:
    """Return the `key=value` parts of one field: several for a repeated one, JSON for what is structured."""
    if field.is_repeated and not enginejson.is_map(field):
        texts = [_text(item) for item in document]
    elif isinstance(value, Timestamp):
        texts = [f"{value.seconds}.{value.nanos:09d}"]  # the Engine reads a decimal number of seconds (C12)
    else:
        texts = [_text(document)]
    return [f"{quote(key, safe='')}={quote(text, safe='')}" for text in texts]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)


__all__ = ["Binding", "InvalidField"]
