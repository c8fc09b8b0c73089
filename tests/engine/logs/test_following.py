"""Followed logs: whatever breaks, what comes is exact, and the end is a statement."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from gateway.engine.client import APIError
from gateway.engine.codec.timestamps import time_of
from gateway.engine.errors import OperationFailed
from gateway.engine.logs import pace, plain_reader
from gateway.engine.logs.answer import LogQuery
from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.following import Follower
from gateway.engine.logs.records import Batch, End, EndReason, Gap, GapReason, Heartbeat, Reconnected, Record, Restarted
from gateway.engine.logs.runs import Run
from gateway.engine.queries import Inspection
from gateway.engine.resumable.pull import pulled
from tests.support.fake_engine import FakeEngine, ResponseParser, frame
from tests.support.fake_log import ID, LOGS, NOON, SECOND, STATE, Log, state
from tests.support.upstream import engine_at

LINES = tuple(b"%d\n" % number for number in range(8))
ROTATED = {"max-size": "1m", "max-file": "3"}
RECONNECTED = "reconnected"


def end(reason: EndReason, exit_code: int | None = None) -> tuple[str, EndReason, int | None]:
    """Return the text of `sent` for an end."""
    return "end", reason, exit_code


def gap(after: int | None, before: int | None, reason: GapReason = GapReason.ROTATED) -> tuple[str, Any, Any, Any]:
    """Return the text of `sent` for a gap between two times, in nanoseconds after noon."""
    begin, end = (b"" if time is None else time_of(NOON + time) for time in (after, before))
    return "gap", begin, end, reason


def position(record: Record) -> list[Any]:
    """Return the lines of a record, or what else it says."""
    match record:
        case Batch(_, lines):
            return [line.line for line in lines]
        case Gap(_, after, before, reason):
            return [("gap", after, before, reason)]
        case End(_, reason, exit_code):
            return [("end", reason, exit_code)]
        case Restarted(_, started):
            return [("restarted", started)]
        case Heartbeat():
            return []
        case _:
            assert isinstance(record, Reconnected)
            return [RECONNECTED]


class Reader:
    """A follower that reads on when it is asked to."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.pieces = pulled(follower.read)

    @property
    def cursor(self) -> LogCursor:
        """The follower's cursor."""
        return self.follower.cursor

    async def next(self) -> list[Record]:
        """Return what comes next."""
        return await anext(self.pieces)


@asynccontextmanager
async def following_of(
    daemon: FakeEngine, first: dict[str, Any], cursor: LogCursor | None = None, **keys: Any
) -> AsyncIterator[Reader]:
    """Give a reader of the container's log, where *first* is what an inspection says of the container."""
    names = ("since", "until", "tail", "follow", "follow_restarts")
    query = LogQuery(**{"follow": True} | {name: keys.pop(name) for name in names if name in keys})
    async with engine_at(daemon.address) as engine:
        reader = Reader(Follower(engine, ID, query, Run.of(Inspection(first)), cursor, **{"live": query.follow} | keys))
        async with aclosing(reader.pieces):
            yield reader


async def read(follower: Reader, enough: int = 1000) -> list[Any]:
    """Return what a follower tells, to its end or up to *enough* things."""
    things: list[Any] = []
    async with asyncio.timeout(30):
        while len(things) < enough:
            for record in await follower.next():
                things += position(record)
                if isinstance(record, End):
                    return things
    return things


@pytest.fixture
async def daemon() -> AsyncIterator[FakeEngine]:
    """The engine."""
    async with FakeEngine() as daemon:
        yield daemon


# Breaks


@pytest.mark.parametrize("cut", range(9))
@pytest.mark.parametrize("log", [{}, ROTATED], ids=["one file", "rotated"])
async def test_a_broken_plain_answer_is_continued(daemon: FakeEngine, cut: int, log: dict[str, str]) -> None:
    """Every line is sent once, wherever the connection breaks, and the reader receives a `Reconnected`."""
    daemon.on(*LOGS, Log(*LINES, plain=[(cut, "cut")], script=[(8, "end")]))
    daemon.on(*STATE, json=state(log=log), times=1)
    daemon.on(*STATE, json=state(running=False, code=3, log=log))

    async with following_of(daemon, state(log=log)) as follower:
        things = await read(follower)

    assert [one for one in things if isinstance(one, bytes)] == list(LINES)
    assert things[-1] == end(EndReason.EXITED, 3)
    assert things.count(RECONNECTED) == 1


