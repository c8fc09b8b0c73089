"""What exec and attach have in common: the client's frames go to the process while its output comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

from dockfleet.v1.common_pb2 import SLOW_READER_CLOSE, SLOW_READER_DROP, SLOW_READER_WAIT, TerminalSize

from gateway.engine.codec.frames import Frame
from gateway.engine.errors import CallError, InvalidField, TransportError
from gateway.engine.process.bounded_buffer import Dropped, Output, buffered
from gateway.engine.process.session import Session
from gateway.engine.resumable.subscription import Idle
from gateway.rpc.write_timeout import StallGuard

Resize = Callable[[TerminalSize], Awaitable[object]]


def read_output(
    session: Session, guard: StallGuard, slow_reader: int, stall_timeout_seconds: float, dropped: Callable[[int], None]
) -> contextlib.AbstractAsyncContextManager[AsyncGenerator[list[Frame] | Dropped | Idle, None]]:
    """Read the output of *session* for a client that may be slow, as the `SlowReader` *slow_reader* says.

    A client for which a process waits must read each message within *stall_timeout_seconds*; *guard* sees to that.
    With SLOW_READER_DROP there is no such limit: the client blocks nobody.  *dropped* is called whenever output is
    dropped, with its size in bytes.
    """
    guard.limit(None if slow_reader == SLOW_READER_DROP else stall_timeout_seconds)
    if slow_reader == SLOW_READER_WAIT:
        frames: AsyncGenerator[list[Frame] | Dropped | Idle, None] = session.frames()
        return contextlib.aclosing(frames)
    return buffered(session.frames(), Output(drop=slow_reader != SLOW_READER_CLOSE, dropped=dropped))


@contextlib.asynccontextmanager
async def forward_input(
    requests: AsyncIterator[Any],
    session: Session,
    resize: Resize,
    *,
    stdin: bool,
    size: TerminalSize | None = None,
) -> AsyncIterator[None]:
    """Send the frames of *requests* to the process until the end of the block, and *size* before them.

    *stdin* tells whether the process has a standard input.  The end of *requests* closes it.  What is wrong with
    the frames (`InvalidField`, `MalformedMessage`) ends the session and is raised by its reader.
    """
    sizes: asyncio.Queue[TerminalSize] = asyncio.Queue()
    if size is not None:
        sizes.put_nowait(size)
    tasks = (
        asyncio.create_task(_feed(requests, session, sizes, stdin)),
        asyncio.create_task(_resize(sizes, resize)),
    )
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _feed(
    requests: AsyncIterator[Any], session: Session, sizes: asyncio.Queue[TerminalSize], stdin: bool
) -> None:
    try:
        async for request in requests:
            frame = request.WhichOneof("frame")
            if frame == "stdin" and stdin:
                await session.write(request.stdin)
            elif frame == "resize":
                sizes.put_nowait(request.resize)
            elif frame == "close_stdin":
                session.close_stdin()
            elif frame == "stdin":
                raise InvalidField("stdin", "must not be sent: the session was started without `attach_stdin`")
            else:
                raise InvalidField("frame", "must be `stdin`, `resize` or `close_stdin` after the first message")
        if stdin:
            session.close_stdin()
    except TransportError:
        pass  # the process is gone, or the connection: who reads its output will learn which
    except CallError as error:
        session.fail(error)


async def _resize(sizes: asyncio.Queue[TerminalSize], resize: Resize) -> None:
    while True:
        size = await sizes.get()
        while not sizes.empty():
            size = sizes.get_nowait()  # only the newest counts
        # A process that has ended has no terminal any more, and a window's size is worth no failure.
        with contextlib.suppress(Exception):
            await resize(size)
