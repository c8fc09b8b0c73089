"""Streams that go on by themselves after a break."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from dockfleet.course import Course
from dockfleet.errors import DockfleetError
from dockfleet.stream import Stream

T = TypeVar("T")


class Resuming(Generic[T]):
    """The messages of a stream, over all the calls that it takes.

    When the gateway, the way to it or its way to the host breaks, a further call goes on behind the last message:
    nothing is lost, and nothing comes twice.  Iteration raises `DockfleetError` when that has not helped for as long
    as the caller's patience lasts, and at once where it can not help.  Leaving the `with` block, or `close`, ends the
    stream; any thread may close it, upon which the iteration simply ends.
    """

    def __init__(self, rpc: Callable[..., Any], course: Course) -> None:
        """Call *rpc* as *course* says, for the first time at once."""
        self._rpc = rpc
        self._course = course
        self._closed = threading.Event()
        self._stream: Stream[T] = self._call()

    def begun(self) -> None:
        """Wait until the gateway has taken the call, or refused it: see `Stream.begun`."""
        self._stream.begun()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        while True:
            try:
                message = next(self._stream)
            except DockfleetError as error:
                if self._course.ended or self._closed.wait(self._course.broke(error)):
                    raise StopIteration from None
                self._again(error)
                continue
            if self._course.took(message):
                return message

    def close(self) -> None:
        """End the stream.  Harmless to repeat, and after its end."""
        self._closed.set()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self) -> Stream[T]:
        return Stream(self._rpc(self._course.request(), timeout=self._course.timeout()))

    def _again(self, error: DockfleetError) -> None:
        try:
            self._stream = self._call()
        except ValueError:  # the fleet was closed meanwhile
            raise error from None
        if self._closed.is_set():  # by another thread, which has closed the call before
            self._stream.close()
