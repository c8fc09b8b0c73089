"""What all services share: the hosts, the timeouts, and the work that runs after a call has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from dockfleet.options.v1 import options_pb2 as pb

from gateway.engine.background import report
from gateway.engine.client import Engine
from gateway.engine.codec.binding import Binding
from gateway.engine.errors import InvalidField
from gateway.engine.transport.timeouts import Deadline, Timeout
from gateway.fleet.host import Host, HostDraining
from gateway.fleet.registry import HostRegistry
from gateway.rpc.context import CallContext


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long engines may take when the client sets no deadline, in seconds."""

    read: float = 30.0
    write: float = 120.0
    long: float = 3600.0
    progress_idle: float = 60.0
    reconnect: float = 60.0
    fan_out: float = 5.0  # of one host in a fan-out
    stall: float = 60.0  # of a client that blocks a process because it does not read

    def deadline(self, binding: Binding, context: CallContext) -> float | None:
        """Return the gateway's own deadline of a call, in the loop's time; None when it has none.

        A client's deadline replaces the gateway's; the interceptor ends the call then.  For a stream, the deadline
        covers only the head of the engine's response.  A call that the gateway makes itself has its own deadline.
        """
        if context.deadline is not None:
            return context.deadline
        if context.time_remaining() is not None:
            return None
        if binding.deadline_class == pb.DEADLINE_CLASS_NONE and not binding.streams:
            return None
        seconds, key = (self.write, "write") if binding.changes else (self.read, "read")
        if binding.deadline_class == pb.DEADLINE_CLASS_LONG:
            seconds, key = self.long, "long"
        return Deadline.after(Timeout.of(seconds, f"limits.{key}_timeout_seconds"))

    def idle(self, context: CallContext) -> float | None:
        """Return the seconds that an engine may stay silent; None (no limit) when the client has set a deadline."""
        if context.time_remaining() is not None:
            return None
        return Timeout.of(self.progress_idle, "limits.progress_idle_timeout_seconds")


@dataclass(frozen=True, slots=True)
class Backend:
    """What all services share."""

    hosts: HostRegistry
    timeouts: Timeouts = Timeouts()
    _afterwards: set[asyncio.Task[None]] = field(default_factory=set)

    def host(self, request: Any, context: CallContext) -> Host:
        """Return the host that *request* names.  The call ends when this host leaves the fleet.

        Raises `InvalidField`, `UnknownHost` and `HostDraining`.
        """
        if not request.host:
            raise InvalidField("host", "must name a host; HostService.ListHosts lists them")
        host = self.hosts[request.host]
        if host.draining and context.new_work:
            raise HostDraining(host.name)
        context.use(host)
        return host

    def engine(self, request: Any, context: CallContext) -> Engine:
        """Return the engine of that host."""
        return self.host(request, context).engine

    def afterwards(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run *work* in the background, also after its call has ended; return it, for calls that wait for it."""
        task = asyncio.create_task(work)
        self._afterwards.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._afterwards.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            report(error, "work after a call")

    async def finished(self) -> None:
        """Wait for all work given to `afterwards`."""
        await asyncio.gather(*self._afterwards, return_exceptions=True)
