"""The mirror: a handler for every RPC that is bound to an endpoint.

Nothing here mentions an operation.  A service that has something to say of its own brings methods by the names of
its RPCs; they win over mirroring.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import grpc
from dockfleet.options.v1 import options_pb2 as pb
from dockfleet.v1.common_pb2 import Progress
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.engine.client import Engine
from gateway.engine.codec import options, streams
from gateway.engine.codec.binding import Binding
from gateway.engine.errors import InvalidField
from gateway.engine.process.bounded_buffer import buffered
from gateway.engine.process.progress import ProgressCoalescer
from gateway.engine.transport.timeouts import Deadline, Timeout
from gateway.fleet.hosts import Host, Hosts
from gateway.rpc import encoding

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_UNTIL_GRPC_SAYS_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long engines may take when the client sets no deadline, in seconds."""

    read: float = 30.0
    change: float = 120.0
    long: float = 3600.0
    progress_idle: float = 60.0
    heal: float = 60.0
    stall: float = 60.0  # of a client that holds up a process by not reading

    def deadline(self, binding: Binding, context: Context) -> float | None:
        """Return the gateway's own deadline of a call, in the loop's time; None when it has none.

        A client's deadline wins over the gateway's; the interceptor ends the call then.  The deadline of a stream is
        that of the head of its answer, which does not wait for what the stream is about.
        """
        if context.time_remaining() is not None:
            return None
        if binding.deadline_class == pb.DEADLINE_CLASS_NONE and not binding.streams:
            return None
        seconds, key = (self.change, "write") if binding.changes else (self.read, "read")
        if binding.deadline_class == pb.DEADLINE_CLASS_LONG:
            seconds, key = self.long, "long"
        return Deadline.after(Timeout.of(seconds, f"limits.{key}_timeout_seconds"))

    def idle(self, context: Context) -> float | None:
        """Return how long an engine may send nothing; None, for ever, when the client has set a deadline."""
        if context.time_remaining() is not None:
            return None
        return Timeout.of(self.progress_idle, "limits.progress_idle_timeout_seconds")


@dataclass(frozen=True, slots=True)
class Backend:
    """What every service works with: the hosts, and the timeouts with them."""

    hosts: Hosts
    timeouts: Timeouts = Timeouts()
    _afterwards: set[asyncio.Task[None]] = field(default_factory=set)

    def host(self, request: Any) -> Host:
        """Return the host that *request* chooses, with which the present call ends.

        Raises `InvalidField` and `UnknownHost`.
        """
        if not request.host:
            raise InvalidField("host", "must name the host that the call is for; HostService.ListHosts tells which")
        host = self.hosts[request.host]
        host.began(asyncio.current_task())
        return host

    def engine(self, request: Any) -> Engine:
        """Return the engine of that host."""
        return self.host(request).engine

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Let *work* be done after its call has ended."""
        task = asyncio.create_task(work)
        self._afterwards.add(task)
        task.add_done_callback(self._afterwards.discard)

    async def finished(self) -> None:
        """Wait until all such work is done."""
        await asyncio.gather(*self._afterwards)


def handlers(service: ServiceDescriptor, backend: Backend, *by_hand: object) -> grpc.GenericRpcHandler:
    """Return the handlers of *service*; methods of the objects *by_hand* win over mirroring.

    Raises `TypeError` when an RPC has neither a method nor an endpoint, or no access level.
    """
    made = {}
    for method in service.methods:
        if not options.of_rpc(method).access:
            raise TypeError(f"{method.full_name} does not say what a caller must be allowed")
        written = [getattr(part, method.name) for part in by_hand if hasattr(part, method.name)]
        made[method.name] = handler(method, written[0] if written else mirror(method, backend))
    return grpc.method_handlers_generic_handler(service.full_name, made)


def handler(method: MethodDescriptor, behaviour: Callable[..., Any]) -> Any:
    """Return grpc's handler of *method*."""
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.client_streaming, method.server_streaming]
    return make(behaviour, GetMessageClass(method.input_type).FromString, serialize)


def serialize(message: Any) -> bytes:
    """Serialise a message; one that was put together as bytes is sent as it is."""
    return message if type(message) is bytes else message.SerializeToString()


