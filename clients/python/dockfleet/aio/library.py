"""The differences between blocking gRPC and gRPC for asyncio: the part for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
from google.protobuf.message import Message

from dockfleet.errors import CANCELLED_HERE, DockfleetError
from dockfleet.sources import Source, check_source, chunks

if TYPE_CHECKING:
    from dockfleet.channels import SplitChannel

T = TypeVar("T")

AsyncSource = Source | AsyncIterable[bytes]
"""The bytes of an upload: as `Source`, or pieces from asyncio."""

LIBRARY: Any = grpc.aio
BLOCKING = False

CANCELLED: tuple[type[BaseException], ...] = (asyncio.CancelledError,)
"""What a wait raises when this task, or the call, is cancelled."""

FAILURES: tuple[type[BaseException], ...] = (grpc.aio.AioRpcError, *CANCELLED)
"""What gRPC raises for a call that has not succeeded."""

Event = asyncio.Event
Queue = asyncio.Queue
Semaphore = asyncio.Semaphore

LOST_STATUS = "Internal error from Core"
LOST_STATUS_POLLS, LOST_STATUS_POLL_SECONDS = 100, 0.01


def task_cancelled() -> bool:
    """Return whether this task is cancelled.  gRPC raises CancelledError for a cancelled call too."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def waited(event: Event, seconds: float) -> bool:
    """Wait until *event* is set, for at most *seconds*; return whether it is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def work(function: Callable[..., T], *args: Any) -> T:
    """Return the result of *function*, which may wait for a disk: it runs in a thread."""
    return await asyncio.to_thread(function, *args)


def pieces(source: AsyncSource) -> AsyncIterator[bytes]:
    """Return the bytes of *source* as `chunks` does, and raise as it does."""
    check_source(source, (Iterable, AsyncIterable))
    return _pieces(source)


async def _pieces(source: AsyncSource) -> AsyncIterator[bytes]:
    if isinstance(source, AsyncIterable):
        async for piece in source:
            for chunk in chunks(piece):
                yield chunk
    elif isinstance(source, (bytes, bytearray, memoryview)):
        for chunk in chunks(source):
            yield chunk
    else:
        cut = chunks(source)
        while chunk := await work(next, cut, b""):  # a file may be slow
            yield chunk


def usage_check() -> Callable[[], None]:
    """Return what raises `RuntimeError` where a fleet cannot be used: outside of the event loop that runs here.

    Raises it at once where no loop runs.  gRPC would fail with the words of its own tasks, or not at all.
    """
    loop = _running_loop()

    def check() -> None:
        if loop is not _running_loop():
            raise RuntimeError("the fleet belongs to another event loop: connect in each asyncio.run, or test, anew")

    return check


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError("no event loop runs: use dockfleet.aio inside of a coroutine") from None


async def response_of(rpc: Callable[..., Any], request: Message, timeout: float | None) -> Any:
    """Return the single response of a call.  Raises `DockfleetError`."""
    try:
        call = rpc(request, timeout=timeout)
    except grpc.aio.UsageError:
        raise ValueError("the fleet is closed") from None
    status = FinalStatus(call)
    try:
        return await call
    except FAILURES as error:
        if task_cancelled():
            raise
        raise await status.failure(error) or DockfleetError.of(error) from None


def started(rpc: Callable[..., Any], requests: Any, timeout: float | None) -> Any:
    """Start a call that has one response."""
    return rpc(requests, timeout=timeout)


async def result_of(call: Any) -> Any:
    """Return the single response of *call*.  Raises what gRPC does."""
    return await call


class FinalStatus:
    """The status with which the gateway has ended a call.

    When a call ends while a request is written, gRPC may report `INTERNAL: Internal error from Core` in place of the
    gateway's status, which has come before or comes soon (grpc/grpc#36066).
    """

    def __init__(self, call: Any) -> None:
        """Observe the end of *call*."""
        self._call = call
        self._status: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._read)

    async def failure(self, error: BaseException) -> DockfleetError | None:
        """Return the failure that gRPC reports as *error*; None when the call has succeeded."""
        if not isinstance(error, grpc.aio.AioRpcError):
            return DockfleetError(grpc.StatusCode.CANCELLED, CANCELLED_HERE)
        if error.details() != LOST_STATUS:
            return DockfleetError.of(error)
        for _ in range(LOST_STATUS_POLLS):
            if self._status is not None:
                return None if self._status.code() is grpc.StatusCode.OK else DockfleetError.of(self._status)
            await asyncio.sleep(LOST_STATUS_POLL_SECONDS)
            self._read(self._call)
        return DockfleetError.of(error)

    def _read(self, call: Any) -> None:
        parts = (call.code(), call.initial_metadata(), call.trailing_metadata(), call.details())
        status = grpc.aio.AioRpcError(*map(_result, parts))
        if self._status is None and status.details() != LOST_STATUS:
            self._status = status


def _result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of *coroutine*, which does not wait: the call has ended."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("the call has not ended")


async def closed(channel: SplitChannel[Any]) -> None:
    """End the connections of *channel* and their calls."""
    for closing in channel.close():
        await closing
