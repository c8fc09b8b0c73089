"""Log entries: cut out of frames or of a terminal's bytes, whatever the borders of reads."""

from __future__ import annotations

import itertools
import struct
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.engine.codec.frames import STDERR, STDOUT, FrameError
from gateway.engine.errors import OperationFailed
from gateway.engine.logs.entries import Entry, FramedLog, TerminalLog

CUT = 16 << 10  # where the Engine cuts lines (moby, daemon/logger/copier.go)
T1, T2, T3 = (b"2026-05-01T10:00:00.%09dZ" % nanos for nanos in (1, 2, 3))


def frame(stream: int, data: bytes) -> bytes:
    """Return a frame as the Engine writes it."""
    return struct.pack(">BxxxL", stream, len(data)) + data


def terminal(*parts: tuple[bytes, bytes], details: bytes | None = None) -> bytes:
    """Return what the Engine sends of a terminal's log: each part with its time, nothing between them."""
    before = b"" if details is None else details + b" "
    return b"".join(time + b" " + before + data for time, data in parts)


def cut_at(data: bytes, borders: list[int]) -> list[bytes]:
    """Return *data* in pieces."""
    inner = sorted({border % (len(data) + 1) for border in borders})
    return [data[start:end] for start, end in itertools.pairwise([0, *inner, len(data)])]


def entries_of(log: FramedLog | TerminalLog, reads: list[bytes]) -> list[Entry]:
    """Return all entries that come of *reads*."""
    return [*(entry for read in reads for entry in log.feed(read)), *log.finish()]


# With frames


def test_a_frame_is_an_entry() -> None:
    """A frame holds its time, a space, and the line."""
    log = FramedLog()

    found = log.feed(frame(1, T1 + b" to be\n") + frame(2, T2 + b" or not\n"))

    assert found == [Entry(STDOUT, T1, b"to be\n"), Entry(STDERR, T2, b"or not\n")]


def test_the_parts_of_a_cut_line_are_entries_of_their_own() -> None:
    """A line beyond 16 KiB comes in parts with one and the same time; only the last has a line feed ([V13])."""
    parts = [b"a" * CUT, b"b" * CUT, b"c\n"]

    found = FramedLog().feed(b"".join(frame(1, T1 + b" " + part) for part in parts))

    assert found == [Entry(STDOUT, T1, part) for part in parts]


def test_an_empty_line_is_an_entry() -> None:
    """A line of nothing but its line feed is a line."""
    assert FramedLog().feed(frame(1, T1 + b" \n")) == [Entry(STDOUT, T1, b"\n")]


def test_a_report_of_the_engine_ends_the_log_with_its_words() -> None:
    """Stream 3 is a failure, never a line (A5 54)."""
    with pytest.raises(OperationFailed, match=r"^Error grabbing logs: unexpected EOF$"):
        FramedLog().feed(frame(3, b"Error grabbing logs: unexpected EOF\n"))


def test_a_report_that_arrives_in_pieces_is_sent_whole() -> None:
    """The words of a failure do not depend on the borders of reads."""
    log = FramedLog()

    with pytest.raises(OperationFailed, match=r"^Error grabbing logs: unexpected EOF$"):
        entries_of(log, [bytes([byte]) for byte in frame(3, b"Error grabbing logs: unexpected EOF\n")])


@pytest.mark.parametrize("text", [b"", b"no-time-at-all\n"])
def test_a_frame_without_a_time_is_no_log(text: bytes) -> None:
    """A frame without a time is not guessed about."""
    with pytest.raises(FrameError):
        entries_of(FramedLog(), [frame(1, text + b"x" * (not text))])


def test_a_log_that_ends_within_an_entry_is_torn() -> None:
    """What came of the torn entry is not delivered as a line."""
    log = FramedLog()

    assert log.feed(frame(1, T1 + b" whole\n") + frame(1, T2 + b" torn\n")[:-3]) == [Entry(STDOUT, T1, b"whole\n")]
    with pytest.raises(FrameError, match="within a frame"):
        log.finish()


def test_an_entry_that_never_ends_is_refused() -> None:
    """A frame that claims more than any log driver delivers is given up, and what came before it is not lost."""
    log = FramedLog()
    before = log.feed(frame(1, T1 + b" a\n") + struct.pack(">BxxxL", 1, 3 << 20) + T1 + b" ")

    assert [entry.line for entry in before] == [b"a\n"]
    with pytest.raises(FrameError, match="exceeds"):
        log.feed(b"x")


@pytest.mark.parametrize("log", [FramedLog(), TerminalLog()])
def test_an_entry_in_many_pieces_is_looked_at_few_times(log: FramedLog | TerminalLog) -> None:
    """Two megabytes in pieces of 64 bytes: all of it again with each would be 31 GB of copies."""
    entry = T1 + b" " + b"x" * 2_000_000 + b"\n"
    data = frame(1, entry) if isinstance(log, FramedLog) else entry
    pieces = [data[start : start + 64] for start in range(0, len(data), 64)]
    before = process_time()

    entries = entries_of(log, pieces)

    assert process_time() - before < 1  # it takes a hundredth
    assert [entry.line for entry in entries] == [b"x" * 2_000_000 + b"\n"]


