"""What a source says, and what is believed of it."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest

from gateway.config.settings import HostSettings
from gateway.fleet.sources.feed import Feed, Refused


def host(name: str, address: str = "unix:///x") -> HostSettings:
    """A host."""
    return HostSettings(name=name, address=address)


class Changes:
    """A feed, and how often its hosts have changed."""

    def __init__(self, absence_timeout_seconds: float = 3600) -> None:
        self.count = 0
        self.changed = asyncio.Event()
        self.feed = Feed("etcd", self._change, absence_timeout_seconds)

    def _change(self) -> None:
        self.count += 1
        self.changed.set()

    def says(self, *names: str, after_break: bool = False) -> list[str]:
        """Let the source say which hosts there are; return which are believed."""
        self.feed.publish(map(host, names), after_break=after_break)
        return sorted(self.feed.hosts)


async def test_what_is_missing_after_a_break_stays_for_a_while() -> None:
    """What is new comes at once; an ordinary answer soon after does not end the while."""
    changes = Changes()
    try:
        assert changes.says("a", "b") == ["a", "b"]
        assert changes.says("a") == ["a"]
        assert changes.says("a", "b") == ["a", "b"]
        assert changes.says(after_break=True) == ["a", "b"]
        assert changes.says("c") == ["a", "b", "c"]
    finally:
        changes.feed.close()


async def test_what_is_still_missing_then_goes() -> None:
    """What has come back stays."""
    changes = Changes(0.05)
    changes.says("a", "b")
    changes.says(after_break=True)
    changes.says("b")
    changes.changed.clear()

    await changes.changed.wait()

    assert sorted(changes.feed.hosts) == ["b"]


async def test_a_source_that_says_the_same_again_changes_nothing() -> None:
    """Nobody is woken."""
    changes = Changes()

    changes.says("a")
    changes.says("a")

    assert changes.count == 1


async def test_the_second_host_of_a_name_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Once in the log, however often the source has it."""
    changes = Changes()
    for _ in range(2):
        changes.feed.publish([host("a", "unix:///1"), host("a", "unix:///2")])

    assert changes.feed.hosts["a"].address == "unix:///1"
    assert [entry.place for entry in changes.feed.refused] == ["unix:///2"]
    assert len([each for each in caplog.records if each.levelno == logging.ERROR]) == 1


async def test_of_many_or_long_invalid_entries_some_are_kept_and_the_rest_is_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Some are in the log, and all that are kept in ListSources and in the answers of all calls to many hosts."""
    changes = Changes()
    for _ in range(2):
        changes.feed.publish([], [Refused(f"{number}" * 1000, "wrong " * 1000) for number in range(50_000)])
    changes.feed.fail("x" * 1_000_000)

    assert changes.feed.refused_count == 50_000
    assert changes.feed.refused[-1] == Refused("further entries", "49900 more are refused: correct the others first")
    assert (len(changes.feed.refused), len(caplog.records)) == (101, 11)
    assert max(len(text) for each in changes.feed.refused for text in (each.place, each.why)) == 1024
    assert len(changes.feed.failure) == 1024


async def test_a_source_has_only_so_many_hosts() -> None:
    """Those that it had stay, and the further ones are refused."""
    feed = Feed("etcd", lambda: None, 0, most_hosts=3)
    feed.publish(map(host, ("x", "y")))
    feed.publish(map(host, ("a", "b", "c", "x", "y")))

    assert sorted(feed.hosts) == ["a", "x", "y"]
    assert feed.refused == (Refused("further hosts", "2 more than sources.max_hosts (3) allows"),)


async def test_a_source_that_changes_its_hosts_without_end_rests_in_between() -> None:
    """Ten times as long as each change took; so it takes a tenth of the time."""
    loop = asyncio.get_running_loop()
    feed = Feed("etcd", lambda: time.sleep(0.02), 0)
    began = loop.time()
    feed.publish([host("a")])
    await feed.rest(0)

    assert loop.time() - began >= 0.22


async def test_a_source_that_does_not_answer_keeps_its_hosts_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also what it refuses; when it answers again, it says that."""
    caplog.set_level(logging.INFO)
    changes = Changes()
    changes.feed.publish([host("a")], [Refused("hosts/b", "is not right")])
    for _ in range(3):
        changes.feed.fail("no connection")
    assert (sorted(changes.feed.hosts), changes.feed.failure) == (["a"], "no connection")
    assert [entry.place for entry in changes.feed.refused] == ["hosts/b"]

    changes.says("a")

    said = [each.message for each in caplog.records if each.levelno < logging.ERROR]
    assert said == ["source of hosts does not answer; its hosts stay", "source of hosts answers again"]
    assert changes.feed.failure == ""


async def test_a_steady_source_answers_until_it_says_otherwise() -> None:
    """The time of its last success grows while it answers, and then stays."""
    changes = Changes()
    changes.feed.publish([], steady=True)
    first = changes.feed.last_success
    assert first is not None
    assert (changes.feed.last_success or 0) > first

    changes.feed.fail("the connection ended")

    assert changes.feed.last_success == changes.feed.last_success
