"""Followed logs: whatever breaks, what comes is exact, and the end is a statement."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.engine.client import APIError, Call, Endpoint, Engine
from gateway.engine.codec.timestamps import time_of
from gateway.engine.logs import reading, skips
from gateway.engine.logs.following import Follower
from gateway.engine.logs.places import Position
from gateway.engine.logs.reading import Question, Span
from gateway.engine.logs.runs import End, Ending, Gap, Item, Lost, Quiet, Resumed, Run, RunBoundary
from gateway.engine.transport.http import Request
from gateway.engine.transport.pool import Address
from tests.support.fake_engine import FakeEngine, ResponseParser
from tests.support.fake_log import ID, LOGS, NOON, SECOND, STATE, Log, state


@asynccontextmanager
async def following(daemon: FakeEngine, **keys: Any) -> AsyncIterator[Follower]:
    """Give a follower of the container."""
    engine = Engine("one", Endpoint(daemon.address, Address(path=daemon.address.removeprefix("unix://"))))

    def call(span: Span) -> Call:
        query = ["timestamps=true", f"follow={str(span.follow).lower()}"]
        for name, value in (("since", span.since), ("until", span.until)):
            if value is not None:
                query.append(f"{name}={value // SECOND}.{value % SECOND:09d}")
        if span.tail is not None:
            query.append(f"tail={span.tail}")
        return Call(Request("GET", f"/containers/{ID}/logs?{'&'.join(query)}"), changes=False)

    span = Span(tail=keys.pop("tail", None), follow=keys.pop("follow", True), until=keys.pop("until", None))
    try:
        yield Follower(engine, ID, Question(span, call), **keys)
    finally:
        engine.close()


async def read(follower: Follower, first: dict[str, Any], enough: int = 1000) -> list[Any]:
    """Return what a follower yields: the lines one by one, and all else, up to *enough* things."""
    told: list[Any] = []
    items = follower.items(Run.of(first))
    try:
        async for item in items:
            told += [entry.line for entry in item] if isinstance(item, list) else [item]
            if len(told) >= enough:
                break
    finally:
        await items.aclose()
    return told


@pytest.fixture
async def daemon() -> AsyncIterator[FakeEngine]:
    """The engine."""
    async with FakeEngine() as daemon:
        yield daemon


LINES = tuple(b"%d\n" % number for number in range(8))


@pytest.mark.parametrize("cut", range(9))
async def test_a_cut_connection_is_healed_wherever_it_breaks(daemon: FakeEngine, cut: int) -> None:
    """The reader sees a mark, and every line once; the log is asked for from the floor on."""
    log = Log(*LINES, script=[(cut, "cut"), (8, "end")])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(), times=1)
    daemon.on(*STATE, json=state(running=False, code=3))

    async with following(daemon) as follower:
        told = await read(follower, state())

    assert [one for one in told if isinstance(one, bytes)] == list(LINES)
    assert told[-1] == End(Ending.EXITED, 3)
    assert told.count(Resumed()) == 1
    assert ("since" in log.asked[1]) == (cut > 0)


async def test_a_clean_end_of_a_running_containers_log_is_a_break(daemon: FakeEngine) -> None:
    """However clean the answer ended: whoever runs on has not finished its log."""
    daemon.on(*LOGS, Log(*LINES, script=[(3, "end"), (8, "open")]))
    daemon.on(*STATE, json=state())

    async with following(daemon) as follower:
        told = await read(follower, state(), enough=9)

    assert told == [*LINES[:3], Resumed(), *LINES[3:]]


async def test_what_is_left_after_a_break_is_read_before_the_end(daemon: FakeEngine) -> None:
    """A container that exits while its log is broken loses nothing."""
    daemon.on(*LOGS, Log(*LINES, script=[(2, "cut"), (8, "end")]))
    daemon.on(*STATE, json=state(running=False, code=137))

    async with following(daemon) as follower:
        told = await read(follower, state())

    assert told == [*LINES[:2], Resumed(), *LINES[2:], End(Ending.EXITED, 137)]


@pytest.mark.parametrize(
    ("after", "end"),
    [
        ({"json": state(running=False, code=2)}, End(Ending.EXITED, 2)),
        ({"json": state(Restarting=True, code=1)}, End(Ending.EXITED, 1)),
        ({"json": state(run=1)}, End(Ending.RESTARTED)),
        ({"error": f"No such container: {ID}", "status": 404}, End(Ending.REMOVED)),
    ],
)
async def test_the_end_is_a_statement(daemon: FakeEngine, after: dict[str, Any], end: End) -> None:
    """The container's state says what the end of its log means."""
    daemon.on(*LOGS, Log(*LINES, script=[]))
    daemon.on(*STATE, **after)

    async with following(daemon) as follower:
        assert await read(follower, state()) == [*LINES, end]