@pytest.mark.parametrize("ends", ["cut", "end"])
async def test_a_follow_answer_that_ends_while_the_container_runs_is_a_break(daemon: FakeEngine, ends: str) -> None:
    """However clean the answer ended: a container that runs has not finished its log."""
    log = Log(*LINES[:3], script=[(3, ends)])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state())

    async with following_of(daemon, state()) as follower:
        assert await read(follower, 3) == list(LINES[:3])
        log.write((NOON + 3 * SECOND, LINES[3], 1))

        assert await read(follower, 2) == [RECONNECTED, LINES[3]]


async def test_what_is_left_after_a_break_is_read_before_the_end(daemon: FakeEngine) -> None:
    """A container that exits while its log is broken loses nothing."""
    log = Log(*LINES[:2], script=[(2, "cut")])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(running=False, code=137))

    async with following_of(daemon, state()) as follower:
        assert await read(follower, 2) == list(LINES[:2])
        log.write(*((NOON + n * SECOND, line, 1) for n, line in enumerate(LINES) if n >= 2))

        assert await read(follower) == [RECONNECTED, *LINES[2:], end(EndReason.EXITED, 137)]


async def test_an_error_text_is_tried_again(daemon: FakeEngine) -> None:
    """An engine that meets a rotation may end an answer with "unexpected EOF"; nothing is lost by it."""
    log, failures = Log(*LINES), 2

    async def answer(exchange: ResponseParser) -> None:
        nonlocal failures
        failures -= 1
        if failures < 0:
            await log(exchange)
        else:
            await exchange.answer(frames=[(3, b"Error grabbing logs: unexpected EOF\n")])

    daemon.on(*LOGS, answer)
    daemon.on(*STATE, json=state(log=ROTATED))

    async with following_of(daemon, state(log=ROTATED)) as follower:
        assert await read(follower, 9) == [RECONNECTED, *LINES]


async def test_an_error_text_that_stays_is_sent(daemon: FakeEngine) -> None:
    """After three attempts at the same place the reader gets it, with the engine's words."""
    daemon.on(*LOGS, frames=[(3, b"Error grabbing logs: invalid character\n")])
    daemon.on(*STATE, json=state())

    async with following_of(daemon, state()) as follower:
        with pytest.raises(OperationFailed, match="invalid character"):
            await read(follower)
    assert len([one for one in daemon.requests if one.path.endswith("/logs")]) == 3


async def test_a_log_that_stays_broken_fails_at_its_last_position(daemon: FakeEngine) -> None:
    """After the time allowed the reader gets the failure; the cursor is that of what it has."""
    daemon.on(*LOGS, Log(*LINES, plain=[(4, "cut")]))
    daemon.on(*STATE, error="starting", status=503)

    async with following_of(daemon, state(), reconnect_timeout_seconds=0.3) as follower:
        with pytest.raises(APIError, match="starting"):
            await read(follower)
        assert follower.cursor.time == time_of(NOON + 3 * SECOND)


async def test_an_engine_that_refuses_is_not_asked_again(daemon: FakeEngine) -> None:
    """A log that cannot be read is an answer, not a break."""
    daemon.on(*LOGS, error="configured logging driver does not support reading", status=501)

    async with following_of(daemon, state()) as follower:
        with pytest.raises(APIError, match="does not support reading"):
            await read(follower)
    assert len([one for one in daemon.requests if one.path.endswith("/logs")]) == 1