def mirror(method: MethodDescriptor, backend: Backend) -> Callable[..., Any]:
    """Return the behaviour of an RPC that is nothing but its endpoint."""
    binding = Binding(method)
    if not method.server_streaming:
        behaviour = _upload(binding, backend) if binding.upload else _unary(binding, backend)
    elif binding.shape == pb.ANSWER_SHAPE_JSON_LINES:
        behaviour = _lines(binding, backend)
    elif binding.shape == pb.ANSWER_SHAPE_BYTES:
        behaviour = _bytes(binding, backend)
    else:
        raise TypeError(f"{method.full_name}: a stream of {pb.AnswerShape.Name(binding.shape)} needs code of its own")
    behaviour.__name__ = behaviour.__qualname__ = method.name  # what tracebacks show
    return behaviour


def _unary(binding: Binding, backend: Backend) -> Callable[..., Any]:
    async def call(request: Message, context: Context) -> Message:
        engine = backend.engine(request)
        return binding.response(await engine.fetch(binding.call(request, backend.timeouts.deadline(binding, context))))

    return call


def _lines(binding: Binding, backend: Backend) -> Callable[..., Any]:
    # Work that reports progress and falls silent has stalled; what runs a process or waits for events may be silent.
    may_stall = binding.changes and binding.deadline_class == pb.DEADLINE_CLASS_SHORT
    reports = any(field.message_type is Progress.DESCRIPTOR for field in binding.reply.fields)

    async def call(request: Any, context: Context) -> AsyncGenerator[Message, None]:
        start, upload = await _asked(binding, request, context)
        engine = backend.engine(start)
        asked = binding.call(start, backend.timeouts.deadline(binding, context))
        async with engine.open(asked, upload) as (_, connection):
            lines = streams.lines(connection, backend.timeouts.idle(context) if may_stall else None)
            async with coalesced(lines) if reports else aclosing(lines) as documents:
                async for document in documents:
                    yield binding.document(document)

    return call


def coalesced(reports: AsyncGenerator[Any, None]) -> AbstractAsyncContextManager[AsyncGenerator[Any, None]]:
    """Read documents of progress as fast as they come; yield those of them that tell something new."""
    return buffered(reports, ProgressCoalescer(asyncio.get_running_loop().time))


def _bytes(binding: Binding, backend: Backend) -> Callable[..., Any]:
    data_tag = encoding.tag(binding.reply, "data")

    async def call(request: Message, context: Context) -> AsyncGenerator[Message | bytes, None]:
        engine = backend.engine(request)
        asked = binding.call(request, backend.timeouts.deadline(binding, context))
        idle = backend.timeouts.idle(context)
        async with engine.open(asked) as (answer, connection), aclosing(streams.chunks(connection, idle)) as chunks:
            if (head := binding.head(answer)) is not None:
                yield head
            async for data in chunks:
                yield b"".join((data_tag, encoding.varint(len(data)), data))

    return call


def _upload(binding: Binding, backend: Backend) -> Callable[..., Any]:
    async def call(requests: AsyncIterator[Any], context: Context) -> Message:
        start, upload = await _asked(binding, requests, context)
        engine = backend.engine(start)
        asked = binding.call(start, backend.timeouts.deadline(binding, context))
        async with engine.open(asked, upload) as (answer, connection):
            answer.body = await streams.whole(connection, backend.timeouts.idle(context))
            return binding.response(answer)

    return call


async def _asked(binding: Binding, request: Any, context: Context) -> tuple[Any, AsyncIterator[bytes] | None]:
    """Return the message that holds the request's fields, and the data that follow it in an upload."""
    return (await first(request), _data(request, context)) if binding.upload else (request, None)


async def first(requests: AsyncIterator[Any]) -> Any:
    """Return the `start` that opens a client's stream.  Raises `InvalidField` when it is something else."""
    async for request in requests:
        if request.WhichOneof("frame") == "start":
            return request.start
        break
    raise InvalidField("start", "must be the first message of the stream")


async def _data(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.WhichOneof("frame") != "data":
            raise InvalidField("data", "must be in every message after the first")
        yield request.data
    await _still_there(context)


async def _still_there(context: Context) -> None:
    """Make sure that a client's stream has ended because the client said so, and not because it has left.

    grpc ends the stream in both cases, and says only later which it was; until then the engine would have taken a
    part for the whole.  But what is sent to a client that has left fails at once.
    """
    try:
        await context.send_initial_metadata(())
    except grpc.aio.UsageError:  # they went with the first reply already
        await asyncio.sleep(_UNTIL_GRPC_SAYS_SECONDS)
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None  # of the upload; the call's own is on its way
