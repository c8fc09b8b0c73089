"""Calls an RPC of one host from within the gateway.  Calls to many hosts consist of such calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, TypeAlias, cast

from dockfleet.v1 import common_pb2
from google.protobuf.descriptor import MethodDescriptor

from gateway.engine.codec import options
from gateway.engine.errors import OutcomeUnknown, TimedOut
from gateway.engine.transport.timeouts import Deadline, Timeout, within
from gateway.fleet.fan_out import Put
from gateway.fleet.host import Host
from gateway.fleet.state import FAILING
from gateway.rpc.status import failure
from gateway.rpc.write_timeout import StallGuard

log = logging.getLogger("gateway.rpc")

Behaviour: TypeAlias = Callable[[Any, Any], Any]
"""The implementation of an RPC: it takes a request and a context, and returns a response or a generator of
responses.
"""


class LocalContext:
    """The context of a call that the gateway makes itself; compare `CallContext`.

    It belongs to the task that creates it.
    """

    def __init__(self, timeout: Timeout | None, *, new_work: bool = False, streams: bool = False) -> None:
        """End after *timeout*; without one, the gateway's own limits hold.

        *new_work*: the call makes or starts something on its host.  *streams*: it has many responses.
        """
        self.new_work = new_work
        self.streams = streams
        self.deadline = None if timeout is None else Deadline.after(timeout)
        self.ended_by: Exception | None = None
        self.guard = StallGuard(_nowhere, None)
        self.task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._hosts: list[Host] = []

    def time_remaining(self) -> float | None:
        """Return the seconds until the deadline; None when there is none."""
        return None if self.deadline is None else max(self.deadline - asyncio.get_running_loop().time(), 0.0)

    def use(self, host: Host) -> None:
        """Note that the call uses *host*: it ends when the host leaves the fleet."""
        host.calls.add(self)
        self._hosts.append(host)

    def end(self, error: Exception) -> None:
        """End the call early, with *error*."""
        if self.ended_by is None:
            self.ended_by = error
            self.task.cancel()

    def close(self) -> None:
        """Release the hosts: the call has ended."""
        for host in self._hosts:
            host.calls.discard(self)

    async def send_initial_metadata(self) -> None:
        """Do nothing: the call has no client."""

    async def check_client(self) -> None:
        """Do nothing: the call has no upload."""


class HostsDown:
    """A `HostWatcher` that ends the gateway's own unary calls to a host when the host goes down.

    Such a call may take an hour, and a batch waits for the last of them.  Calls of clients are not ended: they have
    deadlines of their own.  Streams are not ended: they may continue when the host is back.
    """

    def host_added(self, host: Host) -> None:
        """Do nothing."""

    def host_removed(self, host: Host) -> None:
        """Do nothing: its calls end."""

    def host_changed(self, host: Host) -> None:
        """End the calls if the host is down, after the calls that were not sent yet have failed by themselves."""
        if host.state in FAILING:
            asyncio.get_running_loop().call_soon(self._end_calls, host)

    @staticmethod
    def _end_calls(host: Host) -> None:
        for call in list(host.calls):
            if isinstance(call, LocalContext) and not call.streams and host.failure is not None:
                call.end(host.failure)


async def _nowhere(message: Any) -> None:
    pass


class HostRpc:
    """An RPC of one host, to be called within the gateway."""

    def __init__(self, method: MethodDescriptor, behaviour: Behaviour) -> None:
        """Raises `TypeError` for an RPC whose client streams."""
        if method.client_streaming:
            raise TypeError(f"{method.full_name} takes an upload, which cannot go to many hosts")
        self.method = method
        self.changes = options.changes(method)
        self.streams = method.server_streaming
        self._behaviour = behaviour

    async def call(self, host: Host, request: Any, timeout: Timeout | None, put: Put[Any]) -> None:
        """Call it for *host*, which *request* names, and *put* its responses: messages, or messages as bytes.

        Raises what its behaviour raises, and `HostRemoved`: another host that has the name now was not chosen.
        """
        if host.removed is not None:
            raise host.removed
        context = LocalContext(timeout, new_work=options.of_rpc(self.method).new_work, streams=self.streams)
        try:
            async with asyncio.timeout_at(context.deadline):
                if not self.streams:
                    await put(await self._behaviour(request, context))
                    return
                async with aclosing(self._behaviour(request, context)) as responses:
                    async for response in responses:
                        await put(response)
        except TimeoutError:
            raise self._interrupted(TimedOut(f"the host did not finish {within(context.deadline)}")) from None
        except asyncio.CancelledError:
            if context.ended_by is None:
                raise
            context.task.uncancel()
            raise self._interrupted(context.ended_by) from None
        finally:
            context.close()

    def _interrupted(self, cause: Exception) -> Exception:
        """Return the error of a call that was ended early because of *cause*."""
        if self.changes:
            return OutcomeUnknown(f"{cause}; whether the request took effect is not known", sent=True)
        return cause

    def failure(self, error: Exception, host: str) -> common_pb2.Failure:
        """Return *error*, raised by the call to *host*, as a message."""
        return as_message(error, host, self.method)


def as_message(error: Exception, host: str, method: MethodDescriptor) -> common_pb2.Failure:
    """Return *error*, raised by a call of the RPC *method* to *host*, as a message for the client."""
    found = failure(error, host, changes=options.changes(method), operation=method.name)
    if found is None:
        log.error("defect", exc_info=error, extra={"fields": {"method": method.full_name, "host": host}})
        return common_pb2.Failure(
            code=13,
            reason=common_pb2.ERROR_REASON_INTERNAL,
            message=f"{host}: internal error; the gateway's log has more",
            host=host,
        )
    return found.message_of(host)
