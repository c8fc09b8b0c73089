"""A process with its input, output and end: exec and attach.

After an upgrade, the connection carries the bytes of the process (Engine API, "Attach to a container").  All bytes are
kept, including those that arrive with the response to the upgrade.  Standard input can close while output continues.
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

# After the upgrade, the engine writes its own messages as if the process had written them: Docker in one piece that
# ends with _END, Podman with the first of the beginnings.
_END = b"\r\n"
_BEGINNINGS = (b"Error: ", b"OCI runtime exec failed")
_START_FAILED = re.compile(r"OCI runtime exec failed|Error: .*(exec failed|OCI )", re.DOTALL)
_STARTED_BEFORE = re.compile(rb"(?:Error: )?exec command (\w+) (?:has already run|is already running)", re.IGNORECASE)
_DETACHED = b"exec attach failed: error on attach stdin: read escape sequence\r\n"
_MAX_MESSAGE = 64 << 10  # bytes of a message of the engine, which quotes the command
_CANNOT_EXECUTE = (125, 126, 127, 128)
_EXIT_SECONDS = 5.0  # the longest wait for an exit code after the end of the output


@dataclass(frozen=True, slots=True)
class Exited:
    """The process has ended with an exit code.

    `started` says whether there was a process; None when the engine does not report it.
    """

    code: int
    started: bool | None = None


@dataclass(frozen=True, slots=True)
class StartFailed:
    """This call started no process: the start failed, or the exec was started before."""

    error: ExecStartFailed | StartedBefore


@dataclass(frozen=True, slots=True)
class Detached:
    """The client has sent the keys that detach it; the process continues."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """No exit code is known, for this reason."""

    reason: str
    running: bool = False


SessionEnd = Exited | StartFailed | Detached | Unknown


class Session:
    """The connection to a running process."""

    def __init__(
        self, connection: Connection, *, terminal: bool, has_begun: Callable[[], Awaitable[bool]] | None
    ) -> None:
        """*has_begun* asks the engine whether the process of an exec has begun; None for an attach."""
        self._connection = connection
        self._has_begun = has_begun
        self._decode: Decoder = RawDecoder() if terminal else FrameDecoder()
        self._input_open = True
        self._held_back: list[Frame] = []  # may be a message of the engine; see `end_of_exec`

    async def frames(self) -> AsyncGenerator[list[Frame] | Idle, None]:
        """Yield the output until the process closes it, the frames of one read together, and `Idle` during silence.

        Raises `TransportError`, `OperationFailed`, and the argument of `fail`.
        """
        first = True
        try:
            async with aclosing(output(self._connection, self._decode, subscription.HEARTBEAT_SECONDS)) as reads:
                async for frames in reads:
                    if isinstance(frames, Idle):
                        yield frames
                        continue
                    # Only the end and the exit code show whether the engine wrote these frames, so they are held back.
                    self._held_back += frames
                    if self._has_begun is not None and await self._may_be_a_message(self._has_begun, first):
                        continue
                    yield self._held_back
                    self._held_back = []
                    first = False
        finally:
            self._connection.close()  # an open connection without a reader would block the process

    async def _may_be_a_message(self, has_begun: Callable[[], Awaitable[bool]], first: bool) -> bool:
        """Return whether the frames held back may be a message of the engine; *first*: there was no output before."""
        if sum(len(frame.data) for frame in self._held_back) > _MAX_MESSAGE:
            return False
        text = self._message()
        if text.endswith(_DETACHED) or (first and _STARTED_BEFORE.match(text)):
            return True
        looks_like_it = text.startswith(_BEGINNINGS) or text.endswith(_END) or not self._held_back[-1].last
        return first and looks_like_it and not await has_begun()

    def _message(self) -> bytes:
        return b"".join(frame.data for frame in self._held_back)

    async def end_of_exec(self, engine: Engine, exec_id: str) -> tuple[SessionEnd, list[Frame]]:
        """Return how the exec has ended, and the rest of its output.  Call this after the end of `frames`.

        The start has failed if there never was a process.  When the engine does not keep this, the exit code and the
        message decide.
        """
        message = self._message()
        text = message.decode(errors="backslashreplace").strip()
        before = _STARTED_BEFORE.match(message)
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
        """End the session; its reader raises *error*."""
        self._connection.fail(error)

    async def write(self, data: bytes) -> None:
        """Send *data* to the process, and wait while it does not read.

        As with any pipe, data that the process does not read before its end is lost.
        """
        if self._input_open:
            await self._connection.write(data)

    def close_stdin(self) -> None:
        """Let the process read end-of-file; its output continues."""
        if self._input_open:
            self._input_open = False
            self._connection.close_writing()


@contextlib.asynccontextmanager
async def start(engine: Engine, call: Call, *, terminal: bool, exec_id: str = "") -> AsyncIterator[Session]:
    """Start the exec *exec_id*, or attach to a container, with *call*.  The end of the block closes the connection."""
    has_begun = partial(_has_begun, engine, exec_id) if exec_id else None
    async with engine.session(call) as connection:
        yield Session(connection, terminal=terminal, has_begun=has_begun)


async def _has_begun(engine: Engine, exec_id: str) -> bool:
    """Return whether an exec has or had a process."""
    with contextlib.suppress(APIError, TransportError):
        return (await queries.exec_state(engine, exec_id)).started
    return False


async def exec_exit(engine: Engine, exec_id: str) -> Exited | Unknown:
    """Return how an exec ended, after the end of its output.

    The output can end before the process, so this waits a few seconds for the exit code.
    """
    pause, waited = 0.01, 0.0
    while True:
        try:
            state = await queries.exec_state(engine, exec_id)
        except NotFound:
            return Unknown("the engine has forgotten the exec: its container has been removed")
        if not state.running and state.exit_code is not None:
            pid = None if engine.is_podman else state.pid
            return Exited(state.exit_code, started=None if pid is None else pid != 0)
        if waited >= _EXIT_SECONDS:
            return Unknown("the process still runs, but its output has ended", running=True)
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 2, 0.2)
