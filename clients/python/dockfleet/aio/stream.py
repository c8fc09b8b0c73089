"""Calls with many answers, and calls with many requests, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from dockfleet.calls import Source, check_source, chunks
from dockfleet.errors import DockfleetError

AsyncSource = Source | AsyncIterable[bytes]
"""Where the bytes of an upload come from: as `Source`, or piece by piece from asyncio."""

LOST_STATUS = "Internal error from Core"
LOST_STATUS_POLLS, LOST_STATUS_POLL_SECONDS = 100, 0.01

T = TypeVar("T")


class Stream(Generic[T]):
    """The answers of a call that has many.  Leaving the `async with` block, or `close`, ends the call."""

    def __init__(self, call: Any, upload: Upload | None = None) -> None:
        """Iterate over what *call* answers, to *upload* if it is one."""
        self._call = call
        self._answers = aiter(call)
        self._ending = Ending(call)
        self._upload = upload

    async def begun(self) -> None:
        """Wait until the gateway has taken the call, or refused it: see `dockfleet.Stream.begun`."""
        await self._call.initial_metadata()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            answer: T = await anext(self._answers)
        except grpc.aio.AioRpcError as error:
            failure = await self._ending.failure(error)
            if failure is None:
                raise StopAsyncIteration from None
            raise failure from error
        except asyncio.CancelledError:
            if task_cancelled():
                raise
            if self._upload and self._upload.failure:
                raise self._upload.failure from None
            raise StopAsyncIteration from None  # closed by another task
        return answer

    def close(self) -> None:
        """End the call.  Harmless to repeat, and after its end."""
        self._call.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()


class Ending:
    """How the gateway ended a call.

    When it does so while a request is being written, gRPC may say `INTERNAL: Internal error from Core` in place of
    what the gateway said, which has come before or is about to come (grpc/grpc#36066).
    """

    def __init__(self, call: Any) -> None:
        """Listen to *call*."""
        self._call = call
        self._status: grpc.aio.AioRpcError | None = None
        call.add_done_callback(self._note)

    async def failure(self, error: grpc.aio.AioRpcError) -> DockfleetError | None:
        """Return what *error* is in truth; None when it is none."""
        if error.details() != LOST_STATUS:
            return DockfleetError.of(error)
        for _ in range(LOST_STATUS_POLLS):
            if self._status is not None:
                return None if self._status.code() is grpc.StatusCode.OK else DockfleetError.of(self._status)
            await asyncio.sleep(LOST_STATUS_POLL_SECONDS)
            self._note(self._call)
        return DockfleetError.of(error)

    def _note(self, call: Any) -> None:
        parts = (call.code(), call.initial_metadata(), call.trailing_metadata(), call.details())
        status = grpc.aio.AioRpcError(*map(_result, parts))
        if self._status is None and status.details() != LOST_STATUS:
            self._status = status


class Upload:
    """The requests of an upload.  gRPC cancels the call when the source breaks; `failure` then tells how."""

    def __init__(self, frame: type[Message], start: Message, source: AsyncSource | None, field: str = "data") -> None:
        """Send *start*, then the bytes of *source* in the frames' *field*; only *start* when there are none."""
        if source is not None:
            check_source(source, (Iterable, AsyncIterable))
        self.failure: Exception | None = None
        self._frame = frame
        self._start = start
        self._source = source
        self._field = field

    async def frames(self) -> AsyncIterator[Message]:
        """Yield the requests."""
        yield self._frame(start=self._start)
        if self._source is None:
            return
        try:
            async for data in _chunks(self._source):
                yield self._frame(**{self._field: data})
        except Exception as error:
            self.failure = error
            raise
        if self._field == "stdin":
            yield self._frame(close_stdin={})


async def download(answers: AsyncIterable[Any]) -> AsyncIterator[bytes]:
    """Yield the bytes that *answers* carry: see `dockfleet.download`."""
    async for answer in answers:
        if answer.data:
            yield answer.data


async def answer_of(call: Any, upload: Upload | None = None) -> Any:
    """Wait for the one answer of *call*, and of *upload* if it is one."""
    ending = Ending(call)
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise await ending.failure(error) or DockfleetError.of(error) from error
    except asyncio.CancelledError:
        if upload and upload.failure and not task_cancelled():
            raise upload.failure from None
        raise


def _result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return what *coroutine* returns, which must not wait, as those that tell of a call's end do not after it."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("the call has not ended")


def task_cancelled() -> bool:
    """Tell whether it is this task that is cancelled: gRPC raises CancelledError for a cancelled call, too."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _chunks(source: AsyncSource) -> AsyncIterator[bytes]:
    if isinstance(source, AsyncIterable):
        async for piece in source:
            for chunk in chunks(piece):
                yield chunk
    elif isinstance(source, bytes):
        for chunk in chunks(source):
            yield chunk
    else:
        pieces = chunks(source)
        while chunk := await asyncio.to_thread(next, pieces, b""):  # a file may be slow
            yield chunk
