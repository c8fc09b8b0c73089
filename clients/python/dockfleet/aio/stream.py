"""Streams of responses, and uploads, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from dockfleet.errors import DockfleetError
from dockfleet.sources import Source, check_source, chunks

AsyncSource = Source | AsyncIterable[bytes]
"""The bytes of an upload: as `Source`, or pieces from asyncio."""

LOST_STATUS = "Internal error from Core"
LOST_STATUS_POLLS, LOST_STATUS_POLL_SECONDS = 100, 0.01

T = TypeVar("T")


class Stream(Generic[T]):
    """The responses of a call.  Leaving the `async with` block, or `close`, ends the call."""

    def __init__(self, call: Any, upload: Upload | None = None) -> None:
        """Iterate over the responses of *call*, which sends *upload* if there is one."""
        self._call = call
        self._responses = aiter(call)
        self._status = FinalStatus(call)
        self._upload = upload

    async def wait_started(self) -> None:
        """Wait until the gateway has accepted or refused the call: see `dockfleet.Stream.wait_started`."""
        await self._call.initial_metadata()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            response: T = await anext(self._responses)
        except grpc.aio.AioRpcError as error:
            failure = await self._status.failure(error)
            if failure is None:
                raise StopAsyncIteration from None
            raise failure from error
        except asyncio.CancelledError:
            if task_cancelled():
                raise
            if self._upload and self._upload.failure:
                raise self._upload.failure from None
            raise StopAsyncIteration from None  # another task has closed the stream
        return response

    def close(self) -> None:
        """End the call.  May be repeated, also after the end."""
        self._call.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()


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

    async def failure(self, error: grpc.aio.AioRpcError) -> DockfleetError | None:
        """Return the failure that gRPC reports as *error*; None when the call has succeeded."""
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


class Upload:
    """The requests of an upload.  When the source fails, gRPC cancels the call; `failure` is then the error."""

    def __init__(self, frame: type[Message], start: Message, source: AsyncSource | None, field: str = "data") -> None:
        """Send *start*, then the bytes of *source* in *field* of the frames; without a source, only *start*.

        Raises `TypeError` when *source* cannot be uploaded.
        """
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


async def download(responses: AsyncIterable[Any]) -> AsyncIterator[bytes]:
    """Yield the bytes in *responses*: see `dockfleet.download`."""
    async for response in responses:
        if response.data:
            yield response.data


async def response_of(rpc: Callable[..., Any], request: Message, timeout: float | None) -> Any:
    """Return the single response of a call.  Raises `DockfleetError`."""
    return await _response(rpc(request, timeout=timeout))


async def uploaded(rpc: Callable[..., Any], upload: Upload, timeout: float | None) -> Any:
    """Return the single response of a call that sends *upload*.  Raises `DockfleetError`, and what its source does."""
    return await _response(rpc(upload.frames(), timeout=timeout), upload)


async def _response(call: Any, upload: Upload | None = None) -> Any:
    status = FinalStatus(call)
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise await status.failure(error) or DockfleetError.of(error) from error
    except asyncio.CancelledError:
        if upload and upload.failure and not task_cancelled():
            raise upload.failure from None
        raise


def _result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of *coroutine*, which does not wait: the call has ended."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise RuntimeError("the call has not ended")


def task_cancelled() -> bool:
    """Return whether this task is cancelled.  gRPC raises CancelledError for a cancelled call too."""
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
