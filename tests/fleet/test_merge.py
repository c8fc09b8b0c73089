"""Streams joined in the order of their times: which source waits for which, and for how long."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fleet.merge import SETTLE_SECONDS, Merge, Part, Resumed, Source, Stalled

MAX_WAIT = 1.0
Records = list[str]


@dataclass
class Merged:
    """A merge with a clock that the test moves, and all that was taken of it."""

    now: float = 0.0
    merge: Merge[Records] = field(default_factory=lambda: Merge(MAX_WAIT))
    taken: list[str] = field(default_factory=list)

    def add(self, name: str, *, live: bool = False) -> Source[Records]:
        source = self.merge.add(name, self.now)
        if live:
            self.merge.live(source, self.now)
        return source

    def put(self, source: Source[Records], *records: tuple[int, str]) -> None:
        self.merge.put(source, [text for _, text in records], [time for time, _ in records], self.now)

    def take(self, after: float = 0.0) -> list[str]:
        """Move the clock, and return what comes then."""
        self.now += after
        items, self.look_again = self.merge.take(self.now, 1 << 20)
        new: list[str] = []
        for item in items:
            match item:
                case Part(_, record, start, stop):
                    new += record[start:stop]
                case Stalled(source):
                    new.append(f"{source.key} stalled")
                case Resumed(source):
                    new.append(f"{source.key} resumed")
        self.taken += new
        return new


def test_records_come_in_the_order_of_their_times() -> None:
    """Also where those of one source came together, and are before and after those of another."""
    merged = Merged()
    a, b = merged.add("a"), merged.add("b")

    merged.put(a, (1, "a1"), (4, "a4"), (5, "a5"))
    merged.put(b, (2, "b2"), (3, "b3"), (6, "b6"))

    assert merged.take() == ["a1", "b2", "b3", "a4", "a5"]  # b6 waits for what comes of a


def test_records_of_one_time_come_in_the_order_of_the_sources() -> None:
    """The order is the same in every run."""
    merged = Merged()
    a, b = merged.add("a"), merged.add("b")
    merged.put(b, (1, "b1"))
    merged.put(a, (1, "a1"))
    merged.merge.end(a, 0)
    merged.merge.end(b, 0)

    assert merged.take() == ["a1", "b1"]


def test_a_source_keeps_its_own_order() -> None:
    """A clock that was set back reorders nothing within a log."""
    merged = Merged()
    a = merged.add("a")
    merged.put(a, (5, "first"), (2, "second"))
    merged.put(a, (1, "third"))
    merged.merge.end(a, 0)

    assert merged.take() == ["first", "second", "third"]


def test_a_source_that_reads_what_was_written_before_holds_up_the_others() -> None:
    """Its next record may be older than theirs."""
    merged = Merged()
    a, b = merged.add("a"), merged.add("b")
    merged.put(a, (5, "a5"))

    assert merged.take(after=0.5) == []
    merged.put(b, (3, "b3"))
    assert merged.take() == ["b3"]
    merged.merge.end(b, merged.now)
    assert merged.take() == ["a5"]


def test_no_record_waits_longer_than_max_wait() -> None:
    """The source that holds it up is named, once, and left out until something comes of it."""
    merged = Merged()
    a, b = merged.add("a"), merged.add("b")
    merged.put(a, (5, "a5"))

    assert merged.take(after=0.9) == []
    assert merged.look_again == MAX_WAIT
    assert merged.take(after=0.1) == ["b stalled", "a5"]
    merged.merge.live(a, merged.now)
    merged.put(a, (6, "a6"))
    assert merged.take() == ["a6"]

    merged.put(b, (2, "b2"))
    assert merged.take() == ["b resumed"]  # b2 is late in any case; what came of a meanwhile is not held up long
    assert merged.take(after=SETTLE_SECONDS) == ["b2"]


def test_a_silent_source_holds_up_a_record_only_for_a_moment() -> None:
    """What was written at the same time is there by then."""
    merged = Merged()
    a, b = merged.add("a", live=True), merged.add("b", live=True)
    merged.put(a, (5, "a5"))

    assert merged.take(after=SETTLE_SECONDS / 2) == []
    merged.put(b, (4, "b4"))
    assert merged.take() == ["b4"]
    assert merged.take(after=SETTLE_SECONDS) == ["a5"]


def test_a_single_source_waits_for_nothing() -> None:
    """There is no source to wait for."""
    merged = Merged()
    a = merged.add("a", live=True)
    merged.put(a, (5, "a5"))

    assert merged.take() == ["a5"]
    assert merged.look_again is None


def test_no_source_waits_for_one_that_has_ended() -> None:
    """It leaves when what is pending of it was taken."""
    merged = Merged()
    a, b = merged.add("a"), merged.add("b")
    merged.put(a, (1, "a1"), (9, "a9"))
    merged.merge.end(b, 0)

    assert merged.take() == ["a1", "a9"]
    merged.merge.end(a, 0)
    assert len(merged.merge) == 0


def test_a_source_that_is_stalled_at_once_is_named_or_not() -> None:
    """Those of a host that is down are named together, by who stalls them."""
    merged = Merged()
    a, b = merged.add("a", live=True), merged.add("b", live=True)
    merged.merge.stall(a, 0)
    merged.merge.stall(b, 0, silent=True)

    assert merged.take() == ["a stalled"]


def test_what_is_dropped_does_not_come() -> None:
    """A source that leaves the selection takes its pending records along."""
    merged = Merged()
    a, b = merged.add("a"), merged.add("b")
    merged.put(a, (1, "a1"))
    merged.put(b, (2, "b2"))
    merged.merge.drop(a, 0)

    assert merged.take() == ["b2"]


def test_a_record_without_a_time_stays_where_it_is() -> None:
    """The end of a log comes after its last line, and before later lines of others."""
    merged = Merged()
    a, b = merged.add("a"), merged.add("b")
    merged.put(a, (1, "a1"))
    merged.merge.put(a, ["end of a"], (), 0)
    merged.merge.end(a, 0)
    merged.put(b, (2, "b2"))

    assert merged.take() == ["a1", "end of a", "b2"]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3),  # the source
        st.lists(st.integers(0, 50), max_size=4),  # how much later each of its next records is
        st.sampled_from(["put", "live", "stall", "end", "wait"]),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_nothing_is_lost_and_nothing_comes_twice(steps: list[tuple[int, list[int], str]]) -> None:
    """In any history of the sources, each record is sent once, in the order of its source, and none waits forever."""
    merged = Merged()
    sources = [merged.add(str(number)) for number in range(4)]
    ended: set[int] = set()
    times: defaultdict[int, int] = defaultdict(int)
    given_: defaultdict[int, list[str]] = defaultdict(list)
    for number, steps_ahead, action in steps:
        source = sources[number]
        if action == "wait":
            merged.take(after=0.3)
        elif number not in ended:
            if action == "put" and steps_ahead:
                records = []
                for step in steps_ahead:
                    times[number] += step
                    records.append((times[number], f"{number}:{len(given_[number])}"))
                    given_[number].append(records[-1][1])
                merged.put(source, *records)
            elif action == "live":
                merged.merge.live(source, merged.now)
            elif action == "stall":
                merged.merge.stall(source, merged.now)
            elif action == "end":
                merged.merge.end(source, merged.now)
                ended.add(number)
    merged.take(after=MAX_WAIT)
    merged.take(after=MAX_WAIT)

    came = [text for text in merged.taken if ":" in text]
    for number in range(4):
        assert [text for text in came if text.startswith(f"{number}:")] == given_[number]
    assert sorted(came) == sorted(text for texts in given_.values() for text in texts)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1000), max_size=20), min_size=1, max_size=5))
def test_sources_that_are_complete_are_merged_exactly(logs: list[list[int]]) -> None:
    """What is all there at the beginning comes in the order of its times."""
    merged = Merged()
    for number, log in enumerate(logs):
        source = merged.add(str(number))
        if log:
            merged.put(source, *((time, f"{time}") for time in sorted(log)))
        merged.merge.end(source, 0)

    assert merged.take() == [str(time) for time in sorted(time for log in logs for time in log)]
