"""Streams that resume after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from dockfleet.errors import DockfleetError
from dockfleet.resume_state import ResumeState
from dockfleet.stream import Stream

T = TypeVar("T")


class ResumingStream(Generic[T]):
    """The responses of a stream, across all its calls.

    When the gateway or a connection breaks, the next call continues after the last response: nothing is lost, and
    nothing comes twice.  Iteration raises `DockfleetError` when calls have failed for `retry_seconds`, and at once when
    another call cannot help.  Leaving the `with` block, or `close`, ends the stream.  Any thread may close it; the
    iteration then ends.
    """

    def __init__(self, rpc: Callable[..., Any], state: ResumeState) -> None:
        """Make the first call of *rpc*, as *state* says."""
        self._rpc = rpc
        self._state = state
        self._closed = threading.Event()
        self._stream: Stream[T] = self._call()

    def wait_started(self) -> None:
        """Wait until the gateway has accepted or refused the call: see `Stream.wait_started`."""
        self._stream.wait_started()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while True:
            try:
                response = next(self._stream)
            except DockfleetError as error:
                if self._state.ended or self._closed.wait(self._state.failed(error)):
                    raise StopIteration from None
                self._call_again(error)
                continue
            if self._state.received(response):
                return response

    def close(self) -> None:
        """End the stream.  May be repeated, also after the end."""
        self._closed.set()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self) -> Stream[T]:
        return Stream(self._rpc(self._state.request(), timeout=self._state.timeout()))

    def _call_again(self, error: DockfleetError) -> None:
        try:
            self._stream = self._call()
        except ValueError:  # the fleet is closed
            raise error from None
        if self._closed.is_set():  # another thread has closed the call before this one
            self._stream.close()
