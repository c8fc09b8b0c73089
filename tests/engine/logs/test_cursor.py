"""Cursors of logs, and the tokens that hold them."""

from __future__ import annotations

import pytest

from gateway.engine.codec.timestamps import canonical, nanoseconds, time_of
from gateway.engine.errors import InvalidToken
from gateway.engine.logs.cursor import LogCursor, LogTokenCodec, ResumePoint
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.marks import LEAST_PIECE, MASK, UNKNOWN, Marks, mark_of
from gateway.engine.resumable.token import TokenSigner

KEY = b"a key of sixteen"
TOKENS = LogTokenCodec(KEY)
CONTAINER = "5e" * 32
TIME = b"2026-09-21T14:13:20.000000001Z"
CURSORS = [
    LogCursor(),
    LogCursor("2026-09-21T10:00:00.123456789Z", tuple(range(8)), TIME),
    LogCursor("", (MASK,), b"", ahead=True),
    LogCursor("2026-09-21T10:00:00Z", (1, 2, 3), TIME, unproven=70_000, checksum=MASK, proven=7, proven_time=TIME),
]


@pytest.mark.parametrize("cursor", CURSORS)
def test_a_cursor_survives_its_token(cursor: LogCursor) -> None:
    """Host, container, flags and position are what they were."""
    point = ResumePoint("a.b-c", CONTAINER, 7, cursor)

    assert TOKENS.point(TOKENS.token(point)) == point


def test_a_token_is_short() -> None:
    """A client can store it anywhere, whatever the name of the host."""
    cursor = LogCursor("2026-09-21T10:00:00.123456789+02:00", (MASK,) * 8, TIME, False, 1 << 30, MASK, MASK, TIME)

    assert len(TOKENS.token(ResumePoint("h" * 30, CONTAINER, 7, cursor))) <= 256


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token[1:],
        lambda token: b"",
        lambda token: token[:40] + bytes([token[40] ^ 1]) + token[41:],
    ],
)
def test_a_token_that_was_changed_is_refused(change: object) -> None:
    """Forged, damaged or cut: no token."""
    token = TOKENS.token(ResumePoint("one", CONTAINER, 3, CURSORS[1]))

    with pytest.raises(InvalidToken):
        TOKENS.point(change(token))  # type: ignore[operator]


def test_a_token_of_another_key_is_refused() -> None:
    """Only those who share the key can make tokens."""
    with pytest.raises(InvalidToken, match="shares its resume key"):
        TOKENS.point(LogTokenCodec(b"another key, 16+").token(ResumePoint("one", CONTAINER, 3, LogCursor())))


def test_a_token_of_an_older_gateway_is_refused() -> None:
    """What it holds is not a position any more."""
    with pytest.raises(InvalidToken, match="by another version of the gateway"):
        TOKENS.point(TokenSigner(KEY, "log").sign(b"\x01" + bytes(100)))


def piece(line: bytes, stream: int = 1) -> Entry:
    """Return a whole line, or a long piece of one that consists of *line* again and again; all have the same time."""
    return Entry(stream, TIME, line if line.endswith(b"\n") else line * LEAST_PIECE)


def test_equal_pieces_have_marks_of_their_own() -> None:
    """They are counted for each line, wherever they are in it, and whatever comes between them of the other output."""
    entries = [piece(b"x"), piece(b"y"), piece(b"e\n", 2), piece(b"x"), piece(b"y"), piece(b"x"), piece(b"\n")]

    marks = Marks(from_beginning=True).of(entries)

    assert len(set(marks)) == len(entries)
    assert (marks[0], marks[3], marks[5]) == tuple(mark_of(entries[0]) + count for count in range(3))
    assert (marks[1], marks[4]) == tuple(mark_of(entries[1]) + count for count in range(2))


def test_pieces_of_a_line_whose_beginning_is_not_known_have_no_marks() -> None:
    """Any number of equal ones can come before them; the next line of the same output is known."""
    marks = Marks()
    entries = [piece(b"x"), piece(b"y"), piece(b"\n"), piece(b"y"), piece(b"z", 2), piece(b"z\n", 2), piece(b"z", 2)]

    assert [mark == UNKNOWN for mark in marks.of(entries)] == [True, True, False, False, True, False, False]


def test_a_line_of_another_time_is_another_line() -> None:
    """Also where the engine forgets that the line before it has ended, as Docker 20.10 does with the driver `local`."""
    later = piece(b"x")._replace(time=TIME.replace(b"1Z", b"2Z"))

    assert Marks(from_beginning=True).of([piece(b"x"), later, later]) == [
        mark_of(piece(b"x")), mark_of(later), mark_of(later) + 1,
    ]  # fmt: skip


def test_how_far_back_a_line_began_is_known() -> None:
    """Answers with that many more entries have it from its beginning."""
    marks = Marks(from_beginning=True)
    reaches = [marks.reach]
    for entry in (piece(b"a\n"), piece(b"x"), piece(b"y", 2), piece(b"\n"), piece(b"z\n", 2)):
        marks.of([entry])
        reaches.append(marks.reach)

    assert reaches == [0, 0, 1, 2, 2, 0]
    assert not marks.reaches_beginning


def test_a_short_piece_is_the_end_of_a_line_and_needs_no_counting() -> None:
    """A log that has nothing but a prompt is known again, wherever an answer begins."""
    prompt = Entry(1, TIME, b"login: ")

    assert Marks().of([prompt]) == [mark_of(prompt)] == Marks(from_beginning=True).of([prompt])


def test_marks_do_not_depend_on_the_borders_of_reads() -> None:
    """One answer is one sequence."""
    entries = [piece(b"a"), *[piece(b"x")] * 5, piece(b"\n")]
    marks = Marks(from_beginning=True)

    assert [marks.of([entry])[0] for entry in entries] == Marks(from_beginning=True).of(entries)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (b"2026-05-01T10:00:00.000000001Z", b"2026-05-01T10:00:00.000000001Z"),
        (b"2026-05-01T10:00:00Z", b"2026-05-01T10:00:00.000000000Z"),
        (b"2026-05-01T12:00:00.12+02:00", b"2026-05-01T10:00:00.120000000Z"),
        (b"2026-05-01T12:00:00.123456789+02:00", b"2026-05-01T10:00:00.123456789Z"),
    ],
)
def test_times_are_compared_in_one_form(written: bytes, meant: bytes) -> None:
    """Engines write what their log drivers give them: other zones, fewer digits."""
    assert canonical(written) == meant
    assert time_of(nanoseconds(canonical(written))) == meant
