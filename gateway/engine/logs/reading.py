"""Reads one answer of the engine to a question for a container's log, from the place where the reader is.

What was read before is passed over (see `resume`), long lines are put together, and the place moves with what is
yielded.  Whether the end of the answer is the end of the log is for others to judge (see `follow`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import pairwise

from gateway.engine import queries
from gateway.engine.client import Call, Engine
from gateway.engine.codec.streams import is_terminal
from gateway.engine.codec.timestamps import nanoseconds, time_of
from gateway.engine.logs.echo import Echo
from gateway.engine.logs.entries import Entry, FramedLog, Lines, TerminalLog, read_entries
from gateway.engine.logs.places import Position, Replay
from gateway.engine.logs.runs import Gap, Item, Lost, Quiet, Resumed, Run
from gateway.engine.logs.skips import SILENCE_SECONDS, Skips
from gateway.engine.transport.http import Response

_PORTION = 256 << 10  # bytes of entries in one item, unless parts of lines are among them
_REST_SECONDS = 0.05  # how long the parts of a long line wait for its rest; and the shortest silence
_MANY = 32  # entries of one read, after which more are on their way
# The time from one read to the next then, for few large messages cost less than many small ones.  No longer: a unix
# socket holds two hundred lines, and then the engine waits.
_GATHER_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Span:
    """What of a log to read.  Times in nanoseconds since 1970."""

    since: int | None = None
    until: int | None = None
    tail: int | None = None
    follow: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader wants to know: `span` of a log, with what the log driver adds to each line when `details` is set.

    `call` makes the call for the log, or for another span of it.
    """

    span: Span
    call: Callable[[Span], Call]
    details: bool = False


