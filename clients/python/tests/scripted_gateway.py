"""A gateway for tests: a real gRPC server with scripted behaviour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from dockfleet.calls import METHODS
from google.protobuf import descriptor_pool
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

Behaviour = Callable[[Any, grpc.ServicerContext], Any]
RPCS = {
    method.descriptor.name: method
    for name, service in METHODS.items()
    if name != "fleet"
    for method in service.values()
}


class Gateway(grpc.GenericRpcHandler):
    """Serves each RPC with the behaviour that a test sets, and records the requests and the peers."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, str | bytes]] = []
        self.peers: dict[str, set[str]] = {}
        self._behaviours: dict[str, Behaviour] = {}
        self._server = grpc.server(ThreadPoolExecutor(64), handlers=[self], options=[("grpc.so_reuseport", 0)])
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        self.address = f"127.0.0.1:{self.port}"
        self._server.start()

    def on(self, name: str, behaviour: Behaviour | Message | list[Message]) -> None:
        """Answer the RPC called *name* with a message, with several, or with what a function returns.

        An RPC of `FleetService` is called `fleet.NAME`: others have the same names.
        """
        self._behaviours[name] = behaviour if callable(behaviour) else lambda request, context: behaviour

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        service, _, name = handler_call_details.method.removeprefix("/").partition("/")
        method = descriptor_pool.Default().FindServiceByName(service).FindMethodByName(name)
        name = f"fleet.{name}" if service.endswith(".FleetService") else name
        if name not in self._behaviours:
            return None
        kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"

        def behave(request: Any, context: grpc.ServicerContext) -> Any:
            self.metadata.append(dict(context.invocation_metadata()))
            self.peers.setdefault(name, set()).add(context.peer())
            if not method.client_streaming:
                self.requests.append(request)
            return self._behaviours[name](self._remembered(request) if method.client_streaming else request, context)

        def behave_streaming(request: Any, context: grpc.ServicerContext) -> Any:
            yield from behave(request, context)

        return getattr(grpc, f"{kind}_rpc_method_handler")(  # type: ignore[no-any-return]
            behave_streaming if method.server_streaming else behave,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=GetMessageClass(method.output_type).SerializeToString,
        )

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _remembered(self, requests: Iterator[Any]) -> Iterator[Any]:
        for request in requests:
            self.requests.append(request)
            yield request


def fail(
    context: grpc.ServicerContext,
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE,
    message: str = "connection refused",
    reason: str = "HOST_UNREACHABLE",
    *details: Message,
    domain: str = "dockfleet",
    **metadata: str,
) -> NoReturn:
    """Fail a call as the gateway does, with `ErrorInfo` and more *details*; another *domain* is another program."""
    status = Status(code=code.value[0], message=message)
    for detail in (ErrorInfo(reason=reason, domain=domain, metadata=metadata), *details):
        packed = Packed()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)


class Ended(threading.Event):
    """Is set when a call has ended on the gateway's side."""

    def watch(self, context: grpc.ServicerContext) -> None:
        if not context.add_callback(self.set):
            self.set()

    def endless(self, *messages: Message) -> Behaviour:
        """Answer with *messages*, and then with nothing until the client ends the call."""

        def behave(request: Any, context: grpc.ServicerContext) -> Iterator[Message]:
            self.watch(context)
            yield from messages
            self.wait(30)

        return behave


def drained(answer: Any) -> Behaviour:
    """Read all requests, then return *answer*."""

    def behave(requests: Iterator[Any], context: grpc.ServicerContext) -> Any:
        for _ in requests:
            pass
        return answer

    return behave
