"""Streams that resume after a failure.

Generated from `dockfleet.aio` by protos/generate_clients.py.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Generic, Self, TypeVar

from dockfleet.errors import DockfleetError
from dockfleet.library import CANCELLED, Event, waited
from dockfleet.resume_state import ResumeState
from dockfleet.stream import Stream
from dockfleet.v1.containers_pb2 import LogEntry, StreamLogsResponse

T = TypeVar("T")


class ResumingStream(Generic[T]):
    """The responses of a stream, across all its calls.

    When the gateway or a connection breaks, the next call continues after the last response: nothing is lost, and
    nothing comes twice.  Iteration raises `DockfleetError` when calls have failed for `retry_seconds`, and at once when
    another call cannot help.  Leaving the `with` block, or `close`, ends the stream.  Any thread may close it; the
    iteration then ends.

    With asyncio, cancelling a wait for a response, as `asyncio.wait_for` does, ends the call but not the stream.  The
    next wait continues after the last response.  Before the first response it raises `DockfleetError`.
    """

    def __init__(self, rpc: Callable[..., Any], state: ResumeState) -> None:
        """Make the first call of *rpc*, as *state* says."""
        self._rpc = rpc
        self._state = state
        self._closed = Event()
        self._stream: Stream[T] | None = self._call()

    def wait_started(self) -> None:
        """Wait until the gateway has accepted or refused the call: see `Stream.wait_started`."""
        if self._stream is not None:
            self._stream.wait_started()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while not self._closed.is_set():
            stream = self._stream or self._call_again()
            try:
                response = next(stream)
            except DockfleetError as error:
                if self._state.ended:
                    break
                self._stream = None  # a failed call that is iterated again seems to have ended
                if waited(self._closed, self._state.failed(error)):
                    break
                self._call_again(error)
                continue
            except CANCELLED:  # gRPC has ended the call, and may have dropped a response
                self._stream = None
                raise
            if self._state.received(response):
                return response
        raise StopIteration

    def close(self) -> None:
        """End the stream.  May be repeated, also after the end."""
        self._closed.set()
        if stream := self._stream:
            stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _call(self) -> Stream[T]:
        return Stream(self._rpc(self._state.request(), timeout=self._state.timeout()))

    def _call_again(self, error: DockfleetError | None = None) -> Stream[T]:
        """Make the next call after *error*, and raise that when the fleet is closed."""
        try:
            stream = self._stream = self._call()
        except ValueError:
            if error is None:
                raise
            raise error from None
        if self._closed.is_set():  # by another thread, which did not see this call
            stream.close()
        return stream


class Lines(Iterator[LogEntry]):
    """The lines of a log, as `ResumingStream` has its responses."""

    def __init__(self, responses: ResumingStream[StreamLogsResponse]) -> None:
        """Take the lines out of *responses*."""
        self._responses = responses
        self._lines: deque[LogEntry] = deque()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> LogEntry:
        while not self._lines:
            self._lines.extend((next(self._responses)).batch.entries)
        return self._lines.popleft()

    def read(self) -> bytes:
        """Return the lines that are left as bytes, each with its line feed; of a log that is followed, at its end."""
        text = bytearray()
        for line in self:
            text += line.data
            if not line.partial:
                text += b"\n"
        return bytes(text)

    def close(self) -> None:
        """End the log.  May be repeated, also after the end."""
        self._responses.close()
        self._lines.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