@pytest.mark.parametrize("log", [{}, ROTATED], ids=["one file", "rotated"])
async def test_an_answer_that_never_ends_is_asked_for_again(
    daemon: FakeEngine, monkeypatch: pytest.MonkeyPatch, log: dict[str, str]
) -> None:
    """Docker 26.1 may never end an answer with `tail` that began while a file was put aside."""
    monkeypatch.setattr(plain_reader, "_SPIN_SECONDS", 0.1)
    daemon.on(*LOGS, Log(*LINES, plain=[(8, "open")], script=[(8, "end")]))
    daemon.on(*STATE, json=state(running=False, log=log))

    async with following_of(daemon, state(log=log), tail=5) as follower:
        assert await read(follower) == [*LINES[3:], end(EndReason.EXITED, 0)]


# Ends


@pytest.mark.parametrize(
    ("after", "last"),
    [
        ({"json": state(running=False, code=2)}, end(EndReason.EXITED, 2)),
        ({"json": state(Restarting=True, code=1)}, end(EndReason.EXITED, 1)),
        ({"json": state(run=1)}, end(EndReason.RESTARTED)),
        ({"error": f"No such container: {ID}", "status": 404}, end(EndReason.REMOVED)),
    ],
)
async def test_the_end_is_a_statement(daemon: FakeEngine, after: dict[str, Any], last: Any) -> None:
    """The container's state says what the end of its log means."""
    daemon.on(*LOGS, Log(*LINES, script=[(8, "end")]))
    daemon.on(*STATE, **after)

    async with following_of(daemon, state()) as follower:
        assert await read(follower) == [*LINES, last]


async def test_a_container_that_does_not_run_says_so(daemon: FakeEngine) -> None:
    """What it wrote comes, and then that it was not running; without `follow`, that it was all."""
    stopped = state(running=False, code=5)
    daemon.on(*LOGS, Log(*LINES))
    daemon.on(*STATE, json=stopped)

    async with following_of(daemon, stopped) as follower:
        assert await read(follower) == [*LINES, end(EndReason.NOT_RUNNING, 5)]
    async with following_of(daemon, stopped, follow=False) as follower:
        assert await read(follower) == [*LINES, end(EndReason.COMPLETE)]


DIED = {"Type": "container", "Action": "die", "Actor": {"ID": ID, "Attributes": {"exitCode": "7"}}}
REMOVAL = "can not get logs from container which is dead or marked for removal"


@pytest.mark.parametrize(
    ("inspected", "events", "last"),
    [
        ([{"json": state(running=False, code=7)}], [], end(EndReason.EXITED, 7)),
        ([{"json": state()}, {"status": 404, "error": "No such container"}], [DIED], end(EndReason.EXITED, 7)),
        ([{"status": 404, "error": "No such container"}], [DIED], end(EndReason.EXITED, 7)),
        ([{"status": 404, "error": "No such container"}], [], end(EndReason.REMOVED)),
    ],
    ids=["is being removed", "runs until it is removed", "is removed", "nobody knows"],
)
async def test_the_log_of_a_container_that_is_being_removed_ends(
    daemon: FakeEngine, inspected: list[Any], events: list[Any], last: Any
) -> None:
    """The engine refuses its log with 409.  The exit code is in its state, or in the event of its end."""
    log = Log(*LINES)
    daemon.on(*LOGS, log, times=2)
    daemon.on(*LOGS, status=409, error=REMOVAL)
    for answer in inspected[:-1]:
        daemon.on(*STATE, **answer, times=1)
    daemon.on(*STATE, **inspected[-1])
    daemon.on("GET", "/events", lines=events)

    async with following_of(daemon, state(log=ROTATED)) as follower:
        assert await read(follower, 8) == list(LINES)
        reading = asyncio.create_task(read(follower))
        await daemon.until(lambda: log.followed)
        log.end()
        assert await reading == [last]


async def test_the_end_that_an_engine_drops_is_read(daemon: FakeEngine) -> None:
    """When a container ends right after its last lines, Docker 20.10 may end a followed log without them."""
    log = Log(*LINES[:5])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(running=False, code=3))

    async with following_of(daemon, state()) as follower:
        assert await read(follower, 5) == list(LINES[:5])
        reading = asyncio.create_task(read(follower))
        await daemon.until(lambda: log.followed)
        log.write(*((NOON + n * SECOND, LINES[n], 1) for n in range(5, 8)), skip=True)
        log.end()
        assert await reading == [*LINES[5:], end(EndReason.EXITED, 3)]


