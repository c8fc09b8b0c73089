"""Between a source that must not wait and a reader that may: a task reads the source, a buffer bounds what waits.

A stalled reader of a container's attached output would freeze the container (the engine writes to its readers one
after the other), so nothing that a reader does may reach the source.  What becomes of what there is no room for is
the buffer's affair.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gateway.engine.codec.frames import Frame
from gateway.engine.errors import ReaderTooSlow
from gateway.engine.resumable.subscription import Idle

_FRAME_COST = 128  # bytes that a frame takes beside its data, so that a million frames of one byte are not one MiB
_TAKEN_BYTES = 256 << 10

Given = TypeVar("Given")
Taken = TypeVar("Taken")
GivenTo = TypeVar("GivenTo", contravariant=True)
TakenFrom = TypeVar("TakenFrom", covariant=True)


@dataclass(frozen=True, slots=True)
class Dropped:
    """At this place so many bytes of output are missing."""

    bytes: int


class Buffer(Protocol[GivenTo, TakenFrom]):
    """What waits between a source and its reader."""

    def put(self, item: GivenTo) -> None:
        """Take in what the source brings.  An exception ends the source; the reader gets it, last of all."""

    def take(self) -> TakenFrom | None:
        """Return what the reader gets next; None when there is nothing, or nothing yet."""

    def due(self) -> float | None:
        """Return in how many seconds there will be something though nothing is put; None for never."""

    def finish(self) -> None:
        """Take note that nothing more is put: whatever waits for its time is due now."""

    @property
    def full(self) -> bool:
        """Whether the source should wait for the reader, for at most `patience`."""

    @property
    def patience(self) -> float | None:
        """Seconds that the source may wait, in all, until the reader has taken everything; None for ever."""


class Output:
    """At most *room* bytes of the output of a process.  Of what does not fit, the oldest is dropped.

    With *drop* false, `put` raises `ReaderTooSlow` instead, and what is here already remains.

    A reader that reads, only not as fast as a burst comes, should lose nothing: for it the source waits a moment,
    when a quarter of the room is taken.  (The rest takes what one read can bring.)
    """

    patience = 0.5

    def __init__(self, room: int = 2 << 20, *, drop: bool = True) -> None:
        self._room = room
        self._drop = drop
        self._frames: deque[Frame] = deque()
        self._size = 0
        self._dropped = 0
        self._idle: Idle | None = None

    def put(self, frames: list[Frame] | Idle) -> None:
        """Append *frames*.  Of `Idle`, only the newest is kept, until frames come."""
        if isinstance(frames, Idle):
            self._idle = frames
            return
        self._idle = None
        for frame in frames:
            self._size += len(frame.data) + _FRAME_COST
            if self._size > self._room and not self._drop:
                raise ReaderTooSlow(f"more than {self._room} bytes of output wait for a client that does not read them")
            self._frames.append(frame)
        while self._size > self._room:
            self._dropped += len(self._pop().data)

    def take(self) -> list[Frame] | Dropped | Idle | None:
        """Return what is missing before the oldest frames, then those, up to about 256 KiB at once."""
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
        """Nothing waits for its time here."""

    def finish(self) -> None:
        """Nothing waits for its time here."""

    def _pop(self) -> Frame:
        frame = self._frames.popleft()
        self._size -= len(frame.data) + _FRAME_COST
        return frame


@contextlib.asynccontextmanager
async def buffered(
    source: AsyncGenerator[Given, None], buffer: Buffer[Given, Taken]
) -> AsyncIterator[AsyncGenerator[Taken, None]]:
    """Read *source* into *buffer* until the end of the block, and yield the generator of what comes out.

    That one ends as the source does, with its exception if it has one, once the buffer is empty.
    """
    relay = _Relay(source, buffer)
    pump = asyncio.create_task(relay.pump())
    try:
        async with aclosing(relay.items()) as items:
            yield items
    finally:
        pump.cancel()
        await asyncio.gather(pump, return_exceptions=True)
        await source.aclose()


class _Relay(Generic[Given, Taken]):
    def __init__(self, source: AsyncGenerator[Given, None], buffer: Buffer[Given, Taken]) -> None:
        self._source = source
        self._buffer = buffer
        self._patience = buffer.patience
        self._ended = False
        self._failure: Exception | None = None
        self._brought = asyncio.Event()
        self._taken = asyncio.Event()

    async def pump(self) -> None:
        try:
            async for item in self._source:
                self._buffer.put(item)
                self._brought.set()
                await self._wait()
        except Exception as error:
            self._failure = error
            await self._source.aclose()  # now: its connection must not stay open, and unread, for the reader's sake
        finally:
            self._ended = True
            self._buffer.finish()
            self._brought.set()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        while self._buffer.full and (self._patience is None or self._patience > 0):
            began = loop.time()
            self._taken.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._taken.wait()
            if self._patience is not None:
                self._patience -= loop.time() - began

    async def items(self) -> AsyncGenerator[Taken, None]:
        while True:
            self._brought.clear()
            if (item := self._buffer.take()) is not None:
                self._taken.set()
                yield item
            elif not self._ended:
                self._patience = self._buffer.patience
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._buffer.due()):
                        await self._brought.wait()
            elif self._failure is not None:
                raise self._failure
            else:
                return
