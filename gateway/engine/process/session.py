"""A process with its input, output and end: exec and attach.

The connection becomes the process's own by an upgrade (Engine API, "Attach to a container").  Every byte is
kept, also those that arrive with the upgrade's answer; standard input can be closed while output goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from docker.errors import APIError, NotFound

from gateway.engine import queries
from gateway.engine.client import Call, Engine
from gateway.engine.codec.frames import Decoder, Frame, FrameDecoder, RawDecoder
from gateway.engine.codec.streams import output
from gateway.engine.errors import ExecStartFailed, StartedBefore, TransportError
from gateway.engine.resumable import subscription
from gateway.engine.resumable.subscription import Idle
from gateway.engine.transport.connection import Connection

# What the engine has to say once the connection is the process's, it says as if the process had written it: Docker in
# one piece that ends like this, Podman behind the first of these words.
_END = b"\r\n"
_BEGINNINGS = (b"Error: ", b"OCI runtime exec failed")
_START_FAILED = re.compile(r"OCI runtime exec failed|Error: .*(exec failed|OCI )", re.DOTALL)  # if nothing else tells
_STARTED_BEFORE = re.compile(rb"(?:Error: )?exec command (\w+) (?:has already run|is already running)", re.IGNORECASE)
_DETACHED = b"exec attach failed: error on attach stdin: read escape sequence\r\n"
_LONGEST_REPORT = 64 << 10  # of these words; they quote the command
_CANNOT_EXECUTE = (125, 126, 127, 128)
_PATIENCE_SECONDS = 5.0  # for an exit code after the end of the output


@dataclass(frozen=True, slots=True)
class Exited:
    """The process has ended with an exit code.

    `started` tells whether there was a process; None where the engine does not say.
    """

    code: int
    started: bool | None = None


@dataclass(frozen=True, slots=True)
class StartFailed:
    """There was no process: it could not be started, or was started before."""

    error: ExecStartFailed | StartedBefore


@dataclass(frozen=True, slots=True)
class Detached:
    """The client has typed the keys that detach it; the process goes on."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """There is no exit code, for this reason."""

    reason: str
    running: bool = False


SessionEnd = Exited | StartFailed | Detached | Unknown


class Session:
    """The connection to a running process."""

    def __init__(
        self, connection: Connection, *, terminal: bool, has_begun: Callable[[], Awaitable[bool]] | None
    ) -> None:
        """*has_begun* asks whether the process of an exec has begun; None for a container's, which has."""
        self._connection = connection
        self._has_begun = has_begun
        self._decode: Decoder = RawDecoder() if terminal else FrameDecoder()
        self._input_open = True
        self._held_back: list[Frame] = []  # of an exec: perhaps the engine's words; see `end_of_exec`

    async def frames(self) -> AsyncGenerator[list[Frame] | Idle, None]:
        """Yield the output until the process closes it, the frames of one read together, and `Idle` in between.

        Raises `TransportError`, `OperationFailed`, and what `fail` was given.
        """
        first = True
        try:
            async with aclosing(output(self._connection, self._decode, subscription.HEARTBEAT_SECONDS)) as reads:
                async for frames in reads:
                    if isinstance(frames, Idle):
                        yield frames
                        continue
                    # Only the end, and the exit code, make sure whose words these are: so they are held back.
                    self._held_back += frames
                    if self._has_begun is not None and await self._may_be_a_report(self._has_begun, first):
                        continue
                    yield self._held_back
                    self._held_back = []
                    first = False
        finally:
            self._connection.close()  # one that nobody reads any more would hold the process up

    async def _may_be_a_report(self, has_begun: Callable[[], Awaitable[bool]], first: bool) -> bool:
        """Tell whether what is held back, if no more comes, may be the engine's words; *first*: nothing came before."""
        if sum(len(frame.data) for frame in self._held_back) > _LONGEST_REPORT:
            return False
        text = self._report()
        if text.endswith(_DETACHED) or (first and _STARTED_BEFORE.match(text)):
            return True
        looks_like_it = text.startswith(_BEGINNINGS) or text.endswith(_END) or not self._held_back[-1].last
        return first and looks_like_it and not await has_begun()

    def _report(self) -> bytes:
        return b"".join(frame.data for frame in self._held_back)

    async def end_of_exec(self, engine: Engine, exec_id: str) -> tuple[SessionEnd, list[Frame]]:
        """Return how the exec has ended, and the rest of its output.  To be called after the end of `frames`.

        What there never was a process for has not been started, whatever the words are; only where the engine does not
        keep this, they and the exit code tell.
        """
        report = self._report()
        text = report.decode(errors="backslashreplace").strip()
        before = _STARTED_BEFORE.match(report)
        if before is not None and before[1] == exec_id.encode():
            return StartFailed(StartedBefore(text)), []
        end = await exec_exit(engine, exec_id)
        if not isinstance(end, Exited):
            return end, self._held_back
        if end.started is False:
            return StartFailed(ExecStartFailed(text)), []
        if end.code not in _CANNOT_EXECUTE:
            return end, self._held_back
        if end.started is None and _START_FAILED.match(text):
            return StartFailed(ExecStartFailed(text)), []
        *earlier, last = self._held_back or [Frame(0, b"", True)]
        if last.data.endswith(_DETACHED):
            return Detached(), [*earlier, last._replace(data=last.data.removesuffix(_DETACHED))]
        return end, self._held_back

    def fail(self, error: Exception) -> None:
        """End the session; its reader gets *error*."""
        self._connection.fail(error)

    async def write(self, data: bytes) -> None:
        """Send *data* to the process, and wait while it does not read.

        What a process does not read before it ends is lost, as it is for any pipe.
        """
        if self._input_open:
            await self._connection.write(data)

    def close_stdin(self) -> None:
        """Let the process read end-of-file; its output goes on."""
        if self._input_open:
            self._input_open = False
            self._connection.close_writing()


@contextlib.asynccontextmanager
async def start(engine: Engine, call: Call, *, terminal: bool, exec_id: str = "") -> AsyncIterator[Session]:
    """Start the exec *exec_id*, or attach to a container, as *call* says; the connection is closed at the end."""
    has_begun = partial(_has_begun, engine, exec_id) if exec_id else None
    async with engine.session(call) as connection:
        yield Session(connection, terminal=terminal, has_begun=has_begun)


async def _has_begun(engine: Engine, exec_id: str) -> bool:
    """Tell whether an exec has a process, or had one."""
    with contextlib.suppress(APIError, TransportError):
        return (await queries.exec_state(engine, exec_id)).started
    return False


async def exec_exit(engine: Engine, exec_id: str) -> Exited | Unknown:
    """Return how an exec ended, after the end of its output.

    The output may end before the process: it is asked for a few seconds until the code is there.
    """
    pause, waited = 0.01, 0.0
    while True:
        try:
            state = await queries.exec_state(engine, exec_id)
        except NotFound:
            return Unknown("the engine has forgotten the exec: its container has been removed")
        if not state.running and state.exit_code is not None:
            pid = None if engine.forgets_pids else state.pid
            return Exited(state.exit_code, started=None if pid is None else pid != 0)
        if waited >= _PATIENCE_SECONDS:
            return Unknown("the process still runs, but its output has ended", running=True)
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 2, 0.2)
