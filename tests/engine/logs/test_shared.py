"""Followers of one log share what can be shared, each at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from gateway.engine.client import Engine
from gateway.engine.codec.timestamps import time_of
from gateway.engine.errors import Disconnected
from gateway.engine.logs import pace, upstream
from gateway.engine.logs.answer import LogQuery
from gateway.engine.logs.cursor import LogCursor
from gateway.engine.logs.records import Batch, End, EndReason, Gap, Record
from gateway.engine.logs.runs import Run
from gateway.engine.logs.shared import SharedLogs
from gateway.engine.queries import Inspection
from tests.support.fake_engine import FakeEngine
from tests.support.fake_log import ID, LOGS, NOON, STATE, Log, state
from tests.support.upstream import engine_at

RUN = Run.of(Inspection(state()))
NOW = LogQuery(follow=True, tail=0)


@pytest.fixture
async def daemon() -> AsyncIterator[FakeEngine]:
    """The host's engine."""
    async with FakeEngine() as daemon:
        daemon.on(*STATE, json=state())
        yield daemon


@pytest.fixture
async def engine(daemon: FakeEngine) -> AsyncIterator[Engine]:
    """The gateway's side of it."""
    async with engine_at(daemon.address) as engine:
        yield engine


@pytest.fixture
def logs(engine: Engine) -> SharedLogs:
    """The logs of the host."""
    return SharedLogs(engine)


def line(number: int, filler: bytes = b"") -> tuple[int, bytes, int]:
    """Return a line of a log."""
    return NOON + number, b"%d %b\n" % (number, filler), 1


class Reader:
    """A follower, and what it has got."""

    def __init__(self, logs: SharedLogs, query: LogQuery = NOW, cursor: LogCursor | None = None) -> None:
        self.records: AsyncGenerator[Record, None] = logs.read(ID, query, RUN, cursor)
        self.last: Record | None = None

    async def next(self, count: int) -> list[int]:
        """Return the numbers of the next lines."""
        numbers: list[int] = []
        async with asyncio.timeout(20):
            while len(numbers) < count:
                self.last = await anext(self.records)
                assert not isinstance(self.last, Gap)
                if isinstance(self.last, Batch):
                    numbers += [int(entry.line.split()[0]) for entry in self.last.lines]
        return numbers

    async def first(self) -> None:
        """Wait for the first record, which is a heartbeat where there is nothing to begin with."""
        self.last = await anext(self.records)


async def test_a_follower_joins_without_a_request(daemon: FakeEngine, logs: SharedLogs) -> None:
    """At the end of the log, or with a cursor that the upstream has sent."""
    log = Log(b"0\n")
    daemon.on(*LOGS, log)
    first = Reader(logs)
    await first.first()
    await daemon.until(lambda: log.followed)
    log.write(line(1), line(2))
    assert await first.next(2) == [1, 2]
    assert first.last is not None
    asked = len(log.asked)

    second, third = Reader(logs), Reader(logs, LogQuery(follow=True), first.last.cursor)
    await second.first()
    await third.first()
    log.write(line(3))

    assert [await reader.next(1) for reader in (first, second, third)] == [[3], [3], [3]]
    assert len(log.asked) == asked
    for reader in (first, second, third):
        await reader.records.aclose()


async def test_a_follower_of_the_whole_log_reads_it_and_joins(daemon: FakeEngine, logs: SharedLogs) -> None:
    """With one plain answer of its own, to the very entry."""
    log = Log(*(b"%d\n" % number for number in range(5)), stamps=list(range(5)))
    daemon.on(*LOGS, log)
    first = Reader(logs)
    await first.first()
    await daemon.until(lambda: log.followed)

    whole = Reader(logs, LogQuery(follow=True))
    assert await whole.next(5) == [0, 1, 2, 3, 4]
    log.write(line(5))
    assert [await first.next(1), await whole.next(1)] == [[5], [5]]
    assert log.followed == 1
    for reader in (first, whole):
        await reader.records.aclose()


