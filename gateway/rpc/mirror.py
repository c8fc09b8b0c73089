"""The mirror: a handler for every RPC that is bound to an endpoint.

Nothing here names an operation.  A service with code of its own has methods with the names of its RPCs; such a method
replaces the mirror.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

import grpc
from dockfleet.options.v1 import options_pb2 as pb
from dockfleet.v1.common_pb2 import Progress
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.engine.codec import options, pieces, streams, wire
from gateway.engine.codec.binding import Binding, binding_of
from gateway.engine.errors import InvalidField
from gateway.engine.process.bounded_buffer import buffered
from gateway.engine.process.progress import ProgressCoalescer
from gateway.rpc import encoding
from gateway.rpc.backend import Backend
from gateway.rpc.context import CallContext
from gateway.rpc.fan_out.behaviour import fan_out
from gateway.rpc.host_rpc import Behaviour
from gateway.rpc.lists import listing, may_be_old


def behaviours(
    service: ServiceDescriptor, backend: Backend, *servicers: object, served: Mapping[str, Behaviour] | None = None
) -> dict[str, Behaviour]:
    """Return the behaviours of the RPCs of *service*, by full name.

    A method of one of the *servicers* replaces the mirror or the fan-out.  *served* has the behaviours that a fan-out
    can call.
    Raises `TypeError` when an RPC has neither a method nor an endpoint, or no access level.
    """
    made: dict[str, Behaviour] = {}
    for method in service.methods:
        rules = options.of_rpc(method)
        if not rules.access:
            raise TypeError(f"{method.full_name} has no access level")
        written = [getattr(part, method.name) for part in servicers if hasattr(part, method.name)]
        if written:
            made[method.full_name] = written[0]
        elif rules.fan_out:
            made[method.full_name] = fan_out(method, backend, served or {})
        else:
            made[method.full_name] = mirror(method, backend)
    return made


def handlers(service: ServiceDescriptor, served: Mapping[str, Behaviour]) -> grpc.GenericRpcHandler:
    """Return the grpc handlers of *service*."""
    made = {method.name: handler(method, served[method.full_name]) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, made)


def handler(method: MethodDescriptor, behaviour: Callable[..., Any]) -> Any:
    """Return the grpc handler of *method*."""
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]
    return make(behaviour, GetMessageClass(method.input_type).FromString, encoding.serialize)


def mirror(method: MethodDescriptor, backend: Backend) -> Callable[..., Any]:
    """Return the behaviour of an RPC that has no code of its own."""
    binding = binding_of(method)
    if may_be_old(method):
        behaviour = listing(binding, backend)
    elif not method.server_streaming:
        behaviour = upload(binding, backend) if binding.upload else _unary(binding, backend)
    elif binding.shape == pb.ANSWER_SHAPE_JSON_LINES:
        behaviour = _lines(binding, backend)
    elif binding.shape == pb.ANSWER_SHAPE_BYTES:
        behaviour = _bytes(binding, backend)
    else:
        raise TypeError(f"{method.full_name}: a stream of {pb.AnswerShape.Name(binding.shape)} needs code of its own")
    behaviour.__name__ = behaviour.__qualname__ = method.name  # what tracebacks show
    return behaviour


def _unary(binding: Binding, backend: Backend) -> Callable[..., Any]:
    async def read(request: Message, context: CallContext) -> Message | bytes:
        engine = backend.engine(request, context)
        answer = await engine.fetch(binding.call(request, backend.timeouts.deadline(binding, context)))
        if len(answer.body) > pieces.LARGE_BYTES:
            return await binding.large_response(answer, engine.turns, engine.skipped)
        return binding.response(answer, engine.skipped)

    async def change(request: Message, context: CallContext) -> Message:
        host = backend.host(request, context)
        asked = binding.call(request, backend.timeouts.deadline(binding, context))
        with host.inventory.changing(binding.touches, asked) as written:
            response = binding.response(await host.engine.fetch(asked), host.engine.skipped)
            written.answered(response)
        return response

    return change if binding.changes or binding.touches else read


def _lines(binding: Binding, backend: Backend) -> Callable[..., Any]:
    # An operation that reports progress and falls silent has stalled.  A process, or a wait for events, may be silent.
    may_stall = binding.changes and binding.deadline_class == pb.DEADLINE_CLASS_SHORT
    reports = any(field.message_type is Progress.DESCRIPTOR for field in binding.reply.fields)

    async def call(request: Any, context: CallContext) -> AsyncGenerator[Message, None]:
        start, data = await _asked(binding, request, context)
        host = backend.host(start, context)
        engine = host.engine
        asked = binding.call(start, backend.timeouts.deadline(binding, context))
        with host.inventory.changing(binding.touches, asked):
            async with engine.open(asked, data) as (_, connection):
                lines = streams.lines(connection, backend.timeouts.idle(context) if may_stall else None)
                async with coalesced(lines) if reports else aclosing(lines) as documents:
                    async for document in documents:
                        if engine.turns.spent:
                            await engine.turns.next()
                        yield binding.document(document, engine.skipped)

    return call


def coalesced(reports: AsyncGenerator[Any, None]) -> AbstractAsyncContextManager[AsyncGenerator[Any, None]]:
    """Read progress documents as fast as they arrive; yield only the newest of each piece of work."""
    return buffered(reports, ProgressCoalescer(asyncio.get_running_loop().time))


def _bytes(binding: Binding, backend: Backend) -> Callable[..., Any]:
    data_tag = wire.tag(binding.reply, "data")

    async def call(request: Message, context: CallContext) -> AsyncGenerator[Message | bytes, None]:
        engine = backend.engine(request, context)
        asked = binding.call(request, backend.timeouts.deadline(binding, context))
        idle = backend.timeouts.idle(context)
        async with engine.open(asked) as (answer, connection), aclosing(streams.chunks(connection, idle)) as chunks:
            if (head := binding.head(answer, engine.skipped)) is not None:
                yield head
            async for data in chunks:
                yield wire.delimited(data_tag, data)

    return call


def upload(binding: Binding, backend: Backend) -> Callable[..., Any]:
    """Return the behaviour of an RPC that sends the client's data as a request body, and has one response."""

    async def call(requests: AsyncIterator[Any], context: CallContext) -> Message:
        start, data = await _asked(binding, requests, context)
        engine = backend.engine(start, context)
        asked = binding.call(start, backend.timeouts.deadline(binding, context))
        async with engine.open(asked, data) as (answer, connection):
            answer.body = await streams.whole(connection, backend.timeouts.idle(context))
            return binding.response(answer, engine.skipped)

    return call


async def _asked(binding: Binding, request: Any, context: CallContext) -> tuple[Any, AsyncIterator[bytes] | None]:
    """Return the message with the fields of the request, and the data of an upload."""
    return (await first(request), _data(request, context)) if binding.upload else (request, None)


async def first(requests: AsyncIterator[Any]) -> Any:
    """Return the `start` frame of a client's stream.  Raises `InvalidField` when the first frame is another one."""
    async for request in requests:
        if request.WhichOneof("frame") == "start":
            return request.start
        break
    raise InvalidField("start", "must be the first message of the stream")


async def _data(requests: AsyncIterator[Any], context: CallContext) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.WhichOneof("frame") != "data":
            raise InvalidField("data", "must be in every message after the first")
        yield request.data
    await context.check_client()
