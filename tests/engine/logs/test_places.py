"""Places in logs: from each of them, reading goes on with exactly what comes next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.engine.codec.timestamps import canonical, nanoseconds, time_of
from gateway.engine.logs.entries import Entry
from gateway.engine.logs.places import InvalidToken, LogTokenCodec, Place, Position, Replay

NOON = 1_790_000_000_000_000_000  # nanoseconds since 1970
SECOND = 1_000_000_000
SEAL = LogTokenCodec(b"a key of sixteen")
CONTAINER = "5e" * 32


def entry(time: int, line: bytes = b"x\n", stream: int = 1) -> Entry:
    """Return an entry that was written *time* nanoseconds after noon."""
    return Entry(stream, time_of(NOON + time), line)


def through_token(position: Position) -> Position:
    """Return what is left of a place when a client has kept its token."""
    token = SEAL.token(Place("one", CONTAINER, "2026-09-21T10:00:00.5Z", 3, position))
    assert len(token) <= 256
    return SEAL.place(token).position


def read_on(log: list[Entry], position: Position, sizes: Iterator[int]) -> tuple[list[Entry], bool]:
    """Read *log* anew from *position*, as the engine gives it; return what is new, and whether the place was found."""
    rest = [one for one in log if one.time >= position.floor]
    replay, new = Replay(position), []
    while rest:
        size = next(sizes)
        new += replay.feed(rest[:size])
        rest = rest[size:]
    return new, replay.found


# A step of the clock between two entries, and by how much the second is stamped too early: at most two seconds.
steps = st.sampled_from([0, 0, 0, 1, 1000, 700_000_000, 1_999_999_999, 2 * SECOND, 5 * SECOND])
delays = st.sampled_from([0, 0, 0, 1, 1_000_000, 1_200_000_000, 2 * SECOND])
entries = st.tuples(steps, delays, st.sampled_from([b"x\n", b"y\n", b"part"]), st.sampled_from([1, 2]))


def history(told: list[tuple[int, int, bytes, int]]) -> list[Entry]:
    """Return a log of what was drawn."""
    now, log = 10 * SECOND, []
    for step, delay, line, stream in told:
        now += step
        log.append(entry(now - delay, line, stream))
    return log


@settings(max_examples=150)
@given(st.lists(entries, max_size=60), st.data())
def test_any_history_cut_anywhere_is_read_exactly_once(
    told: list[tuple[int, int, bytes, int]], data: st.DataObject
) -> None:
    """Equal times, equal lines, stamps out of order within two seconds: after every break reading goes on exactly."""
    log, position, got = history(told), Position(), []
    sizes = iter(lambda: data.draw(st.integers(1, 9)), None)
    written = 0
    while written < len(log):
        written += data.draw(st.integers(1, 20))
        new, found = read_on(log[:written], position, sizes)
        assert found or position.count == 0
        kept = data.draw(st.integers(0, len(new)))  # the connection breaks, and this is what had come
        for start in range(0, kept, 7):
            position.add(new[start : min(start + 7, kept)])
        got += new[:kept]
        if data.draw(st.booleans()):
            position = through_token(position)
    got += read_on(log, position, sizes)[0]

    assert got == log


@settings(max_examples=80)
@given(st.lists(entries, min_size=1, max_size=40), st.data())
def test_a_log_read_from_its_last_lines_is_read_on_exactly(
    told: list[tuple[int, int, bytes, int]], data: st.DataObject
) -> None:
    """What `tail` has passed over is not delivered after a break either, though it may bear later times."""
    log = [one._replace(line=b"%d\n" % number) for number, one in enumerate(history(told))]
    tail = data.draw(st.integers(1, len(log)))
    cut = data.draw(st.integers(len(log) - tail + 1, len(log)))
    position = Position(whole=False)
    position.add(log[len(log) - tail : cut])

    new, found = read_on(log, through_token(position), iter(lambda: data.draw(st.integers(1, 9)), None))

    assert found
    assert new == log[cut:]


@given(st.lists(entries, min_size=9, max_size=60), st.data())
def test_a_rotated_log_is_read_on_exactly_or_the_loss_is_told(
    told: list[tuple[int, int, bytes, int]], data: st.DataObject
) -> None:
    """As long as the entry before the place is in the log, nothing is lost; else nothing that was read comes again."""
    log = [one._replace(line=b"%d\n" % number) for number, one in enumerate(history(told))]
    cut, gone = data.draw(st.integers(1, len(log))), data.draw(st.integers(1, len(log)))
    position = Position()
    position.add(log[:cut])

    new, found = read_on(log[gone:], through_token(position), iter(lambda: data.draw(st.integers(1, 9)), None))

    if gone < cut:
        assert found
        assert new == log[cut:]
    else:
        assert not found
        assert new == log[cut:][-len(new) :] if new else True


@example(back=3600 * SECOND, before=5, after=5)
@given(st.integers(3 * SECOND, 10_000 * SECOND), st.integers(1, 20), st.integers(1, 20))
def test_a_clock_that_is_set_back_while_reading_hides_nothing(back: int, before: int, after: int) -> None:
    """Entries written after the step are older than those before it, and are found again among them."""
    log = [entry(SECOND * number, b"%d\n" % number) for number in range(before)]
    log += [entry(SECOND * (before + number) - back, b"-%d\n" % number) for number in range(after)]
    for cut in range(before + 1, len(log) + 1):
        position = Position()
        position.add(log[:cut])

        new, found = read_on(log, through_token(position), iter(lambda: 3, None))

        assert found
        assert new == log[cut:]


def test_a_clock_that_was_set_back_during_a_break_hides_nothing() -> None:
    """Who knows of the step reads the log from its beginning, and finds the place."""
    log = [entry(SECOND * number, b"%d\n" % number) for number in range(9)]
    position = Position()
    position.add(log)
    log += [entry(SECOND * number - 3600 * SECOND, b"-%d\n" % number) for number in range(3)]

    position.step_back()

    assert read_on(log, through_token(position), iter(lambda: 4, None)) == (log[9:], True)


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
    position = Position()
    position.add([entry(0)])
    token = SEAL.token(Place("one", CONTAINER, "", 3, position))

    with pytest.raises(InvalidToken):
        SEAL.place(change(token))  # type: ignore[operator]


def test_a_token_of_another_key_is_refused() -> None:
    """Whoever does not share the key can not make tokens."""
    with pytest.raises(InvalidToken, match="shares its resume key"):
        SEAL.place(LogTokenCodec(b"another key, 16+").token(Place("one", CONTAINER, "", 3, Position())))


def test_a_place_survives_its_token() -> None:
    """Host, container, run, outputs and position are what they were."""
    position = Position()
    position.add([entry(0), entry(1), entry(3 * SECOND), entry(6 * SECOND, b"\0\xff\n")])
    place = Place("a.b-c", CONTAINER, "2026-09-21T10:00:00.123456789Z", 7, position)

    back = SEAL.place(SEAL.token(place))

    assert (back.host, back.container, back.started, back.flags) == ("a.b-c", CONTAINER, place.started, 7)
    for name in ("floor", "count", "newest", "ceiling", "anchor", "proof"):
        assert getattr(back.position, name) == getattr(position, name), name


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
