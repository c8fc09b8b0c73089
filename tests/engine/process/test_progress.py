"""Reports of progress are coalesced; other output of an operation is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.engine.process.progress import ProgressCoalescer


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time of the buffer."""
    return Clock()


@pytest.fixture
def reports(clock: Clock) -> ProgressCoalescer:
    """An empty buffer."""
    return ProgressCoalescer(clock)


def loading(layer: str, done: int, status: str = "Downloading") -> dict[str, Any]:
    """A report."""
    return {"id": layer, "status": status, "progressDetail": {"current": done, "total": 100}}


def said(layer: str, status: str) -> dict[str, Any]:
    """What happens, without figures."""
    return {"id": layer, "status": status, "progressDetail": {}}


def drained(reports: ProgressCoalescer) -> list[Any]:
    """All that may be delivered now."""
    items = []
    while (item := reports.take()) is not None:
        items.append(item)
    return items


def test_a_layer_is_reported_on_four_times_a_second(reports: ProgressCoalescer, clock: Clock) -> None:
    """An engine's fifty reports in a second become at most five, and the newest is among them."""
    got = []
    for done in range(50):
        reports.put(loading("a", done))
        got += drained(reports)
        clock.now += 0.02
    clock.now += 0.25
    got += drained(reports)

    assert 4 <= len(got) <= 6
    assert got[0] == loading("a", 0)
    assert got[-1] == loading("a", 49)


def test_a_report_that_waits_is_due_when_its_time_has_come(reports: ProgressCoalescer, clock: Clock) -> None:
    """The buffer says how long to wait for the next one."""
    reports.put(loading("a", 1))
    assert drained(reports) == [loading("a", 1)]
    assert reports.due() is None

    clock.now += 0.1
    reports.put(loading("a", 2))
    assert drained(reports) == []
    assert reports.due() == pytest.approx(0.15)

    clock.now += 0.16
    assert reports.due() == 0
    assert drained(reports) == [loading("a", 2)]


def test_layers_do_not_wait_for_each_other(reports: ProgressCoalescer) -> None:
    """Each has its own measure."""
    for layer in "abc":
        reports.put(loading(layer, 1))

    assert drained(reports) == [loading("a", 1), loading("b", 1), loading("c", 1)]


def test_a_change_of_status_is_reported_at_once_and_replaces_older_reports(reports: ProgressCoalescer) -> None:
    """`Download complete` follows no stale `99 %`, and none follows it."""
    reports.put(loading("a", 1))
    reports.put(loading("a", 98))
    reports.put(loading("a", 99))
    reports.put(said("a", "Download complete"))
    reports.put(loading("a", 1, "Extracting"))

    assert drained(reports) == [loading("a", 1), said("a", "Download complete"), loading("a", 1, "Extracting")]
    assert reports.due() is None


def test_a_slow_reader_gets_the_newest_report(reports: ProgressCoalescer, clock: Clock) -> None:
    """What it has not taken is replaced, however much time has passed."""
    reports.put(said("a", "Pulling fs layer"))
    for done in range(100):
        reports.put(loading("a", done))
        clock.now += 1

    assert drained(reports) == [said("a", "Pulling fs layer"), loading("a", 0), loading("a", 99)]


@pytest.mark.parametrize(
    "document",
    [
        {"stream": "Step 1/2 : FROM scratch\n"},
        {"aux": {"ID": "sha256:1"}},
        {"status": "Digest: sha256:2"},
        {"status": "Pushed", "progressDetail": {"current": 1}, "aux": {"Tag": "x"}, "id": "a"},
        [],
        7,
    ],
    ids=str,
)
def test_all_else_passes_as_often_as_it_comes(reports: ProgressCoalescer, document: Any) -> None:
    """Output, results, and unknown lines are not coalesced."""
    for _ in range(3):
        reports.put(document)

    assert drained(reports) == [document] * 3


def test_the_last_reports_come_at_the_end(reports: ProgressCoalescer) -> None:
    """When the operation ends, the last reports are delivered."""
    reports.put(loading("a", 1))
    reports.put(loading("a", 2))
    drained(reports)
    reports.put(loading("a", 3))

    reports.finish()

    assert drained(reports) == [loading("a", 3)]


def test_output_that_nobody_takes_fills_the_room_and_reports_do_not(reports: ProgressCoalescer) -> None:
    """A build waits for its reader when the room is full; a pull never waits."""
    for done in range(100_000):
        reports.put(loading(f"layer {done % 50}", done))
    assert not reports.full

    for _ in range(1_100):
        reports.put({"stream": "x" * 1_000})
    assert reports.full
    drained(reports)
    assert not reports.full


Step = st.one_of(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["Downloading", "Extracting"]), st.integers(1, 100)),
    st.tuples(st.sampled_from("ab"), st.sampled_from(["Waiting", "Complete"]), st.just(0)),
    st.just("take"),
    st.sampled_from([0.05, 0.3]),
)


@given(st.lists(Step, max_size=80))
@example([("a", "Downloading", 1), ("a", "Downloading", 3), 0.3, ("a", "Downloading", 2), ("a", "Downloading", 1)])
def test_every_change_of_status_of_each_layer_arrives(steps: list[Any]) -> None:
    """For each layer: every change of status once and in order, and at the end its last report."""
    clock = Clock()
    reports = ProgressCoalescer(clock)
    put: list[dict[str, Any]] = []
    got: list[dict[str, Any]] = []
    for step in steps:
        if step == "take":
            got += [item] if (item := reports.take()) else []
        elif isinstance(step, float):
            clock.now += step
        else:
            layer, status, done = step
            put.append(loading(layer, done, status) if done else said(layer, status))
            reports.put(put[-1])
    reports.finish()
    got += drained(reports)

    for layer in "ab":
        sent = [one for one in put if one["id"] == layer]
        came = [one for one in got if one["id"] == layer]
        assert changes(came) == changes(sent)
        assert came[-1:] == sent[-1:]


def changes(documents: list[dict[str, Any]]) -> list[str]:
    """The statuses in order; equal neighbours count once."""
    story: list[str] = []
    for document in documents:
        if not document["progressDetail"] or story[-1:] != [document["status"]]:
            story.append(document["status"])
    return story


@pytest.mark.parametrize(
    "document",
    [
        {"status": "x" * 5000, "id": "a", "progressDetail": {"current": 1}},
        {"status": "x", "id": "a", "progressDetail": {"current": ["x"] * 1000}},
    ],
)
def test_reports_of_any_size_fill_the_room(reports: ProgressCoalescer, document: Any) -> None:
    """What an engine sends without end waits at the engine, whatever it calls it."""
    sent = 0
    while not reports.full:
        reports.put(document)
        sent += 1

    assert sent < 300


def test_reports_on_any_number_of_layers_fill_the_room(reports: ProgressCoalescer) -> None:
    """No image has as many: they are not remembered one by one."""
    number = 0
    while not reports.full:
        reports.put(loading(str(number), 1))
        reports.put(loading(str(number), 2))
        number += 1

    assert number < 10_000
