"""The rule that no entry is lost without a gap, without I/O: for any history, read and broken at any point."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.engine.codec.timestamps import time_of
from gateway.engine.logs.cursor import LogCursor, LogTokenCodec, ResumePoint
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.joint import Joint
from gateway.engine.logs.marks import LEAST_PIECE, Marks
from gateway.engine.logs.overlap import Overlap, Position, Verdict
from gateway.engine.logs.runs import Rotation, Run, stored_bytes
from gateway.engine.queries import Inspection
from tests.support.fake_log import state

NOON = 1_790_000_000_000_000_000  # nanoseconds since 1970
ROTATED = Rotation(rotates=True, max_size=1_000_000, max_files=3)
TOKENS = LogTokenCodec(b"a key of sixteen")


def is_long_piece(line: bytes) -> bool:
    """Whether another piece of the same line can follow."""
    return len(line) >= LEAST_PIECE and not line.endswith(b"\n")


def history(drawn: list[tuple[int, int, bytes, int]]) -> list[Entry]:
    """Return a log with steps of the clock, also backwards, and equal neighbours."""
    log, now = [], NOON
    for step, count, line, stream in drawn:
        now += step
        log += [Entry(stream, time_of(now), line)] * (count if is_long_piece(line) else 1)
        if step:
            log.append(Entry(stream, time_of(now), b"end %d\n" % len(log)))
    return log


entries = st.tuples(
    st.sampled_from([1, 1000, 3_000_000_000, -5_000_000_000]),
    st.integers(1, 3),
    st.sampled_from([b"piece" * 1000, b"other piece" * 1000, b"end of a line", b"line\n"]),
    st.sampled_from([1, 2]),
)


def emit(position: Position, new: list[Entry], marks: list[int], *, believed: bool = False) -> None:
    """Accept and tell entries."""
    if new:
        (position.believe if believed else position.prove)(new, marks)
        position.emit(new)


def settle(position: Position, log: list[Entry], tail: int | None = None) -> tuple[Verdict, list[Entry], list[Any]]:
    """Read a plain answer; return what it says, what is new in it, and the gaps."""
    answer = log if tail is None else log[-tail:]
    marks, new = Marks(from_beginning=tail is None), []
    overlap = Overlap(position, marks, whole=tail is None)
    for start in range(0, len(answer), 3):
        portion = answer[start : start + 3]
        found, had_found = marks.of(portion), overlap.found
        first, end = overlap.feed(portion, found)
        if overlap.found:
            if overlap.gaps and not had_found:
                position.proven_with_gaps(overlap.last_marks)
            position.proven()
            emit(position, portion[first:end], found[first:end])
            new += portion[first:end]
    verdict = overlap.finish()
    return verdict, new, overlap.gaps


def through_token(position: Position) -> Position:
    """Return what is left of a position when a client has kept its token."""
    point = ResumePoint("one", "5e" * 32, 3, position.cursor())
    return Position(TOKENS.point(TOKENS.token(point)).cursor, ROTATED, "")


def at(log: list[Entry], count: int) -> Position:
    """Return the position after the first entries of a log."""
    position = Position(None, ROTATED, "")
    emit(position, log[:count], Marks(from_beginning=True).of(log[:count]))
    return position


@settings(max_examples=200)
@given(st.lists(entries, min_size=1, max_size=30), st.data())
def test_a_plain_answer_that_has_the_position_has_what_follows(
    drawn: list[tuple[int, int, bytes, int]], data: st.DataObject
) -> None:
    """Equal times, equal pieces, clocks set back: nothing is lost and nothing comes twice."""
    log = history(drawn)
    count = data.draw(st.integers(1, len(log)))
    position = at(log, count)
    if data.draw(st.booleans()):
        position = through_token(position)
    tail = data.draw(st.one_of(st.none(), st.integers(1, len(log) + 2)))

    verdict, new, gaps = settle(position, log, tail)

    if verdict is Verdict.FOUND:
        assert new == log[count:]
        assert not gaps
    else:  # too short, or it begins with pieces that cannot be counted
        assert verdict is (Verdict.LOST if tail is None else Verdict.MORE)
        first = [next((entry.line for entry in log if entry.stream == stream), b"\n") for stream in (1, 2)]
        assert tail is not None or any(is_long_piece(line) for line in first)


@settings(max_examples=200)
@given(st.integers(1, 5), st.lists(st.booleans(), min_size=1, max_size=30), st.booleans(), st.data())
def test_what_a_follow_answer_leaves_out_is_a_gap_between_two_that_were_sent(
    before: int, came: list[bool], resume: bool, data: st.DataObject
) -> None:
    """In the same reader as in one that resumes; and a resumed reader may know no more than that some are missing."""
    log = [Entry(1, time_of(NOON + number), b"%d\n" % number) for number in range(before + len(came))]
    position = at(log, before)
    followed = [entry for entry, here in zip(log[before:], came, strict=True) if here]
    for start in range(0, len(followed), 3):
        emit(position, followed[start : start + 3], Marks().of(followed[start : start + 3]), believed=True)
    if resume:
        position = through_token(position)
    more = [Entry(1, time_of(NOON + len(log)), b"more\n")]

    verdict, new, gaps = settle(position, log + more)

    last = log.index(followed[-1]) if followed else before - 1
    assert verdict is Verdict.FOUND
    assert new == [*log[last + 1 :], *more]
    numbers = [log.index(entry) for entry in [log[before - 1], *followed]]
    holes = [(log[one].time, log[other].time) for one, other in pairwise(numbers) if other > one + 1]
    if resume:
        for after, before_time in holes:
            assert any(first <= after and before_time <= second for first, second in gaps)
        assert bool(gaps) == bool(holes)
    else:
        assert gaps == holes
    assert settle(position, log + more) == (Verdict.FOUND, [], [])  # later answers have the missing ones, too


@given(st.integers(1, 20), st.integers(0, 20), st.integers(1, 40), st.booleans())
def test_what_was_rotated_away_is_named_or_cannot_be_missing(proven: int, extra: int, gone: int, resume: bool) -> None:
    """The whole lacks the last proven entry: the place before the first that was sent is a gap, or all is lost."""
    log = [Entry(1, time_of(NOON + number), b"%d\n" % number) for number in range(60)]
    position = at(log, proven)
    believed = log[proven : proven + extra]
    emit(position, believed, Marks().of(believed), believed=True)
    if resume:
        position = through_token(position)

    verdict, new, gaps = settle(position, log[gone:])

    if gone < proven:
        assert (verdict, new, gaps) == (Verdict.FOUND, log[proven + extra :], [])
    elif gone < proven + extra and not (resume and gone < proven + extra - 8):
        assert (verdict, new) == (Verdict.FOUND, log[proven + extra :])
        assert gaps == [(log[proven - 1].time, log[gone].time)]
    elif gone < proven + extra:  # of those sent longer ago, a token knows the number and the sum
        assert (verdict, new) == (Verdict.FOUND, log[proven + extra :])
        assert gaps == [(log[proven - 1].time, log[proven + extra - 8].time)]
    else:
        assert (verdict, new) == (Verdict.LOST, [])
        assert position.anchor_time == log[proven - 1].time


def test_pieces_of_a_line_that_begins_in_the_answer_are_found_in_the_order_in_which_they_were_sent() -> None:
    """A follow answer has left out the first two, and the log does not have the last proven entry any more."""
    before = Entry(1, time_of(NOON), b"before\n")
    pieces = [Entry(1, time_of(NOON + 2), b"%d" % (number % 3) * LEAST_PIECE) for number in range(6)]
    end = Entry(1, time_of(NOON + 2), b"end\n")
    position = at([before], 1)
    emit(position, pieces[2:5], Marks().of([before, *pieces[2:5]])[1:], believed=True)

    verdict, new, gaps = settle(position, [Entry(1, time_of(NOON + 1), b"first\n"), *pieces, end])

    assert (verdict, new, gaps) == (Verdict.FOUND, [pieces[5], end], [(before.time, end.time)])


@given(st.integers(1, 10), st.booleans())
def test_what_follows_a_gap_is_sent_once(count: int, resume: bool) -> None:
    """The first entry after it is sent from the position before it, and is then one like the others."""
    log = [Entry(1, time_of(NOON + number), b"%d\n" % number) for number in range(20)]
    position, marks = at(log, 3), Marks().of(log[10 : 10 + count])
    position.move_before(marks[0])
    if resume:
        position = through_token(position)
        assert settle(position, log[10 : 10 + count]) == (Verdict.FOUND, log[10 : 10 + count], [])
    else:
        emit(position, log[10 : 10 + count], marks)

    assert settle(position, log[10:]) == (Verdict.FOUND, log[10 + count :], [])


def test_a_follow_answer_is_joined_at_the_last_entry_that_was_sent() -> None:
    """What comes before is passed over; what follows is new, until something comes whose predecessor is missing."""
    log = [Entry(1, time_of(NOON + number), b"%d\n" % number) for number in range(10)]
    position = at(log, 5)
    joint = Joint(position, 64)
    marks = Marks().of(log[2:8])

    assert joint.take(log[2:8], marks) == (3, 0)
    assert joint.take(log[5:8], marks[3:]) == (0, 3)
    emit(position, log[5:8], marks[3:], believed=True)
    joint.previous = marks[-1]
    assert joint.take(log[3:7], Marks().of(log[3:7])) == (4, 0)  # a repetition
    assert joint.take(log[9:], Marks().of(log[9:])) == (0, 0)  # the one before it has not come


def test_a_line_that_comes_twice_is_a_repetition() -> None:
    """Docker 20.10 repeats a file's first line right after it, with the same time, when the file has no other yet."""
    log = [Entry(1, time_of(NOON + number), b"%d\n" % number) for number in range(4)]
    position = at(log, 2)
    joint = Joint(position, 64)
    joint.take(log[:2], Marks().of(log[:2]))
    came = [log[2], log[2], log[3]]
    marks = Marks().of(came)

    assert joint.take(came, marks) == (0, 1)
    emit(position, came[:1], marks[:1], believed=True)
    joint.previous = marks[0]
    assert joint.take(came[1:], marks[1:]) == (1, 1)