async def test_a_log_is_followed_up_to_a_time(daemon: FakeEngine) -> None:
    """What was written later is not sent, also where it comes."""
    log = Log(*LINES)
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state())

    async with following_of(daemon, state(), until=NOON + 9 * SECOND) as follower:
        assert await read(follower, 8) == list(LINES)
        reading = asyncio.create_task(read(follower))
        await daemon.until(lambda: log.followed)
        log.write((NOON + 9 * SECOND, b"in time\n", 1), (NOON + 9 * SECOND + 1, b"late\n", 1))
        assert await reading == [b"in time\n", end(EndReason.COMPLETE)]


# Runs


async def test_runs_are_parted_where_restarts_are_followed(daemon: FakeEngine) -> None:
    """What the first run left comes before the boundary, what the second wrote after it, even if all comes at once."""
    stamps = [0, SECOND, 2 * SECOND, 49 * SECOND, 101 * SECOND, 102 * SECOND, 103 * SECOND, 104 * SECOND]
    daemon.on(*LOGS, Log(*LINES, plain=[(2, "cut")], stamps=stamps))
    daemon.on(*STATE, json=state(run=1))
    started = state(run=1)["State"]["StartedAt"]

    async with following_of(daemon, state(), follow_restarts=True) as follower:
        things = await read(follower, 10)
        assert follower.cursor.started == started

    assert things == [*LINES[:2], RECONNECTED, *LINES[2:4], ("restarted", started), *LINES[4:]]


async def test_a_stopped_container_is_waited_for_where_restarts_are_followed(daemon: FakeEngine) -> None:
    """Its log is not read in this time, and the reader receives heartbeats."""
    log = Log(*LINES[:2], script=[(2, "end")])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(running=False))

    async with following_of(daemon, state(), follow_restarts=True, heartbeat_seconds=0.1) as follower:
        assert await read(follower, 2) == list(LINES[:2])
        while not isinstance((await follower.next())[-1], Heartbeat):
            pass
        asked = len(log.asked)
        log.write((NOON + 101 * SECOND, b"again\n", 1))
        daemon.on(*STATE, json=state(run=1))
        assert await read(follower, 2) == [("restarted", state(run=1)["State"]["StartedAt"]), b"again\n"]
        assert len(log.asked) == asked + 1


# Rotation


@pytest.mark.parametrize(
    ("log", "reason"), [(ROTATED, GapReason.ROTATED), ({}, GapReason.REPLACED)], ids=["rotated", "one file"]
)
async def test_what_was_rotated_away_is_a_gap(daemon: FakeEngine, log: dict[str, str], reason: GapReason) -> None:
    """The position is not in the log any more: the times of the lines around say what is missing."""
    lines = Log(*LINES[:3], script=[(3, "cut")])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=log))

    async with following_of(daemon, state(log=log)) as follower:
        assert await read(follower, 3) == list(LINES[:3])
        lines.lines = Log(*LINES).lines[6:]

        assert await read(follower, 3) == [gap(2 * SECOND, 6 * SECOND, reason), *LINES[6:]]


async def test_the_cursor_of_a_gap_is_after_it(daemon: FakeEngine) -> None:
    """A reader that leaves right after a gap gets neither what was before it nor the gap again."""
    lines = Log(*LINES[:3], script=[(3, "cut")])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=ROTATED))
    cursors: list[LogCursor] = []

    async with following_of(daemon, state(log=ROTATED)) as follower:
        await read(follower, 3)
        lines.lines = Log(*LINES).lines[6:]
        while not cursors:
            cursors = [record.cursor for record in await follower.next() if isinstance(record, Gap)]

    async with following_of(daemon, state(log=ROTATED), cursors[0]) as follower:
        assert await read(follower, 2) == list(LINES[6:])
    lines.lines = lines.lines[1:]
    async with following_of(daemon, state(log=ROTATED), cursors[0]) as follower:
        assert await read(follower, 2) == [gap(2 * SECOND, 7 * SECOND), LINES[7]]


