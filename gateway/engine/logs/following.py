"""Reads a container's log from a cursor on, to an end that is a statement: over broken connections and restarts.

The rule is in `overlap`; what the end of an answer means is in `states`.  Here is the I/O: a loop of steps, each of
which reads one piece of an answer or asks one question, and returns the next step.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

from gateway.engine import queries
from gateway.engine.client import APIError, Engine, NotFound
from gateway.engine.codec.timestamps import nanoseconds, time_of
from gateway.engine.errors import Disconnected
from gateway.engine.logs.answer import Answer, LogQuery, exit_code_of, log_request
from gateway.engine.logs.cursor import LogCursor, Marks
from gateway.engine.logs.entries import Entry, Lines
from gateway.engine.logs.overlap import Joint, Overlap, Position, Verdict
from gateway.engine.logs.pace import Pace
from gateway.engine.logs.records import Batch, End, EndReason, Gap, GapReason, Heartbeat, Reconnected, Record, Restarted
from gateway.engine.logs.runs import Run, stored_bytes
from gateway.engine.logs.states import Action, Container, FollowState
from gateway.engine.resumable.retry import Retry
from gateway.engine.resumable.subscription import HEARTBEAT_SECONDS

Step = Callable[[], Awaitable[Any]]  # returns the next step

_PORTION = 256 << 10  # bytes of entries in one batch, unless parts of lines are among them
_ENTRY_BYTES = 100  # that an entry takes besides its text
_REST_SECONDS = 0.05  # how long the parts of a long line wait for its rest
_TAIL = 64  # entries among which the end of a log is looked for
_SPIN_SECONDS = 3.0  # of silence in an answer with `tail`: Docker 26.1 may never end one
_POLL_SECONDS = 0.3  # between two looks at a stopped container whose restarts are followed
_EXIT_SECONDS = 0.5  # within which the state of a container follows the end of its log
_REMOVAL_SECONDS = 10.0  # that the removal of a container may take
_GUARD_SECONDS = 30.0  # after a break, within which a run may begin without an end of the answer
_RESTART = 100_000_000  # nanoseconds that lie between the output of two runs, at least
_TENTHS = len(b"2026-05-01T10:00:00.1")  # of a canonical time, up to tenths of a second
_CONFLICT = 409


@dataclass(slots=True)
class _Plain:
    """A plain answer that is being read."""

    answer: Answer
    tail: int | None  # with how many entries it begins; None: all
    marks: Marks
    epoch: int  # of the engine, when it was asked
    news_at: float
    overlap: Overlap | None = None  # None: all of it is new
    may_spin: bool = False
    count: int = 0
    size: int = 0  # bytes that the log takes for its entries at most, as long as that matters
    first: bytes = b""  # the time of its first entry
    brought: int = 0  # entries that were new
    brought_bytes: int = 0  # of their texts


@dataclass(slots=True)
class _Follow:
    """A follow answer that is being read."""

    answer: Answer
    marks: Marks
    joint: Joint
    epoch: int
    news_at: float
    entries: list[Entry] = field(default_factory=list)  # read, and not judged yet
    entry_marks: list[int] = field(default_factory=list)
    asked: bool = False  # a plain answer was read since, to find out what the first of them is
    heard: bool = False
    was_silent: bool = False  # for a second, for the first time
    checking: bool = False  # whether anything was left out before a silence


class Follower:
    """One reader of one container's log.

    `next` returns record after record, the last one an `End`.  A *live* reader waits for what is written.  Another one
    has `caught_up` when it has sent all that there was; its next call reads what was written since.  `position`
    is what was sent, and `run` the container's run that is being read.
    """

    def __init__(
        self,
        engine: Engine,
        container: str,
        query: LogQuery,
        run: Run,
        cursor: LogCursor | None = None,
        *,
        live: bool,
        current: Position | None = None,
        reconnect_timeout_seconds: float = 60.0,
        heartbeat_seconds: float | None = HEARTBEAT_SECONDS,
        count: Callable[[Gap | Reconnected], None] = lambda record: None,
    ) -> None:
        """*container* is a full id, and *run* what the engine says of it now.

        Reading begins at *cursor*, or at *current*, the position of a reader that has caught up; else as *query* says.
        Without *heartbeat_seconds* there are no heartbeats.  *count* is called once for each gap and reconnect.
        """
        self.caught_up = False
        self._engine = engine
        self._container = container
        self._query = query
        self._live = live
        self._count = count
        self._heartbeat_seconds = heartbeat_seconds
        self._clock = asyncio.get_running_loop().time
        self._retry = Retry(reconnect_timeout_seconds, clock=self._clock)
        self._pace = Pace(run.rotation, self._clock)
        self._out: list[Record] = []
        self._ended = False
        self.position = current or Position(cursor, run.rotation, run.started)
        self._lines = Lines()
        self._plain: _Plain | None = None
        self._follow: _Follow | None = None
        self._tail: int | None = None  # of the next plain answer, unless the pace says it
        self._lost: bytes | None = None  # the time of the last entry before a gap that is to be sent
        self._broken = False  # a reconnect is to be sent
        self.run = run
        self._coming: Run | None = None  # the next run, until what is left of this one is sent
        self._run_asked = False  # since the present answer began
        self._stopped = not run.running
        self._whole = True  # the last follow answer ended whole
        self._state = FollowState(follow_restarts=query.follow_restarts, was_running=run.running)
        self._guard_until = 0.0
        self._said_at = self._news_at = self._clock()
        self._said = False
        self._spin_seconds = _SPIN_SECONDS
        self._certain = False  # the log of a container that has stopped is sent
        self._wait_until = 0.0
        self._after_wait: Step = self._begin
        self._removal_until: float | None = None
        self._step: Step = self._begin if cursor is None else self._settle
        if current is not None:
            self._step, self._retry.began = self._read_follow, True
        if query.follow and self.position.started != run.started:
            self._coming = run

    @property
    def cursor(self) -> LogCursor:
        """The position after the last record."""
        return self.position.cursor()

    @property
    def follows(self) -> bool:
        """Whether what comes is being written now."""
        return self._follow is not None and not self._pace.hurried

    async def next(self) -> list[Record]:
        """Return what comes next: nothing only if there is no more at present, and this reader is not live.

        Raises `TransportError`, `APIError` or `OperationFailed` when the log is broken and stays so.
        """
        self.caught_up = False
        while not self._out and not self.caught_up:
            try:
                self._step = await self._step()
            except Exception as error:
                await self.close()
                self._step = self._failed(error)
        out, self._out = self._out, []
        return out

    async def close(self) -> None:
        """Close the connections."""
        await self._close_plain()
        await self._close_follow()

    # The first answer

    async def _begin(self) -> Step:
        """Read a piece of the answer that the query asks for."""
        query = self._query
        if query.tail == 0:
            return self._find_end
        if self._plain is None:
            self._plain = await self._ask(query.tail, since=query.since, until=query.until, from_beginning=True)
        plain = self._plain
        entries = await self._read(plain)
        if self._broken and (entries or plain.answer.ended):
            self._say_reconnected()
        if entries:
            self._accept(entries, None, plain.marks)
        if self._plain is None:  # it would never have ended
            return self._again()
        if self._ended or not plain.answer.ended:
            return self._begin
        await self._close_plain()
        return self._up_to_date() if self.position.is_placed else self._find_end

    async def _find_end(self) -> Step:
        """Put the position at the end of the log: nothing is sent, but what the query wants and has come just now."""
        query = self._query
        kept: list[Entry] = []
        for tail in (max(_TAIL, query.tail or 0), None):  # fewer than asked for does not show that there are no more
            plain = self._plain = await self._ask(tail, from_beginning=True)
            last: deque[Entry] = deque(maxlen=max(_TAIL, query.tail or 0))
            while self._plain is plain and not plain.answer.ended:
                last.extend(await self._read(plain) or ())
            if self._plain is None:
                return self._find_end
            await self._close_plain()
            kept = list(last)
            if kept:
                break
        first = self._first_wanted(kept)
        if query.since is not None and kept and not first and len(kept) == last.maxlen:
            return self._begin  # so much has come that the query itself will find it
        marks = Marks(from_beginning=True)
        self.position.move(kept[:first], marks.of(kept[:first]))
        if kept[first:]:
            self._accept(kept[first:], None, marks)
        if self._broken:
            self._say_reconnected()
        return self._up_to_date()

    def _first_wanted(self, kept: list[Entry]) -> int:
        """Return which is the first of the log's last entries that the query wants."""
        query, first = self._query, 0
        if query.since is not None:
            since = time_of(query.since)
            first = next((number for number, entry in enumerate(kept) if entry.time >= since), len(kept))
        return first if query.tail is None else max(first, len(kept) - query.tail)

    # Plain answers

    async def _settle(self) -> Step:
        """Read a piece of a plain answer: it proves what is believed, and has all that follows."""
        if self._plain is None:
            await self._pace.turn()
            tail = (self._pace.tail(self.position) if self._tail is None else self._tail) or None
            self._plain = await self._ask(tail, from_beginning=not tail and not self.run.rotation.rotates)
            if self._lost is None:
                self._plain.overlap = Overlap(self.position, whole=not tail)
        plain = self._plain
        if entries := await self._read(plain):
            await self._compare(plain, entries)
        if self._plain is None:  # it would never have ended
            self._tail = plain.tail
        if self._ended or self._plain is None or not plain.answer.ended:
            return self._settle
        await self._close_plain()
        return await self._judge(plain)

    async def _compare(self, plain: _Plain, entries: list[Entry]) -> None:
        """Send those of the entries of a plain answer that are new, and what is missing before them."""
        overlap, position = plain.overlap, self.position
        known = overlap is None or overlap.found
        marks = None if known and self._lost is None and not self.run.rotation.rotates else plain.marks.of(entries)
        start = 0
        if self._lost is not None and marks is not None:
            self._flush()
            position.stand_before(marks[0])
            self._gap(self._lost, entries[0].time)
            self._lost = None
        if overlap is not None and not known and marks is not None:
            start = overlap.feed(entries, marks)
            if not overlap.found:
                return
            self._found(overlap)
        if overlap is not None and overlap.from_beginning:
            plain.size += stored_bytes(entries)
        if start == len(entries):
            return
        new, marks = entries[start:], None if marks is None else marks[start:]
        if not self._run_asked and position.is_placed and self._query.follow:
            await self._look_for_run(new)
        plain.brought += len(new)
        plain.brought_bytes += sum([len(entry[2]) for entry in new])
        self._accept(new, marks, plain.marks)

    def _found(self, overlap: Overlap) -> None:
        """Take note that the position is found, with all that is believed."""
        self.position.proven()
        if self._broken and not overlap.gaps:
            self._say_reconnected()
        self._broken = False
        for after, before in overlap.gaps:
            self._gap(after, before)

    async def _judge(self, plain: _Plain) -> Step:
        """Return what follows a plain answer that was read to its end."""
        overlap, position = plain.overlap, self.position
        verdict = Verdict.FOUND if overlap is None else overlap.finish()
        self._tail = None
        if verdict is Verdict.MORE:
            assert plain.tail is not None
            # Fewer than asked for does not show that there are no more.
            self._tail = 4 * plain.tail if plain.count >= plain.tail else 0
            return self._settle
        if verdict is not Verdict.FOUND:
            await self._look(patiently=False)  # raises when the engine is away
            if plain.epoch != self._engine.epoch:
                raise Disconnected("the host ended the log early", sent=True)
        if verdict is Verdict.LOST:
            self._lost, self._tail, self._broken = position.anchor_time, 0, False
            return self._settle
        if verdict is Verdict.TORN and overlap is not None:
            position.proven()
            self._broken = False
            self._gap(overlap.last_found, b"")
            self._query = replace(self._query, since=None, tail=0)
            return self._find_end
        if self._lost is not None:  # and the log is empty
            self._flush()
            position.move([], [])
            self._gap(self._lost, b"")
            self._lost = None
        elif overlap is not None and overlap.from_beginning and plain.count and not self._begins_at(plain):
            self._gap(b"", plain.first)
        self._pace.settled(plain.brought, plain.brought_bytes)
        return self._up_to_date(plain.brought)

    def _up_to_date(self, brought: int = 0) -> Step:
        """Return what follows a plain answer after which all is sent; *brought*: how much it had that was new."""
        if brought:  # else the follow answer may still end at once, again and again
            self._retry.succeeded()
        if not self._query.follow:
            return self._end(EndReason.COMPLETE)
        if self._coming is not None:
            self._turn_to_next_run()
            if self._ended:
                return self._settle
        if self._stopped and (self._live or not self._query.follow_restarts):
            return self._act(self._state.after(Container.STOPPED, whole=True, certain=True), self.run)
        if not self._live:
            self._flush()  # for the reader that continues from here
            self.caught_up = True
            return self._settle
        if self._pace.hurried:
            return self._hurry()
        if self._follow is not None and self._follow.checking:
            self._follow.checking = False
            if brought:  # it had the time to send that
                return self._follow_anew()
        return self._read_follow

    def _begins_at(self, plain: _Plain) -> bool:
        """Return whether a plain answer begins where the log began, which was empty when it was first seen."""
        if self.run.rotation.never_removed(plain.size):
            return True
        # With one file that cannot be shown.  Then the first entry that came to a follower is taken for the log's.
        follow = self._follow
        heard = follow.entries[0].time if follow is not None and follow.entries else b""
        return self.run.rotation.max_files == 1 and heard == plain.first

    # Follow answers

    def _hurry(self) -> Step:
        return partial(self._leave_follow, self._settle)

    def _follow_anew(self) -> Step:
        return partial(self._leave_follow, self._read_follow)

    async def _leave_follow(self, then: Step) -> Step:
        """Leave the follow answer: the log is written too fast for it, or it has left something out."""
        await self._close_follow()
        return then

    async def _read_follow(self) -> Step:
        """Read a piece of a follow answer."""
        if self._follow is None:
            self._follow = await self._ask_follow()
        follow = self._follow
        if not follow.entries and not follow.answer.ended:
            entries = await follow.answer.read(self._patience(follow))
            if entries is None:
                return self._silence(follow)
            follow.entries, follow.asked, follow.news_at = entries, False, self._clock()
            follow.heard |= bool(entries)
            if entries and (self.run.rotation.rotates or not follow.joint.joined):
                follow.entry_marks = follow.marks.of(entries)
        if follow.entries and (step := await self._take(follow)) is not None:
            return step
        if self._ended:
            return self._read_follow
        if follow.answer.ended:
            self._whole = follow.epoch == self._engine.epoch
            await self._close_follow()
            return self._inspect
        due = self._pace.due if self.run.rotation.rotates else None
        return self._settle if due is not None and due <= self._clock() else self._read_follow

    async def _ask_follow(self) -> _Follow:
        await self._pace.turn()
        rotates = self.run.rotation.rotates
        tail = None if self.position.last is None and not rotates else self._pace.follow_tail
        epoch = self._engine.epoch
        answer = await self._open(follow=True, tail=tail)
        if self._heartbeat_seconds is not None and not self._said:
            self._put(Heartbeat(self.cursor, 0.0))  # so its reader has a position to come back to
        joint = Joint(self.position, tail, rotates=rotates)
        return _Follow(answer, Marks(from_beginning=tail is None), joint, epoch, self._clock())

    async def _take(self, follow: _Follow) -> Step | None:
        """Send what is new of the entries of a follow answer; return the next step when they are not all judged."""
        while follow.entries:
            if follow.joint.joined and not self.run.rotation.rotates:
                known, new = 0, len(follow.entries)
            else:
                known, new = follow.joint.take(follow.entries, follow.entry_marks)
            follow.entries, follow.entry_marks = follow.entries[known:], follow.entry_marks[known:]
            if new:
                entries, marks = follow.entries[:new], follow.entry_marks[:new]
                if self._clock() < self._guard_until and await self._look_for_run(entries):
                    return self._hurry()
                allowed = self._pace.allow(entries) if self.run.rotation.rotates else new
                follow.entries, follow.entry_marks = follow.entries[allowed:], follow.entry_marks[allowed:]
                if allowed:
                    self._retry.succeeded()
                    follow.joint.previous = marks[allowed - 1] if marks else None
                    self._accept(entries[:allowed], marks[:allowed] or None, follow.marks, believed=True)
                if allowed < new:
                    self._pace.use_up()
                    return self._hurry() if self._pace.hurried else self._settle
            elif not known:
                if follow.asked:
                    return self._follow_anew()
                follow.asked = True
                return self._settle
        return None

    def _patience(self, follow: _Follow) -> float | None:
        """Return for how long the follow answer may be silent before there is something else to do."""
        now = self._clock()
        times = [now + _REST_SECONDS] if self._lines.waiting else []
        if not follow.was_silent:
            times.append(self._pace.silent_at(follow.news_at))
        if (due := self._pace.due) is not None:
            times.append(due)
        if self._heartbeat_seconds is not None:
            times.append(self._said_at + self._heartbeat_seconds)
        return max(min(times) - now, 0.001) if times else None

    def _silence(self, follow: _Follow) -> Step:
        """Return what to do when nothing has come for a while."""
        now, due = self._clock(), self._pace.due
        self._beat()
        if self._lines.waiting:
            self._flush()
        first = not follow.was_silent and now >= self._pace.silent_at(follow.news_at)
        if first:
            self._retry.succeeded()
            follow.was_silent = True
            if not follow.joint.joined and self.position.last is not None:
                return self._check if follow.heard else self._follow_anew()
            if self.run.rotation.rotates:
                return self._check
        if due is not None and due <= now:
            return self._check
        return self._read_follow

    async def _check(self) -> Step:
        """Find out whether the follow answer has left something out."""
        if self._follow is not None:
            self._follow.checking = True
        return self._settle

    # The end of an answer

    async def _inspect(self) -> Step:
        """Look at the container, and act on what that says."""
        run = await self._look(patiently=self._whole and not self._certain)
        container = Container.of(run, self.position.started)
        certain, self._certain = self._certain, False
        return self._act(self._state.after(container, whole=self._whole, certain=certain), run)

    def _act(self, action: Action, run: Run | None) -> Step:
        if run is None or action is Action.END_REMOVED:
            return self._removed
        self._stopped = not run.running and action is not Action.NEXT_RUN
        if action is Action.NEXT_RUN:
            self._coming = run
            return self._again()
        self.run = run
        match action:
            case Action.RETRY:
                self._broken, self._guard_until = True, self._clock() + _GUARD_SECONDS
                if not self._whole:
                    return self._again()
                error = Disconnected("the host ends the log although the container runs on", sent=True)
                return self._pause(self._retry.failed(error), self._again())
            case Action.READ_REST:
                return self._again()
            case Action.WAIT:
                self._flush()
                self._certain = self._whole = True
                return self._pause(_POLL_SECONDS, self._inspect)
        reason = action.value
        assert isinstance(reason, EndReason)
        return self._end(reason, run.exit_code)

    def _again(self) -> Step:
        return self._settle if self.position.is_placed else self._begin

    def _failed(self, error: Exception) -> Step:
        """Return what follows a failure.  Raises *error* when nothing does."""
        if isinstance(error, NotFound):
            return self._removed
        if isinstance(error, APIError) and error.status_code == _CONFLICT:
            if self._removal_until is None:
                self._removal_until = self._clock() + _REMOVAL_SECONDS
            if self._clock() < self._removal_until:
                return self._await_removal
        pause = self._retry.failed(error)
        self._broken, self._whole = True, False
        return self._pause(pause, self._inspect if self._query.follow else self._again())

    async def _await_removal(self) -> Step:
        """Find out how a container ends that is being removed: its log cannot be read any more."""
        run = await self._look(patiently=False)
        if run is None or not self._query.follow:
            return self._removed
        if run.running:
            return self._pause(_POLL_SECONDS / 3, self._again())  # which says whether it still is
        return self._act(self._state.after(Container.STOPPED, whole=True, certain=True), run)

    async def _removed(self) -> Step:
        """End the log of a container that is gone, with its exit code if anybody knows it."""
        code = None
        if self._query.follow and self._state.was_running:
            code = self.run.exit_code if self._stopped else await exit_code_of(self._engine, self._container, self.run)
        return self._end(EndReason.REMOVED if code is None else EndReason.EXITED, code)

    async def _look(self, *, patiently: bool) -> Run | None:
        """Return the state of the container; None when it is gone.

        *patiently*: one that runs is looked at again for a moment, for its log ends a little before it is said to.
        """
        until = self._clock() + (_EXIT_SECONDS if patiently and self._query.until is None else 0)
        while True:
            try:
                run = Run.of(await queries.inspect(self._engine, self._container))
            except NotFound:
                return None
            same = Container.of(run, self.position.started) is Container.RUNNING
            if not same or self._clock() >= until:
                return run
            await asyncio.sleep(_EXIT_SECONDS / 10)

    async def _look_for_run(self, entries: Sequence[Entry]) -> bool:
        """Return whether *entries*, the next ones, may be of another run, and take note of it.

        Between the output of two runs there is time; where there is none, the container need not be looked at.
        """
        if self._run_asked or self._coming is not None:
            return False
        times = [self.position.time or entries[0].time, *[entry[1] for entry in entries]]
        if not any(
            before[:_TENTHS] != after[:_TENTHS] and abs(nanoseconds(after) - nanoseconds(before)) >= _RESTART
            for before, after in pairwise(times)
        ):
            return False
        self._run_asked = self._plain is not None
        run = await self._look(patiently=False)
        if run is None or Container.of(run, self.position.started) is not Container.OTHER_RUN:
            return False
        self._coming = run
        return True

    def _turn_to_next_run(self) -> None:
        """Say that what follows is of the next run."""
        run = self._coming
        assert run is not None
        self._flush()
        self.run, self._coming, self._stopped = run, None, not run.running
        self.position.started = run.started
        self._state.was_running = True
        if self._query.follow_restarts:
            self._put(Restarted(self.cursor, run.started))
        else:
            self._end(EndReason.RESTARTED)

    # Requests

    async def _ask(
        self, tail: int | None, *, since: int | None = None, until: int | None = None, from_beginning: bool = False
    ) -> _Plain:
        epoch = self._engine.epoch
        answer = await self._open(tail=tail, since=since, until=until)
        self._run_asked = False
        may_spin = tail is not None and since is None
        marks = Marks(from_beginning=from_beginning)
        return _Plain(answer, tail, marks, epoch, self._clock(), may_spin=may_spin)

    async def _open(self, *, follow: bool = False, **numbers: int | None) -> Answer:
        request = log_request(self._container, follow=follow, details=self._query.details, **numbers)
        answer = await Answer.open(self._engine, request, terminal=self.run.terminal, details=self._query.details)
        self._retry.began = True
        return answer

    async def _read(self, plain: _Plain) -> list[Entry] | None:
        """Read a piece of a plain answer; None while nothing comes.  One that would never end is closed."""
        now, times = self._clock(), []
        if plain.may_spin:
            times.append(plain.news_at + self._spin_seconds)
        if self._heartbeat_seconds is not None:
            times.append(self._said_at + self._heartbeat_seconds)
        entries = await plain.answer.read(max(min(times) - now, 0.001) if times else None)
        now = self._clock()
        if entries is None:
            self._beat()
            if plain.may_spin and now - plain.news_at >= self._spin_seconds:
                self._spin_seconds *= 2  # unless it is but slow
                await self._close_plain()
            return None
        plain.news_at = now
        if entries and not plain.count:
            plain.first = entries[0].time
        plain.count += len(entries)
        return entries

    async def _close_plain(self) -> None:
        plain, self._plain = self._plain, None
        if plain is not None:
            await plain.answer.close()

    async def _close_follow(self) -> None:
        follow, self._follow = self._follow, None
        if follow is not None:
            await follow.answer.close()

    def _pause(self, seconds: float, then: Step) -> Step:
        self._wait_until, self._after_wait = self._clock() + seconds, then
        return self._wait

    async def _wait(self) -> Step:
        now, until = self._clock(), self._wait_until
        if self._heartbeat_seconds is not None:
            until = min(until, self._said_at + self._heartbeat_seconds)
        await asyncio.sleep(max(until - now, 0))
        self._beat()
        return self._after_wait if self._clock() >= self._wait_until else self._wait

    # Records

    def _accept(
        self, entries: list[Entry], marks: list[int] | None, numbering: Marks, *, believed: bool = False
    ) -> None:
        """Accept entries, the next ones of the log; *numbering* gives them marks where *marks* are absent."""
        if (self._coming is not None or self._query.until is not None) and (cut := self._cut(entries)) is not None:
            if entries[:cut]:
                self._accept(entries[:cut], marks and marks[:cut], numbering, believed=believed)
            if self._coming is not None and self._is_of_next_run(entries[cut]):
                self._turn_to_next_run()
            else:
                self._end(EndReason.COMPLETE)
            if not self._ended:
                self._accept(entries[cut:], marks and marks[cut:], numbering, believed=believed)
            return
        self._news_at = self._clock()
        lines, parts = self._lines.feed(entries)
        if marks is None and parts is entries and not self.run.rotation.rotates:
            numbering.pass_over()
        elif marks is None:
            marks = numbering.of(entries)
        if believed:
            self.position.believe(entries, marks)
        else:
            self.position.prove(entries, marks)
        self._emit(lines, parts)

    def _cut(self, entries: list[Entry]) -> int | None:
        """Return which is the first entry that is not of this run, or not wanted."""
        until = b"" if self._query.until is None else time_of(self._query.until)
        return next(
            (
                number
                for number, entry in enumerate(entries)
                if (until and entry.time > until) or (self._coming is not None and self._is_of_next_run(entry))
            ),
            None,
        )

    def _is_of_next_run(self, entry: Entry) -> bool:
        return self._coming is not None and entry.time > self._coming.begin()

    def _emit(self, lines: list[Entry], parts: list[Entry]) -> None:
        """Send lines in portions, each with the position after the parts that it was made of."""
        if not parts:
            return
        size = sum([len(entry[2]) for entry in parts]) + _ENTRY_BYTES * len(parts)
        if size <= _PORTION or lines is not parts:
            self.position.emit(parts)
            self._put(Batch(self.position.cursor(), lines, parts, size if lines is parts else 2 * size))
            return
        step = max(len(parts) * _PORTION // size, 1)
        for start in range(0, len(parts), step):
            portion = parts[start : start + step]
            self.position.emit(portion)
            self._put(Batch(self.position.cursor(), portion, portion, size * len(portion) // len(parts)))

    def _flush(self) -> None:
        """Send what waits for the rest of a line."""
        self._emit(*self._lines.flush())

    def _gap(self, after: bytes, before: bytes) -> None:
        self._flush()
        reason = GapReason.ROTATED if self.run.rotation.rotates else GapReason.REPLACED
        gap = Gap(self.cursor, after, before, reason)
        self._count(gap)
        self._put(gap)

    def _say_reconnected(self) -> None:
        self._broken = False
        self._flush()
        reconnected = Reconnected(self.cursor)
        self._count(reconnected)
        self._put(reconnected)

    def _beat(self) -> None:
        now = self._clock()
        if self._heartbeat_seconds is not None and now - self._said_at >= self._heartbeat_seconds:
            self._put(Heartbeat(self.cursor, now - self._news_at))

    def _end(self, reason: EndReason, exit_code: int | None = None) -> Step:
        self._flush()
        self._ended = True
        self._put(End(self.cursor, reason, exit_code))
        return self._settle

    def _put(self, record: Record) -> None:
        self._said, self._said_at = True, self._clock()
        self._out.append(record)
