"""Streams that go on by themselves after a break, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Generic, Self, TypeVar

from dockfleet.aio.stream import Stream
from dockfleet.course import Course
from dockfleet.errors import DockfleetError

T = TypeVar("T")


class Resuming(Generic[T]):
    """The messages of a stream, over all the calls that it takes: see `dockfleet.Resuming`.

    Cancelling who waits for a message, as `asyncio.wait_for` does, ends the call, but not the stream: the next wait
    goes on behind the last message, or raises `DockfleetError` when there has been none.
    """

    def __init__(self, rpc: Callable[..., Any], course: Course) -> None:
        """Call *rpc* as *course* says, for the first time at once."""
        self._rpc = rpc
        self._course = course
        self._closed = asyncio.Event()
        self._stream: Stream[T] | None = self._call()

    async def begun(self) -> None:
        """Wait until the gateway has taken the call, or refused it: see `dockfleet.Stream.begun`."""
        if self._stream is not None:
            await self._stream.begun()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._closed.is_set():
            stream = self._stream = self._stream or self._call()
            try:
                message = await anext(stream)
            except DockfleetError as error:
                if self._course.ended:  # all is said
                    raise StopAsyncIteration from None
                pause = self._course.broke(error)
                self._stream = None  # iterated again, a failed call would seem to have ended
                await self._pause(pause)
                self._again(error)
                continue
            except asyncio.CancelledError:  # gRPC has ended the call, and dropped the message that may just have come
                self._stream = None
                raise
            if self._course.took(message):
                return message
        raise StopAsyncIteration

    def close(self) -> None:
        """End the stream.  Harmless to repeat, and after its end."""
        self._closed.set()
        if self._stream is not None:
            self._stream.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    def _call(self) -> Stream[T]:
        return Stream(self._rpc(self._course.request(), timeout=self._course.timeout()))

    def _again(self, error: DockfleetError) -> None:
        try:
            self._stream = None if self._closed.is_set() else self._call()
        except ValueError:  # the fleet was closed meanwhile
            raise error from None

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()