class Reader:
    """Reads a container's log, again and again, from `position` on, which moves with what is read.

    `heard` tells whether the engine has ever answered.  `broken` makes the next answer that goes on from the place
    begin with `Resumed`.  `doubtful` tells that the last answer ended before the place was found, though it might
    still have come.  `guard`, when there is one, is asked before what comes while following is taken in: whether it
    is not to be.
    """

    def __init__(self, engine: Engine, question: Question, position: Position | None, heartbeat: float) -> None:
        """Without a *position*, reading begins where *question* says; *heartbeat* is how long silence is no news."""
        self.position = position or _beginning(question.span)
        self.heard = False
        self.broken = False
        self.doubtful = False
        self.guard: Callable[[], Awaitable[bool]] | None = None
        self._engine = engine
        self._question = question
        self._span = question.span
        self._heartbeat = heartbeat
        self._begun = position is not None  # so that what the question says of the beginning counts no more
        self._echo = Echo()
        self._skips: Skips | None = None
        self._again = False  # the last answer was left: the engine seems to repeat itself, or to leave something out
        self._loop = asyncio.get_running_loop()
        self._last_news = self._last_said = self._loop.time()
        if position is None and self._span.follow and not self._span.tail:
            # A log with nothing in it is told at once: so its reader has a place to come back to.
            self._last_said -= heartbeat

    def overdue(self) -> Quiet | None:
        """Return what there is to say when nothing was said for too long."""
        now = self._loop.time()
        if now - self._last_said < self._heartbeat:
            return None
        self._last_said = now
        return Quiet(now - self._last_news)

    async def read(self, run: Run, until: int | None, *, follow: bool) -> AsyncGenerator[Item, None]:
        """Yield what the log has from the place on: to its end, to *until*, or what comes as it comes."""
        if until is not None and self.position.newest:
            until = max(until, nanoseconds(self.position.newest))  # else the place itself would not be found
        if self.position.count:
            await self._check_clock()
        again = True
        while again:
            again = False
            if follow and self.position.count and (self.doubtful or not self.position.exact):
                # Only a log that is read to its end can tell what it does not have any more, or has twice.
                async with aclosing(self._answer(run, until, follow=False)) as items:
                    async for item in items:
                        yield item
            async with aclosing(self._answer(run, until, follow=follow)) as items:
                async for item in items:
                    yield item
            again, self._again = self._again, False

    async def has_all(self, run: Run) -> bool:
        """Tell whether nothing stands in the log behind what the last answer brought: engines drop the end, too."""
        found = await self._look(run, 1)
        return not found or self._skips is None or self._skips.is_last(found[-1], self.position.floor)

    async def _check_clock(self) -> None:
        """Find out whether the host's clock was set back since the place was taken."""
        answer = await queries.ping(self._engine)
        now = _date(answer.headers)
        if now is not None and self.position.newest and now + 1_000_000_000 < nanoseconds(self.position.newest):
            self.position.step_back()

    async def _answer(self, run: Run, until: int | None, *, follow: bool) -> AsyncGenerator[Item, None]:
        """Yield what is new in one answer of the engine; `_again` tells afterwards that it was left."""
        replay, lines = Replay(self.position), Lines()
        skips = self._skips = Skips(partial(self._look, run))

        def patience() -> float:
            silent = self._last_said + self._heartbeat - self._loop.time()
            if run.file_bytes:
                silent = min(silent, SILENCE_SECONDS)
            return _REST_SECONDS if lines.waiting else max(silent, _REST_SECONDS)

        async with self._engine.open(self._question.call(self._asked(until, follow=follow))) as (answer, connection):
            self.heard = True
            self._begin(answer.headers)
            skips.begin(run.file_bytes, _date(answer.headers))
            if replay.found and self._healed():
                yield Resumed()
            async with aclosing(read_entries(connection, self._log(answer, run), patience)) as reads:
                async for entries in reads:
                    came = time.monotonic()
                    new, turn = self._newer(replay, skips, entries)
                    if turn is not None:
                        yield turn
                    if not entries and (quiet := self.overdue()) is not None:
                        yield quiet
                    if not entries and follow and await skips.is_stuck(self.position.floor):
                        self._again = self.doubtful = True
                        return
                    if new and follow:
                        if self.guard is not None and await self.guard():
                            return
                        items = await self._followed(skips, lines, new)
                    else:
                        if self._span.follow:
                            self._echo.heard(new)
                        items = self._moved(*(lines.feed(new) if entries else lines.flush()))
                    for item in items:
                        yield item
                    if self._again:
                        self.doubtful = True
                        return
                    if len(entries) >= _MANY:
                        await connection.pause_until(came + _GATHER_SECONDS)
        for item in self._rest(replay, lines, follow=follow):
            yield item

    def _newer(self, replay: Replay, skips: Skips, entries: list[Entry]) -> tuple[list[Entry], Gap | Resumed | None]:
        """Return those of *entries* that were not read before, and what there is to say of the place before them."""
        if replay.found or replay.lost:
            return entries, None
        new = replay.feed(entries)
        skips.passed(list(replay.last))
        if replay.lost:
            return new, self._lose(new)
        return new, Resumed() if replay.found and self._healed() else None

    def _healed(self) -> bool:
        """Take note that the place was found; tell whether that ends a break."""
        was, self.broken = self.broken, False
        return was

    async def _followed(self, skips: Skips, lines: Lines, entries: list[Entry]) -> Iterator[Item]:
        """Return what there is to yield of *entries*, which came while following; the rest is for another answer."""
        sure = await skips.sure(entries)
        count = self._echo.begins(entries[: sure.taken]) if sure.taken else 0
        self._again = sure.missing or count < len(entries)
        entries = entries[:count] if count < len(entries) else entries
        if sure.gaps:
            return self._with_gaps(lines, entries, [gap for gap in sure.gaps if gap < count])
        return self._moved(*lines.feed(entries))

    def _rest(self, replay: Replay, lines: Lines, *, follow: bool) -> Iterator[Item]:
        """Yield what was held back when the answer has ended; of a whole log without the place, all that is newer."""
        yield from self._moved(*lines.flush())
        self.doubtful = not (replay.found or replay.lost)
        if self.doubtful and not follow:
            yield self._lose(replay.newer or list(replay.last), passed=not replay.newer)
            yield from self._moved(*lines.feed(replay.newer))
            yield from self._moved(*lines.flush())

    def _with_gaps(self, lines: Lines, entries: list[Entry], gaps: list[int]) -> Iterator[Item]:
        """Yield entries that the log does not have any more, and before some of them that others may be lost."""
        for start, end in pairwise([*sorted({0, *gaps}), len(entries)]):
            if start in gaps:
                yield from self._moved(*lines.flush())
                yield Gap(self.position.newest, entries[start].time, Lost.ROTATED)
            yield from self._moved(*lines.feed(entries[start:end]))
        yield from self._moved(*lines.flush())

    async def _look(self, run: Run, count: int) -> list[Entry]:
        """Return the last *count* entries of the log."""
        async with (
            self._engine.open(self._question.call(Span(tail=count))) as (answer, connection),
            aclosing(read_entries(connection, self._log(answer, run))) as reads,
        ):
            return [entry async for entries in reads for entry in entries]

    def _log(self, answer: Response, run: Run) -> TerminalLog | FramedLog:
        terminal = is_terminal(answer, run.terminal)
        return TerminalLog(details=self._question.details) if terminal else FramedLog()

    def _asked(self, until: int | None, *, follow: bool) -> Span:
        """Return what to ask the engine for: from the place on, or as the reader wants it when there is none yet."""
        begins = not self.position.count and not self._begun
        since = nanoseconds(self.position.floor) if self.position.floor else None
        return Span(since, until, self._span.tail if begins else None, follow)

    def _begin(self, headers: Mapping[str, str]) -> None:
        if self._span.tail == 0 and not self.position.count and not self._begun:
            self._begun = True  # from now on, nothing may be passed over
            now = _date(headers)
            self.position.floor = time_of(now) if now else b""

    def _lose(self, entries: list[Entry], *, passed: bool = False) -> Gap:
        """Give up the place, and go on before *entries*, or behind them when they were *passed*."""
        lost, self.broken, self.doubtful = self.position, False, False
        reason = Lost.CLOCK_STEP if lost.ceiling and not lost.floor else Lost.ROTATED if entries else Lost.REPLACED
        self.position = Position(whole=not entries)
        if passed:
            self.position.add(entries)
        return Gap(lost.newest, b"" if passed or not entries else entries[0].time, reason)

    def _moved(self, lines: list[Entry], parts: list[Entry]) -> Iterator[list[Entry]]:
        """Yield *lines* in portions, each when the place has moved behind the *parts* that it was made of."""
        if not parts:
            return
        self._last_news = self._last_said = self._loop.time()
        size = sum([len(entry[2]) + 32 for entry in parts])
        if lines is not parts or size <= _PORTION:
            self.position.add(parts)
            yield lines
            return
        step = max(len(parts) * _PORTION // size, 1)
        for start in range(0, len(parts), step):
            portion = parts[start : start + step]
            self.position.add(portion)
            yield portion


def _beginning(span: Span) -> Position:
    return Position(time_of(span.since) if span.since else b"", whole=span.tail is None)


def _date(headers: Mapping[str, str]) -> int | None:
    """Return the host's own time, in nanoseconds since 1970; it says whole seconds."""
    try:
        return int(parsedate_to_datetime(headers.get("date", "")).timestamp()) * 1_000_000_000
    except ValueError:
        return None
