"""Calls with many answers, and calls with many requests, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from dockfleet.calls import Source, chunks
from dockfleet.errors import DockfleetError

AsyncSource = Source | AsyncIterable[bytes]
"""Where the bytes of an upload come from: as `Source`, or piece by piece from asyncio."""

T = TypeVar("T")


class Stream(Generic[T]):
    """The answers of a call that has many.  Leaving the `async with` block, or `close`, ends the call."""

    def __init__(self, call: Any, upload: Upload | None = None) -> None:
        """Iterate over what *call* answers, to *upload* if it is one."""
        self._call = call
        self._answers = aiter(call)
        self._upload = upload

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            answer: T = await anext(self._answers)
        except grpc.RpcError as error:
            raise DockfleetError.of(error) from error
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


class Upload:
    """The requests of an upload.  gRPC cancels the call when the source breaks; `failure` then tells how."""

    def __init__(self, frame: type[Message], start: Message, source: AsyncSource | None, field: str = "data") -> None:
        """Send *start*, then the bytes of *source* in the frames' *field*; only *start* when there are none."""
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
    try:
        return await call
    except grpc.RpcError as error:
        raise DockfleetError.of(error) from error
    except asyncio.CancelledError:
        if upload and upload.failure and not task_cancelled():
            raise upload.failure from None
        raise


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
