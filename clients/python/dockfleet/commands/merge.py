"""Many streams as one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Queue
from typing import Any, Generic, TypeVar

from dockfleet.errors import DockfleetError
from dockfleet.resuming import ResumingStream

MAX_WAITING = 1000  # responses; then the streams stop reading, and the gateway notices

K = TypeVar("K")
T = TypeVar("T")


class End:
    """Marks the end of a stream."""


@contextmanager
def merge_streams(streams: Mapping[K, ResumingStream[T]]) -> Iterator[Iterator[tuple[K, T | DockfleetError]]]:
    """Return the responses of all *streams* as they come, each with the key of its stream.

    A stream that fails ends with its error.  All streams are closed at the end of the block.
    """
    merged = _MergedStream(streams)
    try:
        yield iter(merged)
    finally:
        merged.close()


class _MergedStream(Generic[K, T]):
    def __init__(self, streams: Mapping[K, ResumingStream[T]]) -> None:
        self._streams = streams
        self._queue: Queue[tuple[K, Any]] = Queue(MAX_WAITING)
        self._open = len(streams)
        for key, stream in streams.items():
            threading.Thread(target=self._read, args=(key, stream), daemon=True).start()

    def __iter__(self) -> Iterator[tuple[K, T | DockfleetError]]:
        while self._open:
            key, response = self._queue.get()
            if response is End:
                self._open -= 1
            else:
                yield key, response

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()
        for _ in self:  # so that no thread waits for room in the queue
            pass

    def _read(self, key: K, stream: ResumingStream[T]) -> None:
        try:
            for response in stream:
                self._queue.put((key, response))
        except DockfleetError as error:
            self._queue.put((key, error))
        finally:
            self._queue.put((key, End))
