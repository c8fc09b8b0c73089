"""The common part of exec and attach: it sends the client's frames to the process, and reads the output of the
process.
"""

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

    When the process waits for its client, the client must read each message within *stall_timeout_seconds*: *guard*
    ends the call otherwise.  With SLOW_READER_DROP there is no such limit: the client blocks nobody.  *dropped* is
    called whenever output is dropped, with its size in bytes.
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
    """Send *size*, and then the frames of *requests*, to the process until the end of the block.

    *stdin* says whether the process has a standard input.  The end of *requests* closes it.  An invalid frame
    (`InvalidField`, `MalformedMessage`) ends the session, and its reader raises the error.
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
        pass  # the process or the connection has ended; the reader of the output reports which
    except CallError as error:
        session.fail(error)


async def _resize(sizes: asyncio.Queue[TerminalSize], resize: Resize) -> None:
    while True:
        size = await sizes.get()
        while not sizes.empty():
            size = sizes.get_nowait()  # only the newest counts
        # A process that has ended has no terminal.  A lost resize is not worth a failure.
        with contextlib.suppress(Exception):
            await resize(size)