async def test_a_container_that_does_not_run_says_so(daemon: FakeEngine) -> None:
    """What it wrote comes, and then that it was not running; without `follow`, that it was all."""
    stopped = state(running=False, code=5)
    daemon.on(*LOGS, Log(*LINES, script=[]))
    daemon.on(*STATE, json=stopped)

    async with following(daemon) as follower:
        assert await read(follower, stopped) == [*LINES, End(Ending.NOT_RUNNING, 5)]
    async with following(daemon, follow=False) as follower:
        assert await read(follower, stopped) == [*LINES, End(Ending.COMPLETE)]


async def test_runs_are_parted_where_restarts_are_followed(daemon: FakeEngine) -> None:
    """What the first run left comes before the boundary, what the second wrote after it, even if all comes at once."""
    stamps = [0, SECOND, 2 * SECOND, 49 * SECOND, 101 * SECOND, 102 * SECOND, 103 * SECOND, 104 * SECOND]
    daemon.on(*LOGS, Log(*LINES, script=[(2, "cut"), (8, "end"), (8, "open")], stamps=stamps))
    daemon.on(*STATE, json=state(run=1))

    async with following(daemon, restarts=True) as follower:
        told = await read(follower, state(), enough=10)
        assert follower.started == state(run=1)["State"]["StartedAt"]

    assert told == [*LINES[:2], Resumed(), *LINES[2:4], RunBoundary(follower.started), *LINES[4:]]


async def test_a_stopped_container_is_waited_for_where_restarts_are_followed(daemon: FakeEngine) -> None:
    """Its log is not read meanwhile."""
    log = Log(
        *LINES, script=[(2, "end"), (8, "end"), (8, "open")], stamps=[0, 1, *(101 * SECOND + n for n in range(6))]
    )
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(running=False), times=2)
    daemon.on(*STATE, json=state(run=1))

    async with following(daemon, restarts=True, heartbeat_seconds=0.1) as follower:
        told = await read(follower, state(), enough=10)

    assert [one for one in told if not isinstance(one, Quiet)] == [
        *LINES[:2],
        RunBoundary(follower.started),
        *LINES[2:],
    ]
    assert any(isinstance(one, Quiet) for one in told)


async def test_what_was_rotated_away_is_a_gap(daemon: FakeEngine) -> None:
    """The place is not in the log any more: what is missing is told by the times around it."""
    log = Log(*LINES, script=[(3, "cut"), (8, "open")])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state())

    async with following(daemon) as follower:
        told: list[Any] = []
        items: AsyncIterator[Item] = follower.items(Run.of(state()))
        async for item in items:
            told += [entry.line for entry in item] if isinstance(item, list) else [item]
            if told == list(LINES[:3]):
                del log.lines[:6]
                log.script[:] = [(2, "open")]
            if len(told) == 6:
                break
        await items.aclose()  # type: ignore[attr-defined]

    gap = Gap(time_of(NOON + 2 * SECOND), time_of(NOON + 6 * SECOND), Lost.ROTATED)
    assert told == [*LINES[:3], gap, *LINES[6:]] or told == [*LINES[:3], gap, LINES[6], LINES[7]]


async def test_an_engine_that_repeats_itself_is_asked_again(daemon: FakeEngine) -> None:
    """Docker 20.10 reads a file anew after a rotation: what comes again is not delivered again."""
    stuttering = Log(*LINES[:5], *LINES[2:5], script=[], stamps=[n * 1000 for n in (0, 1, 2, 3, 4, 2, 3, 4)])
    daemon.on(*LOGS, stuttering, times=1)
    stuttering.script = [(8, "open")]
    daemon.on(*LOGS, Log(*LINES, script=[(8, "end"), (8, "open")], stamps=[n * 1000 for n in range(8)]))
    daemon.on(*STATE, json=state())

    async with following(daemon) as follower:
        assert await read(follower, state(), enough=8) == list(LINES)


