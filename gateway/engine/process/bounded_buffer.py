"""A bounded buffer between a source that must not wait and a reader that may wait.  A task reads the source into it.

A stalled reader of a container's attached output would stop the container, because the engine writes to its readers
one after the other.  So a reader must not delay the source.  The buffer decides what happens when it is full.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.engine.codec.frames import Frame
from gateway.engine.errors import ReaderTooSlow
from gateway.engine.resumable.subscription import Idle

_FRAME_COST = 128  # bytes of memory that a frame takes besides its data
_TAKEN_BYTES = 256 << 10

Given = TypeVar("Given")
Taken = TypeVar("Taken")
GivenTo = TypeVar("GivenTo", contravariant=True)
TakenFrom = TypeVar("TakenFrom", covariant=True)


@dataclass(frozen=True, slots=True)
class Dropped:
    """This many bytes of output are missing here."""

    bytes: int


class Buffer(Protocol[GivenTo, TakenFrom]):
    """The items that a source has produced and its reader has not taken."""

    def put(self, item: GivenTo) -> None:
        """Add an item of the source.  An exception ends the source, and the reader gets it after the other items."""

    def take(self) -> TakenFrom | None:
        """Return the next item for the reader; None when there is none yet."""

    def due(self) -> float | None:
        """Return in how many seconds `take` returns an item without another `put`; None for never."""

    def finish(self) -> None:
        """Note that the source has ended: items that are held back are due now."""

    @property
    def full(self) -> bool:
        """Whether the source should wait for the reader, at most for `source_wait`."""

    @property
    def source_wait(self) -> float | None:
        """Seconds that the source may wait in all before the reader has taken everything; None: without end."""


class Output:
    """At most *room* bytes of the output of a process.  A full buffer drops its oldest frames.

    With *drop* false, `put` raises `ReaderTooSlow` instead, and the buffer keeps its frames.

    A reader that is too slow for a short burst loses nothing: the source waits a moment for it when a quarter of the
    room is used.  The rest of the room is for the output of one read.
    """

    source_wait = 0.5

    def __init__(
        self, room: int = 2 << 20, *, drop: bool = True, dropped: Callable[[int], None] = lambda bytes: None
    ) -> None:
        """*dropped* is called with the number of bytes whenever some are dropped."""
        self._on_dropped = dropped
        self._room = room
        self._drop = drop
        self._frames: deque[Frame] = deque()
        self._size = 0
        self._dropped = 0
        self._idle: Idle | None = None

    def put(self, frames: list[Frame] | Idle) -> None:
        """Append *frames*.  The newest `Idle` is kept until frames come."""
        if isinstance(frames, Idle):
            self._idle = frames
            return
        self._idle = None
        for frame in frames:
            self._size += len(frame.data) + _FRAME_COST
            if self._size > self._room and not self._drop:
                raise ReaderTooSlow(f"the client reads too slowly: more than {self._room} bytes of output wait for it")
            self._frames.append(frame)
        before = self._dropped
        while self._size > self._room:
            self._dropped += len(self._pop().data)
        if self._dropped > before:
            self._on_dropped(self._dropped - before)

    def take(self) -> list[Frame] | Dropped | Idle | None:
        """Return what was dropped before the oldest frames, then these frames, up to about 256 KiB at once."""
        if self._dropped:
            dropped, self._dropped = Dropped(self._dropped), 0
            return dropped
        taken: list[Frame] = []
        size = 0
        while self._frames and size < _TAKEN_BYTES:
            taken.append(self._pop())
            size += len(taken[-1].data)
        if taken:
            return taken
        idle, self._idle = self._idle, None
        return idle

    @property
    def full(self) -> bool:
        """Whether the source should wait."""
        return self._size > self._room // 4

    def due(self) -> None:
        """Do nothing: nothing is held back."""

    def finish(self) -> None:
        """Do nothing: nothing is held back."""

    def _pop(self) -> Frame:
        frame = self._frames.popleft()
        self._size -= len(frame.data) + _FRAME_COST
        return frame


@contextlib.asynccontextmanager
async def buffered(
    source: AsyncGenerator[Given, None], buffer: Buffer[Given, Taken]
) -> AsyncIterator[AsyncGenerator[Taken, None]]:
    """Read *source* into *buffer* until the end of the block, and yield a generator of the reader's items.

    The generator ends when the source has ended and the buffer is empty.  It raises the source's exception.
    """
    pump = _Pump(source, buffer)
    reading = asyncio.create_task(pump.run())
    try:
        async with aclosing(pump.items()) as items:
            yield items
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await source.aclose()


class _Pump(Generic[Given, Taken]):
    def __init__(self, source: AsyncGenerator[Given, None], buffer: Buffer[Given, Taken]) -> None:
        self._source = source
        self._buffer = buffer
        self._source_wait = buffer.source_wait
        self._ended = False
        self._failure: Exception | None = None
        self._put = asyncio.Event()
        self._taken = asyncio.Event()

    async def run(self) -> None:
        try:
            async for item in self._source:
                self._buffer.put(item)
                self._put.set()
                await self._wait()
        except Exception as error:
            self._failure = error
            await self._source.aclose()  # its connection must not stay open until the reader has taken everything
        finally:
            self._ended = True
            self._buffer.finish()
            self._put.set()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        while self._buffer.full and (self._source_wait is None or self._source_wait > 0):
            began = loop.time()
            self._taken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._source_wait):
                    await self._taken.wait()
            if self._source_wait is not None:
                self._source_wait -= loop.time() - began

    async def items(self) -> AsyncGenerator[Taken, None]:
        while True:
            self._put.clear()
            if (item := self._buffer.take()) is not None:
                self._taken.set()
                yield item
            elif not self._ended:
                self._source_wait = self._buffer.source_wait
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._buffer.due()):
                        await self._put.wait()
            elif self._failure is not None:
                raise self._failure
            else:
                return
