"""The context of a call for its handler.  It hides grpc."""

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
    """The deadline of requests to engines.  It is None here: when the client's deadline ends, the call ends."""

    def __init__(self, context: GrpcContext, *, new_work: bool = False) -> None:
        """*new_work*: the call makes or starts something on its host."""
        self.new_work = new_work
        self.ended_by: Exception | None = None  # why the call was ended early
        self._grpc = context
        self._has_head = False  # whether the initial metadata was sent
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._hosts: list[Host] = []

    def time_remaining(self) -> float | None:
        """Return the seconds until the client's deadline; None when it has set none."""
        return self._grpc.time_remaining()

    def use(self, host: Host) -> None:
        """Note that the call uses *host*: it ends when the host leaves the fleet."""
        host.calls.add(self)
        self._hosts.append(host)

    @property
    def asks_a_host(self) -> bool:
        """Whether the call uses a host."""
        return bool(self._hosts)

    def end(self, error: Exception) -> None:
        """End the call early with *error*.  Only the first error counts."""
        if self.ended_by is None:
            self.ended_by = error
            self._task.cancel()

    def close(self) -> None:
        """Release the hosts: the call has ended."""
        for host in self._hosts:
            host.calls.discard(self)

    async def send_initial_metadata(self) -> None:
        """Send the initial metadata before the first response: the client then knows that the call is being served.

        grpc marks the metadata as sent only after the whole batch that contains it.  If the call ended before that,
        grpc would add the metadata to the status again, and send neither.  So it goes out in a batch of its own.
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
        """Raise `CancelledError` if the client's stream ended because the client disconnected.

        grpc ends the stream in the same way when the client closes it and when the client disconnects.  Without this
        check, the engine would accept a partial upload as complete.  Writing to a disconnected client fails at once,
        and shows the difference.
        """
        try:
            await self.send_initial_metadata()
        except grpc.aio.UsageError:  # the first response has carried the initial metadata
            await asyncio.sleep(_UNTIL_GRPC_SAYS_SECONDS)


class StreamContext(CallContext):
    """The context of a stream; `guard` sends its responses, and ends it when the client does not read."""

    def __init__(self, context: GrpcContext, stall_timeout_seconds: float | None, *, new_work: bool = False) -> None:
        super().__init__(context, new_work=new_work)
        self.guard = StallGuard(self._write, stall_timeout_seconds)

    async def _write(self, response: Any) -> None:
        if not self._has_head:
            await self.send_initial_metadata()
        await self._grpc.write(response)
