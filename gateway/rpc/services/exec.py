"""ExecService: what is a conversation.  The rest is mirrored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from dockfleet.v1 import exec_pb2 as pb
from dockfleet.v1.common_pb2 import SLOW_READER_WAIT, SessionEnd, SessionStarted, TerminalSize

from gateway.engine import queries
from gateway.engine.client import APIClient, Engine
from gateway.engine.codec.binding import Binding
from gateway.engine.errors import ExecStartFailed, StartedBefore
from gateway.engine.process import session as process
from gateway.engine.process.kill import Mark, NotKilled, kill
from gateway.engine.process.session import Detached, Exited, StartFailed, Unknown, start
from gateway.fleet.hosts import Host
from gateway.rpc.encoding import output_encoder
from gateway.rpc.mirror import Backend, Context, first
from gateway.rpc.terminal import forward_input, heard

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

    async def Exec(self, requests: AsyncIterator[pb.ExecRequest], context: Context) -> AsyncGenerator[Any, None]:
        """Create and start an exec, carry its input and output, and end with its exit code."""
        asked: pb.ExecStart = await first(requests)
        host = self._backend.host(asked)
        engine = host.engine
        create = pb.CreateExecRequest(attach_stdout=True, attach_stderr=True)
        for field, value in asked.ListFields():
            if field.name in _SAME_FIELDS:
                if field.is_repeated:
                    getattr(create, field.name).extend(value)
                else:
                    setattr(create, field.name, value)
        mark = None
        if asked.on_disconnect != pb.ON_DISCONNECT_KEEP:
            mark = Mark.new(asked.id, asked.user, privileged=asked.privileged)
            create.env.append(mark.variable)
        deadline = self._backend.timeouts.deadline(_CREATE, context)
        size = asked.console_size if asked.HasField("console_size") else None
        if size is not None and await engine.negotiate(deadline) >= _SIZED_AT_START:
            create.console_size.CopyFrom(size)
            size = None
        call = _CREATE.call(create, deadline)
        created: Any = _CREATE.response(await engine.fetch(call))
        begin = pb.StartExecStart(id=created.id, tty=asked.tty, slow_reader=asked.slow_reader)
        frames = self._run(engine, begin, requests, context, pb.ExecResponse, size=size, stdin=asked.attach_stdin)
        async with self._killed_unless_ended(host, created.id, mark) as ended, aclosing(frames):
            async for frame in frames:
                if isinstance(frame, pb.ExecResponse) and frame.HasField("end"):
                    ended.set()
                yield frame

    async def StartExec(
        self, requests: AsyncIterator[pb.StartExecRequest], context: Context
    ) -> AsyncGenerator[Any, None]:
        """Start an exec that was created before."""
        begin: pb.StartExecStart = await first(requests)
        engine = self._backend.engine(begin)
        if begin.detach:
            await engine.fetch(_START.call(begin, self._backend.timeouts.deadline(_START, context)))
            yield pb.StartExecResponse(started=SessionStarted(exec_id=begin.id, tty=begin.tty))
            return
        await engine.check(_START.call(begin, self._backend.timeouts.deadline(_START, context)))
        state = await queries.exec_state(engine, begin.id)
        stdin = state.opens_stdin
        if state.started:  # the engine would say so in what looks like output
            what = "is already running" if state.running else "has already run"
            raise StartedBefore(f"exec {begin.id} {what}")
        frames = self._run(engine, begin, requests, context, pb.StartExecResponse, size=None, stdin=stdin)
        async with aclosing(frames):
            async for frame in frames:
                yield frame

    @asynccontextmanager
    async def _killed_unless_ended(self, host: Host, exec_id: str, mark: Mark | None) -> AsyncIterator[asyncio.Event]:
        """Kill what bears *mark* when the block fails, or is left, before the event that it is given is set.

        A command that could not be started needs no killing.
        """
        ended = asyncio.Event()
        try:
            yield ended
        except ExecStartFailed:
            ended.set()
            raise
        finally:
            if mark is not None and not ended.is_set():
                self._backend.afterwards(self._kill(host, exec_id, mark))

    async def _kill(self, host: Host, exec_id: str, mark: Mark) -> None:
        fields = {"host": host.name, "container": mark.container, "exec": exec_id}
        try:
            async with host.kills:
                await kill(host.engine, exec_id, mark)
        except NotKilled as error:
            log.warning("a process was left behind", extra={"fields": fields | {"why": str(error)}})
        except Exception as error:
            log.error("defect", exc_info=error, extra={"fields": fields})
        else:
            log.info("a process was killed, for its client is gone", extra={"fields": fields})

    async def _run(
        self,
        engine: Engine,
        begin: pb.StartExecStart,
        requests: AsyncIterator[Any],
        context: Context,
        response: Any,
        *,
        size: TerminalSize | None,
        stdin: bool,
    ) -> AsyncGenerator[Any, None]:
        encode = output_encoder(response)

        async def resize(size: TerminalSize) -> None:
            await engine.call(APIClient.exec_resize, begin.id, height=size.height, width=size.width)

        call = _START.call(begin, self._backend.timeouts.deadline(_START, context))
        async with start(engine, call, terminal=begin.tty, of_exec=True) as session:
            yield response(started=SessionStarted(exec_id=begin.id, tty=begin.tty))
            async with (
                forward_input(requests, session, resize, stdin=stdin, size=size),
                heard(session, begin.slow_reader or SLOW_READER_WAIT, self._backend.timeouts.stall) as output,
            ):
                async for frames in output:
                    for message in encode(frames):
                        yield message
        end, rest = await session.end_of_exec(engine, begin.id)
        last = _last(end)
        for message in encode(rest):
            yield message
        yield response(end=last)


def _last(end: process.SessionEnd) -> SessionEnd:
    """Return how a session ends for its client.  Raises why there was none."""
    match end:
        case StartFailed(error):
            raise error
        case Exited(code):
            return SessionEnd(exit_code=code)
        case Detached():
            return SessionEnd(unknown_reason="the client has detached from the process")
        case Unknown(reason, running):
            return SessionEnd(unknown_reason=reason, running=running)
