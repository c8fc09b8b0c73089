"""Many streams at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from queue import Queue
from typing import Any, Generic, TypeVar

from dockfleet.errors import DockfleetError
from dockfleet.resuming import ResumingStream

WAITING = 1000  # messages; then the streams wait, and the gateway with them

K = TypeVar("K")
T = TypeVar("T")


class End:
    """Stands for the end of a stream."""


@contextmanager
def together(streams: Mapping[K, ResumingStream[T]]) -> Iterator[Iterator[tuple[K, T | DockfleetError]]]:
    """Yield what yields the messages of all *streams*, each with the key of its stream, as they come.

    The failure of a stream is its last message.  They are closed at the end of the block.
    """
    merged = _Merged(streams)
    try:
        yield iter(merged)
    finally:
        merged.close()


class _Merged(Generic[K, T]):
    def __init__(self, streams: Mapping[K, ResumingStream[T]]) -> None:
        self._streams = streams
        self._queue: Queue[tuple[K, Any]] = Queue(WAITING)
        self._open = len(streams)
        for key, stream in streams.items():
            threading.Thread(target=self._pump, args=(key, stream), daemon=True).start()

    def __iter__(self) -> Iterator[tuple[K, T | DockfleetError]]:
        while self._open:
            key, message = self._queue.get()
            if message is End:
                self._open -= 1
            else:
                yield key, message

    def close(self) -> None:
        for stream in self._streams.values():
            stream.close()
        for _ in self:  # so that no thread is left that waits for room
            pass

    def _pump(self, key: K, stream: ResumingStream[T]) -> None:
        try:
            for message in stream:
                self._queue.put((key, message))
        except DockfleetError as error:
            self._queue.put((key, error))
        finally:
            self._queue.put((key, End))
