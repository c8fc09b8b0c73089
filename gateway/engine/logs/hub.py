"""Lets all followers of one log share one connection to the engine.

A `Hub` reads when one of its followers has read all there is: the fastest sets the pace, and where there is only one
follower, the engine waits for it as for any reader of its own.  What was read is kept for the others, up to so many
bytes.  One that falls further behind leaves, and goes on from its token on a connection of its own at its own pace;
so does one that begins with what the hub does not have any more.  Both join where they meet the hub: at an entry
that they and the hub have read, and of whose time there is no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from gateway.engine.logs.entries import Entry
from gateway.engine.logs.runs import Item

_KEPT_BYTES = 1 << 20
_MESSAGE_BYTES = 256 << 10
_TURNS = 32  # how many followers of one log may come to meet the hub at once
_TURN_SECONDS = 2.0
_LIVE_SECONDS = 0.05  # whoever has to wait so long for the engine has read all there was
_BEHIND_SECONDS = 1.0  # whoever lets the engine wait so long may have not


class Read(NamedTuple):
    """What a reader has read, and the token of the place behind it.

    `unique` tells whether no entry before the last one bears its time or a later one.
    """

    item: Item
    token: bytes
    unique: bool


class Piece(NamedTuple):
    """What was read, encoded; pieces of entries can be joined to one."""

    encoded: bytes
    token: bytes
    entries: bool


# Reads from a token on, or, given none, as the follower wants it.
Source = Callable[[bytes], AsyncGenerator[Read, None]]


class Encoder(Protocol):
    """Makes messages of items, in two steps: what is shared by all followers, and what is put around it."""

    def encode(self, item: Item) -> bytes:
        """Return what *item* is in a message; that of entries, joined, is that of all of them."""

    def message(self, encoded: bytes, token: bytes, *, entries: bool) -> bytes:
        """Return the message of what `encode` returned; *entries* tells whether it is entries of the log."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a follower begins: as a request says, whose `tail` is not None when it is about now, or with a token."""

    since: int | None = None
    tail: int | None = None
    token: bytes = b""


class Hub:
    """What the followers of one log share."""

    def __init__(self, reads: AsyncGenerator[Read, None], encoder: Encoder, start: Start) -> None:
        """Read *reads*, which begin at *start*, as soon as somebody follows."""
        self.followers = 0
        self.turns = asyncio.Semaphore(_TURNS)
        self.closed = False
        self._start = start
        self._encoder = encoder
        self._kept: list[Piece] = []
        self._first = 0  # the number of the first piece kept
        self._size = 0
        self._marks: dict[bytes, tuple[int, Entry]] = {}  # by time: the number of the piece that ends so, and how
        self._live = start.tail == 0  # whether what comes is being written now
        self._waits_since: float | None = None  # for a follower that has read all there is
        self._newest = b""  # the time of the last entry
        self._failure: BaseException | None = None
        self._news = asyncio.Event()
        self._wanted = asyncio.Event()
        self._task = asyncio.create_task(self._run(reads))

    @property
    def stands(self) -> bool:
        """Whether nobody has wanted more for so long that what comes next is old."""
        since = self._waits_since
        return since is not None and asyncio.get_running_loop().time() >= since + _BEHIND_SECONDS

    def pull(self, entries: list[Entry]) -> None:
        """Read on, if another reader that has read *entries* is ahead."""
        if entries and entries[-1].time > self._newest:
            self._wanted.set()

    def cursor(self, start: Start) -> int | None:
        """Return the number of the piece with which a follower that begins at *start* goes on; None: not here."""
        if start.tail == 0 and not start.token:
            return self._first + len(self._kept) if self._live else None
        same = start == self._start and start.tail is None
        return 0 if same and not self._first else None

    def meet(self, entries: list[Entry]) -> tuple[int, int, bytes] | None:
        """Find the hub in what another reader has read.

        Return how many of *entries* come before the place where they meet, the number of the piece that comes after
        it, and the token of the place; None when they do not meet here.
        """
        for index in range(len(entries) - 1, -1, -1):
            mark = self._marks.get(entries[index].time)
            if mark is not None and mark[1] == entries[index]:
                return index + 1, mark[0] + 1, self._kept[mark[0] - self._first].token
        return None

    async def next(self, cursor: int) -> tuple[int, bytes, bytes] | None:
        """Return the message at *cursor*, when there is one, between the next cursor and the token behind it.

        None: it is not kept any more, or the hub has `ended`.  Raises what the hub's reader has raised.
        """
        while cursor == self._first + len(self._kept):
            if self.closed:
                if self._failure is not None:
                    raise self._failure
                return None
            self._wanted.set()
            await self._news.wait()
        if cursor < self._first:
            return None
        pieces = self._kept
        start = end = cursor - self._first
        size = 0
        while end < len(pieces) and size < _MESSAGE_BYTES and (end == start or pieces[end].entries):
            size += len(pieces[end].encoded)
            end += 1
            if not pieces[end - 1].entries:
                break
        last = pieces[end - 1]
        encoded = last.encoded if end == start + 1 else b"".join([piece.encoded for piece in pieces[start:end]])
        return self._first + end, self._encoder.message(encoded, last.token, entries=last.entries), last.token

    def ended(self, cursor: int) -> bool:
        """Whether nothing more will ever be at *cursor*."""
        return self.closed and cursor == self._first + len(self._kept)

    async def close(self) -> None:
        """Stop reading."""
        self.closed = True
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self, reads: AsyncGenerator[Read, None]) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with aclosing(reads):
                await self._wanted.wait()
                timer = loop.call_later(_LIVE_SECONDS, self._catch_up)
                async for read in reads:
                    timer.cancel()
                    self._keep(read)
                    self._tell()
                    self._wanted.clear()
                    before = self._waits_since = loop.time()
                    await self._wanted.wait()
                    self._waits_since = None
                    self._live = self._live and loop.time() < before + _BEHIND_SECONDS
                    timer = loop.call_later(_LIVE_SECONDS, self._catch_up)
        except Exception as error:
            self._failure = error
        finally:
            self.closed = True
            self._tell()

    def _catch_up(self) -> None:
        self._live = True

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _keep(self, read: Read) -> None:
        piece = Piece(self._encoder.encode(read.item), read.token, isinstance(read.item, list))
        if isinstance(read.item, list) and read.item:
            self._newest = read.item[-1].time
        if read.unique and isinstance(read.item, list):
            last = read.item[-1]
            self._marks[last.time] = (self._first + len(self._kept), last)
        self._kept.append(piece)
        self._size += len(piece.encoded)
        dropped = 0
        while self._size > _KEPT_BYTES and dropped < len(self._kept) - 1:
            self._size -= len(self._kept[dropped].encoded)
            dropped += 1
        if dropped:
            del self._kept[:dropped]
            self._first += dropped
            while self._marks and (time := next(iter(self._marks))) and self._marks[time][0] < self._first:
                del self._marks[time]


