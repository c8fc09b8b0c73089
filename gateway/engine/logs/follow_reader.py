"""Reads follow answers of the engine: new entries as they are written.  They can leave entries out, and repeat them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf

from gateway.engine.logs.answer import Answer
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.joint import Joint
from gateway.engine.logs.marks import Marks
from gateway.engine.logs.plain_reader import PlainReader

_REST_SECONDS = 0.05  # for which the parts of a long line wait for the rest
_SILENT_SECONDS = 1.0  # without data, after which an answer is silent
_GUARD_SECONDS = 30.0  # after a break, within which the next run can begin although the answer has not ended


class Next(Enum):
    """What a reader needs next."""

    FOLLOW_ANSWER = "follow answer"  # the present one has left entries out
    PLAIN_ANSWER = "plain answer"
    INSPECTION = "inspection"  # the answer has ended


@dataclass(slots=True)
class _FollowAnswer:
    """A follow answer that is being read."""

    answer: Answer
    marks: Marks
    joint: Joint
    news_at: float
    has_sent: bool = False  # it has had an entry
    was_silent: bool = False


class FollowReader:
    """Sends new entries as they are written.  `is_open` says whether a follow answer is open."""

    def __init__(self, plain: PlainReader) -> None:
        """*plain* reads the plain answers that prove what this reader has sent."""
        self.is_open = False
        self._plain = plain
        self._source, self._sender, self._pace = plain.source, plain.sender, plain.pace
        self._clock = self._sender.clock
        self._guard_until = 0.0

    def guard(self) -> None:
        """For some time after a broken connection, look for the next run before entries are sent."""
        self._guard_until = self._clock() + _GUARD_SECONDS

    async def follow(self) -> Next:
        """Send new entries until something else is needed.  Raises like `PlainReader.catch_up`."""
        position, after = self._sender.position, Next.FOLLOW_ANSWER
        while after is Next.FOLLOW_ANSWER:
            await self._pace.wait()
            whole = position.reaches_beginning or (position.last is None and not position.rotates)
            tail = self._pace.follow_tail(position)
            async with self._source.open(self._sender.run, follow=True, tail=None if whole else tail) as answer:
                self.is_open = True
                try:
                    await self._sender.first_heartbeat()
                    marks, joint = Marks(from_beginning=whole), Joint(position, tail, whole=whole)
                    after = await self._read(_FollowAnswer(answer, marks, joint, self._clock()))
                finally:
                    self.is_open = False
        return after

    async def _read(self, follow: _FollowAnswer) -> Next:
        """Read one answer, to its end or until something else is needed."""
        answer, sender = follow.answer, self._sender
        while not answer.ended:
            entries = await answer.read(self._patience(follow))
            after = await (self._wait(follow) if entries is None else self._take(follow, entries))
            if after is None and not answer.ended and self._clock() >= self._pace.due:
                after = await self._prove(silent=entries is None)
            await sender.heartbeat()
            if after is not None:
                return after
            if sender.is_over:
                return Next.PLAIN_ANSWER
        answer.check_whole()
        return Next.INSPECTION

    def _patience(self, follow: _FollowAnswer) -> float:
        """Return the seconds of silence after which `_wait` must act."""
        now = self._clock()
        rest_at = now + _REST_SECONDS if self._sender.waits_for_rest else inf
        silent_at = inf if follow.was_silent else follow.news_at + _SILENT_SECONDS
        return min(rest_at, silent_at, self._pace.due, self._sender.heartbeat_at, self._sender.ends_at) - now

    async def _wait(self, follow: _FollowAnswer) -> Next | None:
        """Act on a silent answer: send the waiting parts, and check whether the answer has left entries out."""
        sender = self._sender
        await sender.heartbeat()
        sender.flush()
        if follow.was_silent or self._clock() < follow.news_at + _SILENT_SECONDS:
            return None
        follow.was_silent = True
        self._source.retry.succeeded()
        unjoined = sender.position.last is not None and not follow.joint.joined
        if unjoined and not follow.has_sent:
            return Next.FOLLOW_ANSWER
        return await self._prove(silent=True) if unjoined or sender.position.rotates else None

    async def _take(self, follow: _FollowAnswer, entries: list[Entry]) -> Next | None:
        """Send the new entries among *entries*; return None to continue with this answer."""
        joint, sender, has_proven = follow.joint, self._sender, False
        follow.news_at, follow.has_sent = self._clock(), follow.has_sent or bool(entries)
        needs_marks = sender.position.rotates or not joint.joined or follow.marks.can_be_unknown(entries)
        marks = follow.marks.of(entries) if needs_marks else []
        while entries and not sender.ended:
            has_joined = joint.joined
            known, new = joint.take(entries, marks, follow.marks.repeated)
            if joint.joined and not has_joined and not sender.position.rotates and sender.position.is_between_lines:
                follow.marks.begin_lines()
            if new and self._clock() < self._guard_until and await self._is_next_run(entries[known : known + new]):
                return Next.PLAIN_ANSWER
            taken = known + self._send(joint, entries[known : known + new], marks[known : known + new], follow.marks)
            entries, marks = entries[taken:], marks[taken:]
            if 0 < taken == known + new:
                continue
            if has_proven and not taken:  # the plain answer does not show whether the first entry is new
                return Next.FOLLOW_ANSWER
            if (after := await self._prove(silent=False, next_time=entries[0].time)) is not None:
                return after
            has_proven = True
        return Next.PLAIN_ANSWER if sender.ended else None

    def _send(self, joint: Joint, entries: list[Entry], marks: list[int], numbering: Marks) -> int:
        """Send as many new entries as may be believed; return their number."""
        allowed = self._pace.allow(entries)
        if allowed:
            self._source.retry.succeeded()
            joint.previous = marks[allowed - 1] if marks else None
            self._sender.accept(entries[:allowed], marks[:allowed] or None, numbering, believed=True)
        return allowed

    async def _is_next_run(self, entries: list[Entry]) -> bool:
        """Return whether new entries can be of the next run."""
        if self._sender.may_begin_run(entries):
            self._sender.expect(await self._source.next_run(self._sender.position.started))
        return self._sender.expects_run

    async def _prove(self, *, silent: bool, next_time: bytes = b"") -> Next | None:
        """Read a plain answer while the follow answer stays open; return None to continue with the follow answer.

        New entries after a silence show that the follow answer has left them out, because it had the time to send them.
        """
        sender, gaps = self._sender, self._sender.gaps
        new = await self._plain.catch_up(next_time)
        if self._pace.hurried or sender.ended or not sender.run.running:
            return Next.PLAIN_ANSWER
        if sender.gaps > gaps and sender.position.reach:
            return Next.FOLLOW_ANSWER  # it may count the pieces of a line from one that the log does not have any more
        return Next.FOLLOW_ANSWER if silent and new else None
