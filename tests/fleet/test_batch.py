"""Changes on many targets: how many at once, in which order, and when they stop."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from gateway.engine.errors import InvalidField
from gateway.fleet.batch import Batch, Options, Target


def targets(**hosts: int) -> list[Target]:
    """Return this number of targets on each host, which is only a name, because a batch only compares hosts."""
    return [Target(name, str(number)) for name, count in hosts.items() for number in range(count)]  # type: ignore[arg-type]


class Changes:
    """Counts what is changed at the same time, and in which order it was begun."""

    def __init__(self, fails: set[str] | None = None) -> None:
        self.begun: list[Any] = []  # targets, whose hosts are names here
        self.skipped: list[Target] = []
        self.most = 0
        self.most_of_host: Counter[Any] = Counter()
        self.hold = asyncio.Event()
        self.hold.set()
        self._fails = fails or set()
        self._open: Counter[Any] = Counter()

    async def change(self, target: Target) -> bool:
        """Change a target when `hold` is set."""
        self.begun.append(target)
        self._open[target.host] += 1
        self.most = max(self.most, self._open.total())
        self.most_of_host |= self._open
        await self.hold.wait()
        await asyncio.sleep(0)
        self._open[target.host] -= 1
        return target.container_id not in self._fails

    async def skip(self, target: Target) -> None:
        """Note a target that was not changed."""
        self.skipped.append(target)


async def run(changes: Changes, wanted: list[Target], **options: Any) -> Batch:
    """Run a batch to its end."""
    batch = Batch(wanted, Options(**options), changes.change, changes.skip)
    await batch.run()
    return batch


async def test_every_target_is_changed_once() -> None:
    """None is lost between hosts, groups and workers."""
    changes, wanted = Changes(), targets(a=30, b=1, c=0, d=17)

    batch = await run(changes, wanted, parallelism=5, parallelism_per_host=3, group_size=7)

    assert sorted(changes.begun) == sorted(wanted)
    assert (batch.succeeded, batch.failed, batch.skipped) == (48, 0, 0)


async def test_no_more_are_changed_at_once_than_allowed() -> None:
    """Both bounds hold: that of all hosts together and that of each."""
    changes = Changes()

    await run(changes, targets(a=20, b=20, c=20), parallelism=7, parallelism_per_host=3)

    assert changes.most == 7
    assert max(changes.most_of_host.values()) == 3


async def test_a_host_that_hangs_does_not_delay_the_others() -> None:
    """It takes its own share of the targets at once, and no more."""
    stuck, others_done = asyncio.Event(), asyncio.Event()
    changes = Changes()

    async def change(target: Any) -> bool:
        if target.host == "a":
            await stuck.wait()
        changed = await changes.change(target)
        if len(changes.begun) == 20:
            others_done.set()
        return changed

    batch = Batch(targets(a=20, b=20), Options(parallelism=6, parallelism_per_host=4), change, changes.skip)
    running = asyncio.create_task(batch.run())
    await others_done.wait()
    assert {target.host for target in changes.begun} == {"b"}
    stuck.set()
    await running

    assert batch.succeeded == 40


async def test_a_group_begins_when_the_one_before_is_done() -> None:
    """A rolling change never touches more than one group at a time."""
    changes = Changes()

    await run(changes, targets(a=4, b=4), group_size=4, parallelism_per_host=8)

    assert [target.host for target in changes.begun] == ["a"] * 4 + ["b"] * 4
    assert changes.most == 4


async def test_it_stops_after_so_many_failures_and_reports_the_rest() -> None:
    """Targets that are not begun are skipped, one by one, so none is missing."""
    changes, wanted = Changes(fails={"1", "3"}), targets(a=10)

    batch = await run(changes, wanted, parallelism=1, max_failures=2)

    assert (batch.succeeded, batch.failed, batch.skipped) == (2, 2, 6)
    assert changes.begun + changes.skipped == wanted


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"parallelism": 0}, "batch.parallelism"),
        ({"parallelism_per_host": 2000}, "batch.parallelism_per_host"),
        ({"group_pause": -1.0}, "batch.group_pause"),
        ({"group_pause": 1.0}, "batch.group_pause"),  # without `group_size`
        ({"target_timeout": 0.0}, "batch.target_timeout"),
        ({"group_size": 0}, "batch.group_size"),
        ({"max_failures": 0}, "batch.max_failures"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], field: str) -> None:
    """The error names the field."""
    with pytest.raises(InvalidField) as refused:
        Options(**options).check("batch")
    assert refused.value.field == field


async def test_an_exception_of_a_change_is_raised_as_it_is() -> None:
    """A request that is wrong for one target is wrong for all: it ends the batch."""

    async def change(target: Target) -> bool:
        raise InvalidField("request.id", "must be empty")

    with pytest.raises(InvalidField, match=r"request\.id"):
        await Batch(targets(a=3), Options(), change, Changes().skip).run()
