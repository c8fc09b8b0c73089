"""The multiplexed output format: frames as they arrive, whatever the borders of reads."""

from __future__ import annotations

import itertools
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.codec.frames import (
    STDERR,
    STDOUT,
    SYSTEM_ERROR,
    Frame,
    FrameDecoder,
    FrameError,
    RawDecoder,
    dated_frames,
    system_error,
)


def frame(stream: int, data: bytes) -> bytes:
    """Return a frame as the Engine writes it."""
    return struct.pack(">BxxxL", stream, len(data)) + data


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Return *data* cut at *cuts*."""
    borders = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(borders)]


def decoded(reads: list[bytes]) -> list[tuple[int, bytes]]:
    """Return the whole frames in *reads*."""
    decoder = FrameDecoder()
    frames, begun = [], b""
    for read in reads:
        for stream, data, last in decoder.feed(read):
            begun += data
            if last:
                frames.append((stream, begun))
                begun = b""
    decoder.finish()
    return frames


def test_frames_of_one_read_come_in_order_with_their_streams() -> None:
    """Frames keep their order and their stream."""
    decoder = FrameDecoder()

    frames = list(decoder.feed(frame(1, b"out\n") + frame(2, b"err\n") + frame(1, b"more")))

    assert frames == [Frame(STDOUT, b"out\n", True), Frame(STDERR, b"err\n", True), Frame(STDOUT, b"more", True)]


def test_an_echo_of_standard_input_is_standard_output() -> None:
    """Stream 0, which the Engine documents as standard input written on standard output, is output."""
    assert list(FrameDecoder().feed(frame(0, b"typed"))) == [Frame(STDOUT, b"typed", True)]


def test_a_report_of_the_engine_is_not_output() -> None:
    """Stream 3 is neither output nor dropped (reliability A5 54)."""
    assert list(FrameDecoder().feed(frame(3, b"Error grabbing logs"))) == [
        Frame(SYSTEM_ERROR, b"Error grabbing logs", True)
    ]


@pytest.mark.parametrize("stream", [4, 9, 0x48, 0xFF])
def test_a_stream_that_does_not_exist_is_an_error(stream: int) -> None:
    """A number beyond 3 means that these are no frames, and nothing of it is delivered."""
    with pytest.raises(FrameError, match=str(stream)):
        list(FrameDecoder().feed(frame(stream, b"what is this")))


def test_the_data_of_a_frame_come_as_they_arrive() -> None:
    """A long frame is delivered in pieces; the last piece is marked as the last."""
    decoder = FrameDecoder()
    whole = frame(1, b"abcdef")

    assert list(decoder.feed(whole[:11])) == [Frame(STDOUT, b"abc", False)]
    assert list(decoder.feed(whole[11:])) == [Frame(STDOUT, b"def", True)]


def test_a_frame_that_claims_four_gigabytes_costs_nothing() -> None:
    """Memory follows what has arrived, not what a header promises."""
    decoder = FrameDecoder()
    tracemalloc.start()
    try:
        frames = list(decoder.feed(struct.pack(">BxxxL", 1, 0xFFFFFFFF) + b"tiny"))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert frames == [Frame(STDOUT, b"tiny", False)]
    assert most < 1 << 20


@pytest.mark.parametrize("seen", [1, 7, 8, 9, 12])
def test_output_that_ends_within_a_frame_is_an_error(seen: int) -> None:
    """A torn header and torn data are both errors, not ends."""
    decoder = FrameDecoder()
    list(decoder.feed(frame(1, b"hello")[:seen]))

    with pytest.raises(FrameError, match="within a frame"):
        decoder.finish()


def test_output_that_ends_after_a_frame_is_an_end() -> None:
    """Output may end between two frames."""
    decoder = FrameDecoder()
    list(decoder.feed(frame(1, b"hello")))

    decoder.finish()


def test_empty_frames_bring_nothing() -> None:
    """Frames without data neither end the output nor become pieces of it."""
    decoder = FrameDecoder()

    assert list(decoder.feed(frame(1, b"") * 1000 + frame(2, b"x"))) == [Frame(STDERR, b"x", True)]
    decoder.finish()


@given(
    frames=st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(min_size=1, max_size=40)), max_size=12),
    cuts=st.lists(st.integers(0, 10_000), max_size=30),
)
def test_any_split_of_the_bytes_gives_the_same_frames(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    """Where one read ends and the next begins means nothing."""
    data = b"".join(frame(stream, payload) for stream, payload in frames)

    assert decoded(pieces(data, cuts)) == frames
    assert decoded([bytes([byte]) for byte in data]) == frames


@given(frames=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([b"", b"time line\n"])), max_size=8))
def test_both_decoders_find_the_same_frames(frames: list[tuple[int, bytes]]) -> None:
    """They leave out empty frames of output, but no system error: Docker's client fails with an empty one too."""
    data = b"".join(frame(stream, payload) for stream, payload in frames)
    expected = [(stream or STDOUT, payload) for stream, payload in frames if payload or stream == SYSTEM_ERROR]

    dated, rest = dated_frames(data, lambda made: (made[0], b" ".join(part for part in made[1:] if part)))
    assert decoded([data]) == expected
    assert (dated, rest) == (expected, b"")


def test_a_system_error_without_a_message_has_one_for_the_client() -> None:
    """The engine's message is passed on; without one, the failure still says what happened."""
    assert str(system_error(b"Error grabbing logs: unexpected EOF\n")) == "Error grabbing logs: unexpected EOF"
    assert str(system_error(b"")) == "the engine reports an error without a message"


def test_a_terminal_has_no_frames() -> None:
    """A terminal's bytes are delivered unchanged, also those that look like a header."""
    decoder = RawDecoder()

    frames = [*decoder.feed(b"\x01\0\0\0\xff\xff\xff\xff$ "), *decoder.feed(b"")]

    assert frames == [Frame(STDOUT, b"\x01\0\0\0\xff\xff\xff\xff$ ", True)]
    decoder.finish()
