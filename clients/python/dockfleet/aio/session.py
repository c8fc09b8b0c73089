"""Sessions with a process, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import grpc
from google.protobuf.message import Message

from dockfleet.aio.stream import Stream, task_cancelled
from dockfleet.session import SessionState
from dockfleet.sources import chunks
from dockfleet.v1.common_pb2 import OutputChunk


class Session(SessionState, Stream[OutputChunk]):
    """A session with a process: see `dockfleet.Session`.  Any task may write while another one iterates.

    The session starts with the `async with` block, or with the first write or iteration.
    """

    def __init__(
        self, rpc: Callable[..., Any], frame: type[Message], arguments: Message, timeout: float | None = None
    ) -> None:
        """Prepare the session with *arguments*, for at most *timeout* seconds.  *frame* is the class of requests."""
        super().__init__(rpc(timeout=timeout))
        self._frame: Any = frame
        self._unsent = [self._frame(start=arguments)]
        self._lock = asyncio.Lock()  # gRPC takes one frame at a time
        self._stdin_closed = False

    async def write(self, data: bytes) -> None:
        """Send *data* to standard input.  Raises `BrokenPipeError` when the session has ended."""
        for piece in chunks(data):
            await self._send(self._frame(stdin=piece))

    async def close_stdin(self) -> None:
        """End standard input.  Output continues.  May be repeated."""
        if not self._stdin_closed:
            self._stdin_closed = True
            await self._send(self._frame(close_stdin={}))

    async def resize(self, height: int, width: int) -> None:
        """Set the size of the terminal in characters."""
        await self._send(self._frame(resize={"height": height, "width": width}))

    async def __aenter__(self) -> Self:
        with suppress(BrokenPipeError):  # the iteration raises the reason
            await self._send()
        return self

    async def __anext__(self) -> OutputChunk:
        with suppress(BrokenPipeError):
            await self._send()
        while True:
            response: Any = await super().__anext__()
            if (output := self.received(response)) is not None:
                return output

    async def _send(self, *frames: Message) -> None:
        if not self._unsent and not frames:
            return
        async with self._lock:
            self._unsent += frames
            try:
                while self._unsent:
                    await self._call.write(self._unsent.pop(0))
            except (grpc.RpcError, asyncio.InvalidStateError) as error:
                raise BrokenPipeError("the session has ended") from error
            except asyncio.CancelledError:
                if task_cancelled():
                    raise
                raise BrokenPipeError("the session has been closed") from None
