"""A gateway that answers as a scenario says, and notes what does not come as the scenario expects."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, Self

import dockfleet.fleet.v1.fleet_pb2  # its services are known then
import dockfleet.fleet.v1.hosts_pb2
import dockfleet.v1.exec_pb2
import dockfleet.v1.system_pb2  # noqa: F401
import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import Default
from google.protobuf.internal import encoder
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2  # noqa: F401  # the details of a status are parsed by their names
from google.rpc.status_pb2 import Status

from clients.conformance.connections import Connections

CANCEL_SECONDS = 30.0  # within which a client must have cancelled a call that hangs
LARGEST_PIECE = 256 << 10  # bytes of input in one message
INPUT = ("stdin", "data")
PADDING = b"\xfa\x7f"  # the tag of a field that no message has


class ScriptedGateway(grpc.GenericRpcHandler):
    """Serves the calls of a scenario, each once and in their order."""

    def __init__(
        self,
        calls: Sequence[dict[str, Any]],
        *others: Sequence[dict[str, Any]],
        credentials: grpc.ServerCredentials | None = None,
        place: str = "",
    ) -> None:
        """Expect *calls*, or *others* in their place, over TLS with *credentials*, at a *place* of `Connections`."""
        self.problems: list[str] = []
        self._ways = [calls, *others]
        self._credentials = credentials
        self._place = place
        self._next = 0
        self._open: set[asyncio.Task[Any]] = set()
        self._printed: list[str] = []
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server(handlers=[self], options=[("grpc.so_reuseport", 0)])
        if self._credentials is None:
            port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            port = self._server.add_secure_port("127.0.0.1:0", self._credentials)
        self._connections = Connections(port)
        await self._server.start()
        self.address = await self._connections.open(self._place)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connections.close()
        await self._server.stop(None)

    async def finish(self) -> None:
        """Wait until the calls that have begun are over, and note those that have not come."""
        await asyncio.gather(*self._open, return_exceptions=True)
        self.problems += [f"{call['method']} was not called" for call in self._ways[0][self._next :]]

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of the next call, if it is of this method."""
        name = details.method.removeprefix("/dockfleet.")
        fitting = [way for way in self._ways if len(way) > self._next and way[self._next]["method"] == name]
        if not fitting:
            self.problems.append(f"{name} was called; the scenario does not have it here")
            return None
        self._ways = fitting
        call = fitting[0][self._next]
        self._next += 1
        sent = dict(details.invocation_metadata).get("authorization")
        if sent != call.get("authorization"):
            self.problems.append(f"{name}: authorization was {sent!r}, not {call.get('authorization')!r}")
        return grpc.stream_stream_rpc_method_handler(_Call(self, call, self._connections).serve)

    async def printed(self, line: str) -> None:
        """Note a line of the testee."""
        async with self._news:
            self._printed.append(line)
            self._news.notify_all()

    async def wait_printed(self, line: str) -> None:
        """Wait until the testee has printed *line*."""
        async with self._news:
            await self._news.wait_for(lambda: line in self._printed)

    def began(self, task: asyncio.Task[Any]) -> None:
        """Wait for *task* before the scenario ends."""
        self._open.add(task)