@pytest.mark.parametrize("through_cursor", [False, True], ids=["follows on", "resumes"])
async def test_lines_that_an_engine_leaves_out_are_a_late_gap(
    daemon: FakeEngine, monkeypatch: pytest.MonkeyPatch, through_cursor: bool
) -> None:
    """The next plain answer shows what is missing between two that were sent; also to a reader that resumes there."""
    monkeypatch.setattr(pace, "_PROVE_SECONDS", 3600.0)  # the silence after the last line is the reason for a proof
    lines = Log(*LINES[:3])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=ROTATED))
    late = gap(2 * SECOND, 5 * SECOND)

    async with following_of(daemon, state(log=ROTATED)) as follower:
        await read(follower, 3)
        reading = asyncio.create_task(read(follower, 3 if through_cursor else 4))
        await daemon.until(lambda: lines.followed)
        lines.write((NOON + 3 * SECOND, LINES[3], 1), (NOON + 4 * SECOND, LINES[4], 1), skip=True)
        lines.write(*((NOON + n * SECOND, LINES[n], 1) for n in range(5, 8)))
        things = await reading
        cursor = follower.cursor
    assert things == [*LINES[5:], *([] if through_cursor else [late])]

    if through_cursor:
        async with following_of(daemon, state(log=ROTATED), cursor) as follower:
            assert await read(follower, 1) == [late]


