"""An RPC <-> its endpoint of the Engine API, read from the contract's options.

A `Binding` turns a request message into the HTTP request, and the engine's response into the response message.
It knows no operation by name: its rules are in protos/dockfleet/options/v1/options.proto.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, partial
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import quote

import orjson
from dockfleet.options.v1 import options_pb2 as pb
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.engine.client import Call, Skipped, count_nothing
from gateway.engine.codec import grammar, options, pieces
from gateway.engine.codec import json as enginejson
from gateway.engine.codec.corrections import CORRECTIONS
from gateway.engine.codec.json import NotEngineJson, Rule, check_required, is_set, rule_of
from gateway.engine.codec.naming import named_by, objects_of
from gateway.engine.codec.secrets import hiding
from gateway.engine.errors import BadResponse, InvalidField
from gateway.engine.transport.http import Request, Response
from gateway.engine.transport.turns import Turns
from gateway.engine.versions import Need

_VERBS = {"get": "GET", "head": "HEAD", "post": "POST", "put": "PUT", "delete": "DELETE"}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Placement(Enum):
    """Where a field of a request message goes."""

    GATEWAY = auto()
    """It is not sent: only the gateway reads it."""
    PATH = auto()
    QUERY = auto()
    HEADER = auto()
    BODY = auto()
    """The message is the whole body."""
    BODY_FIELD = auto()
    """A property of the body."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A verb and a path of the Engine API.

    `message` has the fields of the request.  `body` is the field that is the body, or `*`: all fields without another
    place are its properties.
    """

    verb: str
    path: str
    body: str
    message: Descriptor

    @classmethod
    def of(cls, method: MethodDescriptor) -> Endpoint:
        """Return the endpoint that *method* names.  Raises `TypeError` when there is none, or its fields are not."""
        rules = options.of_rpc(method).engine
        verb = rules.WhichOneof("request")
        if verb is None:
            raise TypeError(f"{method.full_name} names no endpoint")
        message = _field(method.input_type, "start").message_type if method.client_streaming else method.input_type
        assert message is not None
        if rules.body not in ("", "*"):
            _field(message, rules.body)
        return cls(_VERBS[verb], getattr(rules, verb), rules.body, message)

    @property
    def path_fields(self) -> list[str]:
        """The names of the fields in the path, in its order."""
        return _PLACEHOLDER.findall(self.path)

    def placement(self, field: FieldDescriptor) -> Placement:
        """Return where *field* of the request goes."""
        rules = options.of_field(field)
        if field.name == "host" or rules.gateway_only:
            return Placement.GATEWAY
        if field.name in self.path_fields:
            return Placement.PATH
        if rules.header:
            return Placement.HEADER
        if rules.inline:
            return Placement.QUERY
        if self.body == "*":
            return Placement.BODY_FIELD
        return Placement.BODY if field.name == self.body else Placement.QUERY


M = TypeVar("M")


class Binding:
    """How one RPC mirrors its endpoint."""

    def __init__(self, method: MethodDescriptor) -> None:
        """Read the options of *method*.  Raises `TypeError` when they contradict the messages."""
        endpoint = Endpoint.of(method)
        rules = options.of_rpc(method).engine
        self.name = method.name
        self.verb, self.path = endpoint.verb, endpoint.path
        self.shape = rules.shape or pb.ANSWER_SHAPE_JSON
        self.deadline_class = rules.deadline or pb.DEADLINE_CLASS_SHORT
        self.changes = options.changes(method)
        self.kind = options.kind_of(method)
        self.objects = objects_of(method)
        self.touches = self.objects if _touches(self.verb, method) else ""  # the kind of the objects that it may change
        self.needs = (Need(method.name, since=rules.since),) if rules.since else ()
        self.streams = method.server_streaming
        self.upload = method.client_streaming and self.shape != pb.ANSWER_SHAPE_SESSION
        self.reply = method.output_type
        self.answer = rules.answer  # the field of the response that holds the whole answer
        self._output = _Output(method.output_type, rules.answer)
        self._has_body = bool(endpoint.body) and not self.upload
        self._content_type = "application/x-tar" if self.upload else "application/json" if endpoint.body else ""
        message = endpoint.message
        self._path_texts = _PLACEHOLDER.split(endpoint.path)[::2]
        self._path_rules = [_path_rule(message, name) for name in endpoint.path_fields]
        placed = [(field, _PLACES.get(endpoint.placement(field))) for field in message.fields]
        self._places = {field.number: (place, rule_of(field)) for field, place in placed if place is not None}
        self._defaults = _with(message.fields, "when_absent")

    def call(self, request: Message, deadline: float | None = None) -> Call:
        """Return the call for *request* (or for the `start` of an upload or session).

        Raises `InvalidField`.
        """
        check_required(request)
        parts = _Parts()
        for field, value in request.ListFields():
            if (placed := self._places.get(field.number)) is not None:
                place, rule = placed
                place(parts, rule, value)
        for field, default in self._defaults:
            if not is_set(request, field):
                _place_default(parts, rule_of(field), default)
        target = self._path(request)
        if parts.query:
            target += "?" + "&".join(parts.query)
        if self._content_type:
            parts.headers["Content-Type"] = self._content_type
        return Call(
            Request(self.verb, target, parts.headers, document=parts.body if self._has_body else None),
            self.changes,
            (*self.needs, *parts.needs),
            deadline,
            self.name,
            named_by(request),
            self.kind,
            hiding(request),
        )

    def _path(self, request: Message) -> str:
        texts = self._path_texts
        path = texts[0]
        for index, (name, format) in enumerate(self._path_rules, 1):
            value = getattr(request, name)
            if remedy := grammar.violation(format, value):
                raise InvalidField(name, remedy)
            path += grammar.segment(format, value) + texts[index]
        return path

    def response(self, response: Response, skipped: Skipped = count_nothing) -> Message:
        """Return the message of a whole response.  Raises `BadResponse`.

        *skipped* is called with the number of values that do not fit the contract, also in the methods below.
        """
        return self._counted(skipped, partial(self._output.whole, response))

    async def large_response(self, response: Response, turns: Turns, skipped: Skipped = count_nothing) -> bytes:
        """Return the message of a whole response, serialised.

        It is converted in pieces, which needs less memory, and lets other work run in between.  Raises `BadResponse`.
        """
        made = BytesIO()  # its bytes need no copy at the end
        for piece in self._output.parts(response):
            if turns.spent:
                await turns.next()
            made.write(self._counted(skipped, piece).SerializeToString())
        return made.getvalue()

    def head(self, response: Response, skipped: Skipped = count_nothing) -> Message | None:
        """Return the message of the head of a streamed response; None when the head has no fields."""
        return self._counted(skipped, partial(self._output.head, response))

    def document(self, document: Any, skipped: Skipped = count_nothing) -> Message:
        """Return the message of one of several documents.  Raises `BadResponse`."""
        return self._counted(skipped, partial(self._output.of, document))

    def _counted(self, skipped: Skipped, make: Callable[[list[str]], M]) -> M:
        places: list[str] = []
        message = make(places)
        if places:
            skipped(self.name, len(places))
        return message


@cache
def binding_of(method: MethodDescriptor) -> Binding:
    """Return the binding of *method*.  Raises `TypeError` when its options contradict the messages."""
    return Binding(method)


# Requests


class _Parts:
    """A builder for the parts of an HTTP request."""

    __slots__ = ("body", "headers", "needs", "query")

    def __init__(self) -> None:
        self.query: list[str] = []
        self.headers: dict[str, str] = {}
        self.body: Any = {}
        self.needs: list[Need] = []


Place = Callable[[_Parts, Rule, Any], None]


def _place_in_query(parts: _Parts, rule: Rule, value: Any) -> None:
    """Add the `key=value` parts of a field: several for a repeated one, JSON for a structured one."""
    document = rule.dump(value, parts.needs)
    if rule.inline:  # its fields take its own place
        parts.query += [f"{field.json_name}={_text(getattr(value, field.name))}" for field in value.DESCRIPTOR.fields]
        return
    if rule.is_list:
        texts = [_text(item) for item in document]
    elif isinstance(value, Timestamp):
        texts = [f"{value.seconds}.{value.nanos:09d}"]  # the Engine reads a decimal number of seconds (C12)
    else:
        texts = [_text(document)]
    parts.query += [f"{quote(rule.key, safe='')}={quote(text, safe='')}" for text in texts]


def _place_in_header(parts: _Parts, rule: Rule, value: Any) -> None:
    document = rule.dump(value, parts.needs)
    structured = isinstance(document, dict)
    parts.headers[rule.header] = (
        base64.urlsafe_b64encode(orjson.dumps(document)).decode() if structured else str(document)
    )


def _place_as_body(parts: _Parts, rule: Rule, value: Any) -> None:
    parts.body = rule.dump(value, parts.needs)


def _place_in_body(parts: _Parts, rule: Rule, value: Any) -> None:
    parts.body[rule.key] = rule.dump(value, parts.needs)


def _place_default(parts: _Parts, rule: Rule, default: str) -> None:
    if rule.header:
        parts.headers[rule.header] = default
    else:
        parts.query.append(f"{rule.key}={quote(default, safe='')}")


_PLACES: dict[Placement, Place] = {  # the path is written at the end, and what the gateway reads is not sent
    Placement.QUERY: _place_in_query,
    Placement.HEADER: _place_in_header,
    Placement.BODY: _place_as_body,
    Placement.BODY_FIELD: _place_in_body,
}


def _touches(verb: str, method: MethodDescriptor) -> bool:
    """Return whether lists may be outdated after an RPC: after a change, and after a wait for a change."""
    return verb not in ("GET", "HEAD") and options.of_rpc(method).access != pb.ACCESS_LEVEL_EXEC


def _path_rule(message: Descriptor, name: str) -> tuple[str, int]:
    """Return the name and the format of a field in the path."""
    format = options.of_field(_field(message, name)).format
    if not format:
        raise TypeError(f"{message.full_name}.{name} is part of a path and has no format")
    return name, format


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)


# Responses


class _Output:
    """How an engine's response becomes a message."""

    def __init__(self, descriptor: Descriptor, answer: str) -> None:
        self._message: type[Message] = GetMessageClass(descriptor)
        self._headers = _with(descriptor.fields, "header")
        self._statuses = _with(descriptor.fields, "status")
        placed = {field.name for field, _ in (*self._headers, *self._statuses)}
        # A message without fields, or with only header fields, needs no body.
        self._reads_body = any(field.name not in placed for field in descriptor.fields)
        self._load = enginejson.loader(descriptor)
        self._correct = CORRECTIONS.get(descriptor.full_name)
        self._answer = descriptor.fields_by_name[answer].json_name if answer else ""
        self._whole = f"response.{self._answer}"
        self._lists = bool(answer) and descriptor.fields_by_name[answer].is_repeated

    def whole(self, response: Response, skipped: list[str]) -> Message:
        if self._reads_body and response.body:
            with _AsBadResponse("the host's response is not JSON"):
                document = enginejson.parse(response.body)
            message = self.of(document, skipped)
        else:
            message = self._message()
        return self._besides_body(message, response, skipped)

    def parts(self, response: Response) -> Iterator[Callable[[list[str]], Message]]:
        """Yield what makes the parts of a message, which together are the message."""
        yield partial(self._besides_body, self._message(), response)
        with _AsBadResponse("the host's response is not JSON"):
            for document in pieces.documents(response.body):
                yield partial(self.of, document)

    def _besides_body(self, message: Message, response: Response, skipped: list[str]) -> Message:
        """Return *message* with what the status and the headers say."""
        for field, status in self._statuses:
            setattr(message, field.name, response.status == status)
        if self._headers:
            self._fill_headers(message, response, skipped)
        return message

    def head(self, response: Response, skipped: list[str]) -> Message | None:
        if not self._headers:
            return None
        message = self._message()
        self._fill_headers(message, response, skipped)
        return message

    def of(self, document: Any, skipped: list[str]) -> Message:
        if document is None:
            return self._message()
        if self._lists and not isinstance(document, list):
            raise BadResponse("the host's response does not fit the Engine API: it is not an array", sent=True)
        with _AsBadResponse("the host's response does not fit the Engine API"):
            message = self._load({self._answer: document} if self._answer else document, skipped)
            for place in skipped if self._answer else ():
                if "." not in place.removeprefix(self._whole):  # the object that was asked for, or one of them
                    raise NotEngineJson(f"{place} is not an object")
        if self._correct is not None:
            self._correct(message)
        return message

    def _fill_headers(self, message: Message, response: Response, skipped: list[str]) -> None:
        for field, header in self._headers:
            text = response.headers.get(header.lower())
            if text is None:
                continue
            if field.message_type is None:
                setattr(message, field.name, text == "true" if field.type == FieldDescriptor.TYPE_BOOL else text)
                continue
            with _AsBadResponse(f"the host's header {header} does not fit the Engine API"):
                part = enginejson.loader(field.message_type)(enginejson.parse(base64.b64decode(text)), skipped)
            getattr(message, field.name).CopyFrom(part)


class _AsBadResponse:
    """Converts errors of a block to `BadResponse`.  It is a class for speed, because every response enters it twice."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, NotEngineJson | binascii.Error):
            raise BadResponse(f"{self._what}: {error}", sent=True) from error


def _with(fields: Iterable[FieldDescriptor], rule: str) -> list[tuple[FieldDescriptor, Any]]:
    """Return those of *fields* that have a *rule*, and what it says."""
    return [(field, value) for field in fields if (value := getattr(options.of_field(field), rule))]


def _field(message: Descriptor | None, name: str) -> FieldDescriptor:
    if message is None or name not in message.fields_by_name:
        raise TypeError(f"{message.full_name if message else 'a scalar'} has no field {name}")
    return message.fields_by_name[name]