def test_a_repetition_that_is_not_remembered_is_not_believed() -> None:
    """A file that is read anew begins with an entry that is much older than the last one."""
    log = [Entry(1, time_of(NOON + number * 2_000_000_000), b"%d\n" % number) for number in range(9)]
    position = Position(LogCursor("", tuple(Marks().of(log[7:8])), log[7].time), ROTATED, "")
    joint = Joint(position, 64)
    assert joint.take(log[7:8], Marks().of(log[7:8])) == (1, 0)

    assert joint.take(log[:1], Marks().of(log[:1])) == (0, 0)
    assert joint.take(log[8:], Marks().of(log[8:])) == (0, 1)


@pytest.mark.parametrize(
    ("config", "rotation"),
    [
        ({"Type": "json-file", "Config": {"max-size": "100k"}}, Rotation(True, 100_000, 1)),
        ({"Type": "json-file", "Config": {"max-size": "1.5MB", "max-file": "4"}}, Rotation(True, 1_500_000, 4)),
        ({"Type": "json-file", "Config": {}}, Rotation()),
        ({"Type": "json-file", "Config": None}, Rotation()),
        ({"Type": "none", "Config": {}}, Rotation()),
        ({"Type": "local", "Config": {}}, Rotation(True, 20_000_000, 5)),
        ({"Type": "gelf", "Config": {"max-size": "100k"}}, Rotation(True, 20_000_000, 5)),
        ({"Type": "json-file", "Config": {"max-size": "large"}}, Rotation(True, 20_000_000, 1)),
    ],
)
def test_how_a_log_rotates_is_read_as_docker_reads_it(config: dict[str, Any], rotation: Rotation) -> None:
    """Only json-file without a size never rotates; drivers that cannot read are read from a `local` log."""
    assert Run.of(Inspection(state() | {"HostConfig": {"LogConfig": config}})).rotation == rotation


def test_a_log_that_has_never_lost_a_file_is_known_by_its_size() -> None:
    """What is stored is counted at its largest: bytes that JSON escapes take six."""
    assert ROTATED.never_removed(1_999_999)
    assert not ROTATED.never_removed(2_000_000)
    assert Rotation().never_removed(1 << 60)
    assert stored_bytes([Entry(1, b"", b"\x00<a\n")]) >= 6 + 6 + 1 + 6