class Hubs:
    """The hubs of one host: of all logs that are followed."""

    def __init__(self) -> None:
        self._hubs: dict[Hashable, Hub] = {}

    async def follow(
        self, key: Hashable, start: Start, source: Source, encoder: Encoder
    ) -> AsyncGenerator[bytes, None]:
        """Yield the messages of the log that *key* and *start* describe, read with *source*.  Raises what that does."""
        token = start.token
        hub = self._hubs.get(key)
        if hub is None or hub.closed or hub.stands:
            hub = self._hubs[key] = Hub(source(token), encoder, start)
            cursor: int | None = 0
        else:
            cursor = hub.cursor(start)
        hub.followers += 1
        try:
            while True:
                if cursor is None:
                    async with aclosing(self._alone(hub, token, source, encoder)) as meeting:
                        async for step in meeting:
                            cursor, message, token = step
                            yield message
                    if cursor is None:
                        return
                if (found := await hub.next(cursor)) is not None:
                    cursor, message, token = found
                    yield message
                elif hub.ended(cursor):
                    return
                else:
                    cursor = None
        finally:
            hub.followers -= 1
            if not hub.followers:
                if self._hubs.get(key) is hub:
                    del self._hubs[key]
                await hub.close()

    async def _alone(
        self, hub: Hub, token: bytes, source: Source, encoder: Encoder
    ) -> AsyncGenerator[tuple[int | None, bytes, bytes], None]:
        """Yield messages and tokens to where the hub is met, the last one with the cursor there; or to the end."""
        turn = _Turn(hub.turns)
        await turn.take()
        try:
            async with aclosing(source(token)) as reads:
                async for item, behind, _ in reads:
                    met = hub.meet(item) if isinstance(item, list) and not hub.closed else None
                    if met is not None and isinstance(item, list):
                        count, cursor, place = met
                        yield cursor, message_of(encoder, item[:count], place), place
                        return
                    if isinstance(item, list):
                        hub.pull(item)
                    yield None, message_of(encoder, item, behind), behind
        finally:
            turn.give()


def message_of(encoder: Encoder, item: Item, token: bytes) -> bytes:
    """Return the message of *item*."""
    return encoder.message(encoder.encode(item), token, entries=isinstance(item, list))


class _Turn:
    """A place among those that may come to meet a hub at once; nobody holds or waits for it longer than a moment."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns = turns
        self._timer: asyncio.TimerHandle | None = None

    async def take(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turns.acquire()
                self._timer = asyncio.get_running_loop().call_later(_TURN_SECONDS, self.give)

    def give(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._turns.release()