async def test_a_slow_follower_leaves_and_comes_back(
    daemon: FakeEngine, logs: SharedLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets every line from plain answers of its own, and delays no other follower; then it shares the upstream
    again.
    """
    monkeypatch.setattr(upstream, "_KEPT_BYTES", 1000)
    log = Log()
    daemon.on(*LOGS, log)
    fast, slow = Reader(logs), Reader(logs)
    await fast.first()
    await slow.first()
    await daemon.until(lambda: log.followed)

    for number in range(20):
        log.write(line(number, b"x" * 200))
        assert await fast.next(1) == [number]
    assert await slow.next(20) == list(range(20))
    log.write(line(20))
    assert [await fast.next(1), await slow.next(1)] == [[20], [20]]
    log.write(line(21))
    assert [await fast.next(1), await slow.next(1)] == [[21], [21]]

    assert log.followed == 1
    assert len(log.asked_for(follow=False)) <= 5  # two to begin for each, and one to come back
    for reader in (fast, slow):
        await reader.records.aclose()


async def test_a_gap_that_comes_late_reaches_a_follower_that_was_away(
    daemon: FakeEngine, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It left after lines that were not proven yet, and comes back after the gap that the upstream has sent since."""
    monkeypatch.setattr(pace, "_PROVE_SECONDS", 1.0)
    rotated = state(log={"max-size": "1m", "max-file": "3"})
    daemon.on(*STATE, json=rotated)
    log, logs, run = Log(b"0\n"), SharedLogs(engine), Run.of(Inspection(rotated))
    daemon.on(*LOGS, log)
    stays, leaves = logs.read(ID, NOW, run), logs.read(ID, NOW, run)
    await anext(stays)
    await anext(leaves)
    await daemon.until(lambda: log.followed)
    log.write(line(1), skip=True)
    log.write(line(2))
    last = await anext(leaves)
    await leaves.aclose()

    async with asyncio.timeout(20), aclosing(stays):
        gap = next(iter([record async for record in first_gap(stays)]))
        resumed = logs.read(ID, LogQuery(follow=True), run, last.cursor)
        async with aclosing(resumed):
            again = next(iter([record async for record in first_gap(resumed)]))

    assert (gap.after, gap.before) == (again.after, again.before) == (time_of(NOON), time_of(NOON + 2))


async def first_gap(records: AsyncGenerator[Record, None]) -> AsyncIterator[Gap]:
    """Yield the first gap that comes."""
    async for record in records:
        if isinstance(record, Gap):
            yield record
            return


async def test_the_last_follower_that_leaves_closes_the_connection(
    daemon: FakeEngine, engine: Engine, logs: SharedLogs
) -> None:
    """Without a reader, nothing is requested."""
    daemon.on(*LOGS, Log(b"0\n"))
    readers = [Reader(logs) for _ in range(3)]
    for reader in readers:
        await reader.first()

    for reader in readers:
        await reader.records.aclose()

    assert engine.open_streams == 0


async def test_all_followers_get_the_end(daemon: FakeEngine, logs: SharedLogs) -> None:
    """The container ends once for all."""
    log = Log(b"0\n")
    daemon.on(*LOGS, log)
    readers = [Reader(logs) for _ in range(3)]
    for reader in readers:
        await reader.first()
    await daemon.until(lambda: log.followed)
    daemon.on(*STATE, json=state(running=False, code=4))
    log.end()

    for reader in readers:
        async with asyncio.timeout(20):
            *_, last = [record async for record in reader.records]
        assert isinstance(last, End)
        assert (last.reason, last.exit_code) == (EndReason.EXITED, 4)


async def test_a_host_that_leaves_ends_its_logs(daemon: FakeEngine, logs: SharedLogs) -> None:
    """Followers get the reason."""
    log: Any = Log(b"0\n")
    daemon.on(*LOGS, log)
    reader = Reader(logs)
    await reader.first()

    logs.close(Disconnected("gone"))

    with pytest.raises(Disconnected, match="gone"):
        async with asyncio.timeout(20), aclosing(reader.records):
            async for _ in reader.records:
                pass


async def test_one_output_is_sent_alone(daemon: FakeEngine, logs: SharedLogs) -> None:
    """Followers of different outputs share the upstream; what is not wanted moves their cursors nevertheless."""
    log = Log(b"0\n")
    daemon.on(*LOGS, log)
    both, errors = Reader(logs), Reader(logs, LogQuery(follow=True, tail=0, streams=frozenset((2,))))
    await both.first()
    await errors.first()
    await daemon.until(lambda: log.followed)

    log.write(line(1), (NOON + 2, b"2\n", 2), line(3))

    assert await both.next(3) == [1, 2, 3]
    async with asyncio.timeout(20):
        record = await anext(errors.records)
    assert isinstance(record, Batch)
    assert [entry.line for entry in record.lines if entry.stream == 2] == [b"2\n"]
    assert log.followed == 1
    for reader in (both, errors):
        await reader.records.aclose()