async def test_a_reader_of_what_comes_from_now_on_misses_nothing_after_a_break(daemon: FakeEngine) -> None:
    """With `tail` 0, a connection that breaks before the first line is healed from the time of its begin."""
    daemon.clock_skew = NOON / 1e9 - asyncio.get_running_loop().time()
    log = Log(*LINES, script=[(0, "cut"), (8, "open")])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state())

    async with following(daemon, tail=0) as follower:
        items = follower.items(Run.of(state()))
        while isinstance(item := await anext(items), Quiet):
            assert follower.position.floor  # to come back to, though nothing has come yet
        assert item == Resumed()
        await items.aclose()

    assert log.asked[0]["tail"] == "0"
    assert "tail" not in log.asked[1]
    assert "since" in log.asked[1]


async def test_parts_of_a_long_line_are_joined(daemon: FakeEngine) -> None:
    """A line that the engine has cut is one; an entry that comes between its parts follows it."""
    parts = [b"a" * 16384, b"b" * 16384, b"c\n", b"next\n"]
    daemon.on(*LOGS, Log(*parts, script=[], stamps=[0, 0, 0, 1]))
    daemon.on(*STATE, json=state(running=False))

    async with following(daemon) as follower:
        told = await read(follower, state())

    assert told == [b"".join(parts[:3]), b"next\n", End(Ending.EXITED, 0)]


async def test_a_line_without_an_end_is_told_in_part(daemon: FakeEngine) -> None:
    """A prompt, or the rest of a line that does not come, is not held back for long."""
    daemon.on(*LOGS, Log(b"one\n", b"$ ", script=[(2, "open")]))
    daemon.on(*STATE, json=state())

    async with following(daemon) as follower:
        assert await read(follower, state(), enough=2) == [b"one\n", b"$ "]


async def test_whoever_can_not_be_healed_fails_with_its_last_place(daemon: FakeEngine) -> None:
    """After the time allowed the reader gets the failure; the place is that of what it has."""
    daemon.on(*LOGS, Log(*LINES, script=[(4, "cut")]))
    daemon.on(*STATE, error="starting", status=503)

    async with following(daemon, reconnect_timeout_seconds=0.3) as follower:
        with pytest.raises(APIError, match="starting"):
            await read(follower, state())
        position: Position = follower.position

    assert (position.newest, position.fresh) == (time_of(NOON + 3 * SECOND), True)


async def test_an_engine_that_refuses_is_not_asked_again(daemon: FakeEngine) -> None:
    """A log that can not be read is an answer, not a break."""
    daemon.on(*LOGS, error="configured logging driver does not support reading", status=501)

    async with following(daemon) as follower:
        with pytest.raises(APIError, match="does not support reading"):
            await read(follower, state())
    assert len([one for one in daemon.requests if one.path.endswith("/logs")]) == 1


async def test_silence_is_reported(daemon: FakeEngine) -> None:
    """Whoever hears nothing hears for how long."""
    daemon.on(*LOGS, Log(b"one\n", script=[(1, "open")]))
    daemon.on(*STATE, json=state())

    async with following(daemon, heartbeat_seconds=0.1) as follower:
        told = await read(follower, state(), enough=3)

    assert told[0] == b"one\n"
    assert 0.1 <= told[1].seconds < told[2].seconds


async def test_the_end_that_an_engine_drops_is_read(daemon: FakeEngine) -> None:
    """When a container ends right behind its last lines, Docker 20.10 may end a followed log without them."""
    log = Log(*LINES, script=[(5, "end")])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(running=False, code=3))

    async with following(daemon) as follower:
        told = await read(follower, state())

    assert [one for one in told if isinstance(one, bytes)] == list(LINES)
    assert told[-1] == End(Ending.EXITED, 3)


