"""Streams that resume after a failure, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Generic, Self, TypeVar

from dockfleet.aio.stream import Stream
from dockfleet.errors import DockfleetError
from dockfleet.resume_state import ResumeState

T = TypeVar("T")


class ResumingStream(Generic[T]):
    """The responses of a stream, across all its calls: see `dockfleet.ResumingStream`.

    Cancelling a wait for a response, as `asyncio.wait_for` does, ends the call but not the stream.  The next wait
    continues after the last response.  Before the first response it raises `DockfleetError`.
    """

    def __init__(self, rpc: Callable[..., Any], state: ResumeState) -> None:
        """Make the first call of *rpc*, as *state* says."""
        self._rpc = rpc
        self._state = state
        self._closed = asyncio.Event()
        self._stream: Stream[T] | None = self._call()

    async def wait_started(self) -> None:
        """Wait until the gateway has accepted or refused the call: see `dockfleet.Stream.wait_started`."""
        if self._stream is not None:
            await self._stream.wait_started()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._closed.is_set():
            stream = self._stream = self._stream or self._call()
            try:
                response = await anext(stream)
            except DockfleetError as error:
                if self._state.ended:
                    raise StopAsyncIteration from None
                pause = self._state.failed(error)
                self._stream = None  # a failed call that is iterated again seems to have ended
                await self._wait(pause)
                self._call_again(error)
                continue
            except asyncio.CancelledError:  # gRPC has ended the call, and may have dropped a response
                self._stream = None
                raise
            if self._state.received(response):
                return response
        raise StopAsyncIteration

    def close(self) -> None:
        """End the stream.  May be repeated, also after the end."""
        self._closed.set()
        if self._stream is not None:
            self._stream.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.close()

    def _call(self) -> Stream[T]:
        return Stream(self._rpc(self._state.request(), timeout=self._state.timeout()))

    def _call_again(self, error: DockfleetError) -> None:
        try:
            self._stream = None if self._closed.is_set() else self._call()
        except ValueError:  # the fleet is closed
            raise error from None

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()
