"""Cursors of logs, and the tokens that hold them."""

from __future__ import annotations

import pytest

from gateway.engine.codec.timestamps import canonical, nanoseconds, time_of
from gateway.engine.errors import InvalidToken
from gateway.engine.logs.cursor import LEAST_PIECE, MASK, UNKNOWN, LogCursor, LogTokenCodec, Marks, ResumePoint, mark_of
from gateway.engine.logs.entries import Entry
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


def test_equal_neighbours_have_marks_of_their_own() -> None:
    """The pieces of a long line are counted for each output, whatever comes between them of the other."""
    entries = [piece(b"x"), piece(b"x"), piece(b"e\n", 2), piece(b"x"), piece(b"\n")]

    marks = Marks(from_beginning=True).of(entries)

    assert len(set(marks)) == len(entries)
    assert (marks[0], marks[1], marks[3]) == tuple(mark_of(entries[0]) + count for count in range(3))


def test_equal_pieces_at_the_beginning_of_an_answer_are_not_known() -> None:
    """How many come before them is not known, until something else comes; a whole line is one."""
    marks = Marks().of([piece(b"x"), piece(b"x"), piece(b"\n"), piece(b"y"), piece(b"z\n", 2)])

    assert [mark == UNKNOWN for mark in marks] == [True, True, False, False, False]


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
