"""Reads plain answers of the engine: each has all entries of the log from some point up to now."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import inf

from gateway.engine.codec.timestamps import time_of
from gateway.engine.logs.answer import Answer, LogQuery, LogSource
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.marks import UNKNOWN, Marks
from gateway.engine.logs.overlap import Overlap, Verdict
from gateway.engine.logs.pace import Pace
from gateway.engine.logs.records import EndReason
from gateway.engine.logs.runs import stored_bytes
from gateway.engine.logs.sender import Sender

_LAST = 64  # entries that show where the log ends
_MOST_KEPT = 1 << 10  # entries kept in memory to find where their long line begins: 16 MiB
_MOST_REQUESTED = 1 << 20  # entries of an answer that may still begin within a long line; the next one is whole
_SPIN_SECONDS = 3.0  # of silence in an answer with `tail`: Docker 26.1 may never end one


class _NeverEndsError(Exception):
    """The engine does not end a plain answer."""


@dataclass(slots=True)
class _PlainAnswer:
    """A plain answer: an asynchronous iterator of its entries, up to the end of the answer or of the log."""

    answer: Answer
    marks: Marks
    sender: Sender
    spin_seconds: float  # seconds of silence, after which the reader gives up
    count: int = 0  # entries read
    first: bytes = b""  # the time of the first entry
    stored: int = 0  # their largest possible size in the log, if that is needed
    run_inspected: bool = False  # the reader has checked for the next run

    def __aiter__(self) -> AsyncIterator[list[Entry]]:
        return self

    async def __anext__(self) -> list[Entry]:
        """Return the next entries, once the records of those before are sent.  Raises like `Answer.read`."""
        sender = self.sender
        await sender.send()
        silent_at = sender.clock() + self.spin_seconds
        while not (self.answer.ended or sender.ended):
            entries = await self.answer.read(min(silent_at, sender.heartbeat_at) - sender.clock())
            if entries:
                self.first = self.first or entries[0].time
                self.count += len(entries)
                return entries
            await sender.heartbeat()
            if entries is None and sender.clock() >= silent_at:
                raise _NeverEndsError
        raise StopAsyncIteration


class PlainReader:
    """Sends the entries that a log has at the time of the request."""

    def __init__(self, source: LogSource, query: LogQuery, sender: Sender, pace: Pace) -> None:
        self.source = source
        self._query = query
        self.sender = sender
        self.pace = pace
        self._spin_seconds = _SPIN_SECONDS
        self._new = self._new_bytes = 0  # entries sent by this call, and the bytes of their text

    async def catch_up(self, next_time: bytes = b"") -> int:
        """Send all entries after the position, and return their number; 0 on the first call.

        *next_time* is the time of the next entry in a follow answer.  Raises `TransportError`, `APIError` and
        `OperationFailed`.
        """
        sender, new = self.sender, None
        self._new = self._new_bytes = 0
        while new is None:
            try:
                new = await (self._settle(next_time) if sender.position.is_placed else self._begin())
            except _NeverEndsError:
                self._spin_seconds *= 2  # the engine may just be slow
        if new:  # without new entries, the follow answers can still fail one after the other
            self.source.retry.succeeded()
        if not sender.ended and not self._query.follow:
            sender.end(EndReason.COMPLETE)
        elif not sender.ended and sender.expects_run:
            sender.begin_next_run()
        await sender.send()
        return new

    # The first answer

    async def _begin(self) -> int | None:
        """Send what the query asks for.  Return None if this does not give a position, or if more is left."""
        query, sender, is_cut = self._query, self.sender, False
        if query.tail != 0:
            # A long tail is not requested again to find where its first line begins.
            counts = query.tail is None or query.tail > _MOST_KEPT
            async with self._ask(query.tail, since=query.since, until=query.until, from_beginning=counts) as answer:
                async for entries in answer:
                    marks = answer.marks.of(entries) if answer.marks.can_be_unknown(entries) else None
                    if is_cut := marks is not None and UNKNOWN in marks:
                        entries = entries[: marks.index(UNKNOWN)]
                    sender.reconnected()
                    sender.accept(entries, marks and marks[: len(entries)], answer.marks)
                    if is_cut:
                        break
            if not is_cut:
                sender.reconnected()
        if sender.position.is_placed and is_cut:
            return None
        if not (sender.position.is_placed or sender.ended):
            await self._find_end()
        return 0 if sender.position.is_placed or sender.ended else None

    async def _find_end(self) -> None:
        """Move the position to the end of the log.  Send only new entries that the query wants."""
        query, sender = self._query, self.sender
        count = max(_LAST, query.tail or 0)
        last, marks, numbering = await self._last_entries(count)
        first = self._first_wanted(last)
        if query.tail is None and not first and len(last) == count:
            return  # the query finds entries by now, maybe more than these
        sender.position.move(last[:first], marks[:first])
        sender.position.reach_as(numbering)
        sender.reconnected()
        sender.accept(last[first:], marks[first:], numbering)

    async def _last_entries(self, count: int) -> tuple[list[Entry], list[int], Marks]:
        """Return the last entries of the log, their marks, and what has made these."""
        tail: int | None = count
        while True:
            last: deque[Entry] = deque(maxlen=count)
            marks: deque[int] = deque(maxlen=count)
            async with self._ask(tail, from_beginning=tail is None) as answer:
                async for entries in answer:
                    last.extend(entries)
                    marks.extend(answer.marks.of(entries))
            if tail is None or (last and UNKNOWN not in marks):
                return list(last), list(marks), answer.marks
            # Fewer entries than asked for do not show that there are no more.
            tail = 4 * tail if answer.count >= tail else None

    def _first_wanted(self, last: list[Entry]) -> int:
        """Return the number of the first of the *last* entries that the query wants."""
        query, first = self._query, 0
        if query.since is not None:
            since = time_of(query.since)
            first = next((number for number, entry in enumerate(last) if entry.time >= since), len(last))
        return first if query.tail is None else max(first, len(last) - query.tail)

    # Later answers

    async def _settle(self, next_time: bytes) -> int | None:
        """Find the position in the log, and send the entries after it.  Return None if the position was lost."""
        sender, position = self.sender, self.sender.position
        tail, has_paused = self.pace.tail(position), sender.broken or position.has_paused
        while True:
            await self.pace.wait()
            async with self._ask(tail, from_beginning=tail is None) as answer:
                overlap = Overlap(position, answer.marks, whole=tail is None)
                await self._compare(overlap, answer)
            verdict = Verdict.FOUND if sender.ended else overlap.finish()
            if verdict is not Verdict.MORE:
                break
            assert tail is not None
            # Fewer entries than asked for do not show that there are no more.
            has_more = answer.count >= tail or (overlap.is_cut and tail < _MOST_REQUESTED)
            tail = 4 * tail if has_more else None
        if verdict is Verdict.FOUND and (answer.count or sender.ended):
            if not sender.ended:
                self._check_first(overlap, answer, next_time, has_paused=has_paused)
            return self._settled()
        await self.source.inspect()  # raises when the engine is away
        answer.answer.check_whole()
        if verdict is Verdict.FOUND:  # the log is as empty as it was
            sender.reconnected()
            return self._settled()
        sender.broken = False
        # Then the log still has entries that were sent, and to send all of it would repeat them.
        has_sent = overlap.repeats and sender.run.rotation.max_files > 1
        if verdict is Verdict.LOST and not has_sent:
            return await self._send_after_loss(position.anchor_time)
        position.is_placed = False
        position.proven()
        sender.gap(overlap.last_found, b"")
        self._query = replace(self._query, since=None, tail=0)
        return None

    async def _compare(self, overlap: Overlap, answer: _PlainAnswer) -> None:
        """Send the new entries of a plain answer, after the gaps before them."""
        sender, position = self.sender, self.sender.position
        async for entries in answer:
            had_found = overlap.found
            needs_marks = position.rotates or not had_found or answer.marks.can_be_unknown(entries)
            marks = answer.marks.of(entries) if needs_marks else []
            begin, end = overlap.feed(entries, marks)
            if overlap.is_whole and position.rotates:
                answer.stored += stored_bytes(entries)
            if overlap.found and not had_found:
                self._prove(overlap)
                position.reach_as(answer.marks)
                sender.reconnected()
            if begin < end:
                # Only the end of an answer shows its size.  A reader that leaves before has to compare again.
                believed = overlap.is_ambiguous or overlap.from_beginning
                await self._send(answer, entries[begin:end], marks[begin:end] or None, believed=believed)
            if overlap.is_cut:
                return

    def _prove(self, overlap: Overlap) -> None:
        """Note that the entries that were sent are found, after the gaps between them."""
        sender, position = self.sender, self.sender.position
        if not overlap.gaps:
            position.proven()
            return
        sender.broken = False
        sender.flush()
        position.proven_with_gaps(overlap.last_marks)
        for after, before in overlap.gaps:
            sender.gap(after, before)

    def _check_first(self, overlap: Overlap, answer: _PlainAnswer, next_time: bytes, *, has_paused: bool) -> None:
        """Send a gap if the position was found only on condition that the log has all its entries, and it may not.

        *has_paused*: much can have been written since the last answer.
        """
        rotation = self.sender.run.rotation
        self.sender.position.proven()
        if rotation.max_files == 1 and not has_paused:
            is_whole = rotation.was_never_full(answer.stored)
        else:
            is_whole = rotation.never_removed(answer.stored)
        if overlap.from_beginning:
            # For one file, the next entry of the follow answer counts as the first of the log.
            if not (is_whole or (rotation.max_files == 1 and next_time == answer.first)):
                self.sender.gap(b"", answer.first)
        elif overlap.is_ambiguous and not is_whole:
            self.sender.gap(overlap.anchor_time, overlap.anchor_time)

    async def _send_after_loss(self, lost: bytes) -> int:
        """Send a gap after the time *lost*, and then the whole log, which does not contain the position any more."""
        sender, position = self.sender, self.sender.position
        await self.pace.wait()
        async with self._ask(None) as answer:
            async for entries in answer:
                marks = answer.marks.of(entries)
                if answer.count == len(entries):
                    sender.flush()
                    position.move_before(marks[0])
                    sender.gap(lost, entries[0].time)
                await self._send(answer, entries, marks)
        if not answer.count:
            sender.flush()
            position.move([], [])
            sender.gap(lost, b"")
        return self._settled()

    async def _send(
        self, answer: _PlainAnswer, entries: list[Entry], marks: list[int] | None, *, believed: bool = False
    ) -> None:
        """Send new entries of a plain answer.  Check at most once whether they can be of the next run."""
        sender = self.sender
        if self._query.follow and not answer.run_inspected and sender.may_begin_run(entries):
            answer.run_inspected = True
            sender.expect(await self.source.next_run(sender.position.started))
        self._new += len(entries)
        self._new_bytes += sum([len(entry[2]) for entry in entries])
        sender.accept(entries, marks, answer.marks, believed=believed)

    def _settled(self) -> int:
        self.sender.position.has_paused = False
        self.pace.settled(self._new, self._new_bytes)
        return self._new

    @asynccontextmanager
    async def _ask(
        self, tail: int | None, *, since: int | None = None, until: int | None = None, from_beginning: bool = True
    ) -> AsyncIterator[_PlainAnswer]:
        spin_seconds = inf if tail is None or since is not None else self._spin_seconds
        async with self.source.open(self.sender.run, tail=tail, since=since, until=until) as answer:
            marks = Marks(from_beginning=from_beginning)
            yield _PlainAnswer(answer, marks, self.sender, spin_seconds)