@given(
    lines=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=60)), max_size=8),
    borders=st.lists(st.integers(0, 10_000), max_size=20),
)
def test_any_split_of_a_framed_log_gives_the_same_entries(lines: list[tuple[int, bytes]], borders: list[int]) -> None:
    """Where one read ends and the next begins means nothing."""
    data = b"".join(frame(stream, T1 + b" " + line + b"\n") for stream, line in lines)
    expected = [Entry(stream, T1, line + b"\n") for stream, line in lines]

    assert entries_of(FramedLog(), cut_at(data, borders)) == expected
    assert entries_of(FramedLog(), [bytes([byte]) for byte in data]) == expected


# With a terminal


def test_a_terminals_lines_are_entries() -> None:
    """Without frames, a line feed ends an entry; the carriage return before it is the terminal's and stays."""
    found = TerminalLog().feed(terminal((T1, b"one\r\n"), (T2, b"two\r\n")))

    assert found == [Entry(STDOUT, T1, b"one\r\n"), Entry(STDOUT, T2, b"two\r\n")]


def test_a_line_that_a_terminal_has_not_finished_comes_at_the_end() -> None:
    """A prompt is waiting for its line feed until the log ends."""
    log = TerminalLog()

    assert log.feed(terminal((T1, b"$ "))) == []
    assert log.finish() == [Entry(STDOUT, T1, b"$ ")]


def test_a_character_cut_by_a_read_is_one_character() -> None:
    """The bytes of a character that two reads share come together."""
    data = terminal((T1, "naïve ☃ 日本語\r\n".encode()))

    for border in range(len(data)):
        assert entries_of(TerminalLog(), [data[:border], data[border:]]) == [
            Entry(STDOUT, T1, "naïve ☃ 日本語\r\n".encode())
        ]


LONG = ((T1, b"a" * CUT), (T2, b"b" * CUT), (T2, b"c\r\n"), (T3, b"next\r\n"))


def test_a_terminals_cut_line_is_cut_where_the_engine_cut_it() -> None:
    """Parts of a line beyond 16 KiB follow each other with a time and no line feed between."""
    found = entries_of(TerminalLog(), [terminal(*LONG)])

    assert found == [Entry(STDOUT, time, data) for time, data in LONG]


def test_any_split_around_the_cut_of_a_terminals_line_gives_the_same_entries() -> None:
    """The time between two parts may itself be split over reads, at every byte."""
    data = terminal(*LONG)
    expected = [Entry(STDOUT, time, part) for time, part in LONG]
    first_cut = len(T1) + 1 + CUT

    for border in range(first_cut - 3, first_cut + len(T2) + 5):
        assert entries_of(TerminalLog(), [data[:border], data[border:]]) == expected, border


def test_details_do_not_hide_where_a_terminals_line_was_cut() -> None:
    """With details, each part has them between its time and its 16 KiB."""
    for details in (b"", b"label=x"):
        found = entries_of(TerminalLog(details=True), [terminal(*LONG, details=details)])

        assert found == [Entry(STDOUT, time, details + b" " + data) for time, data in LONG]


def test_a_terminals_log_that_is_none_is_refused() -> None:
    """Bytes without end and without a time are not gathered, and a line without a time is not guessed about."""
    with pytest.raises(FrameError, match="exceeds"):
        entries_of(TerminalLog(), [b"x" * (64 << 10)] * 64)
    with pytest.raises(FrameError, match="no time"):
        TerminalLog().feed(b"starting web server on port 80\r\n")


@settings(max_examples=60)
@given(
    lines=st.lists(st.tuples(st.sampled_from([T1, T2, T3]), st.integers(0, 3 * CUT), st.booleans()), max_size=3),
    borders=st.lists(st.integers(0, 200_000), max_size=12),
)
@example(lines=[(T1, CUT, True)], borders=[len(T1) + 1 + CUT])
@example(lines=[(T1, CUT + 1, True)], borders=[2 * (len(T1) + 1) + CUT])
def test_any_split_of_a_terminals_log_gives_the_same_entries(
    lines: list[tuple[bytes, int, bool]], borders: list[int]
) -> None:
    """Where one read ends and the next begins means nothing, with short lines and with cut ones."""
    parts = []
    for time, length, odd in lines:
        line = (b"\xc3\xa9 " if odd else b"x") * length
        line = line[:length] + b"\r\n"
        # A line of just the longest length has its end in a part of its own.
        parts += [(time, line[start : start + CUT]) for start in range(0, len(line), CUT)]
    data = terminal(*parts)
    whole = entries_of(TerminalLog(), [data])

    assert entries_of(TerminalLog(), cut_at(data, borders)) == whole
    assert whole == [Entry(STDOUT, time, part) for time, part in parts]
