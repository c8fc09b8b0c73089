"""The client for asyncio: the same fleet, where calls are awaited and streams are iterated with `async for`.

    async with dockfleet.aio.connect() as fleet:
        host = fleet.host("a")
        answer = await host.containers.ListContainers(all=True)
        async for entry in host.logs("web", follow=True):
            ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from types import SimpleNamespace, TracebackType
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from dockfleet.calls import STUBS, Method, Shape, Source, chunks
from dockfleet.channels import OPEN, Lanes, Options, PathLike, Security, options
from dockfleet.client import DEFAULT_TARGET
from dockfleet.errors import DockfleetError
from dockfleet.session import ExecResult, exit_code
from dockfleet.v1.common_pb2 import STREAM_STDERR, Output
from dockfleet.v1.containers_pb2 import LogEntry
from dockfleet.v1.exec_pb2 import ExecExit, ExecRequest, ExecStart
from dockfleet.v1.hosts_pb2 import Host, ListHostsRequest
from dockfleet.view import Binder, View

AsyncSource = Source | AsyncIterable[bytes]
T = TypeVar("T")


def connect(
    target: str = DEFAULT_TARGET,
    *,
    tls: bool = False,
    tls_ca: PathLike | None = None,
    tls_cert: PathLike | None = None,
    tls_key: PathLike | None = None,
    token: str | None = None,
    channel_options: Options = (),
) -> Fleet:
    """Return the fleet behind the gateway at *target*, as `dockfleet.connect` does; call it within a running loop."""
    credentials = Security(tls, tls_ca, tls_cert, tls_key, token).credentials()
    settings = options(channel_options)

    def dial() -> grpc.aio.Channel:
        if credentials is None:
            return grpc.aio.insecure_channel(target, settings)
        return grpc.aio.secure_channel(target, credentials, settings)

    return Fleet(SplitChannel(dial, blocking=False))


class Fleet:
    """All hosts of a gateway.  Everything raises `DockfleetError`.

    For the bare stubs, which raise `grpc.RpcError`: `ContainerServiceStub(fleet.channel)`.
    """

    def __init__(self, channel: SplitChannel[grpc.aio.Channel]) -> None:
        """Speak over *channel*, which closes with the fleet."""
        self.channel: Any = channel
        self._stubs = SimpleNamespace(**{name: stub(channel) for name, stub in STUBS.items()})

    def host(self, name: str) -> HostView:
        """Return the view of the host called *name*.  Nothing is sent; that it exists shows with the first call."""
        return HostView(self._stubs, name)

    async def list_hosts(self, *, timeout: float | None = None) -> Sequence[Host]:
        """Return all hosts that the gateway knows, reachable or not, by name."""
        answer: ListHostsResponse = await _single(self._stubs.hosts.ListHosts(ListHostsRequest(), timeout=timeout))
        return answer.hosts

    async def close(self) -> None:
        """End all connections and the calls on them."""
        for closing in self.channel.close():
            await closing

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()


class Stream(Generic[T]):
    """The answers of a call that has many.  Leaving the `async with` block, or `close`, ends the call."""

    def __init__(self, call: Any, upload: Upload | None = None) -> None:
        """Iterate over what *call* answers, to *upload* if it is one."""
        self._call = call
        self._answers = aiter(call)
        self._upload = upload
        self._closed = False

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            answer: T = await anext(self._answers)
        except (grpc.RpcError, asyncio.CancelledError) as error:
            if self._closed:
                raise StopAsyncIteration from None
            raise _failure(error, self._upload) from error
        return answer

    def close(self) -> None:
        """End the call.  Harmless to repeat, and after its end."""
        self._closed = True
        self._call.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()


class Session(Stream[Output]):
    """A process that is being talked to: see `dockfleet.Session`.  Any task may write while another iterates."""

    def __init__(self, call: Any, method: Method, arguments: Message) -> None:
        """Start the session that *arguments* describe."""
        super().__init__(call)
        self._frame = method.frame
        self._start: Message | None = arguments
        self._lock = asyncio.Lock()  # gRPC takes one frame at a time
        self._stdin_closed = False
        self._last: Any = None
