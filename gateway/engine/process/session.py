"""A process with its input, output and end: exec and attach.

The connection becomes the process's own by an upgrade (Engine API, "Attach to a container").  Every byte is
kept, also those that arrive with the upgrade's answer; standard input can be closed while output goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

from docker.errors import NotFound

from gateway.engine import queries
from gateway.engine.client import Call, Engine
from gateway.engine.codec.frames import Decoder, Frame, FrameDecoder, RawDecoder
from gateway.engine.codec.streams import output
from gateway.engine.errors import ExecStartFailed, StartedBefore
from gateway.engine.resumable import subscription
from gateway.engine.resumable.subscription import Idle
from gateway.engine.transport.connection import Connection

# What the engine has to say once the connection is the process's, it says as if the process had written it.
_START_FAILED = b"OCI runtime exec failed"
_STARTED_BEFORE = b"Error: Exec command "
_DETACHED = b"exec attach failed: error on attach stdin: read escape sequence\r\n"
_LONGEST_REPORT = 16 << 10  # of these words
_CANNOT_EXECUTE = (126, 127)
_PATIENCE_SECONDS = 5.0  # for an exit code after the end of the output


@dataclass(frozen=True, slots=True)
class Exit:
    """How an exec ended: its exit code, or why there is none."""

    code: int | None
    unknown_reason: str = ""
    running: bool = False


class Session:
    """The connection to a running process.

    `report`, after the end of an exec's output: what the engine wrote in the command's stead, perhaps.  See
    `refusal`, `failure` and `detached`.
    """

    def __init__(self, connection: Connection, *, terminal: bool, of_exec: bool) -> None:
        self._connection = connection
        self._of_exec = of_exec
        self._decode: Decoder = RawDecoder() if terminal else FrameDecoder()
        self._input_open = True
        self.report: list[Frame] = []

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
                    self.report += frames
                    if self._of_exec and self._may_be_a_report(first):
                        continue
                    yield self.report
                    self.report = []
                    first = False
        finally:
            self._connection.close()  # one that nobody reads any more would hold the process up

    def _may_be_a_report(self, first: bool) -> bool:
        """Tell whether `report`, if no more comes, may be the engine's words; *first*, whether nothing came before."""
        if sum(len(frame.data) for frame in self.report) > _LONGEST_REPORT:
            return False
        text = b"".join(frame.data for frame in self.report)
        return (first and text.startswith((_START_FAILED, _STARTED_BEFORE))) or text.endswith(_DETACHED)

    def refusal(self, exec_id: str) -> StartedBefore | None:
        """Return the refusal that `report` tells of, to start an exec that was started before; else None."""
        text = self._reported()
        return StartedBefore(text) if text.startswith(_STARTED_BEFORE.decode() + exec_id) else None

    def failure(self, exit: Exit) -> ExecStartFailed | None:
        """Return the failure that `report` tells of, given the exit code; None when it is plain output."""
        text = self._reported()
        if not text.startswith(_START_FAILED.decode()) or exit.code not in _CANNOT_EXECUTE:
            return None
        return ExecStartFailed(text)

    def detached(self, exit: Exit) -> bool:
        """Tell whether the client has typed the keys that detach, given the exit code; `report` is then output."""
        if not self.report or exit.code not in _CANNOT_EXECUTE or not self.report[-1].data.endswith(_DETACHED):
            return False
        self.report[-1] = self.report[-1]._replace(data=self.report[-1].data.removesuffix(_DETACHED))
        return True

    def _reported(self) -> str:
        return b"".join(frame.data for frame in self.report).decode(errors="backslashreplace").strip()

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
async def start(engine: Engine, call: Call, *, terminal: bool, of_exec: bool = False) -> AsyncIterator[Session]:
    """Start the exec, or attach to the container, that *call* names; the connection is closed at the end."""
    async with engine.session(call) as connection:
        yield Session(connection, terminal=terminal, of_exec=of_exec)


async def exec_exit(engine: Engine, exec_id: str) -> Exit:
    """Return how an exec ended, after the end of its output.

    The output may end before the process: it is asked for a few seconds until the code is there.
    """
    pause, waited = 0.01, 0.0
    while True:
        try:
            state = await queries.exec_state(engine, exec_id)
        except NotFound:
            return Exit(None, "the engine has forgotten the exec: its container has been removed")
        if not state.running and state.exit_code is not None:
            return Exit(state.exit_code)
        if waited >= _PATIENCE_SECONDS:
            return Exit(None, "the process still runs, but its output has ended", running=True)
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 2, 0.2)