async def test_what_was_written_after_the_time_asked_for_is_no_end_that_was_dropped(daemon: FakeEngine) -> None:
    """Up to `until` a log is followed, and no further; the engine is asked once."""
    log = Log(*LINES, script=[])
    daemon.on(*LOGS, log)
    daemon.on(*STATE, json=state(running=False))

    async with following(daemon, until=NOON + 3 * SECOND) as follower:
        told = await read(follower, state(running=False))

    assert [one for one in told if isinstance(one, bytes)] == list(LINES[:4])
    assert len(log.asked) == 1


class SkippingLog(Log):
    """A log whose files are put aside while it is followed, faster than the engine that follows them looks."""

    def __init__(self, *lines: bytes, skipped: range, kept: bool) -> None:
        near = [number * 1000 + SECOND * ((number >= skipped.start) + (number >= skipped.stop)) for number in range(9)]
        super().__init__(*lines, script=[], stamps=near)
        self.skipped = skipped
        self.kept = kept  # whether the engine still has what it has skipped

    async def __call__(self, exchange: ResponseParser) -> None:
        """Answer one request; the first that follows misses something."""
        query = dict(exchange.request.query)
        if query["follow"] == "true" and not any(asked["follow"] == "true" for asked in self.asked):
            whole, self.lines = self.lines, [line for n, line in enumerate(self.lines) if n not in self.skipped]
            await super().__call__(exchange)
            self.lines = whole if self.kept else whole[self.skipped.stop :]
        else:
            await super().__call__(exchange)


@pytest.mark.parametrize("kept", [True, False])
async def test_what_the_engine_skips_while_it_follows_is_read_or_is_a_gap(daemon: FakeEngine, kept: bool) -> None:
    """When files are put aside fast, an engine that follows misses whole ones, and says nothing."""
    daemon.clock_skew = NOON / 1e9 - time.time()
    log = SkippingLog(*LINES, skipped=range(3, 6), kept=kept)
    daemon.on(*LOGS, log)
    small = {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1k", "max-file": "3"}}}}
    daemon.on(*STATE, json=state(running=False) | small)

    async with following(daemon) as follower:
        told = await read(follower, state(running=False) | small)

    if kept:
        assert told == [*LINES, End(Ending.NOT_RUNNING, 0)]
    else:
        assert told[:3] == list(LINES[:3])
        assert told[3] == Gap(time_of(NOON + 2000), time_of(NOON + 2 * SECOND + 6000), Lost.ROTATED)
        assert told[4:] == [*LINES[6:], End(Ending.NOT_RUNNING, 0)]


async def test_an_engine_that_stands_still_is_noticed(daemon: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker 20.10 may follow a file that has been put aside for ever, while the log goes on."""
    monkeypatch.setattr(skips, "SILENCE_SECONDS", 0.1)
    monkeypatch.setattr(reading, "SILENCE_SECONDS", 0.1)
    daemon.clock_skew = NOON / 1e9 - time.time() + 100
    log = Log(*LINES, script=[(3, "open"), (8, "end"), (8, "end")])
    daemon.on(*LOGS, log)
    small = {"HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "1k"}}}}
    daemon.on(*STATE, json=state(running=False) | small)

    async with following(daemon) as follower, asyncio.timeout(20):
        told = await read(follower, state(running=False) | small)

    assert [one for one in told if isinstance(one, bytes)] == list(LINES)
    assert told[-1] == End(Ending.NOT_RUNNING, 0)


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"Type": "json-file", "Config": {"max-size": "100k"}}, 100_000),
        ({"Type": "json-file", "Config": {"max-size": "1.5MB"}}, 1_500_000),
        ({"Type": "json-file", "Config": {}}, 0),
        ({"Type": "json-file", "Config": None}, 0),
        ({"Type": "local", "Config": {}}, 20_000_000),
        ({"Type": "journald", "Config": {"max-size": "100k"}}, 0),
        ({"Type": "json-file", "Config": {"max-size": "large"}}, 0),
    ],
)
def test_the_size_of_log_files_is_read_as_docker_reads_it(config: dict[str, Any], size: int) -> None:
    """Only what writes files has some, and `local` has them by default."""
    assert Run.of(state() | {"HostConfig": {"LogConfig": config}}).file_bytes == size