async def test_a_late_gap_comes_once(daemon: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later answers have the lines that the engine left out, and neither the gap nor a line comes again."""
    monkeypatch.setattr(pace, "_PROVE_SECONDS", 3600.0)
    lines = Log(*LINES[:3])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=ROTATED))

    async with following_of(daemon, state(log=ROTATED)) as follower:
        await read(follower, 3)
        reading = asyncio.create_task(read(follower, 2))
        await daemon.until(lambda: lines.followed)
        lines.write((NOON + 3 * SECOND, LINES[3], 1), skip=True)
        lines.write((NOON + 4 * SECOND, LINES[4], 1))
        assert await reading == [LINES[4], gap(2 * SECOND, 4 * SECOND)]
        lines.write((NOON + 5 * SECOND, LINES[5], 1), skip=True)
        lines.cut()

        assert await read(follower, 2) == [RECONNECTED, LINES[5]]


async def test_an_engine_that_repeats_itself_is_not_believed(daemon: FakeEngine) -> None:
    """Docker 20.10 reads a file anew after a rotation: what comes again is not sent again."""
    lines = Log(*LINES[:3])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=ROTATED))

    async with following_of(daemon, state(log=ROTATED)) as follower:
        await read(follower, 3)
        reading = asyncio.create_task(read(follower, 2))
        await daemon.until(lambda: lines.followed)
        new = [(NOON + n * SECOND, LINES[n], 1) for n in (3, 4)]
        lines.write(new[0])
        lines.write(*lines.lines, keep=False)
        lines.write(new[1])
        assert await reading == list(LINES[3:5])


async def test_an_engine_that_stands_still_is_noticed(daemon: FakeEngine) -> None:
    """Docker 20.10 may follow a file that has been put aside; a plain answer has what it leaves out."""
    lines = Log(*LINES[:3])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=ROTATED))

    async with following_of(daemon, state(log=ROTATED)) as follower:
        await read(follower, 3)
        reading = asyncio.create_task(read(follower, 1))
        await daemon.until(lambda: lines.followed)
        lines.write((NOON + 3 * SECOND, LINES[3], 1), skip=True)
        assert await reading == [LINES[3]]


async def test_equal_neighbours_are_sent_as_often_as_they_are(daemon: FakeEngine) -> None:
    """The pieces of a long line share a time and can be equal; a break between them loses and repeats none."""
    piece = b"x" * 16384
    pieces = [(NOON + SECOND, piece, 1)] * 5 + [(NOON + SECOND, b"\n", 1)]
    lines = Log(b"first\n", script=[(4, "cut")])
    lines.lines += pieces[:3]
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=ROTATED))

    async with following_of(daemon, state(log=ROTATED)) as follower:
        things = await read(follower, 3)
        lines.lines += pieces[3:]
        things += await read(follower, 1)

    assert b"".join(one for one in things if isinstance(one, bytes)) == b"first\n" + piece * 5 + b"\n"


@pytest.mark.parametrize("log", [{}, ROTATED], ids=["one file", "rotated"])
@pytest.mark.parametrize("tail", [None, 0])
async def test_an_empty_log_is_a_position(daemon: FakeEngine, log: dict[str, str], tail: int | None) -> None:
    """A reader that resumes where nothing had been written gets everything from then on."""
    lines = Log()
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=log))

    async with following_of(daemon, state(log=log), tail=tail) as follower:
        first = await follower.next()
        assert isinstance(first[0], Heartbeat)
        lines.lines = Log(*LINES).lines
        async with following_of(daemon, state(log=log), first[0].cursor) as other:
            assert await read(other, 8) == list(LINES)


async def test_what_an_empty_log_has_lost_is_a_gap_for_a_reader_that_leaves_early(daemon: FakeEngine) -> None:
    """Only the end of the first answer shows it, and the reader resumes within this answer."""
    lines = [b"%099999d\n" % number for number in range(30)]
    daemon.on(*LOGS, Log(*lines))
    daemon.on(*STATE, json=state(running=False, log=ROTATED))
    empty = LogCursor(state()["State"]["StartedAt"])

    async with following_of(daemon, state(log=ROTATED), empty) as follower:
        first = await follower.next()
        cursor = first[-1].cursor
    async with following_of(daemon, state(running=False, log=ROTATED), cursor) as follower:
        things = await read(follower)

    begun = [one for record in first for one in position(record)]
    assert [one for one in [*begun, *things] if isinstance(one, bytes)] == lines
    assert begun == lines[: len(begun)] != lines
    assert gap(None, 0) in things


@pytest.mark.parametrize("log", [{}, ROTATED], ids=["one file", "rotated"])
async def test_a_log_that_stays_empty_has_no_gap(daemon: FakeEngine, log: dict[str, str]) -> None:
    """Neither after a break nor at the end of its container."""
    lines = Log()
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=log))

    async with following_of(daemon, state(log=log)) as follower:
        reading = asyncio.create_task(read(follower))
        await daemon.until(lambda: lines.followed == 1)
        lines.cut()
        await daemon.until(lambda: lines.followed == 2)
        daemon.on(*STATE, json=state(running=False, code=4, log=log))
        lines.end()
        assert await reading == [RECONNECTED, end(EndReason.EXITED, 4)]


@pytest.mark.parametrize("kept", [0, 1])
async def test_with_one_file_every_rotation_is_a_gap(
    daemon: FakeEngine, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """What stood at the end of a file that is gone cannot be shown; the lines sent since are not sent again."""
    monkeypatch.setattr(pace, "_PROVE_SECONDS", 0.5)
    one = {"max-size": "1m"}
    lines = Log(*LINES[:3])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=one))

    async with following_of(daemon, state(log=one)) as follower:
        await read(follower, 3)
        reading = asyncio.create_task(read(follower, 2))
        await daemon.until(lambda: lines.followed)
        lines.write((NOON + 3 * SECOND, LINES[3], 1), (NOON + 4 * SECOND, LINES[4], 1))
        lines.lines = lines.lines[-1:] if kept else [(NOON + 5 * SECOND, LINES[5], 1)]  # before a proof sees them
        assert await reading == list(LINES[3:5])

        things = await read(follower, 1 if kept else 2)
    assert things == ([gap(2 * SECOND, 4 * SECOND)] if kept else [gap(2 * SECOND, 5 * SECOND), LINES[5]])


async def test_a_quiet_log_is_hardly_asked_for(daemon: FakeEngine) -> None:
    """A line now and then comes with the follow answer: three requests to begin, and then one a minute."""
    lines = Log(*LINES[:1])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state(log=ROTATED))

    async with following_of(daemon, state(log=ROTATED)) as follower:
        assert await read(follower, 1) == [LINES[0]]
        for number in range(1, 8):
            reading = asyncio.create_task(read(follower, 1))
            await daemon.until(lambda: lines.followed)
            lines.write((NOON + number * SECOND, LINES[number], 1))
            assert await reading == [LINES[number]]

    assert len(lines.asked_for(follow=True)) == 1
    assert len(lines.asked_for(follow=False)) <= 2


# What is sent


@pytest.mark.parametrize("tail", [0, 3, 100])
async def test_a_reader_of_the_end_misses_nothing_after_a_break(daemon: FakeEngine, tail: int) -> None:
    """`tail` says where to begin, and nothing after that."""
    lines = Log(*LINES[:5], script=[(5, "cut")])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state())
    first = list(LINES[:5])[max(5 - tail, 0) :]

    async with following_of(daemon, state(), tail=tail) as follower:
        assert await read(follower, len(first)) == first
        reading = asyncio.create_task(read(follower, 4))
        await daemon.until(lambda: lines.asked_for(follow=True))
        lines.write(*((NOON + n * SECOND, LINES[n], 1) for n in range(5, 8)))
        assert await reading == [RECONNECTED, *LINES[5:]]


async def test_a_time_that_nothing_has_reached_is_waited_for(daemon: FakeEngine) -> None:
    """`since` the future: nothing of before comes, also after a break."""
    lines = Log(*LINES[:5], script=[(5, "cut")])
    daemon.on(*LOGS, lines)
    daemon.on(*STATE, json=state())

    async with following_of(daemon, state(), since=NOON + 6 * SECOND) as follower:
        reading = asyncio.create_task(read(follower, 2))
        await daemon.until(lambda: lines.asked_for(follow=True))
        lines.write((NOON + 6 * SECOND, LINES[6], 1))
        assert await reading == [RECONNECTED, LINES[6]]


async def test_parts_of_a_long_line_are_joined(daemon: FakeEngine) -> None:
    """A line that the engine has cut is one; an entry that comes between its parts follows it."""
    parts = [b"a" * 16384, b"b" * 16384, b"c\n", b"next\n"]
    daemon.on(*LOGS, Log(*parts, stamps=[0, 0, 0, 1]))
    daemon.on(*STATE, json=state(running=False))

    async with following_of(daemon, state(running=False)) as follower:
        assert await read(follower) == [b"".join(parts[:3]), b"next\n", end(EndReason.NOT_RUNNING, 0)]


async def test_a_line_without_an_end_is_sent_in_part(daemon: FakeEngine) -> None:
    """A prompt, or the rest of a line that does not come, is not held back for long."""
    daemon.on(*LOGS, Log(b"one\n", b"$ "))
    daemon.on(*STATE, json=state())

    async with following_of(daemon, state()) as follower:
        assert await read(follower, 2) == [b"one\n", b"$ "]


async def test_silence_is_reported(daemon: FakeEngine) -> None:
    """A reader that gets nothing hears for how long."""
    daemon.on(*LOGS, Log(b"one\n"))
    daemon.on(*STATE, json=state())

    async with following_of(daemon, state(), heartbeat_seconds=0.1) as follower:
        assert await read(follower, 1) == [b"one\n"]
        [first], [second] = await follower.next(), await follower.next()

    assert isinstance(first, Heartbeat)
    assert isinstance(second, Heartbeat)
    assert 0 < first.seconds < second.seconds


@pytest.mark.parametrize("follow", [False, True], ids=["plain", "follow"])
async def test_frames_without_data_are_silence(daemon: FakeEngine, follow: bool) -> None:
    """An answer that consists of them does not keep heartbeats from its reader."""
    log = Log()

    async def answer(exchange: ResponseParser) -> None:
        if (dict(exchange.request.query)["follow"] == "true") is not follow:
            await log(exchange)
            return
        exchange.head(200, {"Transfer-Encoding": "chunked"})
        while True:
            await exchange.chunk(frame(1, b"") * 100)
            await asyncio.sleep(0)

    daemon.on(*LOGS, answer)
    daemon.on(*STATE, json=state())

    async with following_of(daemon, state(), heartbeat_seconds=0.1) as follower, asyncio.timeout(20):
        seconds = 0.0
        while not seconds:
            (record,) = await follower.next()
            assert isinstance(record, Heartbeat)
            seconds = record.seconds
