"""What a handler sees of its call: a few methods, and nothing of grpc."""

from __future__ import annotations

import asyncio
from typing import Any, TypeAlias, cast

import grpc

from gateway.engine.background import retrieve
from gateway.engine.transport.timeouts import Deadline
from gateway.fleet.host import Host
from gateway.rpc.write_timeout import StallGuard

GrpcContext: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"

_UNTIL_GRPC_SAYS_SECONDS = 0.1


class CallContext:
    """The call of the task that makes it."""

    deadline: Deadline | None = None
    """What engines must keep to; a client's own deadline ends the call itself."""

    def __init__(self, context: GrpcContext, *, new_work: bool = False) -> None:
        """*new_work*: the call makes or starts something on its host."""
        self.new_work = new_work
        self.ended_by: Exception | None = None  # why the call was ended early
        self._grpc = context
        self._has_head = False  # whether its client knows that it is served
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._hosts: list[Host] = []

    def time_remaining(self) -> float | None:
        """Return the seconds until the client's deadline; None when it has set none."""
        return self._grpc.time_remaining()

    def use(self, host: Host) -> None:
        """Let the call end at the latest with *host*."""
        host.calls.add(self)
        self._hosts.append(host)

    @property
    def asks_a_host(self) -> bool:
        """Whether the call has found the host that it is about."""
        return bool(self._hosts)

    def end(self, error: Exception) -> None:
        """End the call early; its client gets *error*, or what was given first."""
        if self.ended_by is None:
            self.ended_by = error
            self._task.cancel()

    def close(self) -> None:
        """Forget the hosts: the call has ended."""
        for host in self._hosts:
            host.calls.discard(self)

    async def send_initial_metadata(self) -> None:
        """Tell the client, before the first response, that the call is served from now on.

        grpc takes note of the head only when all is sent that it is sent with.  A call that is cut off before would get
        it again, with the status, and grpc would send neither.  So the head is sent alone, and to its end.
        """
        sending = asyncio.ensure_future(self._grpc.send_initial_metadata(()))
        sending.add_done_callback(retrieve)
        try:
            await asyncio.shield(sending)
        except asyncio.CancelledError:
            await asyncio.wait((sending,))
            raise
        except grpc.aio.InternalError:
            raise asyncio.CancelledError from None  # the client has left
        self._has_head = True

    async def check_client(self) -> None:
        """Make sure that a client's stream has ended because the client has ended it, and not because it has left.

        grpc ends the stream in both cases, and says only later which it was; until then the engine would have taken a
        part for the whole.  But what is sent to a client that has left fails at once.
        """
        try:
            await self.send_initial_metadata()
        except grpc.aio.UsageError:  # the head went with the first response
            await asyncio.sleep(_UNTIL_GRPC_SAYS_SECONDS)


class StreamContext(CallContext):
    """The call of a stream, with the guard of what it sends."""

    def __init__(self, context: GrpcContext, stall_timeout_seconds: float | None, *, new_work: bool = False) -> None:
        super().__init__(context, new_work=new_work)
        self.guard = StallGuard(self._write, stall_timeout_seconds)

    async def _write(self, response: Any) -> None:
        if not self._has_head:
            await self.send_initial_metadata()
        await self._grpc.write(response)