class _Call:
    """One call of a scenario."""

    def __init__(self, gateway: ScriptedGateway, call: dict[str, Any], connections: Connections) -> None:
        self._gateway, self._call, self._connections = gateway, call, connections
        self._method = method_of(call["method"])
        self._received: list[Message] = []
        self._input_ended = asyncio.Event()  # the end of the requests, or of standard input
        self._expected = [
            [each for request in call[key] for each in expected(request, self._method)]
            for key in ("requests", "or")
            if key in call
        ]

    async def serve(self, requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext[Any, Any]) -> None:
        """Answer the call, and compare the requests."""
        task = asyncio.current_task()
        assert task is not None
        self._gateway.began(task)
        reading = asyncio.ensure_future(self._read(requests))
        ended = False
        try:
            for response in self._call.get("responses", ()):
                if response == {"wait": "requests"}:
                    await self._input_ended.wait()
                    continue
                if "wait" in response:
                    await self._gateway.wait_printed(response["wait"])
                    continue
                for _ in range(response.get("repeat", 1)):
                    await context.write(packed(response, self._method))
            if self._call.get("then") == "hang":
                await asyncio.sleep(CANCEL_SECONDS)
                self._problem("the client has not cancelled the call")
            elif self._call.get("then") == "break":
                self._connections.break_all()
                await asyncio.sleep(CANCEL_SECONDS)  # gRPC cancels this task
            else:
                await self._input_ended.wait()
            ended = True
        except asyncio.CancelledError:
            if "then" not in self._call:
                self._problem("the client cancelled the call")
            raise
        finally:
            self._compare(await self._so_far(reading))
        if ended and (status := self._call.get("status")):
            await refuse(context, status)

    async def _so_far(self, reading: asyncio.Future[None]) -> list[Message]:
        reading.cancel()
        with suppress(asyncio.CancelledError, grpc.RpcError):
            await reading
        return self._received

    async def _read(self, requests: AsyncIterator[bytes]) -> None:
        async for request in requests:
            self._received.append(GetMessageClass(self._method.input_type).FromString(request))
            if _kind(self._received[-1]) == "close_stdin":
                self._input_ended.set()
        self._input_ended.set()

    def _compare(self, received: list[Message]) -> None:
        received, wanted = joined(received, self._problem), [joined(each) for each in self._expected]
        if wanted and received not in wanted:
            self._problem(f"the requests were {shown(received)}, not {shown(wanted[0])}")

    def _problem(self, text: str) -> None:
        self._gateway.problems.append(f"{self._call['method']}: {text}")


def method_of(name: str) -> MethodDescriptor:
    """Return the method of the contract that a scenario calls *name*, such as `v1.ExecService/Exec`."""
    service, _, method = name.partition("/")
    return Default().FindServiceByName(f"dockfleet.{service}").methods_by_name[method]


def parsed(value: Any, kind: Any) -> Message:
    """Return the message that *value* is in proto JSON."""
    return json_format.ParseDict(value, GetMessageClass(kind)())


def expected(request: dict[str, Any], method: MethodDescriptor) -> list[Message]:
    """Return the messages of a request, which may stand for many."""
    known = {key: value for key, value in request.items() if key != "repeat"}
    return [parsed(known, method.input_type)] * request.get("repeat", 1)


def packed(response: dict[str, Any], method: MethodDescriptor) -> bytes:
    """Return the bytes of a response: proto JSON, and what the contract does not have."""
    known = {key: value for key, value in response.items() if key not in ("raw", "repeat", "padding")}
    message = parsed(known, method.output_type).SerializeToString() + base64.b64decode(response.get("raw", ""))
    if size := response.get("padding"):
        message += PADDING + encoder._VarintBytes(size) + bytes(size)  # type: ignore[attr-defined]
    return message


def joined(messages: list[Message], problem: Callable[[str], None] | None = None) -> list[Message]:
    """Return *messages* with consecutive pieces of input as one, and without the last `close_stdin`."""
    result: list[Any] = []
    for kind, group in groupby(messages, _kind):
        run: list[Any] = list(group)
        if kind not in INPUT:
            result += run
            continue
        pieces = [getattr(message, kind) for message in run]
        if problem and len(largest := max(pieces, key=len)) > LARGEST_PIECE:
            problem(f"a piece of input has {len(largest)} bytes")
        if data := b"".join(pieces):
            result.append(type(run[0])(**{kind: data}))
    if result and _kind(result[-1]) == "close_stdin":
        result.pop()
    return result


def _kind(message: Message) -> str:
    """Return which frame of an upload or a session *message* is; empty for other messages."""
    if "frame" not in message.DESCRIPTOR.oneofs_by_name:
        return ""
    return str(message.WhichOneof("frame"))


def shown(messages: list[Message]) -> str:
    """Return messages as text, for a problem."""
    text = " ".join(str(json_format.MessageToDict(message, preserving_proto_field_name=True)) for message in messages)
    return text if len(text) < 2000 else text[:1000] + " … " + text[-900:]


async def refuse(context: grpc.aio.ServicerContext[Any, Any], status: dict[str, Any]) -> None:
    """End a call with a status and its details."""
    code = grpc.StatusCode[status["code"]]
    message = status.get("message", "")
    if details := status.get("details"):
        whole = json_format.ParseDict({"code": code.value[0], "message": message, "details": details}, Status())
        context.set_trailing_metadata((("grpc-status-details-bin", whole.SerializeToString()),))
    await context.abort(code, message)
