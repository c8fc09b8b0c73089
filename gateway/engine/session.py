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
from typing import Any

from docker import APIClient

from gateway.engine.client import Call, Engine, NotFound
from gateway.engine.connection import Connection
from gateway.engine.frames import Decoder, Frame, FrameDecoder, RawDecoder
from gateway.engine.streams import output

_START_FAILED = b"OCI runtime exec failed"
_CANNOT_EXECUTE = (126, 127)
_PATIENCE_SECONDS = 5.0  # for an exit code after the end of the output


class ExecStartFailed(Exception):
    """The command of an exec could not be started; the engine's words are in the text."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How an exec ended: its exit code, or why there is none."""

    code: int | None
    unknown_reason: str = ""


class Session:
    """The connection to a running process.

    `report`, after the end of the output: what the engine wrote in the command's stead, perhaps.  See `failure`.
    """

    def __init__(self, connection: Connection, *, terminal: bool) -> None:
        self._connection = connection
        self._decode: Decoder = RawDecoder() if terminal else FrameDecoder()
        self._input_open = True
        self.report: list[Frame] = []

    async def frames(self) -> AsyncGenerator[list[Frame], None]:
        """Yield the output until the process closes it, the frames of one read together.

        Raises `TransportError`, `OperationFailed`, and what `fail` was given.
        """
        first = True
        try:
            async with aclosing(output(self._connection, self._decode)) as reads:
                async for frames in reads:
                    # That a command could not be started comes as if the command had written it.  Only the exit
                    # code, which comes last, makes it sure: so it is held back.
                    if self.report or (first and frames[0].data.startswith(_START_FAILED)):
                        self.report += frames
                    else:
                        yield frames
                    first = False
        finally:
            self._connection.close()  # one that nobody reads any more would hold the process up

    def failure(self, exit: Exit) -> ExecStartFailed | None:
        """Return the failure that `report` tells of, given the exit code; None when it is plain output."""
        if not self.report or exit.code not in _CANNOT_EXECUTE:
            return None
        text = b"".join(frame.data for frame in self.report)
        return ExecStartFailed(text.decode(errors="backslashreplace").strip())

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
async def start(engine: Engine, call: Call, *, terminal: bool) -> AsyncIterator[Session]:
    """Start the exec, or attach to the container, that *call* names; the connection is closed at the end."""
    async with engine.session(call) as connection:
        yield Session(connection, terminal=terminal)


async def exec_exit(engine: Engine, exec_id: str) -> Exit:
    """Return how an exec ended, after the end of its output.

    The output may end before the process: it is asked for a few seconds until the code is there.
    """
    pause, waited = 0.01, 0.0
    while True:
        try:
            state: dict[str, Any] = await engine.call(APIClient.exec_inspect, exec_id)
        except NotFound:
            return Exit(None, "the engine has forgotten it: its container was removed")
        if not state.get("Running") and state.get("ExitCode") is not None:
            return Exit(int(state["ExitCode"]))
        if waited >= _PATIENCE_SECONDS:
            return Exit(None, "the process still runs, though its output has ended")
        await asyncio.sleep(pause)
        waited += pause
        pause = min(pause * 2, 0.2)
