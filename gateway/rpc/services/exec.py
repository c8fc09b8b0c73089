"""ExecService: the RPCs that are sessions.  The mirror serves the rest."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from dockfleet.options.v1.options_pb2 import NAME_FORMAT_EXEC
from dockfleet.v1 import exec_pb2 as pb
from dockfleet.v1.common_pb2 import SLOW_READER_WAIT, SessionEnd, SessionStarted, TerminalSize

from gateway.engine import queries
from gateway.engine.client import APIClient, Call
from gateway.engine.codec.binding import Binding
from gateway.engine.codec.frames import Frame
from gateway.engine.errors import StartedBefore
from gateway.engine.process import session
from gateway.engine.process.kill import ExecTag, NotKilled
from gateway.engine.process.session import Detached, Exited, StartFailed, Unknown
from gateway.fleet.host import Host
from gateway.rpc.backend import Backend
from gateway.rpc.context import StreamContext
from gateway.rpc.encoding import output_encoder
from gateway.rpc.mirror import first
from gateway.rpc.terminal import forward_input, read_output

log = logging.getLogger("gateway.exec")

_METHODS = pb.DESCRIPTOR.services_by_name["ExecService"].methods_by_name
_CREATE = Binding(_METHODS["CreateExec"])
_START = Binding(_METHODS["StartExec"])
_SIZED_AT_START = (1, 42)  # the API version in which an exec can be created with the size of its terminal
_SAME_FIELDS = ("id", "cmd", "env", "working_dir", "user", "privileged", "tty", "attach_stdin", "detach_keys")


class ExecService:
    """Runs commands in containers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def Exec(self, requests: AsyncIterator[pb.ExecRequest], context: StreamContext) -> AsyncGenerator[Any, None]:
        """Create and start an exec, stream its input and output, and end with its exit code."""
        asked: pb.ExecStart = await first(requests)
        host = self._backend.host(asked, context)
        create = _create_request(asked)
        tag = None
        if asked.on_disconnect != pb.ON_DISCONNECT_KEEP:
            tag = ExecTag.new(asked.id, asked.user, privileged=asked.privileged)
            create.env.append(tag.variable)
        deadline = self._backend.timeouts.deadline(_CREATE, context)
        size = asked.console_size if asked.HasField("console_size") else None
        if size is not None and await host.engine.negotiate(deadline) >= _SIZED_AT_START:
            create.console_size.CopyFrom(size)
            size = None
        created: Any = _CREATE.response(await host.engine.fetch(_CREATE.call(create, deadline)))
        exec_id = queries.checked_id(created.id, NAME_FORMAT_EXEC)
        begin = pb.StartExecStart(id=exec_id, tty=asked.tty, slow_reader=asked.slow_reader)
        exec_session = self._session(host, begin, pb.ExecResponse, context)
        async with (
            self._killed_unless_ended(exec_session, tag),
            aclosing(exec_session.responses(requests, stdin=asked.attach_stdin, size=size)) as responses,
        ):
            async for response in responses:
                yield response

    async def StartExec(
        self, requests: AsyncIterator[pb.StartExecRequest], context: StreamContext
    ) -> AsyncGenerator[Any, None]:
        """Start an exec that was created before."""
        begin: pb.StartExecStart = await first(requests)
        host = self._backend.host(begin, context)
        exec_session = self._session(host, begin, pb.StartExecResponse, context)
        if begin.detach:
            await host.engine.fetch(exec_session.call)
            yield exec_session.started
            return
        await host.engine.check(exec_session.call)
        state = await queries.exec_state(host.engine, begin.id)
        if state.started:  # the engine would report this as if it were output
            what = "is already running" if state.running else "has already run"
            raise StartedBefore(f"exec {begin.id} {what}")
        async with aclosing(exec_session.responses(requests, stdin=state.opens_stdin)) as responses:
            async for response in responses:
                yield response

    def _session(self, host: Host, begin: pb.StartExecStart, response: Any, context: StreamContext) -> ExecSession:
        call = _START.call(begin, self._backend.timeouts.deadline(_START, context))
        return ExecSession(host, begin, call, response, context, self._backend.timeouts.stall)

    @asynccontextmanager
    async def _killed_unless_ended(self, exec_session: ExecSession, tag: ExecTag | None) -> AsyncIterator[None]:
        """Kill all processes with *tag* if the block ends before the exec does."""
        try:
            yield
        finally:
            if tag is not None and exec_session.end is None:
                self._backend.afterwards(self._kill(exec_session.host, exec_session.id, tag))

    async def _kill(self, host: Host, exec_id: str, tag: ExecTag) -> None:
        fields = {"host": host.name, "container": tag.container, "exec": exec_id}
        try:
            await host.kills.kill(exec_id, tag)
        except NotKilled as error:
            log.warning("exec not killed: its process still runs", extra={"fields": fields | {"why": str(error)}})
        except Exception as error:
            log.error("defect", exc_info=error, extra={"fields": fields})
        else:
            log.info("exec killed: its client has disconnected", extra={"fields": fields})


