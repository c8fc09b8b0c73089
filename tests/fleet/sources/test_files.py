"""When a file counts as changed."""

from __future__ import annotations

from pathlib import Path

from gateway.fleet.sources.files import Polls, Watch, look

A, B = Path("/a"), Path("/b")


def state(number: int) -> tuple[int, int, int, int]:
    """A state of a file; each number is another one."""
    return number, 0, 0, 0


def test_a_change_counts_when_it_lasts_to_the_next_look() -> None:
    """Who writes a file in place is in the midst of it for a moment."""
    watch = Watch({A: state(1), B: state(1)})

    assert watch.settled({A: state(2), B: state(1)}) == frozenset()
    assert watch.settled({A: state(3), B: state(1)}) == frozenset()
    assert watch.settled({A: state(3), B: state(1)}) == {A}
    assert watch.settled({A: state(3), B: state(1)}) == frozenset()


def test_files_that_come_and_go_count_too() -> None:
    """Once each."""
    watch = Watch({A: state(1)})

    assert watch.settled({B: state(1)}) == frozenset()
    assert watch.settled({B: state(1)}) == {A, B}
    assert watch.settled({B: state(1)}) == frozenset()


def test_a_file_that_is_back_as_it_was_has_not_changed() -> None:
    """A directory that is mounted again, say."""
    watch = Watch({A: state(1)})

    assert watch.settled({}) == frozenset()
    assert watch.settled({A: state(1)}) == frozenset()
    assert watch.settled({A: state(1)}) == frozenset()


def test_a_new_file_that_changed_long_ago_can_be_passed_over() -> None:
    """It was read as it is; one that changed a moment ago was perhaps read before that."""
    watch = Watch({})
    now = {A: (100 * 10**9, 0, 0, 0), B: (200 * 10**9, 0, 0, 0)}

    watch.settled(now)
    watch.pass_over(150)

    assert watch.settled(now) == {B}


def test_a_file_that_is_replaced_by_another_of_the_same_time_and_size_is_another(tmp_path: Path) -> None:
    """As when a link is turned to the next version."""
    for name in ("old", "new"):
        (tmp_path / name).write_text("1234")
    link = tmp_path / "link"
    link.symlink_to("old")
    before = look([link])
    (tmp_path / "next").symlink_to("new")
    (tmp_path / "next").replace(link)

    assert look([link]) != before
    assert look([tmp_path / "none"]) == {}


async def test_who_asks_need_not_wait(tmp_path: Path) -> None:
    """SIGHUP lets all look at once, and take all as changed."""
    polls = Polls(3600)
    changes = polls.changes(lambda: [tmp_path])
    assert await anext(changes) == {tmp_path}

    polls.now()

    assert await anext(changes) == {tmp_path}
    await changes.aclose()