class ExecSession:
    """One exec, from start to end.  `end` is how it ended; None before the end, and when it is not known."""

    def __init__(
        self,
        host: Host,
        begin: pb.StartExecStart,
        call: Call,
        response: Any,
        context: StreamContext,
        stall_timeout_seconds: float,
    ) -> None:
        """Start nothing yet.  *call* is the start; *response* is the type of the messages."""
        self.host = host
        self.id = begin.id
        self.call = call
        self.end: session.SessionEnd | None = None
        self._begin = begin
        self._response = response
        self._encode = output_encoder(response)
        self._context = context
        self._stall_timeout_seconds = stall_timeout_seconds

    @property
    def started(self) -> Any:
        """The first response."""
        return self._response(started=SessionStarted(exec_id=self.id, tty=self._begin.tty))

    async def responses(
        self, requests: AsyncIterator[Any], *, stdin: bool, size: TerminalSize | None = None
    ) -> AsyncGenerator[Any, None]:
        """Start the exec; forward its input from *requests*, and yield its output and then its end."""
        engine = self.host.engine
        async with session.start(engine, self.call, terminal=self._begin.tty, exec_id=self.id) as opened:
            yield self.started
            slow_reader = self._begin.slow_reader or SLOW_READER_WAIT
            async with (
                forward_input(requests, opened, self._resize, stdin=stdin, size=size),
                read_output(
                    opened, self._context.guard, slow_reader, self._stall_timeout_seconds, self.host.metrics.dropped
                ) as output,
            ):
                async for frames in output:
                    for message in self._encode(frames):
                        yield message
        self.end, rest = await opened.end_of_exec(engine, self.id)
        for message in self._report(self.end, rest):
            yield message

    async def _resize(self, size: TerminalSize) -> None:
        await self.host.engine.call(APIClient.exec_resize, self.id, height=size.height, width=size.width)

    def _report(self, end: session.SessionEnd, rest: list[Frame]) -> list[Any]:
        """Return the last responses: the rest of the output, and the end.  Raises the error of an exec that did not
        start.
        """
        match end:
            case StartFailed(error):
                raise error
            case Exited(code):
                last = SessionEnd(exit_code=code)
            case Detached():
                last = SessionEnd(unknown_reason="the client has detached from the process")
            case Unknown(reason, running):
                last = SessionEnd(unknown_reason=reason, running=running)
        return [*self._encode(rest), self._response(end=last)]


def _create_request(asked: pb.ExecStart) -> pb.CreateExecRequest:
    create = pb.CreateExecRequest(attach_stdout=True, attach_stderr=True)
    for field, value in asked.ListFields():
        if field.name in _SAME_FIELDS:
            if field.is_repeated:
                getattr(create, field.name).extend(value)
            else:
                setattr(create, field.name, value)
    return create
